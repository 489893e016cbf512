"""The sign-in page, its cookie, and what the cookie may and may not do."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from kb.db import now, transaction
from kb.people import add_person
from kb.sign_in import StaffSession
from web.app import create_app
from web.login import own_path
from web.services import Services

YUNA = {"email": "yuna@example.com", "password": "lamp"}
ARTICLE = {"slug": "new-one", "title": "New", "answer": "It is so.", "locale": "en"}


@pytest.fixture
def desk(client: TestClient, services: Services) -> TestClient:
    """A client of a shop with yuna, an agent, and pia, who only writes."""
    with transaction(services.engine) as session:
        add_person(session, YUNA["email"], "agent", "Yuna", YUNA["password"])
        add_person(session, "pia@example.com", "contributor", "Pia", "chair")
    return client


def sign_in(client: TestClient, **more: str) -> None:
    response = client.post("/login", data=YUNA | more, follow_redirects=False)
    assert response.status_code == 303, response.text


def test_desk_asks_who_it_is_and_comes_back(desk: TestClient) -> None:
    asked = desk.get("/desk?locale=fa", follow_redirects=False)
    assert asked.headers["location"] == "/login?next=%2Fdesk%3Flocale%3Dfa"
    done = desk.post("/login", data=YUNA | {"next": "/desk?locale=fa"}, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/desk?locale=fa")
    page = desk.get("/desk?locale=fa")
    assert (page.status_code, 'dir="rtl"' in page.text, "Yuna" in page.text) == (200, True, True)
    assert page.headers["cache-control"] == "no-store"


def test_who_is_signed_in_does_not_see_the_form(desk: TestClient) -> None:
    sign_in(desk)
    again = desk.get("/login?next=/sidebar", follow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, "/sidebar")


def test_cookie_is_out_of_reach_for_scripts_and_other_sites(desk: TestClient) -> None:
    response = desk.post("/login", data=YUNA, follow_redirects=False)
    cookie = response.headers["set-cookie"].lower()
    assert cookie.startswith("verbatim_session=")
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/", "max-age=604800"))
    assert "secure" not in cookie


def test_cookie_of_an_encrypted_site_is_never_sent_in_the_clear(
    desk: TestClient, services: Services
) -> None:
    settings = services.settings.model_copy(update={"base_url": "https://help.example.com"})
    secure = Services(settings, services.engine, services.index, None)
    response = TestClient(create_app(secure)).post("/login", data=YUNA, follow_redirects=False)
    assert "secure" in response.headers["set-cookie"].lower()


def test_wrong_password_says_so_and_keeps_the_email(desk: TestClient) -> None:
    refused = desk.post("/login?locale=it", data=YUNA | {"password": "no"})
    assert refused.status_code == 422
    assert 'value="yuna@example.com"' in refused.text
    assert "E-mail e password non corrispondono" in refused.text
    assert "set-cookie" not in refused.headers


def test_sixth_attempt_is_told_when_to_come_back(desk: TestClient) -> None:
    for _ in range(5):
        desk.post("/login", data=YUNA | {"password": "no"})
    refused = desk.post("/login", data=YUNA)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "900")
    assert "Please try again in 15 minutes." in refused.text


@pytest.mark.parametrize(
    "path",
    ["", "desk", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)",
     "/\t/evil.example", "/\n/evil.example", "/" + "x" * 1000],
)  # fmt: skip
def test_next_leads_to_own_pages_only(path: str) -> None:
    assert own_path(path, "/desk") == "/desk"


def test_own_page_with_a_question_is_kept() -> None:
    assert own_path("/desk?locale=fa#3") == "/desk?locale=fa#3"


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_form_from_another_site_is_refused(
    desk: TestClient, path: str, headers: dict[str, str]
) -> None:
    sign_in(desk)
    assert desk.post(path, data=YUNA, headers=headers).status_code == 403
    assert desk.get("/desk", follow_redirects=False).status_code == 200


def test_cookie_reads_and_writes_from_this_site_only(desk: TestClient) -> None:
    sign_in(desk)
    assert desk.get("/api/v1/desk").json()["me"]["name"] == "Yuna"
    forged = desk.post("/api/v1/articles", json=ARTICLE, headers={"Sec-Fetch-Site": "same-site"})
    assert (forged.status_code, forged.json()["status"]) == (403, 403)
    own = desk.post("/api/v1/articles", json=ARTICLE, headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 201


def test_key_counts_before_the_cookie(desk: TestClient, keys: dict[str, dict[str, str]]) -> None:
    sign_in(desk)
    me = desk.get("/api/v1/desk", headers=keys["admin"]).json()["me"]
    assert me["role"] == "admin"
    assert desk.get("/api/v1/desk", headers={"Authorization": "Bearer no"}).status_code == 401


def test_signed_out_cookie_opens_nothing(desk: TestClient) -> None:
    sign_in(desk)
    stolen = desk.cookies["verbatim_session"]
    out = desk.post("/logout", follow_redirects=False)
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    assert "verbatim_session" not in desk.cookies
    desk.cookies.set("verbatim_session", stolen)
    assert desk.get("/api/v1/desk").status_code == 401
    assert desk.get("/desk", follow_redirects=False).status_code == 303


def test_writer_without_a_desk_is_told_why(desk: TestClient) -> None:
    sign_in(desk, email="pia@example.com", password="chair")
    refused = desk.get("/desk")
    assert (refused.status_code, "There is no desk for your role" in refused.text) == (403, True)
    assert desk.get("/api/v1/desk").status_code == 403


def test_use_keeps_a_session_alive(desk: TestClient, services: Services) -> None:
    sign_in(desk)
    with transaction(services.engine) as session:
        kept = session.exec(select(StaffSession)).one()
        kept.seen_at = now() - timedelta(hours=11)
        session.add(kept)
    assert desk.get("/api/v1/desk").status_code == 200
    with Session(services.engine) as session:
        assert now() - session.exec(select(StaffSession)).one().seen_at < timedelta(minutes=1)


def test_agents_behind_one_address_do_not_use_up_each_other_s_requests(
    desk: TestClient, services: Services
) -> None:
    settings = services.settings.model_copy(update={"rate_limit": "4/hour"})
    app = create_app(Services(settings, services.engine, services.index, None))
    yuna, stranger = TestClient(app), TestClient(app)
    sign_in(yuna)
    assert yuna.get("/api/v1/desk").status_code == 200
    assert [stranger.get("/login").status_code for _ in range(3)] == [200, 200, 429]
    assert [yuna.get("/api/v1/desk").status_code for _ in range(5)] == [200, 200, 200, 200, 429]


def test_only_named_help_desks_may_frame_the_sidebar(services: Services) -> None:
    origins = ["https://desk.example.com", "http://127.0.0.1:9000"]
    settings = services.settings.model_copy(update={"sidebar_origins": origins})
    app = create_app(Services(settings, services.engine, services.index, None))
    page = TestClient(app).get("/sidebar")
    policy = page.headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://desk.example.com http://127.0.0.1:9000")
    assert "default-src 'self'" in policy
    assert (
        "frame-ancestors 'none'" in TestClient(app).get("/login").headers["content-security-policy"]
    )


def test_modules_of_the_desk_are_never_older_than_the_desk(client: TestClient) -> None:
    reply = client.get("/static/staff/page.js")
    assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-cache")
    assert "max-age" in client.get("/static/theme.js").headers["cache-control"]


def test_nobody_frames_it_unless_asked(client: TestClient) -> None:
    assert client.get("/sidebar").headers["content-security-policy"].endswith("ancestors 'self'")
