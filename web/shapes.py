"""What the JSON API replies with: for its description and its tests, never checked at run time."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

Version = Field(ge=1, description="Counted per article and locale")
Sha256 = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of `text` in UTF-8, hex")
State = Literal["draft", "in_review", "approved"]
Outcome = Literal["answered", "clarify", "abstained"]
Reason = Literal["no_answer", "not_sure", "no_words"]


class Words(BaseModel):
    """A wording, letter for letter, with where it comes from."""

    article: str = Field(description="The article's slug, which never changes")
    version: int = Version
    locale: str = Field(description="May be another than was asked for")
    title: str
    text: str = Field(description="The answer in Markdown, as it was approved")
    html: str = Field(description="`text` as safe HTML")
    url: str = Field(description="The article on the help site")
    sha256: str = Sha256


class Answer(Words):
    """An approved answer, letter for letter, with where it comes from."""

    approved_at: datetime
    verified_at: datetime = Field(description="When somebody last made sure that it is right")


class Passage(BaseModel):
    """The part of an article's body that speaks loudest for it, beside the answer."""

    heading: str = Field(description="What it stands under; empty before the first heading")
    anchor: str = Field(description="The id of that heading on the article's page, or empty")
    url: str = Field(description="The article at that heading")
    text: str = Field(description="Plain text, as it was cut from the approved body")


class GivenAnswer(Answer):
    """An approved answer as a reply gives it."""

    passage: Passage | None = Field(description="Null unless a part of the body fits best of all")


class Link(BaseModel):
    """An article to choose or to read next."""

    article: str = Field(description="Its slug")
    title: str
    url: str


class ReceiptNote(BaseModel):
    """Where to look up later what was said."""

    id: str = Field(description="Cannot be guessed; whoever has it may read the receipt")
    issued_at: datetime
    epoch: int = Field(ge=0, description="The state of the store that the reply was read from")


class Notice(BaseModel):
    """An announcement on every channel, for a time."""

    id: int = Field(description="A new one when the words change, to whoever put the old away")
    text: str = Field(description="Markdown, approved by a publisher")
    html: str
    severity: Literal["info", "warning", "outage"]
    locale: str = Field(description="The reader's, or the fallback's where it has no words in it")
    starts_at: datetime
    ends_at: datetime | None = Field(description="Null until somebody ends it")


class NoticeList(BaseModel):
    """What is announced now, the gravest first."""

    items: list[Notice]
    total: int
    next: str | None


class Reply(BaseModel):
    """What is said to a question; `answer` is null unless `outcome` is `answered`."""

    outcome: Outcome
    locale: str = Field(description="The question's language")
    confidence: float = Field(ge=0, le=1, description="That the best article found is right")
    answer: GivenAnswer | None
    options: list[Link] = Field(description="With `clarify`, two or three to choose from")
    related: list[Link] = Field(max_length=3, description="Worth reading, best first")
    reason: Reason | None = Field(description="With `abstained`, why there is no answer")
    notice: Notice | None = Field(description="The gravest that concerns this reply, if any")
    receipt: ReceiptNote


class Recorded(BaseModel):
    """A reply that was given to the same question around that moment."""

    id: str = Field(description="Of its receipt")
    issued_at: datetime
    channel: str
    outcome: Outcome
    article: str | None
    version: int | None
    locale: str | None = Field(description="Of the words that were given")


class PastReply(BaseModel):
    """What would have been said at that moment: its words, found as they are found today."""

    at: datetime
    outcome: Outcome
    locale: str = Field(description="The question's language")
    answer: GivenAnswer | None
    options: list[Link]
    related: list[Link] = Field(max_length=3)
    reason: Reason | None
    recorded: list[Recorded] = Field(description="What was said, a day before and after")


class Voice(BaseModel):
    """One text that spoke for an article."""

    source: Literal["title", "phrasing", "answer", "heading", "passage"]
    locale: str
    text: str = Field(description="Its first 200 characters")
    similarity: float = Field(description="How near in meaning: 1 the same, 0 unrelated")
    words: float = Field(description="How much of the question's words it holds, rare ones more")


class Candidate(BaseModel):
    """An article that was weighed."""

    article: str = Field(description="Its slug")
    share: float = Field(ge=0, le=1, description="Its part of the belief that all share")
    witnesses: list[Voice] = Field(max_length=3, description="What spoke for it, loudest first")


class Explanation(BaseModel):
    """Why the reply was what it was."""

    confidence: float = Field(ge=0, le=1, description="That the best article found is right")
    in_scope: float = Field(ge=0, le=1, description="That any article can be meant")
    matches: list[Candidate] = Field(max_length=3, description="Best first")


class Proof(BaseModel):
    """What `verbatim verify` checks: a statement, chained to all before it, and signed."""

    seq: int = Field(ge=1, description="Its place in the chain")
    statement: str = Field(description="What the receipt says, as JSON in these very bytes")
    salt: str | None = Field(description="Goes before the question in its digest")
    previous: str = Field(description="The chain before it, hex; 64 zeros for the first")
    chain: str = Field(description="SHA-256 of `previous`, a line feed and the statement, hex")
    key: str = Field(description="`kid` of the key that signed, see /api/v1/keys")
    signature: str = Field(description="Ed25519 over `chain`, URL-safe base 64")


