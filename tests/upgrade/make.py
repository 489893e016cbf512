"""Make the first release's folder, as a client of it: see README.md. No part of any test.

python make.py TREE_OF_THE_FIRST_RELEASE
"""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import yaml

HERE = Path(__file__).resolve().parent
ARTICLES = ("delivery/delivery-costs", "returns/return-an-item", "account/reset-password")
LOCALES = ("en", "zh", "ko", "fa", "it")
PHRASINGS = 5
# By language: to what an answer is changed once, by whom it is approved.
CHANGED = {
    "en": ("delivery-costs", "€3.95", "€4.95"),
    "zh": ("delivery-costs", "3.95", "4.95"),
    "fa": ("return-an-item", "۳۰", "۶۰"),
}
OTHERS = (
    ("en", "what would it cost to have a chair sent to Norway"),
    ("en", "i want to send this back"),
    ("en", "who won the world cup in 1998"),
    ("zh", "我想把东西退回去"),
    ("ko", "로그인이 안 돼요, 비밀번호를 모르겠어요"),
    ("fa", "می‌خواهم کالا را پس بدهم"),
    ("it", "quanto pago di spedizione"),
    ("it", "che tempo fa domani a Roma"),
)


def main(tree: Path) -> None:
    """The store as SQL, and its replies and receipts as JSON."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        content, asked = _content(tree, Path(scratch) / "content")
        _run(tree, home, "import", str(content))
        _run(tree, home, "user", "add", "mina@example.com", "--role", "publisher", "--name", "Mina")
        keys = [_run(tree, home, "key", "add", "--role", "publisher").strip() for _ in range(2)]
        said = _life(tree, home, keys, asked)
        with closing(sqlite3.connect(home / "verbatim.db")) as store:
            said["revisions"] = _revisions(store)
            (HERE / "first_release.sql").write_text("\n".join(store.iterdump()) + "\n", "utf-8")
    text = json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True)
    (HERE / "first_release.json").write_text(text + "\n", "utf-8")


def _content(tree: Path, folder: Path) -> tuple[Path, list[tuple[str, str]]]:
    """Some of the sample company's files with a few phrasings each, and questions to ask."""
    asked = []
    for locale in LOCALES:
        for name in ARTICLES:
            source = (tree / "content" / locale / f"{name}.md").read_text("utf-8")
            _, head, _ = source.split("---\n", 2)
            matter = yaml.safe_load(head)
            matter = {k: matter[k] for k in ("title", "answer", "phrasings", "category")}
            matter["phrasings"] = matter["phrasings"][:PHRASINGS]
            asked += [(locale, question) for question in matter["phrasings"][:1]]
            target = folder / locale / f"{name}.md"
            target.parent.mkdir(parents=True, exist_ok=True)
            head = yaml.safe_dump(matter, allow_unicode=True, sort_keys=False)
            target.write_text(f"---\n{head}---\n", "utf-8")
    return folder, [*asked, *OTHERS]


def _life(tree: Path, home: Path, keys: list[str], asked: list[tuple[str, str]]) -> dict[str, Any]:
    """Questions, changed answers, and the same questions again; everything that was replied."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = _start(tree, home, "serve", "--port", str(port))
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            _wait(http)
            earlier = [_ask(http, *question) for question in asked if question[0] in CHANGED]
            for locale, change in CHANGED.items():
                _change(http, keys, locale, *change)
            replies = [_ask(http, *question) for question in asked]
            ids = [r["reply"]["receipt"]["id"] for r in (*earlier, *replies)]
            receipts = [http.get(f"/api/v1/receipts/{id_}").json() for id_ in ids]
            return {"replies": replies, "receipts": [_words(receipt) for receipt in receipts]}
    finally:
        server.terminate()
        server.wait()


def _wait(http: httpx.Client) -> None:
    while True:
        try:
            if http.get("/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)


def _ask(http: httpx.Client, locale: str, question: str) -> dict[str, Any]:
    body = {"question": question, "locale": locale}
    reply = http.post("/api/v1/ask", json=body).raise_for_status().json()
    return {**body, "reply": _words(reply)}


def _words(said: dict[str, Any]) -> dict[str, Any]:
    """Without what only repeats them: HTML and addresses."""
    names = ("article", "version", "locale", "title", "text", "sha256")
    answer = said["answer"] and {name: said["answer"][name] for name in names}
    kept = {k: v for k, v in said.items() if k not in ("related", "explanation", "notice")}
    return {**kept, "answer": answer}


def _change(
    http: httpx.Client, keys: list[str], locale: str, slug: str, old: str, new: str
) -> None:
    writer, approver = ({"Authorization": f"Bearer {key}"} for key in keys)
    place = f"/api/v1/articles/{slug}"
    live = http.get(place, params={"locale": locale}).raise_for_status().json()
    assert old in live["text"], (locale, slug)
    body = {"locale": locale, "title": live["title"], "answer": live["text"].replace(old, new)}
    body |= {"phrasings": live["phrasings"], "category": live["category"]}
    version = http.post(f"{place}/revisions", json=body, headers=writer).json()["version"]
    step, where = f"{place}/revisions/{version}", {"locale": locale}
    http.post(f"{step}/review", json=where, headers=writer).raise_for_status()
    http.post(f"{step}/approval", json=where, headers=approver).raise_for_status()
    body = {**where, "version": version}
    http.post(f"{place}/publication", json=body, headers=approver).raise_for_status()


def _revisions(store: sqlite3.Connection) -> list[list[Any]]:
    query = (
        "SELECT slug, locale, version, sha256, answer_sha256 FROM revision "
        "JOIN article ON article.id = revision.article_id ORDER BY slug, locale, version"
    )
    return [list(row) for row in store.execute(query)]


def _start(tree: Path, home: Path, *arguments: str) -> "subprocess.Popen[str]":
    set_ = {"PYTHONPATH": str(tree), "VERBATIM_HOME": str(home), "VERBATIM_RATE_LIMIT": "off"}
    command = [shutil.which("verbatim") or "verbatim", *arguments]
    return subprocess.Popen(
        command, env={**os.environ, **set_}, cwd=tree, text=True, stdout=subprocess.PIPE
    )


def _run(tree: Path, home: Path, *arguments: str) -> str:
    done = _start(tree, home, *arguments)
    output = done.communicate()[0]
    assert done.returncode == 0, output
    return output


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
