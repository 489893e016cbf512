"""Conversations, turns and cases as the plain dicts that become JSON."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlmodel import Session, col, select

from assistant.conversations import AGENT, ASSISTANT, Conversation, Turn, turns_of
from assistant.handoffs import Handoff, latest_handoff, status_of
from assistant.live import last_event
from assistant.recall import Corrections
from assistant.receipts import CORRECTED, Receipt
from assistant.telling import CORRECTION
from kb.articles import Revision, load_revisions
from kb.audiences import PUBLIC, visible_to
from kb.markdown import render
from kb.notices import current
from kb.people import Person
from web.replies import answer_json, corrected_json, gravest, iso, passage_json, subject_of
from web.services import Services

OUTCOMES = {
    "answer": "answered",
    "clarify": "clarify",
    "abstained": "abstained",
    CORRECTION: CORRECTED,
}


class Rendering:
    """Turns with everything that their words stand for, read in three queries."""

    def __init__(self, services: Services, session: Session, turns: Sequence[Turn]) -> None:
        self.services = services
        self.revisions = load_revisions(session, set(_revision_ids(turns)))
        self.receipts = _by_id(session, Receipt, {t.receipt_id for t in turns if t.receipt_id})
        self.notices = current(session, visible_to(PUBLIC)) if self.receipts else []
        self.people = _by_id(session, Person, {t.person_id for t in turns if t.person_id})
        self.corrections = Corrections(session, {turn.revision_id for turn in turns})

    def turn(self, turn: Turn) -> dict[str, Any]:
        """One turn in the shape of the contract."""
        person = self.people.get(turn.person_id)
        is_ours = turn.author in (ASSISTANT, AGENT)
        return {
            "n": turn.number,
            "at": iso(turn.at),
            "author": turn.author,
            "name": person.name if person else None,
            "kind": turn.kind,
            "locale": turn.locale,
            "text": turn.text,
            "html": render(turn.text, self.services.settings.base_url) if is_ours else None,
            "reply": self.reply(turn) if turn.author == ASSISTANT else None,
            "phrase": turn.detail.get("phrase"),
            "article": self._article(turn) if turn.author == AGENT else None,
            "corrected": corrected_json(
                self.corrections.of(turn.revision_id, turn.at),
                turn.detail.get("locale", turn.locale),
            ),
            "corrects": self._corrects(turn),
            "helped": turn.helped,
            "client_id": turn.client_id,
        }

    def reply(self, turn: Turn) -> dict[str, Any]:
        """What the assistant said, in the shape of a reply to `ask`."""
        receipt = self.receipts.get(turn.receipt_id)
        said = turn.detail.get("phrase")
        words = turn.detail.get("intro", turn.text)
        phrase = said and said | {
            "text": words,
            "html": render(words, self.services.settings.base_url),
        }
        return {
            "outcome": OUTCOMES.get(turn.kind, "phrase"),
            "locale": turn.detail.get("locale", turn.locale),
            "confidence": receipt.confidence if receipt else None,
            "answer": self._answer(turn) if turn.kind in ("answer", CORRECTION) else None,
            "options": self._links(turn, "options"),
            "related": self._links(turn, "related"),
            "reason": turn.detail.get("reason"),
            "notice": self._notice(turn),
            "phrase": phrase,
            "receipt": receipt_note(receipt) if receipt else None,
        }

    def _notice(self, turn: Turn) -> dict[str, Any] | None:
        """What is announced about the answer that was given, or those to choose from."""
        ids = [noted["revision"] for noted in turn.detail.get("options", [])]
        if turn.kind == "answer" and turn.revision_id:
            ids = [turn.revision_id]
        revisions = [self._revision(id_) for id_ in ids]
        subjects = [subject_of(revision, revision.article.slug) for revision in revisions]
        locale = turn.detail.get("locale", turn.locale)
        return gravest(self.services, self.notices, locale, subjects)

    def _answer(self, turn: Turn) -> dict[str, Any]:
        revision = self._revision(turn.revision_id)
        answer = answer_json(self.services, revision, revision.article.slug)
        return answer | {"passage": passage_json(answer["url"], turn.detail.get("passage"))}

    def _corrects(self, turn: Turn) -> dict[str, Any] | None:
        """What the customer was told wrongly before, and why it was wrong."""
        if turn.kind != CORRECTION or turn.detail["wrong"] is None:
            return None
        wrong = self._revision(turn.detail["wrong"])
        return {
            "turns": turn.detail["turns"],
            "why": turn.detail["why"],
            "version": wrong.version,
            "locale": wrong.locale,
            "text": wrong.answer,
            "html": render(wrong.answer, self.services.settings.base_url),
            "sha256": wrong.answer_sha256,
        }

    def _article(self, turn: Turn) -> dict[str, Any] | None:
        """Which approved answer an agent's words are, or began as."""
        if turn.revision_id is None:
            return None
        revision = self._revision(turn.revision_id)
        answer = answer_json(self.services, revision, revision.article.slug)
        kept = ("article", "version", "locale", "title", "url", "sha256")
        return {name: answer[name] for name in kept} | {"deviates": turn.deviates}

    def _links(self, turn: Turn, name: str) -> list[dict[str, str]]:
        base, locale = self.services.settings.base_url, turn.detail.get("locale", turn.locale)
        return [
            {
                "article": noted["article"],
                "title": self._revision(noted["revision"]).title,
                "url": f"{base}/{locale}/articles/{noted['article']}",
            }
            for noted in turn.detail.get(name, [])
        ]

    def _revision(self, id_: int | None) -> Revision:
        assert id_ is not None
        return self.revisions[id_]