class PublicKey(BaseModel):
    """A JSON Web Key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    use: Literal["sig"]
    kid: str = Field(description="The first 16 hex digits of the key's SHA-256")
    x: str = Field(description="The key's 32 bytes, URL-safe base 64")
    created_at: datetime
    retired_at: datetime | None = Field(description="It has signed nothing since")


class PublicKeys(BaseModel):
    """Every key that ever sealed a receipt here, oldest first."""

    keys: list[PublicKey]


class ChainHead(BaseModel):
    """Keep one, and you can tell later that the chain was not cut or written anew."""

    seq: int = Field(ge=0, description="How many receipts are sealed")
    chain: str
    key: str | None
    signature: str | None
    sealed_at: datetime | None


class Corrected(BaseModel):
    """That an answer was wrong."""

    at: datetime = Field(description="When it was corrected")
    why: str = Field(description="What was wrong, in one sentence")
    version: int = Field(ge=1, description="The version that is right")


class CorrectedWords(BaseModel):
    """An answer's words in one version."""

    version: int = Version
    text: str = Field(description="The approved answer in Markdown, letter for letter")
    html: str = Field(description="`text` as safe HTML")
    sha256: str = Sha256
    url: str


class Correction(BaseModel):
    """An answer that was wrong: what was said, what is right, and why."""

    id: int = Field(ge=1)
    article: str = Field(description="Its slug")
    locale: str = Field(
        description="Of the words; another than asked for where it was not wrong there"
    )
    title: str
    url: str
    corrected_at: datetime
    wrong_since: datetime = Field(description="Since when the wrong words were given")
    why: str = Field(description="What was wrong, in one sentence")
    wrong: list[CorrectedWords] = Field(min_length=1, description="The latest wording first")
    right: CorrectedWords


class CorrectionList(BaseModel):
    """Corrections, the latest first."""

    items: list[Correction]
    total: int = Field(ge=0, description="On all pages together")
    next: str | None = Field(description="Send it as `after` for the next page; null on the last")


class Receipt(ReceiptNote):
    """The reply as it was given, and whether its words are still live."""

    channel: str = Field(description="help_site, widget, sidebar or api")
    question: str = Field(description="Empty once only its digest is kept")
    locale: str = Field(description="The question's language")
    outcome: Outcome | Literal["corrected"] = Field(
        description="`corrected` tells a customer by itself that an earlier answer was wrong"
    )
    confidence: float = Field(ge=0, le=1)
    answer: GivenAnswer | None
    still_holds: bool | None = Field(description="Null where there was no answer")
    corrected: Corrected | None = Field(description="Null unless the answer turned out wrong")
    explanation: Explanation | None = Field(description="With a key; null without one")
    proof: Proof | None = Field(description="Its place in the signed chain")


class Summary(Answer):
    """A live article, as lists show it."""

    category: str


class Found(Summary):
    """A live article that fits a search."""

    score: float = Field(ge=0, le=1, description="Its part of the belief that all share")


class SearchResults(BaseModel):
    """Articles that fit, best first."""

    items: list[Found]
    total: int = Field(ge=0)
    next: None = Field(description="Always null: a search has one page")
    notice: Notice | None = Field(description="The gravest that stands everywhere, if any")


class ArticleList(BaseModel):
    """Live articles by slug."""

    items: list[Summary]
    total: int = Field(ge=0, description="On all pages together")
    next: str | None = Field(description="Send it as `after` for the next page; null on the last")


class Article(Words):
    """One version of an article, whole."""

    approved_at: datetime | None = Field(description="Null until it is approved")
    verified_at: datetime | None
    slug: str = Field(description="The same as `article`")
    category: str
    audience: str = Field(description="public, customers, agents or a segment's name")
    body: str = Field(description="The long form behind the answer, in Markdown")
    body_html: str = Field(description="`body` as safe HTML")
    phrasings: list[str] = Field(description="Questions it answers, in customers' words")
    verify_every: str | None = Field(description="How often somebody looks at it again, as `90d`")
    tags: list[str] = Field(description="In lower case, for sorting; no reader is shown them")
    state: State
    live: bool = Field(description="Whether this version is what readers see now")
    outdated: bool = Field(description="A translation whose source has moved on since")


class Publication(Article):
    """The version that was published, and when it shows."""

    starts_at: datetime
    expires_at: datetime | None = Field(description="Null for no end")


class Alive(BaseModel):
    """The process is up."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether questions are answered, and from which state of the store."""

    status: Literal["ready", "starting"]
    epoch: int = Field(ge=0, description="What is answered from; 0 before the first index")
    store_epoch: int = Field(ge=0, description="What the store has reached")


class WrongField(BaseModel):
    """A field and what is wrong with it."""

    field: str
    detail: str


class Problem(BaseModel):
    """What is wrong and what to do, as RFC 9457 problem details."""

    type: Literal["about:blank"]
    title: str = Field(description="The status in words")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="For a person to read and act on")
    field: str = Field("", description="With 422, the one field that is wrong")
    errors: list[WrongField] = Field([], description="With 422, every field of the wrong form")
