"""One question in, one reply out: Answered, Clarification or Abstained, with its Receipt."""

from dataclasses import asdict, dataclass

from sqlmodel import Session

from assistant.explanations import detail_of
from assistant.personal import masked
from assistant.receipts import Receipt
from assistant.understanding import Question, understand
from kb.articles import Revision
from kb.audiences import AGENTS, PUBLIC, audience_of, visible_to
from kb.publishing import best_live
from retriever.index import Index
from retriever.passages import Passage
from retriever.search import Findings, Match, find_matches, nothing_found

OPTIONS = 3
RELATED = 3
# Belief below which an article is no third option; two are needed to choose from.
OPTION_SHARE = 0.03


@dataclass(frozen=True)
class Words:
    """An approved answer as it is live now, in the reader's locale or another."""

    slug: str
    revision: Revision
    locale_asked: str

    @property
    def is_in_another_locale(self) -> bool:
        """The article has no wording in the language that was asked for."""
        return self.revision.locale != self.locale_asked


@dataclass(frozen=True)
class Answered:
    """The approved words, letter for letter; `passage` is where they are said at length."""

    words: Words
    related: tuple[Words, ...] = ()
    passage: Passage | None = None


@dataclass(frozen=True)
class Clarification:
    """Two or three articles too close to call; the reader chooses."""

    options: tuple[Words, ...]


@dataclass(frozen=True)
class Abstained:
    """No approved answer; `reason` is no_answer, not_sure or no_words."""

    reason: str
    related: tuple[Words, ...] = ()


Outcome = Answered | Clarification | Abstained
LABELS = {Answered: "answered", Clarification: "clarify", Abstained: "abstained"}


@dataclass(frozen=True)
class Reply:
    """What every channel renders."""

    question: Question
    outcome: Outcome
    confidence: float
    receipt: Receipt

    @property
    def label(self) -> str:
        """`answered`, `clarify` or `abstained`."""
        return LABELS[type(self.outcome)]


@dataclass(frozen=True)
class Judged:
    """A question with what was found and decided, before anybody is told."""

    question: Question
    findings: Findings
    outcome: Outcome


def ask(
    session: Session,
    index: Index,
    text: str,
    locales: list[str],
    locale: str | None = None,
    channel: str = "api",
    audience: str | None = None,
) -> Reply:
    """The reply to a question, and its Receipt in the session (the caller commits).

    Raises Invalid for an empty or over-long question, an unknown locale or channel.
    """
    audience = audience or audience_of(channel)
    judged = consider(session, index, text, locales, locale, audience)
    remember(index, judged)
    return give(session, judged, channel, audience)


def remember(index: Index, judged: Judged) -> None:
    """Keep what was seen of a question that will be on record, unless it names somebody."""
    if masked(judged.question.text) == judged.question.text:
        index.vectors.questions.keep(judged.question.search)


def give(session: Session, judged: Judged, channel: str, audience: str) -> Reply:
    """The reply that was decided on, and its Receipt in the session (the caller commits)."""
    receipt = _receipt(judged, channel, audience)
    session.add(receipt)
    return Reply(judged.question, judged.outcome, receipt.confidence, receipt)


def consider(
    session: Session,
    index: Index,
    text: str,
    locales: list[str],
    locale: str | None = None,
    audience: str = PUBLIC,
) -> Judged:
    """What would be replied, without a Receipt: for evaluations and previews.

    What customers are answered is what agents are answered: their own articles only add to it.
    """
    question = understand(text, locale, locales)
    if audience == AGENTS:
        told = _consider(session, index, question, locales, PUBLIC)
        if isinstance(told.outcome, Answered):
            return told
    return _consider(session, index, question, locales, audience)


def _consider(
    session: Session, index: Index, question: Question, locales: list[str], audience: str
) -> Judged:
    if question.has_words:
        findings = find_matches(
            session, index, question.search, question.language, audience, limit=OPTIONS + RELATED
        )
    else:
        findings = nothing_found(index, session)
    return judge(session, index, question, findings, locales, audience)


def judge(
    session: Session,
    index: Index,
    question: Question,
    findings: Findings,
    locales: list[str],
    audience: str,
) -> Judged:
    """What is decided on what was found, in the words that show there."""
    words = _live_words(session, index, findings, question.locale, locales, audience)
    return Judged(question, findings, decide(question, findings, words))


def decide(question: Question, findings: Findings, words: dict[int, Words]) -> Outcome:
    """Answer, ask back or be silent. Pure: the same findings, the same outcome."""
    if not question.has_words:
        return Abstained("no_words")
    matches = [m for m in findings.matches if m.article_id in words]
    if not matches:
        return Abstained("no_answer")
    if findings.may_answer and matches[0] is findings.matches[0]:
        related = tuple(words[m.article_id] for m in matches[1 : RELATED + 1] if m.is_related)
        best = words[matches[0].article_id]
        return Answered(best, related, _passage_of(best, matches[0]))
    if not findings.may_clarify:
        near = tuple(words[m.article_id] for m in matches[:RELATED] if m.is_related)
        return Abstained("no_answer", near)
    options = [*matches[:2], *(m for m in matches[2:OPTIONS] if m.share >= OPTION_SHARE)]
    close = tuple(words[m.article_id] for m in options)
    return Clarification(close) if len(close) > 1 else Abstained("not_sure", close)


def _passage_of(words: Words, match: Match) -> Passage | None:
    """The passage that spoke for a match, if it stands in the very wording that is shown."""
    passage = match.passage
    return passage if passage and passage.revision_id == words.revision.id else None


def _live_words(
    session: Session,
    index: Index,
    findings: Findings,
    locale: str,
    locales: list[str],
    audience: str,
) -> dict[int, Words]:
    """What shows now of the matched articles, in the best locale of each."""
    ids = [match.article_id for match in findings.matches]
    order = [locale, *locales]
    if findings.live is None:
        shown = best_live(session, ids, order, visible_to(audience)) if ids else {}
        found = {article_id: publication.revision for article_id, publication in shown.items()}
    else:
        best = {
            article_id: next((of[code] for code in order if code in of), None)
            for article_id, of in findings.live.items()
        }
        whole = index.revisions([id_ for id_ in best.values() if id_ is not None])
        found = {article_id: whole[id_] for article_id, id_ in best.items() if id_ is not None}
    slugs = {match.article_id: match.slug for match in findings.matches}
    return {id_: Words(slugs[id_], revision, locale) for id_, revision in found.items()}


def _receipt(judged: Judged, channel: str, audience: str) -> Receipt:
    question, findings, outcome = judged.question, judged.findings, judged.outcome
    receipt = Receipt(
        epoch=findings.epoch,
        channel=channel,
        audience=audience,
        question=masked(question.text),
        locale=question.locale,
        outcome=LABELS[type(outcome)],
        confidence=findings.confidence,
        detail=detail_of(findings),
    )
    if isinstance(outcome, Answered):
        name_answer(receipt, outcome.words)
        if outcome.passage:
            receipt.detail["passage"] = asdict(outcome.passage)
    return receipt


def name_answer(receipt: Receipt, words: Words) -> None:
    """Write into a receipt which wording was given."""
    revision = words.revision
    receipt.article, receipt.article_id = words.slug, revision.article_id
    receipt.revision_id, receipt.version = revision.id, revision.version
    receipt.answer_locale, receipt.answer_sha256 = revision.locale, revision.answer_sha256
