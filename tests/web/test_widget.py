"""The chat's script and configuration, and the shop that shows it."""

import gzip
import hashlib

import pytest
from fastapi.testclient import TestClient

from kb.settings import LOCALE_NAMES, Settings
from web.app import create_app
from web.services import Services
from web.widget import built
from web.widget_texts import CARRIED, TEXTS


@pytest.fixture(scope="module")
def shop(open_shop: Services) -> TestClient:
    """The application with its sample shop."""
    settings = Settings(
        home=open_shop.settings.home,
        rate_limit="off",
        demo=True,
        site_name="Quillhaven",
        base_url="http://help.example",
    )
    services = Services(settings, open_shop.engine, open_shop.index, None)
    return TestClient(create_app(services), raise_server_exceptions=False)


def test_script_is_small_and_the_same_compressed(shop: TestClient) -> None:
    plain, packed, _digest = built(tuple(LOCALE_NAMES))
    assert len(packed) <= 30_000
    assert gzip.decompress(packed) == plain
    assert shop.get("/widget.js").content == plain


def test_script_may_be_loaded_by_any_site_and_is_kept_five_minutes(shop: TestClient) -> None:
    headers = shop.get("/widget.js", headers={"Accept-Encoding": "gzip"}).headers
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["cache-control"] == "public, max-age=300"
    assert headers["content-encoding"] == "gzip"
    assert headers["content-type"] == "text/javascript; charset=utf-8"


def test_script_that_has_not_changed_is_not_sent_again(shop: TestClient) -> None:
    first = shop.get("/widget.js", headers={"Accept-Encoding": "gzip"})
    plain = shop.get("/widget.js", headers={"Accept-Encoding": "identity"})
    again = shop.get("/widget.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert plain.headers["etag"] != first.headers["etag"]


def test_script_names_nobody_else_and_evaluates_nothing() -> None:
    source = built(tuple(LOCALE_NAMES))[0].decode()
    addresses = source.replace("http://www.w3.org/2000/svg", "")
    risks = ("http://", "https://", "eval(", "new Function", "document.write", "@import")
    assert [risk for risk in risks if risk in addresses] == []


def test_script_offers_only_the_languages_of_the_site() -> None:
    source = built(("it", "fa"))[0].decode()
    assert "Apri la chat" in source
    assert "채팅 열기" not in source
    assert '"fallback":"it"' in source


@pytest.mark.parametrize("locale", LOCALE_NAMES)
def test_configuration_speaks_the_customer_s_language(shop: TestClient, locale: str) -> None:
    told = shop.get(f"/api/v1/widget?locale={locale}").json()
    assert (told["locale"], told["dir"]) == (locale, "rtl" if locale == "fa" else "ltr")
    assert set(told["texts"]) == set(TEXTS) >= set(CARRIED)
    assert told["greeting"]["name"] == "greeting"
    assert (
        hashlib.sha256(told["greeting"]["text"].encode()).hexdigest() == told["greeting"]["sha256"]
    )


def test_configuration_falls_back_to_the_browser_s_language(shop: TestClient) -> None:
    korean = {"Accept-Language": "ko-KR,ko;q=0.9"}
    assert shop.get("/api/v1/widget", headers=korean).json()["locale"] == "ko"
    assert shop.get("/api/v1/widget?locale=de", headers=korean).json()["locale"] == "ko"
    assert (
        shop.get("/api/v1/widget?locale=de", headers={"Accept-Language": "de"}).json()["locale"]
        == "en"
    )


def test_configuration_says_whether_somebody_is_at_the_desk(shop: TestClient) -> None:
    told = shop.get("/api/v1/widget").json()
    assert told["desk"] == {"open": True, "hours": None, "online": False}
    assert told["identity"] is False


def test_configuration_may_be_read_by_any_site_once(shop: TestClient) -> None:
    told = shop.get("/api/v1/widget", headers={"Origin": "https://shop.example"})
    assert told.headers.get_list("access-control-allow-origin") == ["*"]
    assert told.json()["site_name"] == "Quillhaven"


def test_sample_shop_has_the_one_line_under_a_strict_policy(shop: TestClient) -> None:
    page = shop.get("/demo/fa")
    policy = page.headers["content-security-policy"]
    assert '<script src="http://help.example/widget.js" defer' in page.text
    assert "default-src 'none'; script-src http://help.example; " in policy
    assert "unsafe" not in policy
    assert page.text.count("<script") == 1


def test_sample_shop_speaks_every_language(shop: TestClient) -> None:
    titles = {
        shop.get(f"/demo/{code}").text.split("<h1>")[1].split("<")[0] for code in LOCALE_NAMES
    }
    assert len(titles) == len(LOCALE_NAMES)
    assert shop.get("/demo/de").status_code == 404


def test_without_the_setting_there_is_no_sample_shop(reader: TestClient) -> None:
    assert [reader.get(path).status_code for path in ("/demo/", "/demo/en")] == [404, 404]


def test_help_site_shows_the_chat_from_its_own_address(reader: TestClient) -> None:
    assert '<script src="/widget.js" defer' in reader.get("/en/").text
