"""The studio's notifications by e-mail: at once, once a day, or never; one letter for many."""

from datetime import datetime, timedelta
from html import escape
from unicodedata import bidirectional
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from assistant.letters import Letter, html_page, paragraph, site_of, texts_in
from assistant.notifications import UNMAILED, WAITING, Notification
from assistant.outgoing import queue
from kb.db import now
from kb.people import Person
from kb.settings import Settings

# So that a step and the comments on it travel together.
PATIENCE = timedelta(seconds=30)
MORNING = 7
MOST = 20
# What is older is on the page, and no news.
OLDEST = timedelta(days=3)


def has_unmailed(session: Session, at: datetime) -> bool:
    """Whether anybody might be written to; a cheap look."""
    return session.exec(_unmailed(at).limit(1)).first() is not None


def send_news(session: Session, settings: Settings, at: datetime | None = None) -> int:
    """Queue a letter for everybody who is due one; how many. The caller holds the write lock."""
    at = at or now()
    waiting: dict[int, list[Notification]] = {}
    for told in session.exec(_unmailed(at)):
        waiting.setdefault(told.person_id, []).append(told)
    return sum(
        _write(session, settings, person_id, told, at) for person_id, told in waiting.items()
    )


def _unmailed(at: datetime) -> SelectOfScalar[Notification]:
    return (
        select(Notification)
        .where(
            col(Notification.mailed_at).is_(None),
            col(Notification.read_at).is_(None),
            col(Notification.at) <= at - PATIENCE,
            col(Notification.at) > at - OLDEST,
        )
        .order_by(col(Notification.id))
    )


def _write(
    session: Session, settings: Settings, person_id: int, told: list[Notification], at: datetime
) -> bool:
    person = session.get(Person, person_id)
    assert person is not None
    due = [one for one in told if _is_wanted(person, one)]
    if person.mail == "daily" and due and not _is_morning(settings, at, due[0]):
        return False
    for one in told:
        one.mailed_at = at
        session.add(one)
    if not due or not _is_reachable(person):
        return False
    letter = news_letter(session, person, due, settings)
    return queue(session, "mail", f"news-{person.id}-{due[-1].id}", letter.as_data(), at)


def _is_wanted(person: Person, told: Notification) -> bool:
    if person.mail == "never" or told.kind in UNMAILED:
        return False
    return person.mail in ("all", "daily") or told.kind in WAITING


def _is_reachable(person: Person) -> bool:
    return person.deactivated_at is None and not person.email.endswith(".invalid")


def _is_morning(settings: Settings, at: datetime, oldest: Notification) -> bool:
    """From seven o'clock where the desk is; what came in after that waits for the next day."""
    local = at.astimezone(ZoneInfo(settings.desk_timezone))
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return local >= morning > oldest.at


def line_of(told: Notification, name: str, locale: str) -> str:
    """What happened, in one sentence."""
    texts = texts_in(locale)
    line = texts[f"news_{told.kind}"].format(
        name=apart(name or texts["news_somebody"], locale),
        title=apart(told.data.get("title", ""), locale),
    )
    more = told.data.get("more", 0)
    return f"{line} {texts['news_more'].format(n=more)}" if more else line


def apart(text: str, locale: str) -> str:
    """A name or a title of the other direction, so that it does not turn the sentence around it."""
    directions = (bidirectional(character) for character in text)
    strong = next((found for found in directions if found in ("L", "R", "AL")), None)
    if strong is None or (strong != "L") == (locale == "fa"):
        return text
    return f"\u2068{text}\u2069"


def news_letter(
    session: Session, person: Person, told: list[Notification], settings: Settings
) -> Letter:
    """All of it, each with a link; what was said is quoted."""
    locale = person.locale or settings.fallback_locale
    texts, site = texts_in(locale), site_of(settings, locale)
    studio = f"{settings.base_url}/studio"
    text, html = [], []
    for one in told[:MOST]:
        by = session.get(Person, one.by_id) if one.by_id else None
        line = line_of(one, by.name if by else "", locale)
        address = f"{studio}{one.data.get('path', '/notifications')}"
        note = str(one.data.get("note", ""))
        text.append("\n".join([line, *([f"> {note}"] if note else []), address]))
        html.append(f'<p><a href="{escape(address)}">{escape(line)}</a></p>')
        html += [f"<blockquote>{paragraph(note)}</blockquote>"] if note else []
        first = line if len(told) == 1 else texts["news_subject"].format(n=len(told), site=site)
    settings_at = f"{studio}/notifications"
    foot = texts["news_settings"]
    text.append(f"{foot}\n{settings_at}")
    html.append(f'<p><small><a href="{escape(settings_at)}">{escape(foot)}</a></small></p>')
    return Letter(
        to=person.email,
        subject=first,
        text="\n\n".join(text) + "\n",
        html=html_page(locale, html),
        locale=locale,
    )