def _revision_ids(turns: Iterable[Turn]) -> Iterable[int]:
    for turn in turns:
        if turn.revision_id:
            yield turn.revision_id
        if turn.detail.get("wrong"):
            yield turn.detail["wrong"]
        for name in ("options", "related"):
            yield from (noted["revision"] for noted in turn.detail.get(name, []))


def _by_id(session: Session, model: Any, ids: set[Any]) -> dict[Any, Any]:
    if not ids:
        return {}
    return {row.id: row for row in session.exec(select(model).where(col(model.id).in_(ids)))}


def receipt_note(receipt: Receipt) -> dict[str, Any]:
    """Where to look up later what was said."""
    return {"id": receipt.id, "epoch": receipt.epoch, "issued_at": iso(receipt.issued_at)}


def turns_json(services: Services, session: Session, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Turns in order."""
    rendering = Rendering(services, session, turns)
    return [rendering.turn(turn) for turn in turns]


def state_json(services: Services, session: Session, conversation: Conversation) -> dict[str, Any]:
    """Where a conversation stands: what the `conversation` event carries."""
    handoff = latest_handoff(session, conversation.id)
    held_by = handoff.claimed_by_id if handoff else None
    person = session.get(Person, held_by) if held_by else None
    status = status_of(conversation, handoff)
    return {
        "status": status,
        "handoff": handoff_json(services, session, conversation, handoff) if handoff else None,
        "agent": {"name": person.name} if person and status == "with_agent" else None,
        "ask_solved": conversation.asked_solved_at is not None and conversation.solved is None,
    }


def conversation_json(
    services: Services, session: Session, conversation: Conversation
) -> dict[str, Any]:
    """A conversation as its customer sees it."""
    # Read first: what is written meanwhile comes once more as an event, and never not at all.
    last = last_event(session)
    turns = [turn for turn in turns_of(session, conversation.id) if not turn.is_for_staff]
    is_rated = conversation.solved is not None
    return {
        "id": conversation.id,
        "locale": conversation.locale,
        "started_at": iso(conversation.started_at),
        "turns": turns_json(services, session, turns),
        **state_json(services, session, conversation),
        "customer": {
            "verified": conversation.is_verified,
            "name": conversation.name,
            "email": conversation.email,
        },
        "satisfaction": (
            {"solved": conversation.solved, "score": conversation.score} if is_rated else None
        ),
        "read": {"customer": conversation.customer_read, "agent": conversation.agent_read},
        "last_event": last,
    }


def handoff_json(
    services: Services, session: Session, conversation: Conversation, handoff: Handoff
) -> dict[str, Any]:
    """A handoff as the customer sees it."""
    is_waiting = handoff.status == "waiting"
    return {
        "id": handoff.id,
        "status": handoff.status,
        "wish": handoff.wish,
        "reason": handoff.reason,
        "position": handoff.told_position if is_waiting else None,
        "estimated_wait_seconds": handoff.told_seconds if is_waiting else None,
        "choose": is_waiting and handoff.told_choice,
        "created_at": iso(handoff.created_at),
        "contact": contact_json(conversation),
    }


def contact_json(conversation: Conversation) -> dict[str, Any]:
    """How the customer can be reached."""
    return {
        "name": conversation.name,
        "email": conversation.email,
        "phone": conversation.phone,
    }


def person_json(person: Person | None) -> dict[str, Any] | None:
    """Somebody of the staff, as colleagues see them."""
    return {"id": person.id, "name": person.name} if person else None
