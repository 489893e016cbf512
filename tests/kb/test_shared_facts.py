"""A fee is named once, used in articles of every language, and changed in one step."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.articles import find_article, get_article, latest_revision
from kb.content import import_folder
from kb.db import now, transaction
from kb.errors import Conflict, Invalid, NotAllowed
from kb.fact_changes import (
    approve_change,
    decline,
    plan_of,
    propose,
    retire_fact,
    waiting_changes,
    withdraw_change,
)
from kb.fact_uses import folded, link, stale_names, stated_in, uses_of
from kb.history import Event
from kb.publishing import draft, live_publication, publish, restore, scheduled, submit
from kb.shared_facts import SharedFact, get_fact, name_fact
from tests.cast import DELIVERY_COSTS, approved, mina, omar, published, tariq

FEE = {"en": "€3.95", "it": "3,95 €", "ko": "3.95유로"}
RAISED = {"en": "€4.50", "it": "4,50 €", "ko": "4.50유로"}
ENGLISH = replace(
    DELIVERY_COSTS, answer="Delivery costs {{delivery-fee}}.", body="Still {{delivery-fee}}."
)
ITALIAN = replace(DELIVERY_COSTS, title="Consegna", answer="Costa {{delivery-fee}}.", body="")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A unit of work that is never finished."""
    with transaction(engine) as opened:
        yield opened


@pytest.fixture
def fee(session: Session) -> SharedFact:
    return name_fact(session, "delivery-fee", FEE, tariq(session), "What a parcel costs")


def live_answer(session: Session, slug: str, locale: str = "en") -> str:
    live = live_publication(session, get_article(session, slug).id or 0, locale)
    return live.revision.answer if live else ""


def test_placeholder_becomes_the_value_in_each_language(session: Session, fee: SharedFact) -> None:
    english = draft(session, "delivery-costs", "en", ENGLISH, tariq(session))
    italian = draft(session, "delivery-costs", "it", ITALIAN, tariq(session))
    assert english.answer == "Delivery costs €3.95."
    assert italian.answer == "Costa 3,95 €."
    assert [use.part for use in uses_of(session, english)] == ["answer", "body"]
    assert folded(session, english).answer == ENGLISH.answer


def test_unknown_name_and_code_stay_as_written(session: Session, fee: SharedFact) -> None:
    words = replace(DELIVERY_COSTS, answer="{{no-such}} and `{{delivery-fee}}`")
    assert draft(session, "a", "en", words, tariq(session)).answer == words.answer


def test_language_without_a_value_is_refused(session: Session, fee: SharedFact) -> None:
    with pytest.raises(Invalid, match="no value in fa"):
        draft(session, "a", "fa", ENGLISH, tariq(session))
    assert find_article(session, "a") is None


def test_edit_of_the_plain_words_keeps_the_fact(session: Session, fee: SharedFact) -> None:
    draft(session, "a", "en", ENGLISH, tariq(session))
    words = replace(ENGLISH, answer="A parcel: delivery costs €3.95 today.", body="Now €3.95!")
    revision = draft(session, "a", "en", words, tariq(session))
    assert folded(session, revision).answer == "A parcel: delivery costs {{delivery-fee}} today."
    assert folded(session, revision).body == "Now {{delivery-fee}}!"


def test_words_that_were_typed_anew_are_no_fact(session: Session, fee: SharedFact) -> None:
    draft(session, "a", "en", ENGLISH, tariq(session))
    words = replace(ENGLISH, answer="Free.", body="€39.95")
    assert uses_of(session, draft(session, "a", "en", words, tariq(session))) == []


def test_change_is_live_everywhere_at_once(session: Session, fee: SharedFact) -> None:
    published(session, "delivery-costs", ENGLISH)
    published(session, "delivery-costs", ITALIAN, "it")
    published(session, "returns", ENGLISH)
    change = propose(session, fee, RAISED, tariq(session), "new contract")
    plan = plan_of(session, change)
    assert [(p.article.slug, p.locale) for p in plan.places] == [
        ("delivery-costs", "en"),
        ("delivery-costs", "it"),
        ("returns", "en"),
    ]
    assert plan.live[1].changed == [("answer", "Costa 3,95 €.", "Costa 4,50 €.")]
    assert live_answer(session, "returns") == "Delivery costs €3.95."
    approve_change(session, change, mina(session), plan.digest)
    assert live_answer(session, "delivery-costs") == "Delivery costs €4.50."
    assert live_answer(session, "delivery-costs", "it") == "Costa 4,50 €."
    assert live_answer(session, "returns") == "Delivery costs €4.50."


