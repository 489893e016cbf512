"""Examples of the chat for the API's description."""

from typing import Any

from web import turn_examples as said
from web.examples import PASSWORD, Example
from web.live import Sent

ID = "q0aZ7dXw2mRk1LtB"
TOKEN = "vc_3eQ1sW0y7nUxJ2fVtKcR9pLmZaHd5bGi"
SHOP = "https://shop.quillhaven.example"
PAGE = {"url": f"{SHOP}/lamps/12", "title": "Reading lamp, brass"}
BASKET = {"url": f"{SHOP}/basket", "title": "Your basket", "at": "2026-03-09T13:58:11Z"}
SEARCH = {"q": "reset link", "at": "2026-03-09T13:59:40Z"}
CONTACT = {"name": "Léa Rossi", "email": "lea@example.com", "phone": None}
ORDER = {"kind": "order_number", "value": "48-2210931"}

# -- what is sent ------------------------------------------------------------------

IDENTITY: Example = {"identity": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjLTc3In0.c2lnbmVkIGJ5IHlvdQ"}
NEW_CONVERSATION: Example = {
    "channel": "widget",
    "locale": "en",
    "page_url": PAGE["url"],
    "page_title": PAGE["title"],
    "pages": [BASKET],
    "searches": [SEARCH],
}
NEW_TURN: Example = {"text": "i forgot my password", "client_id": "m-1"}
CHOICE: Example = {"n": 2, "article": "refund-time"}
VERDICT: Example = {"helped": False, "comment": "no e-mail has come"}
CORRECTION: Example = {
    "want": "The link never comes",
    "contact": {"name": "Léa Rossi", "email": "lea@example.com"},
    "facts": [ORDER],
    "share_pages": False,
}
NEW_HANDOFF: Example = {"wish": "wait", "contact": {"email": "lea@example.com"}}
SEEN: Example = {"n": 4}
SATISFACTION: Example = {"solved": True, "score": 5, "comment": "quick and kind"}
EMAIL: Example = {"email": "lea@example.com"}

# -- the conversation --------------------------------------------------------------

WAITING: Example = {
    "id": 7,
    "status": "waiting",
    "wish": "wait",
    "reason": "failures",
    "position": 1,
    "estimated_wait_seconds": 120,
    "choose": False,
    "created_at": said.PASSED_ON["at"],
    "contact": CONTACT,
}
UNTOLD = {"position": None, "estimated_wait_seconds": None}
TAKEN = WAITING | UNTOLD | {"status": "with_agent"}
RESOLVED = WAITING | UNTOLD | {"status": "resolved"}
STANDING: Example = {"status": "open", "handoff": None, "agent": None, "ask_solved": False}
STANDING_WAITING = STANDING | {"status": "waiting", "handoff": WAITING}
VISITOR = {"verified": False, "name": None, "email": None}
NEW: Example = {
    "id": ID,
    "locale": "en",
    "started_at": "2026-03-09T14:00:52.106214Z",
    "turns": [],
    **STANDING,
    "customer": VISITOR,
    "satisfaction": None,
    "read": {"customer": 0, "agent": 0},
    "last_event": 961,
}
CONVERSATION = NEW | {"turns": [said.ASKED, said.ANSWER], "last_event": 963}
LEA = {"verified": True, "name": "Léa Rossi", "email": "lea@example.com"}
TALKING = NEW | {
    "turns": [*said.TALK, said.JOINED, said.SAID],
    **STANDING,
    "status": "with_agent",
    "handoff": TAKEN,
    "agent": {"name": "Omar"},
    "customer": LEA | {"verified": False},
    "read": {"customer": 6, "agent": 4},
    "last_event": 975,
}
ENDED = TALKING | {
    "turns": [*TALKING["turns"], said.INSERTED, said.ENDED],
    "status": "resolved",
    "handoff": RESOLVED,
    "agent": None,
    "satisfaction": {"solved": True, "score": 5},
    "last_event": 984,
}
BEGUN = {"id": ID, "token": TOKEN, "conversation": NEW}
OWN = {
    "id": ID,
    "started_at": NEW["started_at"],
    "changed_at": said.ANSWER["at"],
    "status": "open",
    "want": said.ASKED["text"],
    "last": PASSWORD["text"],
}
PREVIEW: Example = {
    "want": said.ASKED["text"],
    "contact": CONTACT,
    "verified": False,
    "facts": [ORDER | {"turn": 1}],
    "page": PAGE,
    "pages": [BASKET],
    "searches": [SEARCH],
    "transcript_turns": 3,
    "answers": [{"title": PASSWORD["title"], "version": PASSWORD["version"], "helped": False}],
    "language": "en",
}
UNSHARED = {"page": {"url": None, "title": None}, "pages": [], "searches": []}


def stream(*sent: tuple[str, dict[str, Any], int | None]) -> str:
    """Server-sent events as the wire has them."""
    return b"".join([b"retry: 1500\n\n", *(Sent(*event).encoded() for event in sent)]).decode()


EVENTS = stream(
    ("conversation", STANDING_WAITING, None),
    ("turn", said.JOINED, 971),
    ("typing", {"author": "agent", "name": "Omar"}, None),
    ("read", {"author": "agent", "n": 4}, 973),
    ("deleted", {}, None),
)
REPLIES: dict[str, Any] = said.REPLIES | {
    "begun": BEGUN,
    "resumed": BEGUN | {"conversation": CONVERSATION | {"customer": LEA}},
    "own_conversations": {"items": [OWN]},
    "new_token": {"token": TOKEN},
    "conversation": CONVERSATION,
    "talking": TALKING,
    "ended": ENDED,
    "signed_in": CONVERSATION | {"customer": LEA},
    "package_preview": PREVIEW,
    "corrected_package": PREVIEW | UNSHARED | {"want": CORRECTION["want"], "facts": [ORDER]},
    "handed_off": {"handoff": WAITING},
    "nobody_there": {"handoff": WAITING | {"estimated_wait_seconds": None, "choose": True}},
    "called_off": {"handoff": WAITING | UNTOLD | {"status": "cancelled"}},
    "nothing_to_call_off": {"handoff": None},
    "accepted": {"status": "accepted"},
    "chat_events": EVENTS,
}
