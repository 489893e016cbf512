"""The store out into a folder of Markdown, and back in again."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.articles import Wording, get_article
from kb.db import transaction
from kb.errors import Invalid
from kb.export import ExportReport, export_folder
from kb.images import Image, digest_of, store_image
from kb.manifest import NAME
from kb.publishing import draft, live_publications, withdraw
from tests.cast import PASSWORD_RESET, approved, mina, published, shop, tariq
from tests.conftest import ROOT
from tests.kb.folders import ARTICLE, copied_store, hashes, outcomes, take, write
from tests.kb.words import QUICK, wordings

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SAMPLE = ROOT / "content"
RESET = "en/account/reset-password.md"
MOVED = "en/security/reset-password.md"


def test_export_and_import_into_an_empty_store_give_the_same_hashes(
    engine: Engine, second: Engine, tmp_path: Path
) -> None:
    with transaction(engine) as session:
        shop(session)
        approved(session, "not-yet", PASSWORD_RESET)
        published(session, "reset-password", PASSWORD_RESET, "it")
    assert export_folder(engine, tmp_path).files == 6
    take(second, tmp_path)
    assert hashes(second) == hashes(engine)
    with Session(second) as session:
        slugs = {p.article.slug for p in live_publications(session)}
        assert "not-yet" not in slugs
        assert len(slugs) == 4


def test_sample_company_is_idempotent_and_survives_export_and_import(
    blank: Path, tmp_path: Path
) -> None:
    with copied_store(blank) as engine, copied_store(blank) as second:
        first = take(engine, SAMPLE)
        assert (first.count("created"), first.count("refused")) == (len(first.files), 0)
        assert [file for file in first.files if file.notes] == []
        again = take(engine, SAMPLE)
        assert again.count("unchanged") == len(again.files)
        assert export_folder(engine, tmp_path).files == len(first.files)
        assert take(second, tmp_path).count("created") == len(first.files)
        assert hashes(second) == hashes(engine)
        with Session(engine) as session, Session(second) as other:
            images = [{i.digest: i.data for i in s.exec(select(Image))} for s in (session, other)]
        assert images[0]
        assert images[0] == images[1]


def test_exported_links_and_pictures_work_as_files(engine: Engine, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "en/x/a.md": "---\nanswer: See [b](../y/b.md#s-b).\n---\n![](p.png) [b](../y/b.md)",
        "en/x/p.png": PNG,
        "en/y/b.md": ARTICLE,
    }
    take(engine, write(tmp_path / "in", files))
    export_folder(engine, tmp_path / "out")
    text = (tmp_path / "out/en/x/a.md").read_text()
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (tmp_path / "out/en/x" / target).resolve().is_file()
    assert "b.md#s-b" in text
    assert len(list((tmp_path / "out").rglob("p.png"))) == 1


def test_live_words_are_exported_rather_than_a_newer_draft(engine: Engine, tmp_path: Path) -> None:
    with transaction(engine) as session:
        published(session, "reset-password", PASSWORD_RESET)
        newer = replace(PASSWORD_RESET, answer="Not approved yet.")
        draft(session, "reset-password", "en", newer, tariq(session))
    export_folder(engine, tmp_path)
    text = (tmp_path / "en/account/reset-password.md").read_text()
    assert "Not approved yet." not in text
    assert "state: approved" in text


def test_export_onto_a_file_is_refused(blank: Path, tmp_path: Path) -> None:
    write(tmp_path, {"taken": "Ours."})
    with copied_store(blank) as engine, pytest.raises(Invalid, match="taken is not a folder"):
        export_folder(engine, tmp_path / "taken")


@pytest.mark.parametrize("slug", ["index", "readme", "2024-01-31-new-prices", "a"])
@pytest.mark.parametrize("category", ["it", "计算", "../../up", "a/b", "node_modules"])
def test_any_slug_and_category_come_back_and_stay_in_the_folder(
    blank: Path, tmp_path: Path, slug: str, category: str
) -> None:
    with copied_store(blank) as engine, copied_store(blank) as second:
        with transaction(engine) as session:
            published(session, slug, replace(PASSWORD_RESET, category=category))
        export_folder(engine, tmp_path / "deep" / "out")
        take(second, tmp_path / "deep" / "out")
        assert hashes(second) == hashes(engine)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]


@pytest.mark.parametrize("name", ["..", "a/../../b", "x" * 400, "é.png"])
def test_made_up_picture_addresses_write_no_files(blank: Path, tmp_path: Path, name: str) -> None:
    with copied_store(blank) as engine:
        with transaction(engine) as session:
            session.add(Image(digest="0" * 16, media_type="image/png", data=PNG))
            body = f"![x](/media/{'0' * 16}/{name})"
            published(session, "a", replace(PASSWORD_RESET, body=body))
        export_folder(engine, tmp_path)
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(files) == [NAME, "a.md"]


@settings(
    max_examples=25,
    deadline=None,
    phases=QUICK,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.sampled_from(["en", "it", "fa"]), wordings()), max_size=6))
def test_any_words_exported_and_imported_have_the_same_hashes(
    blank: Path, tmp_path: Path, written: list[tuple[str, Wording]]
) -> None:
    folder = tmp_path / "out"
    shutil.rmtree(folder, ignore_errors=True)
    with copied_store(blank) as engine, copied_store(blank) as second:
        with transaction(engine) as session:
            for number, (locale, wording) in enumerate(written):
                draft(session, f"article-{number % 4}", locale, wording, tariq(session))
        export_folder(engine, folder)
        assert take(second, folder).count("refused") == 0
        assert hashes(second) == hashes(engine)
        assert set(outcomes(take(engine, folder)).values()) <= {"unchanged"}


ADDRESSES = ["/pay", "/en/pay", "/en/account/pay.md", "/docs/pay/", "/logo.png", "/en/articles/pay"]
ADDRESSES += [
    "/en/articles/nothing",
    "/files/pay.pdf",
    f"/media/{'0' * 16}/pay.png",
    "//pay/pay.md",
]
ADDRESSES += [f"/media/{digest_of(PNG)}/{n}" for n in ("b.png", "b.pdf", "b.jpg", "b", "b..png")]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("form", ["[x]({})", "![x](<{}>)", "[x]\n\n[x]: {}"])
def test_address_of_the_site_comes_back_as_it_was(
    blank: Path, tmp_path: Path, address: str, form: str
) -> None:
    body = form.format(address)
    with copied_store(blank) as engine, copied_store(blank) as second:
        with transaction(engine) as session:
            store_image(session, "a.png", PNG)
            published(session, "pay", replace(PASSWORD_RESET, body="Pay."))
            published(session, "links", replace(PASSWORD_RESET, body=body))
        export_folder(engine, tmp_path)
        take(second, tmp_path)
        assert hashes(second) == hashes(engine)


# -- into a folder that was exported before --------------------------------------------


def recategorised(engine: Engine, category: str = "security") -> None:
    """The password article, in another folder from now on."""
    with transaction(engine) as session:
        published(session, "reset-password", replace(PASSWORD_RESET, category=category))


def exported_twice(engine: Engine, root: Path, between: dict[str, str | bytes]) -> ExportReport:
    """An export, files written into it by hand, and an export after the article moved."""
    recategorised(engine, "account")
    export_folder(engine, root)
    write(root, between)
    recategorised(engine)
    return export_folder(engine, root)


def test_file_of_a_moved_article_is_removed_and_its_folder_too(
    engine: Engine, tmp_path: Path
) -> None:
    report = exported_twice(engine, tmp_path, {})
    assert (report.files, report.removed, report.kept) == (1, (RESET,), ())
    assert (tmp_path / MOVED).is_file()
    assert not (tmp_path / "en/account").exists()


def test_file_that_verbatim_did_not_write_stays(engine: Engine, tmp_path: Path) -> None:
    notes = {"en/account/notes.md": ARTICLE, "README.txt": "Ours.", ".git/HEAD": "ref"}
    assert exported_twice(engine, tmp_path, dict(notes)).removed == (RESET,)
    assert all((tmp_path / name).read_text() == text for name, text in notes.items())


def test_file_that_an_editor_changed_stays_and_is_named_each_time(
    engine: Engine, tmp_path: Path
) -> None:
    first = exported_twice(engine, tmp_path, {RESET: ARTICLE})
    again = export_folder(engine, tmp_path)
    for report in (first, again):
        assert (report.removed, report.kept) == ((), (RESET,))
    assert (tmp_path / RESET).read_text() == ARTICLE


def test_picture_that_no_article_shows_any_more_is_removed(engine: Engine, tmp_path: Path) -> None:
    root = write(tmp_path / "in", {"en/a.md": "---\nanswer: A\n---\n![](p.png)", "en/p.png": PNG})
    take(engine, root)
    export_folder(engine, tmp_path / "out")
    take(engine, write(root, {"en/a.md": ARTICLE}))
    (picture,) = export_folder(engine, tmp_path / "out").removed
    assert picture.endswith("/p.png")
    assert not (tmp_path / "out/images").exists()


def test_withdrawn_article_is_a_draft_in_the_next_export(
    engine: Engine, second: Engine, tmp_path: Path
) -> None:
    recategorised(engine, "account")
    export_folder(engine, tmp_path)
    with transaction(engine) as session:
        withdraw(session, get_article(session, "reset-password"), "en", mina(session))
    assert export_folder(engine, tmp_path).removed == ()
    take(second, tmp_path)
    with Session(second) as session:
        assert live_publications(session) == []


def test_export_without_a_change_changes_no_file(engine: Engine, tmp_path: Path) -> None:
    recategorised(engine)
    root = tmp_path / "out"
    export_folder(engine, root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert export_folder(engine, root).removed == ()
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_export_that_was_cut_short_is_finished_by_the_next(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recategorised(engine, "account")
    monkeypatch.setattr("kb.export._clear", cable_out)
    with pytest.raises(OSError, match="cable"):
        export_folder(engine, tmp_path)
    monkeypatch.undo()
    recategorised(engine)
    assert export_folder(engine, tmp_path).removed == (RESET,)


def cable_out(*_: object) -> None:
    """The disk is gone."""
    raise OSError("the cable is out")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"files": []}', '{"files": {"../../a": "x"}}', '{"files": {"/a": "x"}}'],
)
def test_damaged_manifest_stops_the_export_before_it_writes(
    engine: Engine, tmp_path: Path, text: str
) -> None:
    recategorised(engine)
    root = write(tmp_path / "out", {NAME: text})
    with pytest.raises(Invalid, match=r"verbatim-export.json .* delete it"):
        export_folder(engine, root)
    assert [path.name for path in root.iterdir()] == [NAME]


def test_link_out_of_the_folder_is_not_followed_to_remove(engine: Engine, tmp_path: Path) -> None:
    recategorised(engine, "account")
    export_folder(engine, tmp_path / "out")
    (tmp_path / "out/en/account").rename(tmp_path / "elsewhere")
    (tmp_path / "out/en/account").symlink_to(tmp_path / "elsewhere")
    recategorised(engine)
    report = export_folder(engine, tmp_path / "out")
    assert report.removed == ()
    assert (tmp_path / "elsewhere/reset-password.md").is_file()


Written = list[tuple[int, str, Wording]]
places = st.tuples(st.integers(0, 3), st.sampled_from(["en", "it", "fa"]), wordings())


@settings(
    max_examples=25,
    deadline=None,
    phases=QUICK,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(places, max_size=4), min_size=2, max_size=3))
def test_folder_exported_again_and_again_holds_the_articles_of_now_and_no_other(
    blank: Path, tmp_path: Path, rounds: list[Written]
) -> None:
    folder = tmp_path / "out"
    shutil.rmtree(folder, ignore_errors=True)
    with copied_store(blank) as engine, copied_store(blank) as second:
        for written in rounds:
            with transaction(engine) as session:
                for number, locale, wording in written:
                    draft(session, f"article-{number}", locale, wording, tariq(session))
            assert export_folder(engine, folder).kept == ()
        assert take(second, folder).count("refused") == 0
        assert hashes(second) == hashes(engine)
    noted = json.loads((folder / NAME).read_text())["files"]
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert found == set(noted) | {NAME}
