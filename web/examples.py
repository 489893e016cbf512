"""Examples for the API's description, from the sample company Quillhaven."""

from typing import Any

from kb.articles import answer_digest
from kb.markdown import render
from web.problems import TITLES

Example = dict[str, Any]
SITE = "https://help.quillhaven.example"


def _words(slug: str, version: int, title: str, text: str) -> Example:
    return {
        "article": slug,
        "version": version,
        "locale": "en",
        "title": title,
        "text": text,
        "html": render(text, SITE),
        "url": f"{SITE}/en/articles/{slug}",
        "sha256": answer_digest(text),
    }


def _approved(at: str | None) -> Example:
    return {"approved_at": at, "verified_at": at}


def _link(slug: str, title: str) -> Example:
    return {"article": slug, "title": title, "url": f"{SITE}/en/articles/{slug}"}


# -- asking ------------------------------------------------------------------------

QUESTION: Example = {"question": "i forgot my password", "locale": "en"}
PASSWORD = _words(
    "reset-password",
    3,
    "I forgot my password",
    "Choose **Sign in → Forgot password?** and enter your e-mail address. "
    "The link we send works for 30 minutes.",
) | _approved("2026-03-02T09:15:24Z")
SPAM = {
    "heading": "If no e-mail comes",
    "anchor": "s-if-no-e-mail-comes",
    "url": f"{PASSWORD['url']}#s-if-no-e-mail-comes",
    "text": "Look in your spam folder, and check that it is the address you ordered with.",
}
GIVEN = PASSWORD | {"passage": None}
RETURNS = _link("return-an-item", "Return an item")
REFUNDS = _link("refund-time", "When you get your refund")
NOTE = {"id": "Zk3v0Qx9aLr-2BnT", "issued_at": "2026-03-09T14:02:11.482913Z", "epoch": 412}
NOTICE: Example = {
    "id": 3,
    "text": "Parcels to **Italy** take two days longer this week.",
    "html": "<p>Parcels to <strong>Italy</strong> take two days longer this week.</p>\n",
    "severity": "warning",
    "locale": "en",
    "starts_at": "2026-03-09T07:00:00Z",
    "ends_at": "2026-03-15T18:00:00Z",
}
ANSWERED = {
    "outcome": "answered",
    "locale": "en",
    "confidence": 0.97,
    "answer": GIVEN,
    "options": [],
    "related": [_link("two-step-verification", "Turn on two-step verification")],
    "reason": None,
    "notice": None,
    "receipt": NOTE,
}
ANSWERED_IN_BODY = ANSWERED | {
    "notice": NOTICE,
    "confidence": 0.88,
    "answer": PASSWORD | {"passage": SPAM},
}
CLARIFY = ANSWERED | {
    "outcome": "clarify",
    "confidence": 0.52,
    "answer": None,
    "options": [RETURNS, REFUNDS],
    "related": [],
}
ABSTAINED = ANSWERED | {
    "outcome": "abstained",
    "confidence": 0.04,
    "answer": None,
    "related": [],
    "reason": "no_answer",
}
KEY_ID = "9f0c7b2f6f1d4a55"
CHAIN = "5f2b9c3e8d1a7046b3f5e2d1c0a9988776655443322110ffeeddccbbaa998877"
SIGNATURE = "mJ0vYk1eWcH0p3sYQnq0b8kqf9yZtq5h0n3Zl2rY1uXo7a4cQe6gTdB9iKjLmNoPqRsTuVwXyZ0123456789AQ"
PROOF = {
    "seq": 4127,
    "statement": '{"answer_locale":"en","answer_sha256":"…","article":"reset-password",…}',
    "salt": "5b0f3c8d7a6e4b2f9c1d0e8f7a6b5c4d",
    "previous": "0c4e7a1b9d3f5e2c8a6b4d0f1e3c5a7b9d8f6e4c2a0b1d3f5e7c9a8b6d4f2e0c",
    "chain": CHAIN,
    "key": KEY_ID,
    "signature": SIGNATURE,
}
RECEIPT = NOTE | {
    "channel": "help_site",
    "question": "i forgot my password",
    "locale": "en",
    "outcome": "answered",
    "confidence": 0.97,
    "answer": GIVEN,
    "still_holds": True,
    "corrected": None,
    "explanation": None,
    "proof": PROOF,
}


def _voice(source: str, text: str, similarity: float, words: float) -> Example:
    return {
        "source": source,
        "locale": "en",
        "text": text,
        "similarity": similarity,
        "words": words,
    }


EXPLANATION: Example = {
    "confidence": 0.97,
    "in_scope": 0.99,
    "matches": [
        {
            "article": "reset-password",
            "share": 0.9412,
            "witnesses": [
                _voice("title", "I forgot my password", 1.0, 0.4471),
                _voice("phrasing", "can't remember my password", 0.8123, 0.2904),
                _voice("heading", "If no e-mail comes", 0.3006, 0.0),
            ],
        },
        {
            "article": "two-step-verification",
            "share": 0.0325,
            "witnesses": [_voice("phrasing", "I lost my phone with the codes", 0.2871, 0.0)],
        },
    ],
}
CORRECTED_RECEIPT = RECEIPT | {
    "still_holds": False,
    "corrected": {
        "at": "2026-03-12T10:05:31.550417Z",
        "why": "The link works for 30 minutes, not for an hour.",
        "version": 4,
    },
}
EXPLAINED_RECEIPT = RECEIPT | {"explanation": EXPLANATION}
SUMMARY = PASSWORD | {"category": "account"}

