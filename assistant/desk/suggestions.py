"""Approved answers beside an agent: found like any reply, with everything an agent should know."""

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import Session, col, select

from assistant.answering import Answered, consider
from assistant.recall import corrected_since
from assistant.understanding import QUESTION_LIMIT, understand
from kb.articles import Article, Revision, latest_revision, load_revisions
from kb.audiences import AGENTS, ASSISTANT, PUBLIC, visible_to
from kb.db import now
from kb.owners import Owners
from kb.publishing import best_live, live_publications
from kb.translations import is_outdated
from kb.verification import is_overdue
from retriever.index import Index
from retriever.lexical import tokenize
from retriever.search import find_matches

LIMIT = 5
CORRECTED_LATELY = timedelta(days=1)
DRAFTS = 2
# Share of a question's words that a draft must hold to be shown.
DRAFT_WORDS = 0.5


@dataclass(frozen=True)
class Suggestion:
    """A wording that an agent may use; `score` is its share of the belief, 0 for a draft.

    Badges: verified, stale, outdated, agents_only, not_validated, and for a day corrected.
    """

    slug: str
    revision: Revision
    badges: tuple[str, ...]
    score: float
    owner: str = ""


def suggest(
    session: Session, index: Index, text: str, locales: list[str], locale: str | None = None
) -> list[Suggestion]:
    """Answers to a question for an agent, best first; drafts that are not validated last."""
    question = understand(text[:QUESTION_LIMIT], locale, locales)
    if not question.has_words:
        return []
    findings = find_matches(
        session, index, question.search, question.language, AGENTS, limit=LIMIT * 2
    )
    ids = [match.article_id for match in findings.matches]
    order = [question.locale, *locales]
    live = best_live(session, ids, order, visible_to(AGENTS)) if ids else {}
    whole = load_revisions(session, [p.revision_id for p in live.values()])
    found = [
        Suggestion(m.slug, whole[live[m.article_id].revision_id], (), m.share)
        for m in findings.matches
        if m.article_id in live
    ]
    told = consider(session, index, question.text, locales, question.locale).outcome
    if isinstance(told, Answered):
        found = _first(found, Suggestion(told.words.slug, told.words.revision, (), 1.0))
    owners = Owners(session, [suggestion.revision.article_id for suggestion in found[:LIMIT]])
    shown = [_with_badges(session, owners, suggestion) for suggestion in found[:LIMIT]]
    return _marked(session, shown) + _drafts(
        session, question.text, question.locale, question.language
    )


def _first(found: list[Suggestion], told: Suggestion) -> list[Suggestion]:
    """What the customer is answered on every other channel stands at the top."""
    same = [suggestion for suggestion in found if suggestion.slug == told.slug]
    others = [suggestion for suggestion in found if suggestion.slug != told.slug]
    return [same[0] if same else told, *others]


def _with_badges(session: Session, owners: Owners, suggestion: Suggestion) -> Suggestion:
    revision = suggestion.revision
    badges = ["stale" if is_overdue(revision) else "verified"]
    if is_outdated(session, revision.article, revision):
        badges.append("outdated")
    if revision.audience != PUBLIC:
        badges.append("agents_only")
    return replace(suggestion, badges=tuple(badges), owner=owners.of(revision))


def _marked(session: Session, found: list[Suggestion]) -> list[Suggestion]:
    """Who knew the words before knows that they were wrong."""
    ids = [suggestion.revision.id for suggestion in found if suggestion.revision.id]
    fresh = corrected_since(session, ids, now() - CORRECTED_LATELY)
    return [
        replace(s, badges=("corrected", *s.badges)) if s.revision.id in fresh else s for s in found
    ]


def _drafts(session: Session, text: str, locale: str, language: str) -> list[Suggestion]:
    """Wordings nobody has approved yet, of articles that are not live: for agents' eyes only."""
    asked = set(tokenize(text, language))
    if not asked:
        return []
    live = {publication.article_id for publication in live_publications(session)}
    query = select(Article).where(col(Article.id).not_in(live)).order_by(col(Article.id).desc())
    found = []
    for article in session.exec(query.limit(200)):
        assert article.id is not None
        revision = latest_revision(session, article.id, locale)
        if revision is None or revision.is_approved or revision.audience == ASSISTANT:
            continue
        words = {w for t in (revision.title, *revision.phrasings) for w in tokenize(t, language)}
        share = len(asked & words) / len(asked)
        if share >= DRAFT_WORDS:
            badges = ("not_validated",)
            found.append((share, Suggestion(article.slug, revision, badges, 0.0, revision.owner)))
    found.sort(key=lambda pair: (-pair[0], pair[1].slug))
    return [suggestion for _share, suggestion in found[:DRAFTS]]
