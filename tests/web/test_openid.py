"""Signing in with the company's account, against a provider that speaks the real protocol."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey
from sqlmodel import Session, select

from kb.db import now, transaction
from kb.history import Event
from kb.invitations import invite
from kb.people import add_person, find_person
from kb.settings import Settings
from tests.web.provider import CLIENT, SECRET, Provider, open_provider
from web.app import create_app
from web.services import Services

PIA = {"sub": "pia-1", "email": "Pia@example.com", "email_verified": True, "name": "Pia Rossi"}


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    """One for all tests of this file."""
    with open_provider() as opened:
        yield opened


@pytest.fixture
def provider(running: Provider) -> Provider:
    """It knows pia and is honest."""
    running.person, running.spoil, running.signing = dict(PIA), {}, running.key
    return running


@pytest.fixture
def database_url(make_database: Callable[[str], str]) -> str:
    """SQLite: nothing here depends on the store."""
    return make_database("sqlite")


@pytest.fixture
def browser(services: Services, provider: Provider) -> TestClient:
    """A browser before a site that knows the provider."""
    return TestClient(create_app(_with(services, provider)), base_url="http://127.0.0.1:8000")


def _with(services: Services, provider: Provider, **more: str) -> Services:
    oidc = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    settings = services.settings.model_copy(update=oidc | more)
    return Services(settings, services.engine, services.index, None)


def there_and_back(browser: TestClient, next: str = "", **changed: str) -> httpx.Response:
    """What the site says when the browser returns, perhaps with other words than it was given."""
    left = browser.get("/login/provider", params={"next": next}, follow_redirects=False)
    assert left.status_code == 303
    answer = httpx.get(left.headers["location"], trust_env=False).headers["location"]
    given = {name: values[0] for name, values in parse_qs(urlsplit(answer).query).items()}
    path = urlsplit(answer).path
    return browser.get(path, params=given | changed, follow_redirects=False)


def known(services: Services, **more: object) -> None:
    with transaction(services.engine) as session:
        person = add_person(session, "pia@example.com", "publisher", "Pia")
        for name, value in more.items():
            setattr(person, name, value)


def subject(services: Services) -> str | None:
    with Session(services.engine) as session:
        found = find_person(session, "pia@example.com")
        return found.subject if found else None


def test_person_known_by_verified_email_is_in_and_stays_known_when_it_changes(
    browser: TestClient, services: Services, provider: Provider
) -> None:
    known(services)
    assert "Sign in with your company account" in browser.get("/login").text
    back = there_and_back(browser, "/studio/account")
    assert (back.status_code, back.headers["location"]) == (303, "/studio/account")
    page = browser.get("/studio/account").text
    assert "without a password of this site" in page
    browser.cookies.clear()
    provider.person |= {"email": "married@example.com", "email_verified": False}
    assert there_and_back(browser).headers["location"] == "/studio"
    with Session(services.engine) as session:
        kinds = [event.kind for event in session.exec(select(Event))]
    assert kinds.count("identity_linked") == 1


def test_invited_person_joins_in_their_role(browser: TestClient, services: Services) -> None:
    with transaction(services.engine) as session:
        invite(session, "pia@example.com", "agent", add_person(session, "r@example.com", "admin"))
    assert there_and_back(browser).headers["location"] == "/desk"
    assert subject(services) is not None


def test_stranger_is_told_to_ask_an_admin_unless_there_is_a_role_for_them(
    browser: TestClient, services: Services, provider: Provider
) -> None:
    refused = there_and_back(browser)
    assert (refused.status_code, "Ask an admin to invite you" in refused.text) == (403, True)
    assert "verbatim_session" not in browser.cookies
    open_to_all = TestClient(
        create_app(_with(services, provider, oidc_role="contributor")),
        base_url="http://127.0.0.1:8000",
    )
    assert there_and_back(open_to_all).headers["location"] == "/studio"


def test_unverified_email_or_an_account_that_was_closed_opens_nothing(
    browser: TestClient, services: Services, provider: Provider
) -> None:
    provider.person["email_verified"] = False
    known(services)
    assert there_and_back(browser).status_code == 403
    provider.person["email_verified"] = True
    with transaction(services.engine) as session:
        found = find_person(session, "pia@example.com")
        assert found is not None
        found.deactivated_at = now()
        session.add(found)
    assert there_and_back(browser).status_code == 403
    assert subject(services) is None


@pytest.mark.parametrize(
    "spoiled",
    [{"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1},
     {"azp": "another"}, {"sub": None}],
)  # fmt: skip
def test_token_that_is_not_meant_for_this_sign_in_is_refused(
    browser: TestClient, services: Services, provider: Provider, spoiled: dict[str, object]
) -> None:
    known(services)
    provider.spoil = spoiled
    refused = there_and_back(browser)
    assert (refused.status_code, "did not let you in" in refused.text) == (403, True)
    assert subject(services) is None


def test_token_signed_with_another_key_is_refused(
    browser: TestClient, services: Services, provider: Provider
) -> None:
    known(services)
    provider.signing = RSAKey.generate_key(2048, {"kid": "one"})
    assert there_and_back(browser).status_code == 403
    assert subject(services) is None


def test_answer_that_belongs_to_another_browser_is_refused(
    browser: TestClient, services: Services
) -> None:
    known(services)
    assert "in another browser" in there_and_back(browser, state="forged").text
    assert there_and_back(browser, code="forged").status_code == 403
    assert browser.get("/login/provider/return?code=x&state=").status_code == 403
    assert browser.get("/login/provider/return?error=access_denied").status_code == 403
    assert subject(services) is None


def test_next_page_is_one_of_ours(browser: TestClient, services: Services) -> None:
    known(services)
    assert there_and_back(browser, "//evil.example").headers["location"] == "/studio"


def test_provider_that_is_away_is_said_so(services: Services, provider: Provider) -> None:
    settings = _with(services, provider, oidc_issuer="http://127.0.0.1:9")
    away = TestClient(create_app(settings)).get("/login/provider")
    assert (away.status_code, "cannot be reached" in away.text) == (503, True)


def test_without_a_provider_there_is_no_such_way(services: Services) -> None:
    client = TestClient(create_app(services))
    assert client.get("/login/provider").status_code == 404
    assert client.get("/login/provider/return?code=x&state=y").status_code == 404
    assert "company account" not in client.get("/login").text


@pytest.mark.parametrize(
    "wrong",
    [{"oidc_issuer": "http://id.example.com", "oidc_client_id": "x"},
     {"oidc_issuer": "https://id.example.com"}, {"oidc_role": "owner"}],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_at_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"write the|register this|choose contributor"):
        Settings(**wrong)  # type: ignore[arg-type]
