"""People's pages: invited, let in again, keys of their own, leaving; and the history of it all."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from assistant.outgoing import Outgoing, deliver_due
from kb.db import transaction
from kb.people import Person, add_person, find_person
from tests.assistant.postbox import Postbox, postbox
from web.app import create_app
from web.forms import from_this_site
from web.services import Services

PASSWORD, NEW = "lamp and chair", "three blue elephants"
Enter = Callable[[str], TestClient]


@pytest.fixture
def database_url(make_database: Callable[[str], str]) -> str:
    """SQLite: what differs on PostgreSQL is tried where the store is."""
    return make_database("sqlite")


@pytest.fixture
def box() -> Iterator[Postbox]:
    """Where the house's letters arrive."""
    with postbox() as opened:
        yield opened


@pytest.fixture
def house(services: Services, box: Postbox) -> FastAPI:
    """The shop with rosa, an admin, pia, a publisher, and omar, an agent; it sends mail."""
    with transaction(services.engine) as session:
        for email, role in (("rosa", "admin"), ("pia", "publisher"), ("omar", "agent")):
            found = find_person(session, f"{email}@example.com")
            if found:
                session.delete(found)
                session.flush()
            add_person(session, f"{email}@example.com", role, email.title(), PASSWORD)
    settings = services.settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{box.port}"})
    return create_app(Services(settings, services.engine, services.index, None))


@pytest.fixture
def enter(house: FastAPI) -> Enter:
    """A browser in which somebody has signed in; nobody for an empty name."""

    def sign_in(name: str = "") -> TestClient:
        client = TestClient(
            house, raise_server_exceptions=False, headers={"User-Agent": "Firefox/1 Linux"}
        )
        if name:
            form = {"email": f"{name}@example.com", "password": PASSWORD}
            assert client.post("/login", data=form, follow_redirects=False).status_code == 303
        return client

    return sign_in


@pytest.fixture
def letter(house: FastAPI, services: Services, box: Postbox) -> Callable[[], str]:
    """Delivers what waits; the path that the last letter leads to."""
    from assistant.desk.clock import Clock

    def deliver() -> str:
        senders = Clock(house.state.assistant).senders
        deliver_due(services.engine, senders)
        text = box.messages[-1].get_body(("plain",)).get_content()
        return "/login" + re.findall(r"/login(\S+)", text)[0]

    return deliver


def posted(client: TestClient, path: str, **data: object) -> tuple[int, str]:
    response = client.post(path, data=data, follow_redirects=False)
    return response.status_code, response.headers.get("location", "")


def id_of(services: Services, name: str) -> int:
    with Session(services.engine) as session:
        found = find_person(session, f"{name}@example.com")
        assert found is not None
        assert found.id is not None
        return found.id


def test_invited_person_chooses_a_password_and_is_in(
    enter: Enter, letter: Callable[[], str], box: Postbox
) -> None:
    done = posted(enter("rosa"), "/studio/people/invitations",
                  email="Leo@example.com", role="publisher", locale="fa")  # fmt: skip
    assert done == (303, "/studio/people?done=invited")
    path, leo = letter(), enter("")
    assert "Rosa" in str(box.messages[-1]["Subject"])
    assert 'dir="rtl"' in box.messages[-1].get_body(("html",)).get_content()
    page = leo.get(path)
    assert (page.status_code, "leo@example.com" in page.text) == (200, True)
    token = path.split("token=")[1]
    weak = leo.post(
        "/login/invitation", data={"token": token, "name": "Leo", "password": "leo@example.com"}
    )
    assert (weak.status_code, "easy to guess" in weak.text) == (422, True)
    assert posted(leo, "/login/invitation", token=token, name="Leo", password=NEW) == (
        303,
        "/studio",
    )
    assert 'dir="rtl"' in leo.get("/studio").text
    assert leo.get(path).status_code == 404


def test_invitation_is_sent_again_with_another_link_or_withdrawn(
    enter: Enter, letter: Callable[[], str]
) -> None:
    rosa = enter("rosa")
    posted(rosa, "/studio/people/invitations", email="leo@example.com", role="agent")
    first = letter()
    posted(rosa, "/studio/people/invitations/1/letter")
    second = letter()
    assert [enter("").get(path).status_code for path in (first, second)] == [404, 200]
    again = rosa.post(
        "/studio/people/invitations", data={"email": "leo@example.com", "role": "agent"}
    )
    assert (again.status_code, "invited already" in again.text) == (422, True)
    posted(rosa, "/studio/people/invitations/1/withdrawal")
    assert enter("").get(second).status_code == 404
    assert "leo@example.com" not in rosa.get("/studio/people").text


