"""An audit finds the one channel that says something else."""

from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.audit import (
    Asked,
    AuditRun,
    Findings,
    Mismatch,
    audit,
    begin,
    finish,
    open_incidents,
    questions_of,
    touched_since,
)
from assistant.channels import NOTHING, Said, read_answer
from kb.db import transaction
from kb.history import epoch
from tests.cast import DELIVERY_COSTS, published, shop, silence

COSTS = Said("delivery-costs", 2, "en", "ab" * 32, "Delivery costs €3.95.")
ASKED = Asked("what is postage", "en", "delivery-costs")


@dataclass
class Channels:
    """A server of which one channel may differ, `for_once` or always."""

    odd: dict[str, Said | None] = field(default_factory=dict)
    for_once: bool = False
    calls: int = 0

    def _say(self, name: str) -> Said | None:
        self.calls += 1
        found = self.odd.get(name, COSTS)
        if self.for_once:
            self.odd.pop(name, None)
        return found

    def api(self, question: str, locale: str) -> tuple[Said, int]:
        return self._say("api") or NOTHING, 7 + len(self.odd) * self.for_once

    def help_site(self, question: str, locale: str) -> Said:
        return self._say("help_site") or NOTHING

    def article_page(self, said: Said) -> Said:
        return self._say("article_page") or NOTHING

    def widget(self, question: str, locale: str) -> Said | None:
        return self._say("widget")

    def sidebar(self, question: str, locale: str) -> Said:
        return self._say("sidebar") or NOTHING


def test_channels_that_agree_leave_nothing_to_report() -> None:
    found = audit(Channels(), [ASKED])
    assert found.mismatches == []
    assert found.checks.total() == 4
    assert (found.answered, found.own) == (1, {"en": 1})


@pytest.mark.parametrize("channel", ["help_site", "widget", "sidebar", "article_page"])
@pytest.mark.parametrize(
    "other",
    [
        replace(COSTS, version=1),
        replace(COSTS, article="goodwill"),
        replace(COSTS, locale="it"),
        replace(COSTS, sha256="cd" * 32),
        replace(COSTS, shown="Delivery costs €4.95."),
        NOTHING,
    ],
)
def test_channel_that_differs_is_named(channel: str, other: Said) -> None:
    [found] = audit(Channels({channel: other}), [ASKED]).mismatches
    assert (found.channel, found.question) == (channel, "what is postage")
    assert found.api.startswith("delivery-costs v2 en")


def test_message_that_is_no_question_to_the_chat_is_left_out() -> None:
    found = audit(Channels({"widget": None}), [ASKED])
    assert (found.mismatches, found.skipped) == ([], 1)


def test_publication_between_two_channels_is_no_mismatch() -> None:
    found = audit(Channels({"help_site": replace(COSTS, version=1)}, for_once=True), [ASKED])
    assert found.mismatches == []


def test_silent_api_asks_no_sidebar() -> None:
    found = audit(Channels({"api": NOTHING, "help_site": NOTHING, "widget": NOTHING}), [ASKED])
    assert found.mismatches == []
    assert set(found.checks) == {"help_site", "widget"}


def test_answer_is_read_from_a_page_as_its_reader_sees_it() -> None:
    html = (
        '<p>Before</p><div class="answer" data-article="a" data-version="3" data-locale="en" '
        'data-sha256="ff"><p>One<br>two</p>\n<ul><li>three <b>four</b></li></ul></div><p>After</p>'
    )
    assert read_answer(html) == Said("a", 3, "en", "ff", "One two three four")
    assert read_answer("<p>none</p>") == NOTHING


# -- which questions, and what is kept ---------------------------------------------


def test_questions_are_those_asked_most_and_then_phrasings(engine: Engine) -> None:
    with transaction(engine) as session:
        shop(session)
        often = [silence(question="do you sell tents") for _ in range(2)]
        session.add_all([*often, silence(question="once"), silence(question="x", is_audit=True)])
        session.flush()
        found = questions_of(session, ["en"], limit=4)
    assert [asked.text for asked in found[:2]] == ["do you sell tents", "once"]
    assert [asked.expected for asked in found[2:]] == ["reset-password", "refund-time"]


def test_only_what_an_article_answers_is_asked_after_its_publication(engine: Engine) -> None:
    with transaction(engine) as session:
        shop(session)
        before = epoch(session)
        revision = published(session, "delivery-costs", replace(DELIVERY_COSTS, answer="Free."))
        ids = touched_since(session, before)
        found = questions_of(session, ["en"], 100, ids)
    assert ids == {revision.article_id}
    assert {asked.text for asked in found} == set(DELIVERY_COSTS.phrasings)


def kept(session: Session, kind: str, name: str, wrong: int) -> AuditRun:
    """A finished run."""
    run = begin(session, kind, name)
    assert run is not None
    mismatches = [Mismatch("q", "en", "widget", "a", "b")] * wrong
    return finish(session, run, Findings(mismatches=mismatches), [], "")


def test_run_of_tonight_is_made_once(engine: Engine) -> None:
    with transaction(engine) as session:
        assert begin(session, "night", "night-2026-11-29")
        assert begin(session, "night", "night-2026-11-29") is None


def test_incident_stands_until_a_whole_audit_finds_nothing(engine: Engine) -> None:
    with transaction(engine) as session:
        kept(session, "publish", "publish-7", wrong=2)
        kept(session, "publish", "publish-9", wrong=0)
        assert [run.name for run in open_incidents(session)] == ["publish-7"]
        kept(session, "night", "night-1", wrong=0)
        assert open_incidents(session) == []
