"""What an agent's work does for the knowledge: giving an answer as it is says that it holds."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.desk.kcs import use_article
from kb.articles import Review, Revision, Verification
from kb.db import now, transaction
from tests.cast import REFUND_POLICY, omar, published


def overdue(session: Session) -> Revision:
    """An answer that somebody should have looked at long ago."""
    revision = published(session, "refund-time", replace(REFUND_POLICY, verify_days=30))
    for review in session.exec(select(Review)):
        review.at = now() - timedelta(days=40)
        session.add(review)
    session.flush()
    session.expire_all()
    return revision


def test_answer_given_word_for_word_is_verified_by_it(engine: Engine) -> None:
    with transaction(engine) as session:
        revision = overdue(session)
        use_article(session, revision, omar(session), "inserted", text=revision.answer + "\n")
        made = session.exec(select(Verification)).one()
        assert (made.how, made.by_id) == ("used", omar(session).id)


def test_answer_that_was_changed_on_the_way_is_not_verified(engine: Engine) -> None:
    with transaction(engine) as session:
        use_article(session, overdue(session), omar(session), "inserted", text="Ten days.")
        assert session.exec(select(Verification)).first() is None