def test_translation_stays_level_with_its_source(session: Session, fee: SharedFact) -> None:
    published(session, "delivery-costs", ENGLISH)
    published(session, "delivery-costs", ITALIAN, "it")
    published(session, "delivery-costs", replace(ITALIAN, answer="3.95유로"), "ko")
    change = propose(session, fee, RAISED, tariq(session))
    plan = plan_of(session, change)
    assert [r.locale for r in plan.behind] == ["ko"]
    assert [r.locale for r in plan.by_hand] == ["ko"]
    approve_change(session, change, mina(session), plan.digest)
    article = get_article(session, "delivery-costs")
    italian = latest_revision(session, article.id or 0, "it")
    assert italian is not None
    assert italian.source_version == 2


def test_nobody_approves_their_own_change(session: Session, fee: SharedFact) -> None:
    published(session, "a", ENGLISH)
    change = propose(session, fee, RAISED, mina(session))
    for person in (mina(session), tariq(session), omar(session)):
        with pytest.raises(NotAllowed):
            approve_change(session, change, person, plan_of(session, change).digest)
    assert live_answer(session, "a") == "Delivery costs €3.95."


def test_approval_of_a_plan_that_has_changed_is_refused(session: Session, fee: SharedFact) -> None:
    published(session, "a", ENGLISH)
    change = propose(session, fee, RAISED, tariq(session))
    seen = plan_of(session, change).digest
    published(session, "b", ENGLISH)
    with pytest.raises(Conflict, match="look at it again"):
        approve_change(session, change, mina(session), seen)


def test_draft_moves_on_with_its_author_and_its_state(session: Session, fee: SharedFact) -> None:
    published(session, "a", ENGLISH)
    words = replace(ENGLISH, answer="New: {{delivery-fee}}.")
    waiting = draft(session, "a", "en", words, omar(session))
    submit(session, waiting, omar(session))
    change = propose(session, fee, RAISED, tariq(session))
    approve_change(session, change, mina(session), plan_of(session, change).digest)
    newest = latest_revision(session, waiting.article_id, "en")
    assert newest is not None
    assert (newest.answer, newest.state) == ("New: €4.50.", "in_review")
    assert newest.author_id == omar(session).id
    assert live_answer(session, "a") == "Delivery costs €4.50."


def test_schedule_and_expiry_are_kept(session: Session, fee: SharedFact) -> None:
    soon, end = now() + timedelta(days=1), now() + timedelta(days=9)
    published(session, "a", ENGLISH)
    later = approved(session, "a", replace(ENGLISH, answer="Soon {{delivery-fee}}."))
    publish(session, later, mina(session), soon, end)
    change = propose(session, fee, RAISED, tariq(session))
    approve_change(session, change, mina(session), plan_of(session, change).digest)
    waiting = scheduled(session, later.article_id, "en")
    assert [(p.revision.answer, p.starts_at, p.expires_at) for p in waiting] == [
        ("Soon €4.50.", soon, end)
    ]


def test_old_value_is_never_published_again(session: Session, fee: SharedFact) -> None:
    old = approved(session, "a", ENGLISH)
    published(session, "b", ENGLISH)
    change = propose(session, fee, RAISED, tariq(session))
    approve_change(session, change, mina(session), plan_of(session, change).digest)
    assert stale_names(session, old) == ["delivery-fee"]
    with pytest.raises(Conflict, match="as it was before it changed"):
        publish(session, old, mina(session))
    again = restore(session, old, tariq(session))
    assert again.answer == "Delivery costs €4.50."


def test_value_that_makes_an_answer_too_long_names_the_place(
    session: Session, fee: SharedFact
) -> None:
    long = replace(ENGLISH, answer="{{delivery-fee}}" + " word" * 118)
    published(session, "a", long)
    with pytest.raises(Invalid, match=r"a \(en\): answer has \d+ characters"):
        propose(session, fee, RAISED | {"en": "four euros and fifty cents"}, tariq(session))


def test_language_in_use_needs_its_value(session: Session, fee: SharedFact) -> None:
    published(session, "a", ITALIAN, "it")
    with pytest.raises(Invalid, match="used in it"):
        propose(session, fee, {"en": "€4"}, tariq(session))


