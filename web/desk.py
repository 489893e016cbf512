"""The agent's desk: one page; what moves on it comes from the JSON API."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from kb.db import reading
from web.guards import person_of
from web.i18n import CATEGORIES, category_name
from web.login import no_desk_for, staff_locale, staff_page, to_sign_in
from web.pages import services_of
from web.staff_texts import texts_in

router = APIRouter(include_in_schema=False)


@router.api_route("/desk", methods=["GET", "HEAD"])
def desk(request: Request) -> Response:
    """The desk of whoever is signed in; the form for signing in when nobody is."""
    with reading(services_of(request).engine) as session:
        person = person_of(request, session)
    if person is None:
        return to_sign_in(request)
    if not person.may("serve"):
        return no_desk_for(request, person)
    locale = staff_locale(request)
    skills = {name: category_name(name, locale) for name in CATEGORIES}
    return staff_page(request, "desk.html", person=person, texts=texts_in(locale), skills=skills)
