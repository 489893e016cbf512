"""Whether an answer helped, in the reader's word."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.feedback import COMMENT_LIMIT, Feedback, give_feedback
from kb.articles import get_article
from kb.db import transaction
from kb.errors import Invalid
from kb.publishing import Publication, live_publication
from tests.cast import REFUND_POLICY, published


@pytest.fixture
def live(engine: Engine) -> Publication:
    """The refund policy, live."""
    with transaction(engine) as session:
        published(session, "refund-time", REFUND_POLICY)
        return found(session)


def found(session: Session) -> Publication:
    article = get_article(session, "refund-time")
    assert article.id is not None
    publication = live_publication(session, article.id, "en")
    assert publication is not None
    return publication


def test_feedback_is_kept_with_the_revision_it_is_about(engine: Engine, live: Publication) -> None:
    with transaction(engine) as session:
        give_feedback(session, live, "help_site", False, "  which days?\x00 ")
    with Session(engine) as session:
        kept = session.exec(select(Feedback)).one()
        assert (kept.revision_id, kept.article_id) == (live.revision_id, live.article_id)
        assert (kept.helped, kept.comment, kept.channel) == (False, "which days?", "help_site")
        assert kept.at.tzinfo is not None


def test_comment_may_be_left_out(engine: Engine, live: Publication) -> None:
    with transaction(engine) as session:
        assert give_feedback(session, live, "widget", True).comment == ""


def test_over_long_comment_is_refused_and_nothing_kept(engine: Engine, live: Publication) -> None:
    with transaction(engine) as session:
        give_feedback(session, live, "api", True, "x" * COMMENT_LIMIT)
        with pytest.raises(Invalid, match="2000") as caught:
            give_feedback(session, live, "api", True, "x" * (COMMENT_LIMIT + 1))
    assert caught.value.field == "comment"
    with Session(engine) as session:
        assert len(session.exec(select(Feedback)).all()) == 1


@pytest.mark.parametrize(
    "comment", ["'; DROP TABLE feedback; --", "<script>", "谢谢 🙏", "ممنون‌ام"]
)
def test_comment_is_kept_letter_for_letter(engine: Engine, live: Publication, comment: str) -> None:
    with transaction(engine) as session:
        give_feedback(session, live, "api", True, comment)
    with Session(engine) as session:
        assert session.exec(select(Feedback)).one().comment == comment
