"""Backup, restore and rollback as an operator types them."""

from pathlib import Path

from tests.web.conftest import CONTENT, GIFT_CARD, run, write_content


def test_backup_is_restored_on_an_empty_machine_with_the_same_words(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    run(here, "import", str(write_content(tmp_path / "content", CONTENT)))
    run(here, "export", str(tmp_path / "first"))
    assert run(here, "backup", str(tmp_path / "store.zip")).stdout.endswith("store.zip\n")
    done = run(there, "restore", str(tmp_path / "store.zip"))
    assert (done.returncode, done.stderr) == (0, "")
    run(there, "export", str(tmp_path / "second"))
    for name in CONTENT:
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()


def test_rollback_is_one_command(tmp_path: Path) -> None:
    content = write_content(tmp_path / "content", CONTENT)
    run(tmp_path / "home", "import", str(content))
    epoch = run(tmp_path / "home", "status").stdout.split("epoch")[1].split()[0]
    write_content(content, {"en/gift-cards/gift-card-validity.md": GIFT_CARD})
    run(tmp_path / "home", "import", str(content))
    shown = run(tmp_path / "home", "rollback", epoch, "--dry-run").stdout
    assert shown == "gift-card-validity (en): version 1 → not live\n"
    done = run(tmp_path / "home", "rollback", epoch, "--yes")
    assert done.stdout.endswith(f"1 places are live as they were at epoch {epoch}.\n")
    assert run(tmp_path / "home", "rollback", epoch, "--yes").returncode == 1


def test_restore_into_a_full_store_is_one_line(tmp_path: Path) -> None:
    run(tmp_path / "home", "import", str(write_content(tmp_path / "content", CONTENT)))
    run(tmp_path / "home", "backup", str(tmp_path / "store.zip"))
    done = run(tmp_path / "home", "restore", str(tmp_path / "store.zip"))
    assert done.returncode == 1
    assert done.stderr.startswith("verbatim: this store has 2 articles; set VERBATIM_HOME")
