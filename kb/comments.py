"""What reviewers say about a passage, and what is answered.

A thread belongs to an article in a locale, so that it follows the wording from draft to draft:
its quote is looked for again in whatever version is read.

    open ─resolve→ resolved ─reopen→ open
"""

import re
from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, Session, SQLModel, col, select

from kb import history
from kb.articles import CONTROL, Revision
from kb.db import UtcDateTime, now
from kb.errors import Invalid, NotAllowed, NotFound
from kb.people import Person, require
from kb.quotes import find_quote, in_one_line, shown

TEXT_LIMIT, QUOTE_LIMIT = 4000, 1000
PARTS = ("title", "answer", "body")
MENTION = re.compile(r"(?<![\w.@])@([\w][\w.+-]*(?:@[\w-]+(?:\.[\w-]+)+)?)")


class Comment(SQLModel, table=True):
    """The first of a thread, or a reply to it; a thread without a quote is about the whole."""

    __table_args__ = (Index("ix_comment_place", "article_id", "locale"),)

    id: int | None = Field(default=None, primary_key=True)
    article_id: int = Field(foreign_key="article.id")
    locale: str
    version: int
    thread_id: int | None = Field(default=None, foreign_key="comment.id", index=True)
    by_id: int = Field(foreign_key="person.id")
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    edited_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    text: str
    part: str = ""
    quote: str = ""
    position: int = 0
    resolved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resolved_by_id: int | None = Field(default=None, foreign_key="person.id")

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to deal with it."""
        return self.resolved_at is None


# -- saying something --------------------------------------------------------------


def comment(
    session: Session,
    revision: Revision,
    by: Person,
    text: str,
    part: str = "",
    quote: str = "",
    position: int = 0,
) -> Comment:
    """Begin a thread about a passage, or about the whole. Raises Invalid for what is not there."""
    require(by, "write")
    quote = in_one_line(quote)
    if quote:
        position = _place_of(revision, part, quote, position)
    said = Comment(
        article_id=revision.article_id,
        locale=revision.locale,
        version=revision.version,
        by_id=_id(by),
        text=_checked(text),
        part=part if quote else "",
        quote=quote,
        position=position if quote else 0,
    )
    return _keep(session, said, by, "commented")


def _place_of(revision: Revision, part: str, quote: str, near: int) -> int:
    if part not in PARTS:
        raise Invalid(f"part is one of {', '.join(PARTS)}", "part")
    if len(quote) > QUOTE_LIMIT:
        raise Invalid(f"choose a passage of up to {QUOTE_LIMIT} characters", "quote")
    place = find_quote(part_of(revision, part), quote, near)
    if place is None:
        raise Invalid("this passage is not in the text; choose it again", "quote")
    return place


def part_of(revision: Revision, part: str) -> str:
    """The words of a part, as they are shown."""
    return in_one_line(revision.title) if part == "title" else shown(str(getattr(revision, part)))


def reply(session: Session, thread: Comment, by: Person, text: str) -> Comment:
    """Answer in a thread."""
    require(by, "write")
    said = Comment(
        article_id=thread.article_id,
        locale=thread.locale,
        version=thread.version,
        thread_id=thread.id,
        by_id=_id(by),
        text=_checked(text),
    )
    return _keep(session, said, by, "replied")


def edit(session: Session, said: Comment, by: Person, text: str) -> None:
    """Change one's own words. Raises NotAllowed for anybody else's."""
    if said.by_id != by.id:
        raise NotAllowed("only who wrote a comment may change it")
    text = _checked(text)
    if text != said.text:
        said.text, said.edited_at = text, now()
        _keep(session, said, by, "comment_edited")


def resolve(session: Session, thread: Comment, by: Person) -> None:
    """It is dealt with."""
    require(by, "write")
    if thread.is_open:
        thread.resolved_at, thread.resolved_by_id = now(), by.id
        _keep(session, thread, by, "comment_resolved")


def reopen(session: Session, thread: Comment, by: Person) -> None:
    """It is not dealt with after all."""
    require(by, "write")
    if not thread.is_open:
        thread.resolved_at = thread.resolved_by_id = None
        _keep(session, thread, by, "comment_reopened")


def _checked(text: str) -> str:
    text = CONTROL.sub("", text.replace("\r\n", "\n")).strip()
    if not 0 < len(text) <= TEXT_LIMIT:
        raise Invalid(f"a comment has 1 to {TEXT_LIMIT} characters", "text")
    return text


def _keep(session: Session, said: Comment, by: Person, kind: str) -> Comment:
    session.add(said)
    session.flush()
    place = (said.article_id, said.locale, said.version)
    history.record(session, kind, by, *place, comment=said.id)
    return said


# -- reading -----------------------------------------------------------------------


def get_comment(session: Session, comment_id: int, article_id: int, locale: str) -> Comment:
    """A comment on that article. Raises NotFound."""
    found = session.get(Comment, comment_id)
    if found is None or (found.article_id, found.locale) != (article_id, locale):
        raise NotFound("there is no such comment")
    return found


def threads_on(session: Session, article_id: int, locale: str) -> list[list[Comment]]:
    """All threads, oldest first, each with its replies in order."""
    query = select(Comment).where(Comment.article_id == article_id, Comment.locale == locale)
    threads: dict[int, list[Comment]] = {}
    for said in session.exec(query.order_by(col(Comment.id))):
        threads.setdefault(said.thread_id or _id(said), []).append(said)
    return list(threads.values())


def place_in(revision: Revision, thread: Comment) -> int | None:
    """Where a thread's quote stands in a version; None when the passage has changed."""
    if thread.part not in PARTS:
        return None
    return find_quote(part_of(revision, thread.part), thread.quote, thread.position)


def mentioned(text: str, people: list[Person]) -> list[Person]:
    """Who is spoken to: @ and an e-mail address, its first part, or a name without blanks."""
    called = {name.rstrip(".").casefold() for name in MENTION.findall(text)}
    return [person for person in people if called & _names_of(person)]


def _names_of(person: Person) -> set[str]:
    email = person.email.casefold()
    return {email, email.split("@")[0], "".join(person.name.split()).casefold()}


def _id(row: Person | Comment) -> int:
    assert row.id is not None
    return row.id
