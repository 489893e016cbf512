"""Settings come from VERBATIM_* variables, and a bad one says what to write."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from kb.settings import LOCALE_NAMES, Settings

VALUES = {
    "home": "/srv/verbatim",
    "database_url": "postgresql+psycopg://v@db/v",
    "chroma_url": "http://chroma:8000",
    "embedding_model": "some/model",
    "base_url": "https://help.example.com",
    "locales": "it,en",
    "site_name": "Quillhaven",
    "rate_limit": "off",
    "max_wrong": "5%",
    "max_request_bytes": "5",
    "trusted_proxies": "10.0.0.1",
    "demo": "true",
    "smtp_url": "smtp://user:secret@mail.example.com:587",
    "mail_from": "Quillhaven <help@example.com>",
    "followup_hours": "48",
    "rewriter_url": "http://127.0.0.1:11434/v1",
    "rewriter_model": "some-model",
    "rewriter_key": "a key",
    "retention_days": "90",
    "question_days": "30",
    "audit_hour": "4",
    "contradictions": "block",
    "webhook_url": "https://desk.example.com/hooks/1",
    "webhook_secret": "a secret of thirty-two characters",
    "widget_origins": "https://shop.example.com",
    "identity_secret": "thirty-two bytes or more of secret",
    "desk_hours": "Mon-Fri 09:00-18:00",
    "desk_timezone": "Europe/Rome",
    "oidc_issuer": "https://id.example.com",
    "oidc_client_id": "verbatim",
    "oidc_client_secret": "a secret of the provider",
    "oidc_role": "contributor",
    "people_only": "privacy, account-taken-over",
    "sidebar_origins": "https://desk.example.com",
}


def test_every_setting_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Settings()
    for name, value in VALUES.items():
        monkeypatch.setenv(f"VERBATIM_{name.upper()}", value)
    after = Settings()
    assert set(VALUES) == set(Settings.model_fields)
    assert all(getattr(after, name) != getattr(before, name) for name in VALUES)


@pytest.mark.parametrize("value", ["5%", " 5 % ", "0.05"])
def test_share_may_be_written_in_percent(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VERBATIM_MAX_WRONG", value)
    assert Settings().max_wrong == 0.05


@pytest.mark.parametrize("value", ["0", "-1%", "0.4%", "60%", "nan", "few", "few%", "%"])
def test_share_that_promises_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("VERBATIM_MAX_WRONG", value)
    with pytest.raises(ValidationError):
        Settings()


def test_variable_without_the_prefix_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/elsewhere")
    monkeypatch.setenv("DATABASE_URL", "postgresql://other")
    monkeypatch.setenv("VERBATIM_UNKNOWN", "1")
    assert (Settings().home, Settings().database_url) == (Path("var"), "")


def test_every_setting_has_a_description() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("value", ["xx", "en,xx", "EN", "english", "", " , ", "../en", '["en"]'])
def test_bad_locale_is_refused_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("VERBATIM_LOCALES", value)
    with pytest.raises(ValidationError, match="choose from en, zh, ko, fa, it"):
        Settings()


@pytest.mark.parametrize("value", ["it,en", " it , en ", "it,en,"])
def test_first_locale_is_the_fallback(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VERBATIM_LOCALES", value)
    assert (Settings().locales, Settings().fallback_locale) == (["it", "en"], "it")


def test_all_languages_are_on_by_default() -> None:
    assert Settings().locales == list(LOCALE_NAMES)


def test_database_is_in_the_home_folder_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERBATIM_HOME", "/srv/verbatim")
    assert Settings().sql_url == "sqlite:////srv/verbatim/verbatim.db"
    monkeypatch.setenv("VERBATIM_DATABASE_URL", "postgresql+psycopg://v@db/v")
    assert Settings().sql_url == "postgresql+psycopg://v@db/v"


def test_address_is_joined_without_double_slashes() -> None:
    assert Settings(base_url="https://help.example.com/").base_url == "https://help.example.com"


def test_size_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERBATIM_MAX_REQUEST_BYTES", "1 MB")
    with pytest.raises(ValidationError, match="max_request_bytes"):
        Settings()
