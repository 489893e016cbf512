"""`verbatim outgoing` shows what has not left and puts back what was given up."""

import json
from pathlib import Path

from assistant.outgoing import Outgoing, Undeliverable, deliver_due, queue
from kb.db import open_engine, transaction
from tests.web.conftest import run


def refuse(_message: Outgoing) -> None:
    raise Undeliverable("550 no such person")


def test_what_was_given_up_is_listed_and_put_back(tmp_path: Path) -> None:
    assert run(tmp_path, "outgoing").stdout == "nothing waits, nothing was given up\n"
    engine = open_engine(f"sqlite:///{tmp_path / 'verbatim.db'}")
    with transaction(engine) as session:
        queue(session, "mail", "a", {"to": "ana@example.com"})
    deliver_due(engine, {"mail": refuse})
    engine.dispose()
    listed = run(tmp_path, "outgoing").stdout
    assert "given up" in listed
    assert "1 tried: 550 no such person" in listed
    assert "ana@example.com" not in listed
    assert run(tmp_path, "outgoing", "retry", "all").stdout == "1 will be tried again\n"
    found = json.loads(run(tmp_path, "outgoing", "--json").stdout)["items"]
    assert [(item["status"], item["attempts"]) for item in found] == [("waiting", 0)]


def test_retrying_nothing_in_particular_is_refused(tmp_path: Path) -> None:
    unknown, misused = (
        run(tmp_path, "outgoing", "retry", "7"),
        run(tmp_path, "outgoing", "retry", "x"),
    )
    assert (unknown.returncode, misused.returncode) == (1, 2)
    assert "no message 7 was given up" in unknown.stderr