def test_without_mail_the_admin_is_given_the_link(services: Services, house: FastAPI) -> None:
    client = TestClient(create_app(services))
    client.post("/login", data={"email": "rosa@example.com", "password": PASSWORD})
    page = client.post(
        "/studio/people/invitations", data={"email": "leo@example.com", "role": "agent"}
    )
    link = re.findall(r'value="http://127.0.0.1:8000(/login/invitation\S+)"', page.text)[0]
    assert page.headers["cache-control"] == "no-store"
    assert client.get(link).status_code == 200
    with Session(services.engine) as session:
        assert session.exec(select(Outgoing)).all() == []


def test_lost_password_comes_back_and_nobody_learns_who_has_an_account(
    enter: Enter, letter: Callable[[], str], box: Postbox
) -> None:
    elsewhere, stranger = enter("omar"), enter("")
    known = stranger.post("/login/lost", data={"email": "omar@example.com"})
    unknown = stranger.post("/login/lost", data={"email": "nobody@example.com"})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    path = letter()
    assert len(box.messages) == 1
    token = path.split("token=")[1]
    assert posted(stranger, "/login/new-password", token=token, password=NEW) == (
        303, "/login?done=password",
    )  # fmt: skip
    assert "Your new password is saved" in stranger.get("/login?done=password").text
    assert elsewhere.get("/desk", follow_redirects=False).status_code == 303
    form = {"email": "omar@example.com", "password": NEW}
    assert stranger.post("/login", data=form, follow_redirects=False).status_code == 303
    assert letter() == "/login/lost"
    assert stranger.get(path).status_code == 404


def test_lock_after_wrong_passwords_opens_with_the_reset(
    enter: Enter, letter: Callable[[], str]
) -> None:
    stranger, wrong = enter(""), {"email": "omar@example.com", "password": "no"}
    assert [stranger.post("/login", data=wrong).status_code for _ in range(6)][-1] == 429
    stranger.post("/login/lost", data={"email": "omar@example.com"})
    posted(stranger, "/login/new-password", token=letter().split("token=")[1], password=NEW)
    form = wrong | {"password": NEW}
    assert stranger.post("/login", data=form, follow_redirects=False).status_code == 303
    assert "Locked after wrong passwords" in enter("rosa").get("/studio/history").text


def test_asking_too_often_is_told_when_to_come_back(enter: Enter) -> None:
    stranger = enter("")
    replies = [stranger.post("/login/lost", data={"email": f"{n}@x.example"}) for n in range(11)]
    assert [reply.status_code for reply in replies] == [200] * 10 + [429]
    assert int(replies[-1].headers["retry-after"]) > 0


def test_key_is_shown_once_acts_as_its_person_and_can_be_revoked(
    enter: Enter, services: Services
) -> None:
    pia = enter("pia")
    made = pia.post("/studio/account/keys", data={"name": "CI", "scopes": ["read", "write"]})
    secret = re.findall(r'value="(vb_[\w-]+)"', made.text)[0]
    key = {"Authorization": f"Bearer {secret}"}
    assert secret not in pia.get("/studio/account").text
    article = {"slug": "new-one", "title": "New", "answer": "It is so.", "locale": "en"}
    assert enter("").post("/api/v1/articles", json=article, headers=key).status_code == 201
    refused = enter("").post("/api/v1/articles/new-one/publication", json={}, headers=key)
    assert (refused.status_code, "this key may not publish" in refused.json()["detail"]) == (
        403,
        True,
    )
    assert "last used" in pia.get("/studio/account").text
    again = pia.post("/studio/account/keys", data={"name": "CI", "scopes": ["read"]})
    assert (again.status_code, 'value="vb_' in again.text) == (422, False)
    rosa = enter("rosa")
    assert "CI" in rosa.get("/studio/people?tab=programs").text
    number = re.findall(
        r"/studio/people/keys/(\d+)/revocation",
        rosa.get(f"/studio/people/{id_of(services, 'pia')}").text,
    )[0]
    posted(rosa, f"/studio/people/keys/{number}/revocation")
    assert enter("").post("/api/v1/articles", json=article, headers=key).status_code == 401


def test_key_cannot_change_its_person_s_account(enter: Enter) -> None:
    made = enter("pia").post("/studio/account/keys", data={"name": "CI", "scopes": ["read"]})
    key = {"Authorization": f"Bearer {re.findall(r'value=.(vb_[-_a-zA-Z0-9]+)', made.text)[0]}"}
    more = {"name": "more", "scopes": ["publish"]}
    assert enter("").post("/studio/account/keys", data=more, headers=key).status_code == 403
    assert enter("").get("/studio/account", headers=key).status_code == 403


