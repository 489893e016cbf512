"""Examples of what is said in a chat and at the desk, for the API's description."""

from typing import Any

from kb.articles import answer_digest
from kb.markdown import render
from web.examples import ANSWERED, CLARIFY, PASSWORD, REFUNDS, SITE, Example

PHRASES = {
    "greeting": "Hello. What can I help you with?",
    "choose_one": "Which of these do you mean?",
    "nothing_chosen": "None of these, then. Could you put it in other words?",
    "offer_person": "Would you like to talk to a person?",
    "handing_over": "I'm passing this on to a colleague. They can read what you have written here, "
    "so you don't need to repeat it.",
    "agent_joined": "You're now talking to {name}.",
    "resolved_ask": "Is it solved?",
}


def turn(number: int, author: str, kind: str, text: str, **more: Any) -> Example:
    """One turn, with the fields that its author's turns have."""
    is_ours = author in ("assistant", "agent")
    return {
        "n": number,
        "at": f"2026-03-09T14:{number:02}:11.482913Z",
        "author": author,
        "name": None,
        "kind": kind,
        "locale": "en",
        "text": text,
        "html": render(text, SITE) if is_ours else None,
        "reply": None,
        "phrase": None,
        "article": None,
        "corrected": None,
        "corrects": None,
        "helped": None,
        "client_id": None,
        **more,
    }


def _named(name: str) -> Example:
    return {"name": name, "version": None, "sha256": answer_digest(PHRASES[name])}


def status(number: int, phrase: str, /, **values: str) -> Example:
    """A line between the two."""
    return turn(number, "system", "status", PHRASES[phrase].format(**values), phrase=_named(phrase))


UNSEARCHED: Example = ANSWERED | {
    "outcome": "phrase",
    "confidence": None,
    "answer": None,
    "related": [],
    "receipt": None,
}


def _says(number: int, name: str, kind: str = "phrase", **reply: Any) -> Example:
    text, phrase = PHRASES[name], _named(name)
    words = {"phrase": phrase | {"text": text, "html": render(text, SITE)}}
    found = UNSEARCHED | reply | words
    return turn(number, "assistant", kind, text, reply=found, phrase=phrase)


ASKED = turn(1, "customer", "message", "i forgot my password", client_id="m-1")
ANSWER = turn(2, "assistant", "answer", PASSWORD["text"], reply=ANSWERED | {"phrase": None})
UNHELPFUL = ANSWER | {"helped": False}
OFFER = _says(3, "offer_person", "offer", reason="failures")
PASSED_ON = status(4, "handing_over")
JOINED = status(5, "agent_joined", name="Omar")
SAID = turn(6, "agent", "message", "I have sent you a new link, Léa.", name="Omar")
KEPT = ("article", "version", "locale", "title", "url", "sha256")
REFERENCE = {name: PASSWORD[name] for name in KEPT}
INSERTED = turn(
    7, "agent", "message", PASSWORD["text"], name="Omar", article=REFERENCE | {"deviates": False}
)
NOTE = turn(8, "note", "note", "Her mailbox may be full.", name="Omar")
ENDED = status(9, "resolved_ask")
TALK = [ASKED, UNHELPFUL, OFFER, PASSED_ON]


def _exchange(turn: Example, *said: Example) -> Example:
    return {"turn": turn, "reply": said[0]["reply"] if said else None, "turns": [turn, *said]}


REPLIES: dict[str, Example] = {
    "exchange": _exchange(ASKED, ANSWER),
    "asked_back": _exchange(
        turn(1, "customer", "message", "when is it back"),
        _says(2, "choose_one", "clarify", **CLARIFY),
    ),
    "greeted": _exchange(turn(1, "customer", "message", "hello"), _says(2, "greeting")),
    "heard": _exchange(turn(5, "customer", "message", "are you there?")),
    "chosen": _exchange(turn(3, "customer", "message", REFUNDS["title"]), ANSWER | {"n": 4}),
    "none_chosen": _exchange(
        turn(3, "customer", "message", "—"),
        _says(4, "nothing_chosen"),
        _says(5, "offer_person", "offer", reason="failures"),
    ),
    "helped": {"turn": ANSWER | {"helped": True}, "turns": []},
    "offered": {"turn": UNHELPFUL, "turns": [OFFER]},
    "said": {"turn": SAID},
    "inserted": {"turn": INSERTED},
    "note": {"turn": NOTE},
}