# -- writing -----------------------------------------------------------------------

NEW_REVISION: Example = {
    "locale": "en",
    "title": "Can you wrap my present?",
    "answer": "Choose **Gift wrapping** in the basket: €4 an article, with a card of your words.",
    "body": "We wrap in recycled paper. Chairs and desks cannot be wrapped.",
    "phrasings": ["do you gift wrap", "can you put a birthday card in the parcel"],
    "category": "orders",
    "owner": "elsa@quillhaven.example",
    "verify_every": "180d",
    "tags": ["gifts"],
    "based_on": 1,
}
NEW_ARTICLE = NEW_REVISION | {"slug": "gift-wrapping", "based_on": 0}
PLACE: Example = {"locale": "en"}
NEW_PUBLICATION = PLACE | {
    "version": 2,
    "starts_at": "2026-11-15T08:00:00+01:00",
    "expires_at": "2026-12-27T00:00:00+01:00",
}


def _article(version: int, state: str, approved_at: str | None = None) -> Example:
    new = NEW_REVISION
    words = _words("gift-wrapping", version, new["title"], new["answer"])
    return words | {
        **_approved(approved_at),
        "slug": "gift-wrapping",
        "category": new["category"],
        "audience": "public",
        "body": new["body"],
        "body_html": render(new["body"], SITE),
        "phrasings": new["phrasings"],
        "verify_every": new.get("verify_every"),
        "tags": new.get("tags", []),
        "state": state,
        "live": False,
        "outdated": False,
    }


APPROVED = _article(2, "approved", "2026-11-02T10:40:07.120486Z")
PERIOD = {"starts_at": "2026-11-15T07:00:00Z", "expires_at": "2026-12-26T23:00:00Z"}


def _said(version: int, text: str) -> Example:
    return {
        "version": version,
        "text": text,
        "html": render(text, SITE),
        "sha256": answer_digest(text),
        "url": f"{SITE}/en/articles/gift-wrapping/versions/{version}",
    }


CORRECTION: Example = {
    "id": 7,
    "article": "gift-wrapping",
    "locale": "en",
    "title": NEW_REVISION["title"],
    "url": f"{SITE}/en/articles/gift-wrapping",
    "corrected_at": "2026-11-15T07:00:04.118206Z",
    "wrong_since": "2026-10-21T08:06:12.402958Z",
    "why": "Gift wrapping costs €4 an article, not €3.",
    "wrong": [_said(1, "Choose **Gift wrapping** in the basket: €3 an article.")],
    "right": _said(2, NEW_REVISION["answer"]),
}

# -- what is given, by name ---------------------------------------------------------

REPLIES: dict[str, Example] = {
    "answered": ANSWERED,
    "answered_in_body": ANSWERED_IN_BODY,
    "clarify": CLARIFY,
    "abstained": ABSTAINED,
    "receipt": RECEIPT,
    "corrected_receipt": CORRECTED_RECEIPT,
    "corrections": {"items": [CORRECTION], "total": 1, "next": None},
    "past_reply": {
        "at": "2026-11-01T12:00:00Z",
        "outcome": "answered",
        "locale": "en",
        "answer": GIVEN,
        "options": [],
        "related": [],
        "reason": None,
        "recorded": [
            {
                "id": NOTE["id"],
                "issued_at": "2026-11-01T09:12:44.120031Z",
                "channel": "widget",
                "outcome": "answered",
                "article": "reset-password",
                "version": 3,
                "locale": "en",
            }
        ],
    },
    "keys": {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "kid": KEY_ID,
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "created_at": "2026-10-01T07:30:00.000000Z",
                "retired_at": None,
            }
        ]
    },
    "head": {
        "seq": 4127,
        "chain": CHAIN,
        "key": KEY_ID,
        "signature": SIGNATURE,
        "sealed_at": "2026-11-03T09:14:08.113042Z",
    },
    "explained_receipt": EXPLAINED_RECEIPT,
    "search_results": {
        "items": [SUMMARY | {"score": 0.9312}],
        "total": 1,
        "next": None,
        "notice": None,
    },
    "notices": {"items": [NOTICE], "total": 1, "next": None},
    "article_list": {"items": [SUMMARY], "total": 53, "next": "reset-password"},
    "live": APPROVED | {"live": True},
    "replaced": _article(1, "approved", "2026-10-21T08:05:51.906114Z"),
    "first_draft": _article(1, "draft"),
    "draft": _article(2, "draft"),
    "in_review": _article(2, "in_review"),
    "approved": APPROVED,
    "scheduled": APPROVED | PERIOD,
    "alive": {"status": "ok"},
    "ready": {"status": "ready", "epoch": 412, "store_epoch": 412},
    "starting": {"status": "starting", "epoch": 0, "store_epoch": 412},
}

# -- problems ----------------------------------------------------------------------

DETAILS = {
    400: "There was an error parsing the body",
    401: "this key is not valid",
    403: "an author cannot approve their own wording; ask another publisher",
    404: "there is no article 'gift-wrap'",
    409: "gift-wrapping (en) now has version 2, not 1; "
    "read it and send your change again, based on it",
    413: "the request is larger than 1,000,000 bytes; send less",
    422: "unknown locale 'tlh'; choose from en, zh, ko, fa, it",
    429: "too many requests; try again in 12 s",
}
PROBLEMS: dict[int, Example] = {
    status: {"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail}
    for status, detail in DETAILS.items()
}
PROBLEMS[422]["field"] = "locale"
