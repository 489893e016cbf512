"""`verbatim train`: what it prints, what it keeps, what it refuses."""

import re
import shutil
from pathlib import Path

import pytest

from tests.web.conftest import run, write_content
from tests.web.test_cli import fails_in_one_line
from web.train_command import beside

WORDS = ("password", "refund", "parcel", "voucher", "invoice", "delivery")
CONTENT = {
    f"en/a/{word}.md": (
        f"title: About your {word}\nanswer: All about your {word}.\n"
        f"phrasings: [where is my {word}, lost my {word}, {word} help, need a new {word}]"
    )
    for word in WORDS
}


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with six articles of four phrasings; copy it, do not use it."""
    folder = tmp_path_factory.mktemp("stocked")
    made = run(folder / "home", "import", str(write_content(folder / "content", CONTENT)))
    assert made.returncode == 0, made.stderr
    return folder / "home"


@pytest.fixture
def store(stocked: Path, tmp_path: Path) -> Path:
    """A home with something to learn from."""
    return Path(shutil.copytree(stocked, tmp_path / "home"))


def test_model_is_measured_kept_and_used(store: Path) -> None:
    done = run(store, "train", "--epochs", "1", "--anyway")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^right first +\d\.\d{3} +\d\.\d{3}$", done.stdout, re.M)
    setting = re.search(r"^VERBATIM_EMBEDDING_MODEL=(bundled\+\S+)$", done.stdout, re.M)
    assert setting
    assert [p.name for p in (store / "models").iterdir()] == [Path(setting[1]).name]
    asked = run(store, "ask", "where is my refund", VERBATIM_EMBEDDING_MODEL=setting[1])
    assert asked.stdout.startswith("All about your refund."), asked.stderr


def test_model_that_is_no_gain_is_not_kept(store: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "money back for my refund", "expected": "refund"}\n')
    done = run(store, "train", "--epochs", "1", "--questions", str(rows))
    assert done.returncode == 0, done.stderr
    assert (
        "Right first, of 1 questions: 0 gained, 0 lost (chance 1.000).\nNo clear gain."
        in done.stdout
    )
    assert "Nothing is kept: stay with the model that you have" in done.stdout
    assert list((store / "models").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--locale", "it"], "5 live articles"),
        (["--locale", "tlh"], "unknown locale tlh"),
        (["--out", "{store}"], "is there already"),
        (["--questions", "/no/such/file.jsonl"], "/no/such/file.jsonl"),
        (["--model", "/no/such/model"], "/no/such/model"),
        (["--out", "/dev/null/model"], "/dev/null"),
    ],
)
def test_what_cannot_be_done_is_one_line(store: Path, arguments: list[str], named: str) -> None:
    done = run(store, "train", *(a.format(store=store) for a in arguments), HF_HUB_OFFLINE="1")
    assert fails_in_one_line(done, 1), done.stderr
    assert named in done.stderr
    assert not (store / "models").exists() or not list((store / "models").iterdir())


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    def stop() -> None:
        with beside(tmp_path / "models" / "en-1") as scratch:
            (scratch / "model.safetensors").write_text("half of it")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert list((tmp_path / "models").iterdir()) == []


def test_without_the_extra_it_says_what_to_install(store: Path, tmp_path: Path) -> None:
    (tmp_path / "sentence_transformers.py").write_text("raise ImportError('not here')")
    done = run(store, "train", PYTHONPATH=str(tmp_path))
    assert fails_in_one_line(done, 1), done.stderr
    assert "pip install 'verbatim[transformers]'" in done.stderr
