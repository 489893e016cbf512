"""What was changed because somebody told us: the facts, and the public list of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, Session, SQLModel, col, select

from kb.articles import CONTROL, Article, check_locale
from kb.db import UtcDateTime, now
from kb.errors import Invalid

SUMMARY_LIMIT = 300
OPEN, PLANNED, DONE, DECLINED = "open", "planned", "done", "declined"
STATES = (OPEN, PLANNED, DONE, DECLINED)


class Change(SQLModel, table=True):
    """An article was improved because of what people said; one sentence for each locale."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    article_id: int = Field(foreign_key="article.id")
    by_id: int = Field(foreign_key="person.id")
    summaries: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class Treated(SQLModel):
    """What became of something that was said about an article, who decided it and when."""

    state: str = Field(default=OPEN, index=True)
    assigned_to_id: int | None = Field(default=None, foreign_key="person.id")
    decision: str = ""
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by_id: int | None = Field(default=None, foreign_key="person.id")
    change_id: int | None = Field(default=None, foreign_key="change.id")


def checked_summaries(summaries: dict[str, str]) -> dict[str, str]:
    """The sentences that were written, by locale. Raises Invalid for none or an overlong one."""
    found = {check_locale(code): " ".join(text.split()) for code, text in summaries.items()}
    found = {code: CONTROL.sub("", text) for code, text in found.items() if text}
    if not found:
        raise Invalid("say in one sentence what was changed, in at least one language", "summary")
    for code, text in found.items():
        if len(text) > SUMMARY_LIMIT:
            raise Invalid(
                f"the sentence ({code}) has {len(text)} characters; shorten it to {SUMMARY_LIMIT}",
                f"summary_{code}",
            )
    return found


def list_changes(
    session: Session, locale: str, limit: int, before: int | None = None
) -> list[tuple[Change, str]]:
    """What was changed, newest first, with each article's slug; only what has words in it."""
    words: Any = col(Change.summaries)[locale].as_string()
    query = select(Change, Article.slug).join(Article).where(words.is_not(None))
    if before is not None:
        query = query.where(col(Change.id) < before)
    return list(session.exec(query.order_by(col(Change.id).desc()).limit(limit)).all())
