"""The people of the house, for admins: who is here, invited, gone; programs and their keys."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from assistant.letters import check_address
from assistant.staff_mail import invitation_url, queue_invitation, queue_reset, reset_url
from kb.audit import EventSearch, find_events
from kb.db import reading, transaction
from kb.errors import Invalid
from kb.invitations import (
    AlreadyHere,
    AlreadyInvited,
    Invitation,
    invitation_by_id,
    invite,
    make_invitation_link,
    send_again,
    waiting_invitations,
    withdraw_invitation,
)
from kb.keys import active_keys, keys_of, revoke_key
from kb.password_resets import has_password, make_reset_link, start_reset
from kb.people import Person
from kb.settings import LOCALE_NAMES
from kb.sign_in import sessions_of
from kb.staff import (
    LastAdmin,
    Wanted,
    change_role,
    count_people,
    deactivate,
    list_people,
    person_by_id,
    reactivate,
    sign_out_everywhere,
)
from web.forms import from_this_site
from web.i18n import _
from web.login import PRIVATE
from web.pages import services_of
from web.studio.account import SCOPE_NAMES
from web.studio.history import kind_name
from web.studio.shell import editor_of, studio_page

router = APIRouter()
OURS = [Depends(from_this_site)]
PER_PAGE = 50
RECENT = 15
ROLE_NAMES = {
    "contributor": _("Contributor"),
    "publisher": _("Publisher"),
    "agent": _("Agent"),
    "admin": _("Admin"),
}
ROLE_TEXTS = {
    "contributor": _("writes drafts"),
    "publisher": _("writes, approves and publishes, and helps at the desk"),
    "agent": _("answers customers at the desk and suggests answers"),
    "admin": _("does all of that, and looks after people and settings"),
}
DONE = {
    "invited": _("The invitation is on its way. Its link works for a week."),
    "withdrawn": _("The invitation is withdrawn. Its link opens nothing any more."),
    "role": _("The new role counts from now on."),
    "deactivated": _("Deactivated and signed out everywhere. What they wrote stays."),
    "reactivated": _("Welcome back: role, password and keys are as they were."),
    "signed-out": _("Signed out on all devices."),
    "letter": _("A letter with the link is on its way. The link works for one hour."),
    "revoked": _("The key is revoked. Whatever used it is refused from now on."),
}
PROBLEMS: dict[type[Exception], str] = {
    AlreadyHere: _("There is an account with this e-mail already; perhaps it is deactivated."),
    AlreadyInvited: _("They are invited already. Send the invitation again, or withdraw it."),
    Invalid: _("Please check the e-mail address."),
    LastAdmin: _("This is the last active admin. Make somebody else an admin first."),
}


@router.api_route("/people", methods=["GET", "HEAD"])
def show_people(
    request: Request,
    q: str = "",
    role: str = "",
    state: str = "",
    tab: str = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    done: str = "",
) -> Response:
    """People and who is invited; with `tab=programs` programs and everybody's keys."""
    wanted = Wanted(q[:200], role, state, programs=tab == "programs")
    with reading(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        return _list(request, session, admin, wanted, page, done=DONE.get(done, ""))


@router.post("/people/invitations", dependencies=OURS)
def post_invitation(
    request: Request,
    email: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "contributor",
    locale: Annotated[str, Form()] = "",
) -> Response:
    """Invites, by a letter, or by a link to pass on where no mail leaves the house."""
    with transaction(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        try:
            address = check_address(email)
            known = locale if locale in LOCALE_NAMES else ""
            invitation = invite(session, address, role, admin, known)
        except (AlreadyHere, AlreadyInvited, Invalid) as error:
            problem = PROBLEMS[type(error)]
            return _list(request, session, admin, Wanted(), problem=problem, email=email[:254])
        return _sent(request, session, admin, invitation)


@router.post("/people/invitations/{invitation_id}/letter", dependencies=OURS)
def post_letter(request: Request, invitation_id: int) -> Response:
    """The same invitation with a new link."""
    with transaction(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        invitation = invitation_by_id(session, invitation_id)
        send_again(session, invitation, admin)
        return _sent(request, session, admin, invitation)


@router.post("/people/invitations/{invitation_id}/withdrawal", dependencies=OURS)
def post_withdrawal(request: Request, invitation_id: int) -> Response:
    """Its link opens nothing any more."""
    with transaction(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        withdraw_invitation(session, invitation_by_id(session, invitation_id), admin)
    return _done("/studio/people", "withdrawn")


@router.post("/people/keys/{key_id}/revocation", dependencies=OURS)
def post_revocation(request: Request, key_id: int) -> Response:
    """Anybody's key."""
    with transaction(services_of(request).engine) as session:
        revoke_key(session, key_id, editor_of(request, session, "administer"))
    return _done("/studio/people", "revoked", tab="programs")


@router.get("/people/invitations{_form:path}")
def to_people(_form: str) -> Response:
    """Where a form's reply was shown, another language or a reload leads to the page itself."""
    return RedirectResponse("/studio/people", 303, PRIVATE)


@router.get("/people/{person_id}/{_form:path}")
def to_person(person_id: int, _form: str) -> Response:
    """The same for the forms on somebody's page."""
    return RedirectResponse(f"/studio/people/{person_id}", 303, PRIVATE)


@router.api_route("/people/{person_id}", methods=["GET", "HEAD"])
def show_person(request: Request, person_id: int, done: str = "") -> Response:
    """One of them: what they did lately, where they are signed in, their keys."""
    with reading(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        person = person_by_id(session, person_id)
        return _person(request, session, admin, person, done=DONE.get(done, ""))


@router.post("/people/{person_id}/role", dependencies=OURS)
def post_role(request: Request, person_id: int, role: Annotated[str, Form()] = "") -> Response:
    """Counts at once, for keys too."""
    with transaction(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        person = person_by_id(session, person_id)
        try:
            change_role(session, person, role, admin)
        except LastAdmin:
            return _person(request, session, admin, person, problem=PROBLEMS[LastAdmin])
    return _done(f"/studio/people/{person_id}", "role")


@router.post("/people/{person_id}/deactivation", dependencies=OURS)
def post_deactivation(request: Request, person_id: int) -> Response:
    """They leave; their work stays."""
    with transaction(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        person = person_by_id(session, person_id)
        try:
            deactivate(session, person, admin)
        except LastAdmin:
            return _person(request, session, admin, person, problem=PROBLEMS[LastAdmin])
    return _done(f"/studio/people/{person_id}", "deactivated")


@router.post("/people/{person_id}/reactivation", dependencies=OURS)
def post_reactivation(request: Request, person_id: int) -> Response:
    """They are back."""
    with transaction(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        reactivate(session, person_by_id(session, person_id), admin)
    return _done(f"/studio/people/{person_id}", "reactivated")


@router.post("/people/{person_id}/sessions/end", dependencies=OURS)
def post_sign_out(request: Request, person_id: int) -> Response:
    """A lost laptop, for instance."""
    with transaction(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        sign_out_everywhere(session, person_by_id(session, person_id), admin)
    return _done(f"/studio/people/{person_id}", "signed-out")


@router.post("/people/{person_id}/password-link", dependencies=OURS)
def post_password_link(request: Request, person_id: int) -> Response:
    """A letter to them alone; where no mail leaves the house, a link to pass on."""
    settings = services_of(request).settings
    with transaction(services_of(request).engine) as session:
        admin = editor_of(request, session, "administer")
        person = person_by_id(session, person_id)
        reset = start_reset(session, person, admin)
        if not settings.smtp_url:
            link = reset_url(settings, make_reset_link(session, reset))
            return _person(request, session, admin, person, link=link)
        queue_reset(session, reset)
    return _done(f"/studio/people/{person_id}", "letter")


def _sent(request: Request, session: Session, admin: Person, invitation: Invitation) -> Response:
    settings = services_of(request).settings
    if settings.smtp_url:
        queue_invitation(session, invitation)
        session.commit()
        return _done("/studio/people", "invited")
    link = invitation_url(settings, make_invitation_link(session, invitation))
    return _list(request, session, admin, Wanted(), link=link, email=invitation.email)


def _done(path: str, what: str, **more: str) -> Response:
    return RedirectResponse(f"{path}?{urlencode({**more, 'done': what})}", 303, PRIVATE)


def _list(
    request: Request,
    session: Session,
    admin: Person,
    wanted: Wanted,
    number: int = 1,
    problem: str = "",
    done: str = "",
    link: str = "",
    email: str = "",
) -> Response:
    total = count_people(session, wanted)

    def address(other: int) -> str:
        return f"?{urlencode({**request.query_params, 'page': other})}"

    return studio_page(
        request,
        "people.html",
        admin,
        "people",
        422 if problem else 200,
        people=list_people(session, wanted, PER_PAGE, PER_PAGE * (number - 1)),
        total=total,
        wanted=wanted,
        number_of_page=number,
        pages=-(-total // PER_PAGE),
        address=address,
        invitations=[] if wanted.programs else waiting_invitations(session),
        keys=active_keys(session) if wanted.programs else [],
        roles=ROLE_NAMES,
        role_texts=ROLE_TEXTS,
        scope_names=SCOPE_NAMES,
        mails=bool(services_of(request).settings.smtp_url),
        problem=problem,
        done=done,
        link=link,
        email=email,
    )


def _person(
    request: Request,
    session: Session,
    admin: Person,
    person: Person,
    done: str = "",
    problem: str = "",
    link: str = "",
) -> Response:
    return studio_page(
        request,
        "person.html",
        admin,
        "people",
        422 if problem else 200,
        who=person,
        roles=ROLE_NAMES,
        role_texts=ROLE_TEXTS,
        sessions=sessions_of(session, person),
        keys=[key for key in keys_of(session, person) if key.revoked_at is None],
        scope_names=SCOPE_NAMES,
        kind_name=kind_name,
        recent=find_events(session, EventSearch(person=person.id), RECENT),
        may_reset=has_password(person),
        mails=bool(services_of(request).settings.smtp_url),
        problem=problem,
        done=done,
        link=link,
    )
