"""A translation knows which source it says, and when the source has moved on."""

from dataclasses import replace

from sqlalchemy import Engine
from sqlmodel import Session

from kb.articles import get_article
from kb.db import transaction
from kb.publishing import draft, live_publications, restore, withdraw
from kb.translations import is_outdated
from tests.cast import PASSWORD_RESET, approved, mina, published, tariq

SLUG = "reset-password"
ITALIAN = replace(PASSWORD_RESET, title="Reimposta la password", answer="Il link vale 30 minuti.")
NEWER = replace(PASSWORD_RESET, answer="The link works for 60 minutes.")


def outdated(session: Session, locale: str = "it") -> bool:
    article = get_article(session, SLUG)
    live = {p.locale: p.revision for p in live_publications(session)}
    return is_outdated(session, article, live[locale])


def test_translation_names_the_live_source_it_was_made_from(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, NEWER)
        draft(session, SLUG, "en", PASSWORD_RESET, tariq(session))
        assert draft(session, SLUG, "it", ITALIAN, tariq(session)).source_version == 2


def test_fresh_translation_is_not_outdated(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, ITALIAN, "it")
        assert not outdated(session)


def test_translation_is_outdated_when_the_live_source_moves_on_and_still_served(
    engine: Engine,
) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, ITALIAN, "it")
        published(session, SLUG, NEWER)
        assert outdated(session)
        assert [p.locale for p in live_publications(session)] == ["en", "it"]


def test_draft_of_the_source_leaves_translations_as_they_are(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, ITALIAN, "it")
        approved(session, SLUG, NEWER)
        assert not outdated(session)


def test_translating_again_brings_it_up_to_date(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, ITALIAN, "it")
        published(session, SLUG, NEWER)
        published(session, SLUG, replace(ITALIAN, answer="Il link vale 60 minuti."), "it")
        assert not outdated(session)


def test_restored_translation_still_says_what_the_old_source_said(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        old = published(session, SLUG, ITALIAN, "it")
        published(session, SLUG, NEWER)
        again = restore(session, old, tariq(session))
        assert again.source_version == 1
        assert is_outdated(session, get_article(session, SLUG), again)


def test_source_itself_is_never_outdated(engine: Engine) -> None:
    with transaction(engine) as session:
        first = published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, NEWER)
        assert first.source_version is None
        assert not is_outdated(session, get_article(session, SLUG), first)


def test_locale_written_first_is_the_source(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, ITALIAN, "it")
        published(session, SLUG, PASSWORD_RESET, "en")
        published(session, SLUG, replace(ITALIAN, answer="Il link vale 60 minuti."), "it")
        assert (outdated(session, "en"), outdated(session, "it")) == (True, False)


def test_translation_outlives_its_withdrawn_source(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, SLUG, PASSWORD_RESET)
        published(session, SLUG, ITALIAN, "it")
        withdraw(session, get_article(session, SLUG), "en", mina(session))
        assert [p.locale for p in live_publications(session)] == ["it"]
        assert not outdated(session)
