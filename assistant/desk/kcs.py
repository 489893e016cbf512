"""What agents do for the knowledge while they work (KCS v6): use it, flag it, add it."""

from datetime import datetime

from sqlmodel import Field, Session, SQLModel

from assistant.changes import Treated
from assistant.letters import Letter, check_address, html_page, paragraph, texts_in
from assistant.outgoing import queue
from kb import history
from kb.articles import CONTROL, Revision
from kb.db import UtcDateTime, now
from kb.errors import Invalid
from kb.owners import owner_of
from kb.people import Person, require
from kb.verification import renew_by_use

REASON_LIMIT = 2000
HOW = ("inserted", "linked")


class ArticleUse(SQLModel, table=True):
    """An agent gave a Revision to a customer; `text` is what was sent if it was changed."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    article_id: int = Field(foreign_key="article.id", index=True)
    revision_id: int = Field(foreign_key="revision.id")
    handoff_id: int | None = Field(default=None, foreign_key="handoff.id", index=True)
    by_id: int = Field(foreign_key="person.id")
    how: str
    text: str | None = None


class Flag(Treated, table=True):
    """Somebody says that a Revision is wrong; open until its owner has dealt with it."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    article_id: int = Field(foreign_key="article.id", index=True)
    revision_id: int = Field(foreign_key="revision.id")
    handoff_id: int | None = Field(default=None, foreign_key="handoff.id")
    by_id: int = Field(foreign_key="person.id")
    reason: str


def use_article(
    session: Session,
    revision: Revision,
    by: Person,
    how: str,
    handoff_id: int | None = None,
    text: str | None = None,
) -> ArticleUse:
    """Keep that this wording was given; with `text`, that it was changed on the way.

    Given as it is, it holds: that renews its verification.
    """
    require(by, "read")
    if how not in HOW:
        raise Invalid(f"how is one of {', '.join(HOW)}", "how")
    assert by.id is not None
    assert revision.id is not None
    changed = text is not None and text.strip() != revision.answer.strip()
    use = ArticleUse(
        article_id=revision.article_id,
        revision_id=revision.id,
        handoff_id=handoff_id,
        by_id=by.id,
        how=how,
        text=text if changed else None,
    )
    session.add(use)
    session.flush()
    if not changed:
        renew_by_use(session, revision, by)
    return use


def flag_article(
    session: Session, revision: Revision, by: Person, reason: str, handoff_id: int | None = None
) -> Flag:
    """Tell the owner that something is wrong here. Raises Invalid without a reason."""
    require(by, "read")
    reason = CONTROL.sub("", reason).strip()
    if not 0 < len(reason) <= REASON_LIMIT:
        raise Invalid(f"say what is wrong, in up to {REASON_LIMIT} characters", "reason")
    assert by.id is not None
    assert revision.id is not None
    flag = Flag(
        article_id=revision.article_id,
        revision_id=revision.id,
        handoff_id=handoff_id,
        by_id=by.id,
        reason=reason,
    )
    session.add(flag)
    session.flush()
    history.record(
        session, "flagged", by, revision.article_id, revision.locale, revision.version, flag=flag.id
    )
    return flag


def tell_owner(session: Session, flag: Flag, revision: Revision, by: Person, base_url: str) -> None:
    """The article's owner hears of a flag by mail, where the owner is an address."""
    try:
        owner = check_address(owner_of(session, revision))
    except Invalid:
        return
    texts, slug = texts_in(revision.locale), revision.article.slug
    intro = texts["flag_intro"].format(name=by.name, article=slug, version=revision.version)
    link = f"{base_url}/{revision.locale}/articles/{slug}"
    html = [paragraph(intro), paragraph(flag.reason), paragraph(link)]
    letter = Letter(
        to=owner,
        subject=texts["flag_subject"].format(title=revision.title),
        text=f"{intro}\n\n{flag.reason}\n\n{link}\n",
        html=html_page(revision.locale, html),
        locale=revision.locale,
    )
    queue(session, "mail", f"flag-{flag.id}", letter.as_data())
