"""The store in one file, and back, into the same database or the other."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData
from sqlmodel import Session, select

from kb.articles import find_article
from kb.backup import MANIFEST, back_up, restore
from kb.db import SCHEMA, open_engine, transaction
from kb.errors import Conflict, Invalid, VerbatimError
from kb.images import Image
from kb.people import add_person, find_person, new_key, person_for_key
from kb.sign_in import sign_in
from tests.cast import PASSWORD_RESET, mina, published, shop, silence
from tests.conftest import needs_postgres

KINDS = ["sqlite", pytest.param("postgresql", marks=needs_postgres)]
MakeDatabase = Callable[[str], str]


@pytest.fixture
def full(engine: Engine) -> Engine:
    """A store with something in most tables."""
    with transaction(engine) as session:
        shop(session)
        session.add(silence(question="日本 \u2028 €", detail={"a": [1, None, {"$time": "x"}]}))
        session.add(Image(digest="ab" * 8, media_type="image/png", data=b"\x00\xff\x89PNG"))
        add_person(session, "sara@example.com", "admin", password="a long enough one")
        new_key(session, mina(session), "all of it")
        new_key(session, mina(session), "a part", ["read"])
    with Session(engine) as session:
        sign_in(session, "sara@example.com", "a long enough one")
    return engine


def contents(engine: Engine) -> dict[str, list[str]]:
    """Every row of every table that a backup keeps."""
    found = MetaData()
    found.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: sorted(str(tuple(row)) for row in connection.execute(select(table)))
            for table in found.sorted_tables
            if table.name not in ("staffsession", "signinfailure")
        }


@pytest.mark.parametrize("kind", KINDS)
def test_restored_store_is_the_same(
    full: Engine, make_database: MakeDatabase, tmp_path: Path, kind: str
) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    back_up(full, first)
    target = open_engine(make_database(kind))
    restore(target, first)
    if target.dialect.name == full.dialect.name:
        assert contents(target) == contents(full)
    back_up(target, second)
    assert tables_in(second) == tables_in(first)
    target.dispose()


def tables_in(path: Path) -> object:
    """Rows and digests of all tables."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(MANIFEST))["tables"]


@pytest.mark.parametrize("kind", KINDS)
def test_restored_store_goes_on_counting(
    full: Engine, make_database: MakeDatabase, tmp_path: Path, kind: str
) -> None:
    back_up(full, tmp_path / "file")
    target = open_engine(make_database(kind))
    restore(target, tmp_path / "file")
    with transaction(target) as session:
        assert published(session, "reset-password", PASSWORD_RESET).version == 2
        assert find_article(session, "goodwill-credit") is not None
    target.dispose()


def test_keys_work_after_a_restore_and_sessions_do_not(
    full: Engine, make_database: MakeDatabase, tmp_path: Path
) -> None:
    with transaction(full) as session:
        _, secret = new_key(session, mina(session), "nightly")
    back_up(full, tmp_path / "file")
    target = open_engine(make_database("sqlite"))
    restore(target, tmp_path / "file")
    with Session(target) as session:
        assert person_for_key(session, secret) == find_person(session, "mina@example.com")
        assert (
            session.connection().exec_driver_sql("SELECT count(*) FROM staffsession").scalar() == 0
        )
    target.dispose()


def test_full_store_is_not_overwritten(full: Engine, tmp_path: Path) -> None:
    back_up(full, tmp_path / "file")
    before = contents(full)
    with pytest.raises(Conflict, match="has 4 articles"):
        restore(full, tmp_path / "file")
    assert contents(full) == before


def spoilt(path: Path, how: str) -> None:
    """Damages a backup."""
    data = bytearray(path.read_bytes())
    if how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "nothing":
        path.write_bytes(b"")
    else:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        if how == "a row":
            files["article.jsonl"] = files["article.jsonl"].replace(b"refund", b"refuse")
        elif how == "a table":
            del files["revision.jsonl"]
        elif how == "format":
            files[MANIFEST] = files[MANIFEST].replace(b"verbatim-backup/1", b"other/1")
        elif how == "newer":
            files[MANIFEST] = files[MANIFEST].replace(SCHEMA.encode(), b"9999")
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)


@pytest.mark.parametrize("how", ["cut", "nothing", "a row", "a table", "format", "newer"])
def test_damaged_backup_leaves_the_store_empty(
    full: Engine, make_database: MakeDatabase, tmp_path: Path, how: str
) -> None:
    back_up(full, tmp_path / "file")
    spoilt(tmp_path / "file", how)
    target = open_engine(make_database("sqlite"))
    with pytest.raises(VerbatimError, match=r"backup|damaged|newer|reads"):
        restore(target, tmp_path / "file")
    assert contents(target)["article"] == []
    target.dispose()


def test_backup_that_fails_leaves_no_half_file(full: Engine, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        back_up(full, tmp_path / "nowhere" / "file")
    assert list(tmp_path.glob("*.part")) == []


def test_what_is_no_backup_is_said_so(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    with pytest.raises(Invalid, match="is no backup"):
        restore(engine, tmp_path / "file")