def test_scope_beyond_the_role_is_neither_offered_nor_taken(enter: Enter) -> None:
    omar = enter("omar")
    assert 'value="publish"' not in omar.get("/studio/account").text
    assert (
        omar.post("/studio/account/keys", data={"name": "x", "scopes": ["publish"]}).status_code
        == 403
    )
    none = omar.post("/studio/account/keys", data={"name": "x"})
    assert (none.status_code, "at least one thing" in none.text) == (422, True)


def test_password_is_changed_with_the_old_one_and_a_letter_says_so(
    enter: Enter, letter: Callable[[], str]
) -> None:
    omar, elsewhere = enter("omar"), enter("omar")
    wrong = omar.post("/studio/account/password", data={"old": "no", "new": NEW})
    assert (wrong.status_code, "not your password" in wrong.text) == (422, True)
    weak = omar.post("/studio/account/password", data={"old": PASSWORD, "new": "password1234"})
    assert (weak.status_code, "easy to guess" in weak.text) == (422, True)
    assert posted(omar, "/studio/account/password", old=PASSWORD, new=NEW)[0] == 303
    assert omar.get("/studio/account").status_code == 200
    assert elsewhere.get("/studio/account", follow_redirects=False).status_code == 303
    assert letter() == "/login/lost"


def test_devices_are_named_and_the_others_signed_out(enter: Enter) -> None:
    omar, elsewhere = enter("omar"), enter("omar")
    page = omar.get("/studio/account").text
    assert (page.count("Firefox, Linux"), page.count("this device")) == (2, 1)
    posted(omar, "/studio/account/sessions/end")
    assert elsewhere.get("/studio/account", follow_redirects=False).status_code == 303


def test_language_of_the_account_is_that_of_the_studio(enter: Enter) -> None:
    pia = enter("pia")
    posted(pia, "/studio/account", name="Pia Rossi", locale="ko")
    assert 'lang="ko"' in pia.get("/studio").text
    assert 'lang="ko"' in enter("pia").get("/studio").text
    posted(pia, "/studio/account", name="Pia Rossi", locale="")
    assert '<html lang="en"' in pia.get("/studio").text


def test_who_is_deactivated_is_out_at_once_and_what_they_wrote_stays(
    enter: Enter, services: Services
) -> None:
    rosa, pia = enter("rosa"), enter("pia")
    path = f"/studio/people/{id_of(services, 'pia')}"
    assert posted(rosa, f"{path}/deactivation") == (303, f"{path}?done=deactivated")
    assert pia.get("/studio", follow_redirects=False).status_code == 303
    assert "Deactivated" in rosa.get("/studio/people?state=deactivated").text
    posted(rosa, f"{path}/reactivation")
    assert enter("pia").get("/studio").status_code == 200


def test_last_admin_is_kept_and_told_why(enter: Enter, services: Services) -> None:
    rosa, path = enter("rosa"), f"/studio/people/{id_of(services, 'rosa')}"
    for reply in (
        rosa.post(f"{path}/deactivation"),
        rosa.post(f"{path}/role", data={"role": "agent"}),
    ):
        assert reply.status_code == 422
        assert "last active admin" in reply.text
    posted(rosa, f"/studio/people/{id_of(services, 'pia')}/role", role="admin")
    assert posted(rosa, f"{path}/role", role="agent")[0] == 303
    assert rosa.get("/studio/people").status_code == 403


def test_programs_are_shown_apart_from_people(
    enter: Enter, keys: dict[str, dict[str, str]]
) -> None:
    rosa = enter("rosa")
    assert "keys.invalid" not in rosa.get("/studio/people").text
    programs = rosa.get("/studio/people?tab=programs").text
    assert programs.count("Key of a program") == 5
    assert "Rosa</bdi></a>" not in programs


@pytest.mark.parametrize("name", ["pia", "omar"])
def test_people_are_for_admins(enter: Enter, services: Services, name: str) -> None:
    client, number = enter(name), id_of(services, "rosa")
    pages = ["/studio/people", f"/studio/people/{number}"]
    forms = ["invitations", f"{number}/role", f"{number}/deactivation", f"{number}/password-link",
             f"{number}/sessions/end", "keys/1/revocation"]  # fmt: skip
    assert {client.get(path).status_code for path in pages} == {403}
    assert {
        client.post(f"/studio/people/{form}", data={"role": "admin"}).status_code for form in forms
    } == {403}


def test_admin_who_helps_somebody_in_never_sees_their_link_where_mail_is_sent(
    enter: Enter, services: Services, letter: Callable[[], str], box: Postbox
) -> None:
    page = enter("rosa").post(f"/studio/people/{id_of(services, 'omar')}/password-link")
    assert "token=" not in page.text
    assert letter().startswith("/login/new-password?token=")
    assert box.recipients == ["omar@example.com"]


