"""Examples of the desk for the API's description."""

from typing import Any

from web import turn_examples as said
from web.chat_examples import BASKET, CONTACT, ID, ORDER, PAGE, SEARCH, stream
from web.examples import PASSWORD, SITE, Example

OMAR = {"id": 3, "name": "Omar"}

# -- what is sent ------------------------------------------------------------------

NEW_PRESENCE: Example = {"online": True, "languages": ["en", "it"], "skills": [], "room": 4}
NEW_REPLY: Example = {
    "text": PASSWORD["text"],
    "client_id": "a-1",
    "article": "reset-password",
    "version": 3,
    "locale": "en",
}
NEW_NOTE: Example = {"text": said.NOTE["text"]}
NEW_TRANSFER: Example = {"to": "orders", "note": "About an order after all."}
NEW_RESOLUTION: Example = {
    "disposition": "answered",
    "article": "reset-password",
    "locale": "en",
    "note": "Her mailbox was full.",
}
NEW_USE: Example = {"handoff": 7, "locale": "en", "version": 3, "how": "linked"}
NEW_FLAG: Example = {"reason": "The link works for 60 minutes now.", "handoff": 7, "locale": "en"}
NEW_VERIFICATION: Example = {"locale": "en", "version": 1}
NEW_KNOWLEDGE: Example = {
    "title": "Can you wrap my present?",
    "answer": "Choose **Gift wrapping** in the basket: €4 an article, with a card of your words.",
    "slug": "gift-wrapping",
}

# -- who is there ------------------------------------------------------------------

PRESENT: Example = NEW_PRESENCE | {"since": "2026-03-09T13:30:02.550381Z"}
DESK: Example = {
    "me": OMAR | {"email": "omar@quillhaven.example", "role": "agent"},
    "presence": PRESENT,
    "agents": [OMAR | NEW_PRESENCE | {"open": 1}],
    "counts": {"waiting": 1, "mine": 1},
    "locales": ["en", "zh", "ko", "fa", "it"],
}

# -- cases -------------------------------------------------------------------------

CASE_LINE: Example = {
    "id": 7,
    "conversation": ID,
    "status": "waiting",
    "reason": "failures",
    "want": said.ASKED["text"],
    "locale": "en",
    "skill": "account",
    "created_at": said.PASSED_ON["at"],
    "waited_seconds": 41,
    "position": 1,
    "wish": "wait",
    "customer": {"name": "Léa Rossi", "verified": False, "email": "lea@example.com"},
    "agent": None,
    "offered_to": OMAR,
    "offered_to_me": True,
    "unread": 1,
    "last": said.ASKED["text"],
    "returned": False,
}
SUGGESTION = PASSWORD | {
    "audience": "public",
    "badges": ["verified"],
    "score": 0.9412,
    "owner": "elsa@quillhaven.example",
}
DRAFT = SUGGESTION | {
    "approved_at": None,
    "verified_at": None,
    "badges": ["not_validated"],
    "score": 0.0,
}
EARLIER: Example = {
    "id": "Rk1LtBq0aZ7dXw2m",
    "started_at": "2026-01-20T09:41:07.330127Z",
    "status": "resolved",
    "want": "where is my refund",
    "handoff": 2,
    "disposition": "answered",
    "agent": OMAR,
}
CASE_WAITING: Example = {
    "schema": f"{SITE}/schemas/handoff-1.json",
    "id": 7,
    "conversation": ID,
    "status": "waiting",
    "reason": "failures",
    "wish": "wait",
    "want": said.ASKED["text"],
    "created_at": said.PASSED_ON["at"],
    "claimed_at": None,
    "resolved_at": None,
    "waited_seconds": 41,
    "locale": "en",
    "skill": "account",
    "channel": "widget",
    "customer": {"id": "c-77", "verified": True, **CONTACT, "attributes": {"plan": "club"}},
    "page": PAGE,
    "pages": [BASKET],
    "searches": [SEARCH],
    "facts": [ORDER | {"turn": 1}],
    "transcript": said.TALK,
    "answers": [said.REFERENCE | {"turn": 2, "by": "assistant", "helped": False}],
    "earlier": [EARLIER],
    "agent": None,
    "read": {"customer": 4, "agent": 0},
    "disposition": None,
    "note": "",
    "solved": None,
    "score": None,
    "comment": "",
    "suggestions": [SUGGESTION],
}
CASE = CASE_WAITING | {
    "status": "with_agent",
    "claimed_at": said.JOINED["at"],
    "transcript": [*said.TALK, said.JOINED],
    "agent": OMAR,
    "read": {"customer": 5, "agent": 4},
}
CASE_RESOLVED = CASE | {
    "status": "resolved",
    "resolved_at": said.ENDED["at"],
    "transcript": [*CASE["transcript"], said.SAID, said.INSERTED, said.NOTE, said.ENDED],
    "disposition": "answered",
    "note": NEW_RESOLUTION["note"],
    "solved": True,
    "score": 5,
}

# -- what is given, by name --------------------------------------------------------

EVENTS = stream(
    ("queue", {"waiting": 1}, None),
    ("handoff", {"id": 7, "status": "with_agent", "agent": OMAR, "offered_to": None}, 971),
    ("turn", {"handoff": 7, "conversation": ID, "turn": said.SAID}, 972),
    ("typing", {"handoff": 7, "author": "customer", "name": "Léa Rossi"}, None),
    ("read", {"handoff": 7, "author": "customer", "n": 6}, 974),
)
REPLIES: dict[str, Any] = {
    "desk": DESK,
    "present": PRESENT,
    "case_list": {"items": [CASE_LINE], "total": 1, "next": None},
    "case_waiting": CASE_WAITING,
    "case": CASE,
    "case_passed_on": CASE_WAITING | {"skill": NEW_TRANSFER["to"]},
    "case_resolved": CASE_RESOLVED,
    "suggestions": {"question": said.ASKED["text"], "items": [SUGGESTION]},
    "draft_suggested": {"question": said.ASKED["text"], "items": [DRAFT]},
    "noted": {"id": 12},
    "verified": {
        "id": 7,
        "article": SUGGESTION["article"],
        "version": SUGGESTION["version"],
        "locale": SUGGESTION["locale"],
        "verified_at": "2026-07-25T09:31:04Z",
        "due_at": "2026-10-23T09:31:04Z",
    },
    "desk_events": EVENTS,
}
