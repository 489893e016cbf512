"""What nobody answered is found, brought together, and stays dealt with."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from assistant.answering import ask
from assistant.asked import Wanted, count_asked
from assistant.conversations import ASSISTANT, CUSTOMER, add_turn, start_conversation
from assistant.desk.cases import hand_off
from assistant.feedback import Feedback
from assistant.gap_answers import give_wording
from assistant.gap_decisions import DISMISSED, decide, undo
from assistant.gaps import DOUBTFUL, PERSON, UNANSWERED, UNHELPFUL, Gap, askings_since, is_noise
from assistant.gathering import INLINE, Gatherer
from assistant.impact import recorded_questions
from kb.articles import find_article, latest_revision
from kb.db import now, transaction
from kb.errors import Conflict, Invalid
from kb.publishing import approve, draft, publish
from retriever.index import Index
from tests.cast import PASSWORD_RESET, mina, omar, silence

LOCALES = ["en", "it", "ko"]
BICYCLES = [("do you repair bicycles", "en"), ("riparate biciclette", "it"), ("bike repair", "en")]


@pytest.fixture
def gatherer(shop_index: Index) -> Gatherer:
    return Gatherer(shop_index, LOCALES)


def keep(engine: Engine, *asked: tuple[str, str], **more: object) -> list[str]:
    """Silences on record; their ids."""
    with transaction(engine) as session:
        kept = [silence(question=text, locale=locale, **more) for text, locale in asked]
        session.add_all(kept)
        return [receipt.id for receipt in kept]


def gaps_in(engine: Engine, gatherer: Gatherer) -> list[Gap]:
    with Session(engine) as session:
        found = gatherer.gaps(session)
    assert found is not None
    return found


def test_question_asked_in_two_languages_is_one_group(engine: Engine, gatherer: Gatherer) -> None:
    keep(engine, *BICYCLES, BICYCLES[0], ("are you hiring", "en"))
    bicycles, jobs = gaps_in(engine, gatherer)
    assert (bicycles.text, bicycles.count(), bicycles.languages) == (
        BICYCLES[0][0],
        4,
        ("en", "it"),
    )
    assert jobs.text == "are you hiring"


def test_same_words_however_they_are_written_are_one_phrase(
    engine: Engine, gatherer: Gatherer
) -> None:
    keep(engine, ("Do you repair bicycles?", "en"), ("do you repair  BICYCLES", "en"))
    (gap,) = gaps_in(engine, gatherer)
    assert [(phrase.text, phrase.count) for phrase in gap.phrases] == [
        ("Do you repair bicycles?", 2)
    ]


@pytest.mark.parametrize("text", ["hello", "??", "thank you", "buy now http://a.b http://c.d"])
def test_what_asks_nothing_is_left_out(engine: Engine, gatherer: Gatherer, text: str) -> None:
    keep(engine, (text, "en"))
    assert gaps_in(engine, gatherer) == []


@pytest.mark.parametrize(
    ("text", "noise"),
    [
        ("<script>alert(1)</script>", True),
        ("aaaaaaaaaaaaaaa", True),
        ("win win win win win money", True),
        ("why does https://shop.example/cart show nothing to me", False),
        ("자전거 수리하나요", False),
    ],
)
def test_spam_is_told_from_questions(text: str, noise: bool) -> None:
    assert is_noise(text) is noise


def test_answer_that_did_not_help_counts(engine: Engine, shop_index: Index) -> None:
    with transaction(engine) as session:
        receipt = ask(session, shop_index, "I forgot my password", LOCALES, "en").receipt
        assert receipt.article_id
        assert receipt.revision_id
        said = {"article_id": receipt.article_id, "revision_id": receipt.revision_id}
        session.flush()
        session.add(Feedback(**said, channel="api", helped=False, receipt_id=receipt.id))
    assert kinds_in(engine) == [UNHELPFUL]


def kinds_in(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return [asking.kind for asking in askings_since(session, now() - timedelta(days=1))]


def test_question_before_a_person_was_asked_for_counts(engine: Engine) -> None:
    ids = keep(engine, ("one", "en"), ("two", "en"), outcome="answered")
    with transaction(engine) as session:
        talk, _ = start_conversation(session, "widget", "public", "en")
        for id_ in ids:
            add_turn(session, talk, CUSTOMER, "message", "?")
            add_turn(session, talk, ASSISTANT, "answer", "!", receipt_id=id_)
        hand_off(session, talk, "request")
    with Session(engine) as session:
        (asking,) = askings_since(session, now() - timedelta(days=1))
        assert (asking.receipt_id, asking.kind) == (ids[1], PERSON)
        assert asking.conversation_id == talk.id


def test_choice_that_was_made_is_no_doubt_any_more(engine: Engine) -> None:
    (asked, _other) = keep(engine, ("one", "en"), ("two", "en"), outcome="clarify")
    chosen = {"outcome": "answered", "confidence": 1.0, "detail": {"chosen_from": asked}}
    keep(engine, ("one", "en"), **chosen)
    assert kinds_in(engine) == [DOUBTFUL]


def test_question_asked_long_ago_does_not_count(engine: Engine) -> None:
    keep(engine, BICYCLES[0], issued_at=now() - timedelta(days=2))
    keep(engine, BICYCLES[1])
    assert kinds_in(engine) == [UNANSWERED]


def test_what_an_audit_asked_is_no_customer_s_question(engine: Engine) -> None:
    keep(engine, BICYCLES[0])
    keep(engine, *BICYCLES, is_audit=True)
    assert kinds_in(engine) == [UNANSWERED]
    with Session(engine) as session:
        assert count_asked(session, Wanted(now() - timedelta(days=1))) == 1
        assert [asked.text for asked in recorded_questions(session, LOCALES)] == [BICYCLES[0][0]]


def dismiss(session: Session, gap: Gap, reason: str = "out_of_scope") -> int:
    members = [phrase.digest for phrase in gap.phrases]
    decision = decide(
        session, mina(session), DISMISSED, gap.text, members, gap.count(), reason=reason
    )
    assert decision.id
    return decision.id


def test_new_question_joins_what_was_decided_until_the_group_has_grown(
    engine: Engine, gatherer: Gatherer
) -> None:
    keep(engine, *BICYCLES[:2])
    with transaction(engine) as session:
        dismiss(session, gaps_in(engine, gatherer)[0])
    keep(engine, BICYCLES[2])
    assert [gap.is_handled for gap in gaps_in(engine, gatherer)] == [True]
    keep(engine, *[BICYCLES[2]] * 4)
    (gap,) = gaps_in(engine, gatherer)
    assert (gap.is_handled, gap.has_grown) == (False, True)


def test_decision_is_taken_back_once(engine: Engine, gatherer: Gatherer) -> None:
    keep(engine, BICYCLES[0])
    with transaction(engine) as session:
        made = dismiss(session, gaps_in(engine, gatherer)[0])
        undo(session, made, mina(session))
    assert not gaps_in(engine, gatherer)[0].is_handled
    with Session(engine) as session, pytest.raises(Conflict, match="already"):
        undo(session, made, mina(session))


def test_dismissal_needs_a_known_reason(engine: Engine, gatherer: Gatherer) -> None:
    keep(engine, BICYCLES[0])
    (gap,) = gaps_in(engine, gatherer)
    with Session(engine) as session, pytest.raises(Invalid, match="reason"):
        dismiss(session, gap, "because")


def test_wording_goes_to_review_and_then_answers_the_question(
    engine: Engine, gatherer: Gatherer, shop_index: Index
) -> None:
    keep(engine, ("zorble my gizmo", "en"))
    (gap,) = gaps_in(engine, gatherer)
    give(engine, gap.phrases)
    with transaction(engine) as session:
        article = find_article(session, "reset-password")
        assert article
        assert article.id
        newest = latest_revision(session, article.id, "en")
        assert newest
        assert newest.phrasings[-1] == "zorble my gizmo"
        approve(session, newest, mina(session))
        publish(session, newest, mina(session))
    with transaction(engine) as session:
        assert ask(session, shop_index, "zorble my gizmo", LOCALES).receipt.article == article.slug
    assert gaps_in(engine, gatherer) == []


def give(engine: Engine, phrases: Sequence[object]) -> list[str]:
    with transaction(engine) as session:
        article = find_article(session, "reset-password")
        assert article
        return [r.state for r in give_wording(session, article, phrases, omar(session))]  # type: ignore[arg-type]


def test_unfinished_draft_of_a_colleague_is_built_upon_and_stays_theirs(
    engine: Engine, gatherer: Gatherer
) -> None:
    keep(engine, BICYCLES[0])
    with transaction(engine) as session:
        draft(session, "reset-password", "en", PASSWORD_RESET, mina(session))
    assert give(engine, gaps_in(engine, gatherer)[0].phrases) == ["draft"]


def test_article_without_the_language_cannot_take_the_words(
    engine: Engine, gatherer: Gatherer
) -> None:
    keep(engine, ("자전거 수리하나요", "ko"))
    (gap,) = gaps_in(engine, gatherer)
    with pytest.raises(Invalid, match="translate it first"):
        give(engine, gap.phrases)


def test_nearest_article_is_the_one_that_is_about_it(engine: Engine, gatherer: Gatherer) -> None:
    keep(engine, ("how do refunds reach me abroad", "en"))
    (found,) = gatherer.nearest(gaps_in(engine, gatherer), count=1)
    with Session(engine) as session:
        article = find_article(session, "refund-time")
        assert article
        assert [id_ for id_, _near in found] == [article.id]


def test_many_unread_questions_are_read_behind_the_page(
    engine: Engine, gatherer: Gatherer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.gathering.INLINE", 1)
    keep(engine, *BICYCLES)
    with Session(engine) as session:
        assert gatherer.gaps(session) is None
    assert gatherer._behind
    gatherer._behind.join(60)
    assert gatherer.done == gatherer.total == len(BICYCLES) > 1 < INLINE
    assert [gap.count() for gap in gaps_in(engine, gatherer)] == [3]
