"""Migrations, transactions and times, on both databases."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlmodel import Session, SQLModel, select

import web.app  # noqa: F401  (brings every package's tables into the metadata)
from kb.articles import Article, Revision
from kb.db import MIGRATIONS, SCHEMA, migrate, now, open_engine, reading, transaction, upgrade_to
from kb.errors import VerbatimError
from kb.history import Event
from kb.people import Person, add_person, key_digest, person_for_key
from kb.publishing import draft
from tests.cast import PASSWORD_RESET, published, tariq


def test_migrations_make_exactly_the_schema_of_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_schema_is_the_last_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == SCHEMA


def test_store_that_is_up_to_date_needs_no_migrations(engine: Engine) -> None:
    command = (
        "import sys; from kb.db import migrate, open_engine; "
        "migrate(open_engine(sys.argv[1])); sys.exit('alembic' in sys.modules)"
    )
    url = engine.url.render_as_string(hide_password=False)
    assert subprocess.run([sys.executable, "-c", command, url], timeout=60).returncode == 0


def test_keys_and_people_of_an_older_store_go_on_as_they_were(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'old.db'}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text(
                "INSERT INTO person (id, email, name, role, created_at) VALUES"
                " (1, 'key-1@keys.invalid', 'key-1', 'publisher', '2026-01-01 00:00:00')"
            )
        )
        insert = text("INSERT INTO apikey VALUES (1, 1, :digest, '2026-01-01 00:00:00', NULL)")
        connection.execute(insert, {"digest": key_digest("vb_old")})
    migrate(engine)
    with Session(engine) as session:
        person = person_for_key(session, "vb_old")
        assert person is not None
        assert (person.is_program, person.may("publish"), person.scopes) == (True, True, None)
    engine.dispose()


OLD = [
    "INSERT INTO receipt (id, issued_at, epoch, channel, audience, question, locale, outcome,"
    " confidence, detail) VALUES"
    " ('r', '2026-01-01', 1, 'widget', 'public', '?', 'en', 'abstained', 0, '{}')",
    "INSERT INTO conversation (id, started_at, changed_at, channel, audience, locale, attributes,"
    " pages, searches, facts, customer_read, agent_read, comment) VALUES"
    " ('c', '2026-01-01', '2026-01-01', 'widget', 'public', 'en', '{}', '[]', '[]', '[]', 0,"
    " 0, '')",
    "INSERT INTO turn (conversation_id, number, at, author, kind, locale, text, receipt_id,"
    " deviates, comment, detail) VALUES"
    " ('c', 1, '2026-01-01', 'assistant', 'abstained', 'en', '!', 'r', 0, '', '{}')",
]


def test_turns_of_an_older_store_keep_their_receipts(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'old.db'}")
    with engine.begin() as connection:
        upgrade_to(connection, "0002")
        for statement in OLD:
            connection.execute(text(statement))
    migrate(engine)
    with engine.begin() as connection:
        query = "SELECT is_audit FROM receipt JOIN turn ON receipt_id = receipt.id"
        assert connection.execute(text(query)).scalars().all() == [0]
    engine.dispose()


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    with transaction(engine) as session:
        add_person(session, "mina@example.com", "publisher")
    migrate(engine)
    with Session(engine) as session:
        assert session.exec(select(Person.name)).all() == ["mina"]


def together(count: int, act: Callable[[], None]) -> list[BaseException]:
    """What went wrong when several threads did it at once."""
    start = threading.Barrier(count)
    errors: list[BaseException] = []

    def run() -> None:
        start.wait()
        try:
            act()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"

    def start() -> None:
        engine = open_engine(url)
        migrate(engine)
        engine.dispose()

    assert together(4, start) == []
    engine = open_engine(url)
    assert "revision" in inspect(engine).get_table_names()
    engine.dispose()


def test_store_of_a_newer_release_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(VerbatimError, match="newer release"):
        migrate(engine)


def fail_after(engine: Engine, act: Callable[[Session], object]) -> None:
    """A transaction that breaks when everything in it is done."""

    def run() -> None:
        with transaction(engine) as session:
            act(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()


def test_failed_transaction_leaves_nothing_half_written(engine: Engine) -> None:
    fail_after(engine, lambda session: published(session, "reset-password", PASSWORD_RESET))
    with Session(engine) as session:
        for model in (Article, Revision, Event, Person):
            assert session.exec(select(model)).all() == []


def test_next_transaction_works_after_a_failed_one(engine: Engine) -> None:
    fail_after(engine, lambda session: published(session, "reset-password", PASSWORD_RESET))
    with transaction(engine) as session:
        assert draft(session, "reset-password", "en", PASSWORD_RESET, tariq(session)).version == 1


def test_reader_does_not_see_what_is_not_committed(engine: Engine) -> None:
    with transaction(engine) as session:
        add_person(session, "mina@example.com", "publisher")
        with reading(engine) as other:
            assert other.exec(select(Person)).all() == []


def test_reader_is_not_held_up_by_a_writer(engine: Engine) -> None:
    with transaction(engine) as session:
        add_person(session, "mina@example.com", "publisher")
        started = now()
        with reading(engine) as other:
            other.exec(select(Person)).all()
        assert now() - started < timedelta(seconds=5)


def test_writers_go_one_after_the_other(engine: Engine) -> None:
    order: list[str] = []

    def write() -> None:
        with transaction(engine) as session:
            order.append("in")
            add_person(session, f"p{len(order)}@example.com", "agent")
            order.append("out")

    assert together(4, write) == []
    assert order == ["in", "out"] * 4


def test_events_of_writers_at_once_are_committed_in_order(engine: Engine) -> None:
    with transaction(engine) as session:
        tariq(session)
    seen: list[int] = []

    def write() -> None:
        with transaction(engine) as session:
            slug = f"a-{threading.get_ident()}"
            draft(session, slug, "en", PASSWORD_RESET, tariq(session))
        with Session(engine) as session:
            ids = session.exec(select(Event.id)).all()
            seen.append(len(ids) - max(i or 0 for i in ids))

    assert together(4, write) == []
    assert seen == [0] * 4


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9)), timezone(-timedelta(hours=5))])
def test_time_comes_back_as_the_same_instant_in_utc(engine: Engine, zone: timezone) -> None:
    at = datetime(2030, 1, 31, 23, 59, 59, 123456, tzinfo=zone)
    with transaction(engine) as session:
        session.add(Article(slug="a", source_locale="en", created_at=at))
    with Session(engine) as session:
        found = session.exec(select(Article.created_at)).one()
        assert found == at
        assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "oracle9://x", "postgresql+nodriver://h/d", "nosuch+driver://"]
)
def test_unusable_database_url_is_one_clear_line(url: str) -> None:
    with pytest.raises(VerbatimError, match=r"postgresql\+psycopg://") as caught:
        open_engine(url)
    assert "\n" not in str(caught.value)


def test_unreachable_server_is_one_clear_line_without_the_password() -> None:
    engine = open_engine("postgresql+psycopg://verbatim:secret@127.0.0.1:1/verbatim")
    with pytest.raises(VerbatimError, match="cannot open the database") as caught:
        migrate(engine)
    engine.dispose()
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'missing' / 'store.db'}")
    with pytest.raises(VerbatimError, match="cannot open the database: unable to open"):
        migrate(engine)
    engine.dispose()
