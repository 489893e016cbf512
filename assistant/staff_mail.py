"""Letters to the staff: come and join, choose a new password, your password was changed.

What opens something is made when the letter is written, so that it waits in no outbox.
"""

from html import escape

from sqlalchemy import Engine
from sqlmodel import Session

from assistant.letters import Letter, html_page, paragraph, site_of, texts_in
from assistant.mail import Mailer
from assistant.outgoing import Outgoing, Sender, queue
from kb.db import transaction
from kb.invitations import VALID as INVITED_FOR
from kb.invitations import Invitation, make_invitation_link
from kb.password_resets import PasswordReset, make_reset_link
from kb.people import Person
from kb.settings import Settings

INVITATION, RESET = "invitation", "password_reset"


def queue_invitation(session: Session, invitation: Invitation) -> None:
    """Write to whom was invited; once for each time that it is sent."""
    key = f"invitation-{invitation.id}-{round(invitation.sent_at.timestamp() * 1_000_000)}"
    queue(session, INVITATION, key, {"invitation": invitation.id})


def queue_reset(session: Session, reset: PasswordReset) -> None:
    """Write to whoever lost the password."""
    queue(session, RESET, f"password-reset-{reset.id}", {"reset": reset.id})


def queue_changed(session: Session, person: Person, event_id: int, settings: Settings) -> None:
    """Tell them that their password is another now, so that nobody changes it behind their back."""
    letter = changed_letter(person, settings)
    queue(session, "mail", f"password-changed-{event_id}", letter.as_data())


def invitation_sender(engine: Engine, mailer: Mailer, settings: Settings) -> Sender:
    """Delivers the outbox's invitations; what was withdrawn meanwhile stays here."""

    def send(message: Outgoing) -> None:
        with transaction(engine) as session:
            invitation = session.get(Invitation, message.data["invitation"])
            if invitation is None or invitation.is_settled:
                return
            letter = invitation_letter(session, invitation, settings)
        mailer.send(letter, message.key, message.created_at)

    return send


def reset_sender(engine: Engine, mailer: Mailer, settings: Settings) -> Sender:
    """Delivers the outbox's links for a new password."""

    def send(message: Outgoing) -> None:
        with transaction(engine) as session:
            reset = session.get(PasswordReset, message.data["reset"])
            person = session.get(Person, reset.person_id) if reset else None
            if reset is None or person is None or reset.used_at or person.deactivated_at:
                return
            letter = reset_letter(session, reset, person, settings)
        mailer.send(letter, message.key, message.created_at)

    return send


def invitation_url(settings: Settings, secret: str) -> str:
    """Where an invitation is accepted."""
    return f"{settings.base_url}/login/invitation?token={secret}"


def reset_url(settings: Settings, secret: str) -> str:
    """Where a new password is chosen."""
    return f"{settings.base_url}/login/new-password?token={secret}"


def invitation_letter(session: Session, invitation: Invitation, settings: Settings) -> Letter:
    """Who asks, to what, and the link."""
    locale = invitation.locale or settings.fallback_locale
    by = session.get(Person, invitation.by_id)
    names = {"name": by.name if by else "", "site": site_of(settings, locale)}
    secret = make_invitation_link(session, invitation)
    link = invitation_url(settings, secret)
    return _letter(invitation.email, locale, "invitation", names, link, secret)


def reset_letter(
    session: Session, reset: PasswordReset, person: Person, settings: Settings
) -> Letter:
    """The link, and what to do when it was somebody else who asked."""
    locale = person.locale or reset.locale or settings.fallback_locale
    secret = make_reset_link(session, reset)
    names = {"name": person.name, "site": site_of(settings, locale)}
    return _letter(person.email, locale, "reset", names, reset_url(settings, secret), secret)


def changed_letter(person: Person, settings: Settings) -> Letter:
    """What happened, and the way back if it was not they."""
    locale = person.locale or settings.fallback_locale
    names = {"name": person.name, "site": site_of(settings, locale)}
    return _letter(person.email, locale, "changed", names, f"{settings.base_url}/login/lost")


def _letter(
    to: str, locale: str, kind: str, names: dict[str, str], link: str, secret: str = ""
) -> Letter:
    texts = {
        part: texts_in(locale)[f"{kind}_{part}"].format(days=INVITED_FOR.days, **names)
        for part in ("subject", "intro", "button", "note")
    }
    button = f'<p><a href="{escape(link)}">{escape(texts["button"])}</a></p>'
    return Letter(
        to=to,
        subject=texts["subject"],
        text=f"{texts['intro']}\n\n{texts['button']}:\n{link}\n\n{texts['note']}\n",
        html=html_page(locale, [paragraph(texts["intro"]), button, paragraph(texts["note"])]),
        locale=locale,
        secret=secret,
    )
