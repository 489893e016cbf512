"""A running studio with people in it, for tests that act on pages as they do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient
from sqlmodel import Session

from assistant.notifications import catch_up
from kb.articles import Revision, Wording, get_article, get_revision
from kb.db import migrate, open_engine, transaction
from kb.people import Person, add_person, find_person
from kb.publishing import approve, draft, publish, submit
from kb.settings import Settings
from retriever.embeddings import Encoder
from retriever.index import Index
from retriever.vectors import VectorStore
from tests.cast import PASSWORD_RESET, shop
from web.app import create_app
from web.services import Services

PASSWORD = "lamp and chair"
ROLES = {
    "mina": "publisher",
    "nora": "publisher",
    "tariq": "contributor",
    "omar": "agent",
    "ada": "admin",
}


class Newsroom:
    """The cast's shop, everybody signed in."""

    def __init__(self, services: Services, client: TestClient) -> None:
        self.services, self.client = services, client
        self.cookies = {name: self._sign_in(name) for name in ROLES}

    def _sign_in(self, name: str) -> dict[str, str]:
        self.client.cookies.clear()
        form = {"email": f"{name}@example.com", "password": PASSWORD}
        response = self.client.post("/login", data=form, follow_redirects=False)
        assert response.status_code == 303
        self.client.cookies.clear()
        return {"verbatim_session": response.cookies["verbatim_session"]}

    def get(self, who: str, path: str, **headers: str) -> httpx.Response:
        """A page as somebody sees it."""
        return self._send("GET", who, path, headers=headers)

    def post(self, who: str, path: str, **form: Any) -> httpx.Response:
        """A form that somebody sends; the reply itself, not where it leads."""
        return self._send("POST", who, path, data=form)

    def _send(self, method: str, who: str, path: str, **more: Any) -> httpx.Response:
        self.client.cookies.clear()
        self.client.cookies.update(self.cookies.get(who, {}))
        response: httpx.Response = self.client.request(method, path, follow_redirects=False, **more)
        return response

    def person(self, session: Session, name: str) -> Person:
        """Somebody of the cast."""
        found = find_person(session, f"{name}@example.com")
        assert found is not None
        return found

    def write(
        self, slug: str, *, to: str = "draft", by: str = "tariq", locale: str = "en", **words: Any
    ) -> str:
        """A wording brought to a state: draft, in_review, approved or live; its page."""
        wording: Wording = replace(PASSWORD_RESET, **{"title": slug, **words})
        with transaction(self.services.engine) as session:
            author = self.person(session, by)
            revision = draft(session, slug, locale, wording, author)
            judge = self.person(session, "mina" if by != "mina" else "nora")
            if to != "draft":
                submit(session, revision, author)
            if to in ("approved", "live"):
                approve(session, revision, judge)
            if to == "live":
                publish(session, revision, judge)
            catch_up(session)
        return f"/studio/articles/{slug}/{locale}/{revision.version}"

    def revision(self, session: Session, page: str) -> Revision:
        """The revision that a page is about."""
        slug, locale, version = page.split("/")[3:6]
        return get_revision(session, get_article(session, slug), locale, int(version))

    def state(self, page: str) -> str:
        """What the page's chip says it is."""
        chip = re.search(r'class="state state-(\w+)"', self.get("ada", page).text)
        assert chip is not None
        return chip[1]


@contextmanager
def newsroom(home: Path, vectors: VectorStore, encoders: list[Encoder]) -> Iterator[Newsroom]:
    """The cast's shop on SQLite, with a password for everybody."""
    settings = Settings(home=home, rate_limit="off")
    engine = open_engine(settings.sql_url)
    migrate(engine)
    with transaction(engine) as session:
        for name, role in ROLES.items():
            add_person(session, f"{name}@example.com", role, name.title(), PASSWORD)
        shop(session)
    index = Index(engine, vectors, encoders)
    index.bring_level()
    with TestClient(create_app(Services(settings, engine, index, None))) as client:
        yield Newsroom(client.app.state.services, client)  # type: ignore[attr-defined]
    engine.dispose()
