"""Every version of an article: who, when, and for how long it was live."""

from dataclasses import replace

from sqlalchemy import Engine

from kb.articles import get_article
from kb.db import now, transaction
from kb.publishing import draft, request_changes, submit, withdraw
from kb.versions import changed_fields, list_versions
from tests.cast import PASSWORD_RESET, mina, published, tariq

BETTER = replace(PASSWORD_RESET, answer="It works for an hour.", tags=("links",), verify_days=30)


def test_history_says_who_wrote_approved_published_and_withdrew(engine: Engine) -> None:
    with transaction(engine) as session:
        first = published(session, "reset-password", PASSWORD_RESET)
        published(session, "reset-password", BETTER)
        withdraw(session, first.article, "en", mina(session))
        second, oldest = list_versions(session, first.article, "en")
        assert (oldest.author, [v.by for v in oldest.verdicts]) == ("tariq", ["tariq", "mina"])
        assert oldest.periods[0].ends_at == second.periods[0].starts_at
        assert (second.periods[0].ended_by, second.periods[0].is_now(now())) == ("mina", False)


def test_history_says_what_a_reviewer_asked_for(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = draft(session, "reset-password", "en", PASSWORD_RESET, tariq(session))
        submit(session, revision, tariq(session))
        request_changes(session, revision, mina(session), "Say for how long.")
        (only,) = list_versions(session, get_article(session, "reset-password"), "en")
        assert (only.state, only.periods) == ("draft", ())
        assert only.verdicts[-1].note == "Say for how long."


def test_only_fields_that_differ_are_compared() -> None:
    changed = changed_fields(PASSWORD_RESET, BETTER)
    assert set(changed) == {"answer", "tags", "verify_days"}
    assert changed["verify_days"] == ("", "30")
