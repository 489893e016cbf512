"""What to say to a message: approved answers, and short approved phrases around them.

Listening reads and judges, which may take a while; `speaking` writes it all in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from assistant.answering import (
    Abstained,
    Answered,
    Clarification,
    Judged,
    Words,
    consider,
)
from assistant.asking import choice_in, leans_on_context, questions_in, wants_none
from assistant.conversations import ASSISTANT, CUSTOMER, Conversation, Turn
from assistant.intents import Intent, intents_of, remainder_of
from assistant.persons import wants_person
from assistant.rewriting import Rewriter
from assistant.understanding import QUESTION_LIMIT, clean, understand
from kb.articles import load_revisions
from kb.audiences import visible_to
from kb.publishing import best_live
from retriever.index import Index

# As many words may lean on the question before, if alone they find nothing.
SHORT = 6
# What `together` may lack in confidence and still be what was meant.
LENIENCE = 0.02
FAILURES = 2


@dataclass(frozen=True)
class Utterance:
    """Something the assistant is about to say: a judged question, a phrase, or an offer.

    `reason` is why a person is offered; `chosen` the option that the customer picked;
    `asked_again` the clarification that a mere yes has not settled.
    """

    phrase: str | None = None
    judged: Judged | None = None
    chosen: Words | None = None
    reason: str | None = None
    asked_again: Turn | None = None
    searched: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Listener:
    """All that judging a message needs."""

    session: Session
    index: Index
    locales: list[str]
    conversation: Conversation
    turns: Sequence[Turn]
    rewriter: Rewriter | None = None
    people_only: frozenset[str] = frozenset()

    def judge(self, text: str) -> Judged:
        """What would be replied to this question by itself."""
        conversation = self.conversation
        return consider(
            self.session,
            self.index,
            text[:QUESTION_LIMIT],
            self.locales,
            conversation.locale,
            conversation.audience,
        )

    def wants_person(self, text: str) -> bool:
        """Whether a person is asked for in words that no expression knows."""
        question = understand(text[:QUESTION_LIMIT], self.conversation.locale, self.locales)
        return question.has_words and wants_person(self.index, question.search)


def listen(listener: Listener, text: str) -> list[Utterance]:
    """What to say to a message, in order; reads only."""
    pending = _last_said(listener.turns)
    intents = intents_of(text, listener.conversation.locale)
    if pending and pending.kind == "clarify":
        picked = _picked(listener, pending, text, intents)
        if picked:
            return picked
    if wants_none(text):
        return [Utterance("apology"), Utterance("offer_person", reason="failures")]
    if pending and pending.kind == "offer":
        if intents == {Intent.YES}:
            return [Utterance(reason="agreed")]
        if intents == {Intent.NO}:
            return [Utterance("declined")]
    return _said_to(listener, text, intents)


def _last_said(turns: Sequence[Turn]) -> Turn | None:
    """What the customer is replying to, if it was the assistant's."""
    said = [turn for turn in turns if turn.author in (CUSTOMER, ASSISTANT)]
    return said[-1] if said and said[-1].author == ASSISTANT else None


def _picked(
    listener: Listener, pending: Turn, text: str, intents: frozenset[Intent]
) -> list[Utterance]:
    options = pending.detail.get("options", [])
    shown = load_revisions(listener.session, [option["revision"] for option in options])
    if wants_none(text) or intents == {Intent.NO}:
        return pick(listener, pending, None)
    if intents == {Intent.YES}:
        return [Utterance("choose_one", asked_again=pending)]
    number = choice_in(text, [shown[option["revision"]].title for option in options])
    return pick(listener, pending, options[number]["article"]) if number is not None else []


def pick(listener: Listener, pending: Turn, slug: str | None) -> list[Utterance]:
    """What to say when the customer has chosen from what was asked back, or wants none of it."""
    options = pending.detail.get("options", [])
    chosen = next((option for option in options if option["article"] == slug), None)
    if chosen is None:
        return [Utterance("nothing_chosen"), Utterance("offer_person", reason="failures")]
    shown = load_revisions(listener.session, [chosen["revision"]])[chosen["revision"]]
    conversation = listener.conversation
    order = [conversation.locale, *listener.locales]
    live = best_live(
        listener.session, [shown.article_id], order, visible_to(conversation.audience)
    ).get(shown.article_id)
    if live is None:
        return [Utterance("no_answer"), Utterance("offer_person", reason="failures")]
    words = Words(chosen["article"], live.revision, conversation.locale)
    return [Utterance(chosen=words, searched={"receipt": pending.receipt_id})]


