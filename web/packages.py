"""A case with its whole story, and suggestions, as the plain dicts that become JSON."""

from typing import Any

from sqlmodel import Session

from assistant.conversations import get_conversation
from assistant.desk.cases import waited_seconds
from assistant.desk.suggestions import Suggestion, suggest
from assistant.handoffs import Handoff
from assistant.package import Earlier, Given, Package, package_of
from kb.people import Person
from web.replies import answer_json, iso
from web.services import Services
from web.turns import contact_json, person_json, turns_json

SCHEMA = "/schemas/handoff-1.json"


def case_json(services: Services, session: Session, handoff: Handoff) -> dict[str, Any]:
    """A case as a desk gets it, this one or another: its whole story, and what would answer it."""
    conversation = get_conversation(session, handoff.conversation_id)
    package = package_of(session, conversation, handoff)
    return package_json(services, session, package) | {
        "suggestions": _suggestions(services, session, package)
    }


def _suggestions(services: Services, session: Session, package: Package) -> list[dict[str, Any]]:
    if not package.question:
        return []
    locales = services.settings.locales
    found = suggest(session, services.index, package.question, locales, package.conversation.locale)
    return [suggestion_json(services, suggestion) for suggestion in found]


def package_json(services: Services, session: Session, package: Package) -> dict[str, Any]:
    """Everything a person needs, so that the customer repeats nothing."""
    conversation, handoff = package.conversation, package.handoff
    assert handoff is not None
    holder_id = handoff.claimed_by_id or handoff.resolved_by_id
    holder = session.get(Person, holder_id) if holder_id else None
    return {
        "schema": services.settings.base_url + SCHEMA,
        "id": handoff.id,
        "conversation": conversation.id,
        "status": handoff.status,
        "reason": handoff.reason,
        "wish": handoff.wish,
        "want": package.want,
        "created_at": iso(handoff.created_at),
        "claimed_at": iso(handoff.claimed_at),
        "resolved_at": iso(handoff.resolved_at),
        "waited_seconds": waited_seconds(handoff),
        "locale": conversation.locale,
        "skill": handoff.skill,
        "channel": conversation.channel,
        "customer": {
            "id": conversation.customer_id,
            "verified": conversation.is_verified,
            **contact_json(conversation),
            "attributes": conversation.attributes,
        },
        "page": {"url": conversation.page_url, "title": conversation.page_title},
        "pages": conversation.pages,
        "searches": conversation.searches,
        "facts": conversation.facts,
        "transcript": turns_json(services, session, package.turns),
        "answers": [_given(services, given) for given in package.given],
        "earlier": [_earlier(session, earlier) for earlier in package.earlier],
        "agent": person_json(holder),
        "read": {"customer": conversation.customer_read, "agent": conversation.agent_read},
        "disposition": handoff.disposition,
        "note": handoff.note,
        "solved": conversation.solved,
        "score": conversation.score,
        "comment": conversation.comment,
    }


def _given(services: Services, given: Given) -> dict[str, Any]:
    answer = answer_json(services, given.revision, given.revision.article.slug)
    kept = ("article", "version", "locale", "title", "url", "sha256")
    return {
        "turn": given.turn,
        **{name: answer[name] for name in kept},
        "by": given.by,
        "helped": given.helped,
    }


def _earlier(session: Session, earlier: Earlier) -> dict[str, Any]:
    handoff = earlier.handoff
    by = session.get(Person, handoff.resolved_by_id) if handoff and handoff.resolved_by_id else None
    return {
        "id": earlier.conversation.id,
        "started_at": iso(earlier.conversation.started_at),
        "status": earlier.status,
        "want": earlier.want,
        "handoff": handoff.id if handoff else None,
        "disposition": handoff.disposition if handoff else None,
        "agent": person_json(by),
    }


def suggestion_json(services: Services, suggestion: Suggestion) -> dict[str, Any]:
    """An approved answer beside an agent, letter for letter, with what to know of it."""
    revision = suggestion.revision
    return answer_json(services, revision, suggestion.slug) | {
        "audience": revision.audience,
        "badges": list(suggestion.badges),
        "score": round(suggestion.score, 4),
        "owner": suggestion.owner,
    }
