"""Whether an answer helped, in the reader's word."""

from datetime import datetime

from sqlmodel import Field, Session

from assistant.changes import Treated
from kb.articles import CONTROL
from kb.db import UtcDateTime, now
from kb.errors import Invalid
from kb.publishing import Publication

COMMENT_LIMIT = 2000


class Feedback(Treated, table=True):
    """One reader's verdict on one Revision."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    article_id: int = Field(foreign_key="article.id", index=True)
    revision_id: int = Field(foreign_key="revision.id")
    channel: str
    helped: bool
    comment: str = ""
    # The reply that the verdict is about, where one was given.
    receipt_id: str | None = Field(default=None, foreign_key="receipt.id", index=True)


def give_feedback(
    session: Session, publication: Publication, channel: str, helped: bool, comment: str = ""
) -> Feedback:
    """Keep what a reader said of a live article. Raises Invalid for an over-long comment."""
    comment = CONTROL.sub("", comment).strip()
    if len(comment) > COMMENT_LIMIT:
        raise Invalid(f"a comment has at most {COMMENT_LIMIT} characters", "comment")
    said = Feedback(
        article_id=publication.article_id,
        revision_id=publication.revision_id,
        channel=channel,
        helped=helped,
        comment=comment,
    )
    session.add(said)
    session.flush()
    return said
