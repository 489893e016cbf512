"""Every setting of the product, read from VERBATIM_* variables."""

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOCALE_NAMES = {"en": "English", "zh": "简体中文", "ko": "한국어", "fa": "فارسی", "it": "Italiano"}


class Settings(BaseSettings):
    """Read once at start; README.md lists each one, and a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="VERBATIM_", extra="ignore")

    home: Path = Field(Path("var"), description="Folder of the embedded database and index")
    database_url: str = Field("", description="SQLAlchemy URL; empty is SQLite in the home folder")
    chroma_url: str = Field("", description="A `chroma run` server; empty is embedded Chroma")
    embedding_model: str = Field(
        "bundled",
        description="`bundled`, with `+folder` a trained one beside it; or a model's name",
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
    max_request_bytes: int = Field(1_000_000, description="Largest request body accepted")
    trusted_proxies: str = Field(
        "127.0.0.1", description="Proxies whose X-Forwarded-For is believed"
    )

    @field_validator("locales", mode="before")
    @classmethod
    def _split_locales(cls, value: object) -> object:
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

    @field_validator("max_wrong", mode="before")
    @classmethod
    def _read_percent(cls, value: object) -> object:
        if isinstance(value, str) and value.strip().endswith("%"):
            return float(value.strip().rstrip("%")) / 100
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
