"""A conversation as a letter to its customer: who said what, each answer with its version."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from sqlmodel import Field, Session, SQLModel, col, select

from assistant.conversations import AGENT, CUSTOMER, SYSTEM, Conversation, Turn, turns_of
from assistant.letters import Letter, html_page, paragraph, site_of, texts_in
from kb.articles import Revision, load_revisions
from kb.db import UtcDateTime, now
from kb.markdown import plain, render
from kb.people import Person
from kb.settings import Settings


class TranscriptCopy(SQLModel, table=True):
    """Whom a copy was sent to and how many turns it had; erased with its conversation."""

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    email: str
    turns: int
    at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


def transcript_of(
    session: Session, conversation: Conversation, to: str, settings: Settings
) -> Letter:
    """All that the customer saw, in the conversation's language."""
    turns = [turn for turn in turns_of(session, conversation.id) if not turn.is_for_staff]
    pages = Pages(session, turns, settings)
    locale = conversation.locale
    texts = texts_in(locale)
    intro = texts["transcript_intro"]
    return Letter(
        to=to,
        subject=texts["transcript_subject"].format(site=site_of(settings, locale)),
        text="\n\n".join([intro, *(pages.text(turn, texts) for turn in turns)]) + "\n",
        html=html_page(locale, [paragraph(intro), *(pages.html(turn, texts) for turn in turns)]),
        locale=locale,
    )


class Pages:
    """Turns with the answers and people they name, read in two queries."""

    def __init__(self, session: Session, turns: Sequence[Turn], settings: Settings) -> None:
        self.base_url = settings.base_url
        self.revisions = load_revisions(session, {t.revision_id for t in turns if t.revision_id})
        ids = {turn.person_id for turn in turns if turn.person_id}
        people = session.exec(select(Person).where(col(Person.id).in_(ids)))
        self.names = {person.id: person.name for person in people}

    def text(self, turn: Turn, texts: dict[str, str]) -> str:
        """One turn in plain words."""
        words = turn.text if turn.author == CUSTOMER else plain(turn.text)
        source = self._source(turn, texts)
        lines = [self._heading(turn, texts), words]
        return "\n".join(lines + ([f"{source[0]}\n{source[1]}"] if source else []))

    def html(self, turn: Turn, texts: dict[str, str]) -> str:
        """One turn as HTML; what a customer typed stays what they typed."""
        words = paragraph(turn.text)
        if turn.author != CUSTOMER:
            words = f'<div lang="{turn.locale}">{render(turn.text, self.base_url)}</div>'
        source = self._source(turn, texts)
        link = f'<p><a href="{escape(source[1])}">{escape(source[0])}</a></p>' if source else ""
        return f"<p><b>{escape(self._heading(turn, texts))}</b></p>\n{words}{link}"

    def _heading(self, turn: Turn, texts: dict[str, str]) -> str:
        return f"{self._name(turn, texts)} · {turn.at:%Y-%m-%d %H:%M} UTC"

    def _name(self, turn: Turn, texts: dict[str, str]) -> str:
        if turn.author == AGENT:
            return self.names.get(turn.person_id, texts["agent"])
        return texts["assistant" if turn.author == SYSTEM else turn.author]

    def _source(self, turn: Turn, texts: dict[str, str]) -> tuple[str, str] | None:
        """Title with version, and the address, of the approved answer that was given."""
        revision: Revision | None = self.revisions.get(turn.revision_id or 0)
        if revision is None or turn.deviates:
            return None
        version = texts["version"].format(version=revision.version)
        url = f"{self.base_url}/{revision.locale}/articles/{revision.article.slug}"
        return f"{revision.title} ({version})", f"{url}/versions/{revision.version}"
