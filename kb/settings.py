"""Every setting of the product, read from VERBATIM_* variables."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
LOCALE_NAMES = {"en": "English", "zh": "简体中文", "ko": "한국어", "fa": "فارسی", "it": "Italiano"}


class Settings(BaseSettings):
    """Read once at start; README.md lists each one, and a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="VERBATIM_", extra="ignore")

    home: Path = Field(Path("var"), description="Folder of the embedded database and index")
    database_url: str = Field("", description="SQLAlchemy URL; empty is SQLite in the home folder")
    chroma_url: str = Field("", description="A `chroma run` server; empty is embedded Chroma")
    embedding_model: str = Field(
        "bundled",
        description="`bundled`, with `+model` another one for English beside it; or a model's name",
    )
    base_url: str = Field("http://127.0.0.1:8000", description="Public address of this site")
    locales: Annotated[list[str], NoDecode] = Field(
        ["en", "zh", "ko", "fa", "it"], description="Languages, the fallback first"
    )
    site_name: str = Field("", description="The company's name in titles and the header")
    rate_limit: str = Field("120/minute", description="Per client, or `off`")
    # Below half a percent, more questions than are ever rehearsed would be needed.
    max_wrong: float = Field(
        0.02, ge=0.005, le=0.5, description="Highest acceptable share of questions answered wrongly"
    )
    widget_origins: Annotated[list[str], NoDecode] = Field(
        ["*"], description="Websites that may show the chat, such as https://shop.example"
    )
    identity_secret: str = Field(
        "", repr=False, description="Secret with which your website vouches for its customers"
    )
    desk_hours: str = Field(
        "", description="When agents are there: Mon-Fri 09:00-18:00, Sat 10:00-14:00; empty always"
    )
    desk_timezone: str = Field("UTC", description="Time zone of those hours, such as Europe/Rome")
    people_only: Annotated[list[str], NoDecode] = Field(
        [], description="Categories and articles after which a person is offered at once"
    )
    smtp_url: str = Field(
        "", repr=False, description="Mail server, smtp://user:password@host:587; empty prints mail"
    )
    mail_from: str = Field("", description="Sender of mail; empty is no-reply@ the site's host")
    webhook_url: str = Field(
        "", repr=False, description="Another help desk, told of each case; empty is the built-in"
    )
    webhook_secret: str = Field(
        "",
        repr=False,
        validate_default=True,
        description="Secret of 32 characters or more that signs what that help desk is told",
    )
    followup_hours: float = Field(
        24, ge=0, le=720, description="Hours after which mail asks whether it is solved; 0 never"
    )
    retention_days: int = Field(
        365, ge=0, le=36500, description="Days after which a conversation is erased; 0 is never"
    )
    question_days: int = Field(
        365,
        ge=-1,
        le=36500,
        description="Days after which a receipt keeps its question's digest only; -1 is never",
    )
    audit_hour: int = Field(
        3, ge=-1, le=23, description="Hour of the desk's day in which all channels are compared"
    )
    contradictions: Literal["warn", "block", "off"] = Field(
        "warn", description="What a publication that contradicts other answers meets"
    )
    rewriter_url: str = Field(
        "", description="OpenAI-compatible model that makes searches of follow-ups; empty is none"
    )
    rewriter_model: str = Field("", validate_default=True, description="That model's name")
    rewriter_key: str = Field("", repr=False, description="Key for that model's server")
    max_request_bytes: int = Field(1_000_000, description="Largest request body accepted")
    trusted_proxies: str = Field(
        "127.0.0.1", description="Proxies whose X-Forwarded-For is believed"
    )
    demo: bool = Field(False, description="Serve the sample shop with the chat in it at /demo/")
    sidebar_origins: Annotated[list[str], NoDecode] = Field(
        [], description="Help desks that may frame /sidebar: https://desk.example.com, …"
    )

    oidc_issuer: str = Field(
        "", description="OpenID Connect provider that staff sign in with; empty is none"
    )
    oidc_client_id: str = Field(
        "", validate_default=True, description="This site's name at that provider"
    )
    oidc_client_secret: str = Field("", repr=False, description="Its secret there, if it has one")
    oidc_role: str = Field(
        "", description="Role of people whom only the provider knows; empty lets in invited ones"
    )

    @field_validator("locales", "sidebar_origins", "widget_origins", "people_only", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [code.strip() for code in value.split(",") if code.strip()]

    @field_validator("locales")
    @classmethod
    def _known_locales(cls, value: list[str]) -> list[str]:
        unknown = [code for code in value if code not in LOCALE_NAMES]
        if unknown or not value:
            raise ValueError(f"unknown locale {unknown}; choose from {', '.join(LOCALE_NAMES)}")
        return value

    @field_validator("sidebar_origins", "widget_origins")
    @classmethod
    def _only_origins(cls, value: list[str]) -> list[str]:
        origins = [origin.lower().rstrip("/") for origin in value]
        # A page opened from a file has the origin null.
        fine = ("*", "null")
        wrong = [o for o in origins if o not in fine and not ORIGIN.fullmatch(o)]
        if wrong:
            raise ValueError(
                f"{wrong} is no origin; write https://desk.example.com, without a path"
            )
        return origins

    @field_validator("max_wrong", mode="before")
    @classmethod
    def _read_percent(cls, value: object) -> object:
        if isinstance(value, str) and value.strip().endswith("%"):
            return float(value.strip().rstrip("%")) / 100
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: str) -> str:
        if value and not re.fullmatch(r"smtps?://([^@/?#\s]*@)?[^@/?#\s]+/?(\?[^#\s]*)?", value):
            raise ValueError("write smtp://user:password@host:587?starttls=1 or smtps://host")
        return value

    @field_validator("rewriter_model")
    @classmethod
    def _named(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("rewriter_url") and not value:
            raise ValueError("name the model that the server at VERBATIM_REWRITER_URL should use")
        return value

    @field_validator("webhook_url", "rewriter_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^/?#\s]+(/[^#\s]*)?", value):
            raise ValueError("write a whole address such as https://desk.example.com/v1")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        is_near = re.fullmatch(r"http://(127\.0\.0\.1|localhost)(:\d{1,5})?(/[^?#\s]*)?", value)
        if value and not is_near and not re.fullmatch(r"https://[^/?#\s]+(/[^?#\s]*)?", value):
            raise ValueError("write the provider's address such as https://id.example.com")
        return value.rstrip("/")

    @field_validator("oidc_client_id")
    @classmethod
    def _registered(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("oidc_issuer") and not value:
            raise ValueError("register this site at the provider, and write the name it gives it")
        return value

    @field_validator("oidc_role")
    @classmethod
    def _role(cls, value: str) -> str:
        if value and value not in ("contributor", "publisher", "agent", "admin"):
            raise ValueError("choose contributor, publisher, agent or admin, or leave it empty")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _signs(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("webhook_url") and len(value) < 32:
            raise ValueError("choose a secret of 32 characters or more, and give it to the desk")
        return value

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^<>@\r\n]*<?[^\s<>@,]+@[^\s<>@,]+>?", value):
            raise ValueError("write help@example.com or Example Help <help@example.com>")
        return value

    @field_validator("base_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @cached_property
    def sql_url(self) -> str:
        """The database address, SQLite in the home folder unless set."""
        return self.database_url or f"sqlite:///{self.home / 'verbatim.db'}"

    @property
    def fallback_locale(self) -> str:
        """The language whose words answer when the asked one has none."""
        return self.locales[0]