def _said_to(listener: Listener, text: str, intents: frozenset[Intent]) -> list[Utterance]:
    if Intent.PERSON in intents:
        return [Utterance("offer_person", reason="request")]
    if Intent.COMPLAINT in intents:
        return [Utterance("apology"), Utterance("offer_person", reason="complaint")]
    rest = remainder_of(text)
    if not rest:
        return [Utterance(_courtesy(intents))]
    upset = intents & {Intent.WRONG, Intent.TRIED, Intent.FRUSTRATION}
    questions = questions_in(rest)
    if upset and (len(questions) != 1 or not _asks(rest)):
        return [Utterance("apology"), Utterance("offer_person", reason="frustration")]
    answers = _answers(listener, text, questions)
    if upset:
        return [*answers, Utterance("offer_person", reason="frustration")]
    offered = _offer_after(listener, answers)
    if listener.wants_person(text):
        return _given(answers) + (offered or [Utterance("offer_person", reason="request")])
    return answers + offered


def _given(answers: list[Utterance]) -> list[Utterance]:
    """The answers, if there are any: who wants a person is not asked back or told of none."""
    judged = [answer.judged for answer in answers if answer.judged]
    return answers if any(isinstance(j.outcome, Answered) for j in judged) else []


def _asks(text: str) -> bool:
    return any(mark in text for mark in "?？؟")


def _courtesy(intents: frozenset[Intent]) -> str:
    for intent in (Intent.GOODBYE, Intent.THANKS):
        if intent in intents:
            return intent.value
    return "greeting"


def _answers(listener: Listener, text: str, questions: list[str]) -> list[Utterance]:
    """One answer, or one each where a message asks several answerable things."""
    if len(questions) > 1:
        each = [listener.judge(question) for question in questions]
        given = {j.outcome.words.slug for j in each if isinstance(j.outcome, Answered)}
        if len(given) > 1:
            apart = [
                Utterance(judged=judged, searched={"said": question})
                for judged, question in zip(each, questions, strict=True)
            ]
            return [Utterance("more_questions"), *apart]
    return [_answer(listener, text)]


def _answer(listener: Listener, text: str) -> Utterance:
    """The question by itself or, where it leans on the one before, the two together."""
    alone = listener.judge(text)
    before = _asked_before(listener.turns)
    if before is None or not alone.question.has_words:
        return Utterance(judged=alone)
    leans = leans_on_context(text, alone.question.language)
    if not leans and not (isinstance(alone.outcome, Abstained) and len(text.split()) <= SHORT):
        return Utterance(judged=alone)
    together, how = _with_context(listener, before, text)
    if _is_better(together, alone, leans):
        return Utterance(judged=together, searched=how | {"said": text})
    return Utterance(judged=alone)


def _with_context(listener: Listener, before: str, text: str) -> tuple[Judged, dict[str, Any]]:
    if listener.rewriter:
        written = clean(listener.rewriter.rewrite(text, before) or "")
        if written:
            return listener.judge(written), {"rewritten_by": listener.rewriter.name}
    return listener.judge(f"{before} {text}"), {"context": before}


def _is_better(together: Judged, alone: Judged, leans: bool) -> bool:
    """Whether the question with the one before it says more than by itself. Pure."""
    if isinstance(together.outcome, Answered):
        if not isinstance(alone.outcome, Answered):
            return True
        gain = together.findings.confidence - alone.findings.confidence
        return leans and gain >= -LENIENCE
    return isinstance(together.outcome, Clarification) and isinstance(alone.outcome, Abstained)


def _asked_before(turns: Sequence[Turn]) -> str | None:
    """The search behind the latest reply in this conversation."""
    for turn in reversed(turns):
        if turn.kind in ("answer", "clarify", "abstained") and turn.detail.get("search"):
            return str(turn.detail["search"])
    return None


def _offer_after(listener: Listener, answers: list[Utterance]) -> list[Utterance]:
    """A person, by itself: after two failures, for what only people do, for a repetition."""
    judged = [answer.judged for answer in answers if answer.judged]
    given = [j.outcome.words for j in judged if isinstance(j.outcome, Answered)]
    if any({w.slug, w.revision.category} & listener.people_only for w in given):
        return [Utterance("people_only", reason="people_only")]
    failed = all(isinstance(j.outcome, Abstained) for j in judged)
    if failed and failures_in(listener.turns) + 1 >= FAILURES:
        return [Utterance("offer_person", reason="failures")]
    if given and all(_said_already(listener.turns, w.revision.id) for w in given):
        return [Utterance("offer_person", reason="frustration")]
    return []


def _said_already(turns: Sequence[Turn], revision_id: int | None) -> bool:
    said = [turn for turn in turns if turn.author == ASSISTANT and turn.kind == "answer"]
    return bool(said) and said[-1].revision_id == revision_id


def failures_in(turns: Sequence[Turn]) -> int:
    """How many times in a row, to the end, the assistant was of no help."""
    count = 0
    for turn in reversed(turns):
        if turn.kind == "offer" or turn.author not in (CUSTOMER, ASSISTANT):
            break
        if turn.kind == "abstained" or turn.helped is False:
            count += 1
        elif turn.kind in ("answer", "clarify"):
            break
    return count