def test_change_that_touches_nothing_holds_at_once(session: Session, fee: SharedFact) -> None:
    published_one = published(session, "a", ENGLISH)
    change = propose(session, fee, FEE | {"fa": "۳٫۹۵ یورو"}, tariq(session))
    assert not change.is_waiting
    assert get_fact(session, "delivery-fee").now.version == 2
    assert stale_names(session, published_one) == []


def test_one_change_at_a_time(session: Session, fee: SharedFact) -> None:
    published(session, "a", ENGLISH)
    change = propose(session, fee, RAISED, tariq(session))
    with pytest.raises(Conflict):
        propose(session, fee, FEE | {"en": "€5"}, mina(session))
    with pytest.raises(NotAllowed):
        withdraw_change(session, change, mina(session))
    decline(session, change, mina(session), "not yet")
    assert waiting_changes(session) == []
    withdraw_change(session, propose(session, fee, RAISED, tariq(session)), tariq(session))
    assert live_answer(session, "a") == "Delivery costs €3.95."


def test_words_said_by_hand_are_linked_without_a_new_version(
    session: Session, fee: SharedFact
) -> None:
    words = replace(DELIVERY_COSTS, answer="€3.95 [or €3.95](https://x.example/€3.95) and €3.955")
    revision = published(session, "a", words)
    digest = revision.sha256
    assert link(session, fee, revision, tariq(session)) == 2
    assert (revision.version, revision.sha256) == (1, digest)
    with pytest.raises(Conflict):
        link(session, fee, revision, tariq(session))
    change = propose(session, fee, RAISED, tariq(session))
    approve_change(session, change, mina(session), plan_of(session, change).digest)
    assert live_answer(session, "a") == "€4.50 [or €4.50](https://x.example/€3.95) and €3.955"
    assert [s.holds for s in stated_in(session, revision)] == [False]


def test_fact_in_use_is_not_retired(session: Session, fee: SharedFact) -> None:
    draft(session, "a", "en", ENGLISH, tariq(session))
    with pytest.raises(Conflict, match="used in 1 place"):
        retire_fact(session, fee, mina(session))
    draft(session, "a", "en", replace(ENGLISH, answer="Free.", body=""), tariq(session))
    retire_fact(session, fee, mina(session))
    assert draft(session, "a", "en", ENGLISH, tariq(session)).answer == ENGLISH.answer


@pytest.mark.parametrize("name", ["", "Fee", "two words", "a" * 61, "fee_"])
def test_name_that_cannot_stand_in_braces_is_refused(session: Session, name: str) -> None:
    with pytest.raises(Invalid):
        name_fact(session, name, FEE, tariq(session))


@pytest.mark.parametrize("value", ["a\nb", "[x](y)", "`x`", "{{a}}", "x" * 121, "<b>"])
def test_value_that_would_be_more_than_words_is_refused(session: Session, value: str) -> None:
    with pytest.raises(Invalid):
        name_fact(session, "fee", {"en": value}, tariq(session))
    assert session.exec(select(SharedFact)).all() == []


def test_name_is_taken_once(session: Session, fee: SharedFact) -> None:
    with pytest.raises(Conflict):
        name_fact(session, "delivery-fee", FEE, mina(session))


def test_history_tells_every_step(session: Session, fee: SharedFact) -> None:
    published(session, "a", ENGLISH)
    change = propose(session, fee, RAISED, tariq(session), "new contract")
    approve_change(session, change, mina(session), plan_of(session, change).digest)
    told = [e for e in session.exec(select(Event).order_by(Event.id)) if e.kind.startswith("fact")]
    assert [event.kind for event in told] == [
        "fact_named", "fact_change_proposed", "fact_changed", "fact_change_approved",
    ]  # fmt: skip
    assert told[1].data["why"] == "new contract"


def test_file_states_the_fact_and_is_unchanged_the_second_time(
    engine: Engine, tmp_path: Path
) -> None:
    with transaction(engine) as session:
        name_fact(session, "delivery-fee", FEE, tariq(session))
    path = tmp_path / "en" / "delivery" / "costs.md"
    path.parent.mkdir(parents=True)
    path.write_text("---\ntitle: Costs\nanswer: It costs {{delivery-fee}}.\n---\n")
    first, second = (import_folder(engine, tmp_path, ["en"]) for _ in range(2))
    assert (first.count("created"), second.count("unchanged")) == (1, 1)
    with transaction(engine) as session:
        revision = latest_revision(session, get_article(session, "costs").id or 0, "en")
        assert revision is not None
        assert revision.answer == "It costs €3.95."
        assert folded(session, revision).answer == "It costs {{delivery-fee}}."
