"""Every channel as a client sees it: over HTTP, from JSON and from rendered HTML."""

import hashlib
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx

# Nothing that these elements hold is read, and they have no end.
EMPTY = frozenset({"br", "hr", "img", "input", "wbr", "link", "meta", "source", "col", "area"})


@dataclass(frozen=True)
class Said:
    """What one channel gave: an answer's identity and its words as a reader sees them, or none."""

    article: str | None = None
    version: int | None = None
    locale: str | None = None
    sha256: str | None = None
    shown: str = ""

    @property
    def identity(self) -> tuple[str | None, int | None, str | None, str | None]:
        """What all channels must agree on."""
        return self.article, self.version, self.locale, self.sha256


NOTHING = Said()


class Channels:
    """A running server, reached as any client does; `key` is an agent's, for the sidebar."""

    def __init__(self, client: httpx.Client, key: str) -> None:
        self._client = client
        self._staff = {"Authorization": f"Bearer {key}"}

    def api(self, question: str, locale: str) -> tuple[Said, int]:
        """The API's answer, and the epoch it was read from."""
        reply = self._json("POST", "/api/v1/ask", {"question": question, "locale": locale})
        return _of_json(reply["answer"]), int(reply["receipt"]["epoch"])

    def help_site(self, question: str, locale: str) -> Said:
        """The instant answer on the page of results."""
        return self._page(f"/{locale}/search", {"q": question})

    def article_page(self, said: Said) -> Said:
        """The same article's own page."""
        return self._page(f"/{said.locale}/articles/{said.article}")

    def widget(self, question: str, locale: str) -> Said | None:
        """What the chat says; None when it took the message for something else than a question."""
        begun = self._json("POST", "/api/v1/conversations", {"channel": "widget", "locale": locale})
        theirs = {"Authorization": f"Bearer {begun['token']}"}
        path = f"/api/v1/conversations/{begun['id']}"
        try:
            turns = self._json("POST", f"{path}/turns", {"text": question}, theirs)["turns"]
            said = next((turn for turn in turns if turn["reply"]), None)
            if said is None or said["kind"] not in ("answer", "clarify", "abstained"):
                return None
            return _of_json(said["reply"]["answer"])
        finally:
            self._client.request("DELETE", path, headers=theirs)

    def sidebar(self, question: str, locale: str) -> Said:
        """What stands first beside an agent."""
        query = {"q": question, "locale": locale}
        response = self._client.get("/api/v1/suggestions", params=query, headers=self._staff)
        response.raise_for_status()
        items = response.json()["items"]
        return _of_json(items[0]) if items else NOTHING

    def _json(
        self, method: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> Any:
        response = self._client.request(method, path, json=body, headers=headers)
        response.raise_for_status()
        return response.json()

    def _page(self, path: str, query: dict[str, str] | None = None) -> Said:
        response = self._client.get(urlsplit(path).path, params=query, follow_redirects=True)
        response.raise_for_status()
        return read_answer(response.text)


def _of_json(answer: dict[str, Any] | None) -> Said:
    """An answer whose text is not what its digest says counts as other words."""
    if answer is None:
        return NOTHING
    digest = hashlib.sha256(answer["text"].encode()).hexdigest()
    claimed = answer["sha256"] if answer["sha256"] == digest else f"{answer['sha256']} ≠ {digest}"
    shown = _visible(answer.get("html") or "")
    return Said(answer["article"], answer["version"], answer["locale"], claimed, shown)


def read_answer(html: str) -> Said:
    """The first element of a page that carries an answer, with its visible words."""
    reader = _AnswerReader()
    reader.feed(html)
    if reader.data is None:
        return NOTHING
    data = reader.data
    return Said(
        data["data-article"],
        int(data["data-version"] or 0),
        data["data-locale"],
        data["data-sha256"],
        _in_one_line(reader.words),
    )


def _visible(html: str) -> str:
    reader = _AnswerReader(inside=1)
    reader.feed(html)
    return _in_one_line(reader.words)


def _in_one_line(words: list[str]) -> str:
    return " ".join("".join(words).split())


class _AnswerReader(HTMLParser):
    """Collects the text of the first element that has `data-sha256`."""

    def __init__(self, inside: int = 0) -> None:
        super().__init__()
        self.data: dict[str, str | None] | None = None
        self.words: list[str] = []
        self._inside, self._done = inside, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if self.data is None and not self._inside and {"data-sha256", "data-article"} <= set(found):
            self.data, self._inside = found, 1
        elif self._inside and not self._done and tag not in EMPTY:
            self._inside += 1
        # Blocks are apart, whatever white space stands between their tags.
        self.words.append(" " if self._inside else "")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and not self._done and tag not in EMPTY:
            self._inside -= 1
            self._done = self.data is not None and self._inside == 0
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if self._inside and not self._done:
            self.words.append(data)
