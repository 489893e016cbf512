"""What a search shows below its answer, and while somebody is still typing."""

from dataclasses import dataclass

from fastapi import Request
from markupsafe import Markup
from sqlmodel import Session

from assistant.answering import OPTIONS, RELATED, Abstained, Answered, Reply
from assistant.understanding import understand
from kb.audiences import PUBLIC
from kb.errors import Invalid
from kb.publishing import Publication
from retriever.search import Findings, Match, find_matches
from web.contents import Contents, Entry
from web.highlight import excerpt, mark
from web.pages import in_one_line, services_of, summary

# As many as `ask` looks for, so that the page asks the retriever once.
MATCHES = OPTIONS + RELATED
SUGGESTIONS = 6
NEAREST = 4
# Fewer letters than this complete a title, but make no question.
QUESTION_LETTERS = 3


@dataclass(frozen=True)
class Result:
    """An article found, with the reader's words marked."""

    entry: Entry
    title: Markup
    snippet: Markup

    @property
    def has_marks(self) -> bool:
        """Whether it holds any of the reader's words."""
        return "<mark>" in self.title + self.snippet


def list_results(
    request: Request, session: Session, reply: Reply, contents: Contents
) -> list[Result]:
    """What the reply does not already show, best first."""
    question = reply.question
    if not question.has_words:
        return []
    findings = _find(request, session, question.text, question.language)
    rest = [match for match in findings.matches if _is_extra(match, reply)]
    locales = services_of(request).settings.locales
    pairs = [(m, contents.best(m.article_id, question.locale, locales)) for m in rest]
    results = [(m, _result(m, entry, question.text)) for m, entry in pairs if entry]
    return [result for match, result in results if match.is_related or result.has_marks]


def _find(request: Request, session: Session, question: str, language: str) -> Findings:
    return find_matches(
        session, services_of(request).index, question, language, PUBLIC, limit=MATCHES
    )


def _is_extra(match: Match, reply: Reply) -> bool:
    outcome = reply.outcome
    if isinstance(outcome, Answered):
        return match.article_id != outcome.words.revision.article_id
    if isinstance(outcome, Abstained):
        return match.article_id in {w.revision.article_id for w in outcome.related}
    return match.article_id not in {w.revision.article_id for w in outcome.options}


def _result(match: Match, entry: Entry, question: str) -> Result:
    passages = [
        excerpt(in_one_line(w.text.text), question, entry.locale)
        for w in match.witnesses
        if not w.text.is_question and w.text.locale == entry.locale
    ]
    passages.append(summary(entry.answer))
    snippets = [mark(passage, question, entry.locale) for passage in passages]
    snippet = next((s for s in snippets if "<mark>" in s), snippets[-1])
    return Result(entry, mark(entry.title, question, entry.locale), snippet)


def list_suggestions(
    request: Request, session: Session, contents: Contents, typed: str, locale: str
) -> list[Entry]:
    """Articles in the reader's language that complete or answer what is typed so far."""
    found = {e.article_id: e for e in contents.completions(typed, locale, SUGGESTIONS)}
    if len(found) < SUGGESTIONS and sum(c.isalnum() for c in typed) >= QUESTION_LETTERS:
        for article_id in _likely(request, session, typed, locale):
            entry = contents.translations(article_id).get(locale)
            if entry:
                found.setdefault(article_id, entry)
    return list(found.values())[:SUGGESTIONS]


def _likely(request: Request, session: Session, typed: str, locale: str) -> list[int]:
    try:
        question = understand(typed, locale, services_of(request).settings.locales)
    except Invalid:
        return []
    findings = _find(request, session, question.text, question.language)
    if not findings.may_clarify:
        return []
    return [match.article_id for match in findings.matches if match.is_related]


def list_nearest(
    request: Request, session: Session, contents: Contents, shown: Publication, locale: str
) -> list[Entry]:
    """Articles to read after this one: the nearest, then others of its category."""
    locales = services_of(request).settings.locales
    findings = _find(request, session, shown.revision.title, shown.locale)
    category = contents.category(shown.revision.category, locale, locales)
    ids = [m.article_id for m in findings.matches if m.is_related]
    ids += [entry.article_id for entry in category.entries] if category else []
    wanted = [n for n in dict.fromkeys(ids) if n != shown.article_id][:NEAREST]
    entries = (contents.best(n, locale, locales) for n in wanted)
    return [entry for entry in entries if entry]