# -- history -----------------------------------------------------------------------


def test_history_is_searched_and_taken_away(enter: Enter, services: Services) -> None:
    rosa = enter("rosa")
    number = id_of(services, "pia")
    posted(rosa, f"/studio/people/{number}/role", role="agent")
    page = rosa.get(f"/studio/history?person={number}").text
    assert "publisher → agent" in page
    lines = rosa.get(f"/studio/history.jsonl?person={number}").text.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["role_changed"]
    table = rosa.get("/studio/history.csv?article=reset-password&kind=published")
    rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert [(row["kind"], row["article"], row["by"]) for row in rows] == [
        ("published", "reset-password", "mina"),
    ]  # fmt: skip
    assert "attachment" in table.headers["content-disposition"]
    assert "Nothing found" in rosa.get("/studio/history?q=no+such+words").text


def test_formula_in_a_name_is_harmless_in_a_spreadsheet(enter: Enter) -> None:
    pia = enter("pia")
    posted(pia, "/studio/account", name='=HYPERLINK("http://evil.example")', locale="")
    rows = list(csv.reader(io.StringIO(enter("rosa").get("/studio/history.csv?kind=renamed").text)))
    assert rows[1][3] == """'=HYPERLINK("http://evil.example")"""


def test_publishers_read_what_happened_to_articles_only(enter: Enter, services: Services) -> None:
    posted(enter("rosa"), f"/studio/people/{id_of(services, 'omar')}/role", role="contributor")
    pia = enter("pia")
    assert "Role changed" not in pia.get("/studio/history").text
    assert "role_changed" not in pia.get("/studio/history.csv").text
    assert "Published" in pia.get("/studio/history").text
    assert enter("omar").get("/studio/history").status_code == 403


def test_strange_searches_are_answered_calmly(enter: Enter) -> None:
    rosa = enter("rosa")
    for query in (
        "person=x&since=2026-13-40&until=zzz",
        "page=999999",
        "q=%00%27--&kind=%F0%9F%92%A5",
        "since=0001-01-01&until=9999-12-31",
        "person=99999999999999",
    ):
        assert rosa.get(f"/studio/history?{query}").status_code == 200
        assert rosa.get(f"/studio/people?{query}").status_code in (200, 422)


def test_people_leave_the_index_as_it_is(enter: Enter, services: Services) -> None:
    index = services.index
    before = index.bring_level()
    posted(enter("rosa"), f"/studio/people/{id_of(services, 'omar')}/role", role="publisher")
    after = index.bring_level()
    assert after.epoch > before.epoch
    assert after.documents is before.documents
    assert after.vectors is before.vectors


# -- forms -------------------------------------------------------------------------


def test_every_form_is_taken_from_this_site_only(app: FastAPI) -> None:
    # The API's calls look at the cookie's site themselves; mail programs post the last by design.
    outside = ("/api/", "/follow-up/{conversation_id}/leave")
    open_ones = [
        route.path
        for route in app.routes
        if isinstance(route, APIRoute)
        and route.methods - {"GET", "HEAD"}
        and not route.path.startswith(outside)
        and from_this_site not in [d.call for d in route.dependant.dependencies]
    ]
    assert open_ones == []


def test_form_that_another_site_sends_is_refused(enter: Enter) -> None:
    rosa, evil = enter("rosa"), {"Origin": "https://evil.example"}
    paths = ["/login/lost", "/login/invitation", "/studio/account/keys", "/studio/people/1/role"]
    assert {rosa.post(path, headers=evil).status_code for path in paths} == {403}


@pytest.mark.parametrize("path", ["/login/new-password", "/login/invitation"])
def test_forged_links_say_so_kindly(enter: Enter, path: str) -> None:
    stranger = enter("")
    for token in ("", "x", "%ED%A0%80", "x" * 199):
        page = stranger.get(f"{path}?token={token}")
        assert (page.status_code, "does not work any more" in page.text) == (404, True)
        assert stranger.post(path, data={"token": token, "password": NEW}).status_code == 404


def test_reply_to_a_form_leads_back_to_its_page_in_another_language(enter: Enter) -> None:
    rosa = enter("rosa")
    for path, page in (
        ("/studio/account/keys", "/studio/account"),
        ("/studio/people/invitations", "/studio/people"),
        ("/studio/people/1/role", "/studio/people/1"),
    ):
        assert rosa.get(f"{path}?locale=ko", follow_redirects=False).headers["location"] == page


def test_last_seen_of_people_is_known(enter: Enter, services: Services) -> None:
    enter("pia")
    with Session(services.engine) as session:
        seen = {p.name: p.seen_at for p in session.exec(select(Person))}
    assert seen["Pia"] is not None
    assert seen["Omar"] is None
