"""The command line: what it prints, where, and with which exit code."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.web.conftest import CONTENT, GIFT_CARD, run, write_content


def fails_in_one_line(done: "subprocess.CompletedProcess[str]", code: int) -> bool:
    """Whether a command failed with that code, one line of reason and no traceback."""
    lines = done.stderr.strip().splitlines()
    return (
        done.returncode == code
        and not done.stdout
        and len(lines) == 1
        and lines[0].startswith("verbatim: ")
    )


def test_init_makes_an_empty_store_and_one_admin(tmp_path: Path) -> None:
    first, second = run(tmp_path / "new", "init"), run(tmp_path / "new", "init")
    assert (first.returncode, second.returncode) == (0, 0)
    assert re.search(r"Admin login: \S+@\S+ +password: \S{10,}", first.stdout)
    assert "password" not in second.stdout
    found = json.loads(run(tmp_path / "new", "status", "--json").stdout)
    assert found["articles"] == 0
    assert found["silence"] == {"max_wrong": 0.02, "learned": False, "locales": {}}


def test_status_counts_what_is_live(home: Path) -> None:
    found = json.loads(run(home, "status", "--json").stdout)
    assert (found["articles"], found["database"], found["server"]) == (2, "SQLite", None)
    assert found["live"] == {"en": 2, "zh": 0, "ko": 0, "fa": 0, "it": 1}
    assert "articles  2" in run(home, "status").stdout


def test_phrase_of_the_assistant_is_not_counted_as_an_article(home: Path, tmp_path: Path) -> None:
    phrase = "title: Thanks\nanswer: With pleasure.\naudience: assistant"
    content = write_content(tmp_path / "content", {"en/phrases/phrase-thanks.md": phrase})
    assert run(home, "import", str(content)).stdout.startswith("1 created")
    found = json.loads(run(home, "status", "--json").stdout)
    assert (found["articles"], found["live"]["en"]) == (2, 2)


def test_second_import_changes_nothing_and_a_changed_file_one_thing(
    home: Path, tmp_path: Path
) -> None:
    content = write_content(tmp_path / "content", CONTENT)
    assert run(home, "import", str(content)).stdout.startswith("0 created, 0 changed, 3 unchanged")
    write_content(content, {"en/gift-cards/gift-card-expiry.md": GIFT_CARD})
    assert run(home, "import", str(content)).stdout.startswith("1 created, 0 changed, 3 unchanged")


def test_import_learns_when_to_be_silent(tmp_path: Path) -> None:
    phrasings = ", ".join(f"reset my password {n}" for n in range(20))
    file = f"title: Reset your password\nanswer: We send a link.\nphrasings: [{phrasings}]"
    files = {"en/account/reset.md": file, "en/gift-cards/gift-card-expiry.md": GIFT_CARD}
    content = write_content(tmp_path / "content", files)
    run(tmp_path / "home", "import", str(content), VERBATIM_MAX_WRONG="0.05")
    found = run(tmp_path / "home", "status", "--json", VERBATIM_MAX_WRONG="0.05")
    assert json.loads(found.stdout)["silence"]["learned"]


def test_bad_file_is_refused_with_its_line_and_stops_nothing(home: Path, tmp_path: Path) -> None:
    bad = {"en/a/broken.md": "title: [", "en/gift-cards/gift-card-expiry.md": GIFT_CARD}
    done = run(home, "import", str(write_content(tmp_path / "content", bad)))
    assert done.returncode == 1
    assert "1 created" in done.stdout
    assert re.search(r"refused\s+\S*broken\.md:\d+: ", done.stderr)
    assert "Traceback" not in done.stderr


def test_ask_prints_the_answer_and_where_it_comes_from(home: Path) -> None:
    done = run(home, "ask", "i forgot my password")
    assert done.returncode == 0
    assert done.stdout.startswith("The link we send works for 30 minutes.\n")
    assert "reset-password · version 1 · en" in done.stdout


def test_ask_as_json_is_the_reply_of_the_api(home: Path) -> None:
    done = run(home, "ask", "quanto costa la spedizione?", "--json", "--locale", "it")
    answer = json.loads(done.stdout)["answer"]
    assert (answer["article"], answer["locale"]) == ("delivery-costs", "it")
    assert answer["sha256"] == hashlib.sha256(answer["text"].encode()).hexdigest()


def test_ask_explains_itself_below_the_answer(home: Path) -> None:
    shown = run(home, "ask", "--explain", "i forgot my password").stdout
    answer, why = shown.split("\nWhy: confidence ")
    assert answer.startswith("The link we send works for 30 minutes.\n")
    assert re.search(r"^1\. reset-password  \d+% of the belief$", why, re.M)
    assert re.search(r"similarity .* phrasing en  I forgot my password$", why, re.M)
    assert "\n2. delivery-costs" in why


def test_ask_as_json_holds_the_explanation_that_was_asked_for(home: Path) -> None:
    reply = json.loads(run(home, "ask", "postage price", "--explain", "--json").stdout)
    assert reply["explanation"]["matches"][0]["article"] == "delivery-costs"


def test_question_without_an_answer_is_no_failure(home: Path) -> None:
    done = run(home, "ask", "what is the capital of Mongolia")
    assert done.returncode == 0
    assert done.stdout.startswith("We don't have an approved answer")


def test_search_lists_articles(home: Path) -> None:
    done = run(home, "search", "delivery", "--json")
    assert json.loads(done.stdout)["items"][0]["article"] == "delivery-costs"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Three questions and the articles that answer them."""
    asked = [
        {"question": "i forgot my password", "expected": "reset-password", "locale": "en"},
        {"question": "postage price", "expected": ["delivery-costs", "other"]},
        {"question": "what is the capital of Mongolia", "expected": None},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in asked))
    return file


def test_evaluate_reports_how_right_the_replies_are(home: Path, rows: Path) -> None:
    report = json.loads(run(home, "evaluate", str(rows), "--json").stdout)
    figures = report["all"]
    assert (figures["questions"], figures["accuracy"], figures["unanswerable"]) == (3, 1.0, 1)
    assert report["wrong"] == []


def test_evaluate_compares_with_an_earlier_report(home: Path, rows: Path) -> None:
    saved = rows.with_name("old.json")
    saved.write_text(run(home, "evaluate", str(rows), "--json").stdout)
    rows.write_text(rows.read_text().replace("reset-password", "delivery-costs"))
    done = run(home, "evaluate", str(rows), "--compare", str(saved))
    assert done.returncode == 0, done.stderr
    assert "lost: 1\n  i forgot my password [en]: reset-password → reset-password" in done.stdout


def test_evaluate_writes_a_page_for_editors(home: Path, rows: Path) -> None:
    page = rows.with_name("report.html")
    done = run(home, "evaluate", str(rows), "--html", str(page))
    assert done.returncode == 0, done.stderr
    assert "rows.jsonl · 3 questions" in re.sub("<[^>]+>", "", page.read_text("utf-8"))


def test_evaluate_fails_when_a_bar_is_missed(home: Path, rows: Path) -> None:
    rows.write_text(rows.read_text().replace("reset-password", "delivery-costs"))
    bars = ["--max-wrong", "0.02", "--min-coverage", "0.5"]
    done = run(home, "evaluate", str(rows), "--json", *bars)
    assert (done.returncode, json.loads(done.stdout)["all"]["wrong_answers"]) == (1, 1)
    said = done.stderr.splitlines()[-1]
    assert said == "verbatim: 1 of 2 answers are wrong (50.0%, allowed 2.0%)"


def test_export_then_import_elsewhere_says_the_same(home: Path, tmp_path: Path) -> None:
    assert run(home, "export", str(tmp_path / "out")).stdout == f"3 files in {tmp_path / 'out'}\n"
    again = run(home, "import", str(tmp_path / "out"))
    assert again.stdout.startswith("0 created, 0 changed, 3 unchanged")


def test_second_export_says_which_files_it_removed(home: Path, tmp_path: Path) -> None:
    run(home, "export", str(tmp_path / "out"))
    moved = CONTENT["en/account/reset-password.md"] + "\ncategory: security"
    content = write_content(tmp_path / "content", {"en/account/reset-password.md": moved})
    run(home, "import", str(content))
    done = run(home, "export", str(tmp_path / "out"))
    assert done.stderr == "removed  en/account/reset-password.md: no article's any more\n"
    assert done.stdout == f"3 files in {tmp_path / 'out'}, 1 removed\n"


def test_key_add_prints_the_key_alone(home: Path) -> None:
    done = run(home, "key", "add", "--role", "agent")
    assert re.fullmatch(r"vb_[\w-]{32}\n", done.stdout)
    assert done.stderr == ""


def test_user_add_prints_the_password_once(home: Path) -> None:
    done = run(home, "user", "add", "Sara@Example.com", "--role", "publisher")
    assert re.search(r"^sara@example\.com \(publisher\)  password: \S+", done.stdout)
    assert fails_in_one_line(run(home, "user", "add", "sara@example.com"), 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"], ["ask"], ["ask", "a", "b"], ["ask", "--colour", "red"], ["import"],
        ["serve", "--port", "99999"], ["serve", "--workers", "0"], ["serve", "--port", "http"],
        ["key", "add"], ["key", "frobnicate"], ["evaluate", "rows.jsonl", "--max-wrong", "2"],
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_exit_2(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path / "home", *arguments)
    assert fails_in_one_line(done, 2), done.stderr
    assert "--help" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ask", ""], "empty"),
        (["ask", "refund", "--locale", "tlh"], "tlh"),
        (["ask", "refund", "--channel", "fax"], "fax"),
        (["import", "/no/such/folder"], "/no/such/folder"),
        (["evaluate", "/no/such/file.jsonl"], "/no/such/file.jsonl"),
        (["evaluate", "{rows}", "--compare", "{rows}"], "rows.jsonl"),
        (["evaluate", "{rows}", "--html", "/no/such/folder/out.html"], "/no/such/folder"),
        (["key", "add", "--role", "king"], "king"),
        (["user", "add", "nobody"], "nobody"),
        (["export", "/dev/null/out"], "/dev/null"),
    ],
)
def test_failure_is_one_line_that_names_what_is_wrong(
    home: Path, rows: Path, arguments: list[str], named: str
) -> None:
    done = run(home, *(argument.format(rows=rows) for argument in arguments))
    assert fails_in_one_line(done, 1), done.stderr
    assert named in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("VERBATIM_LOCALES", "en,tlh", 2),
        ("VERBATIM_LOCALES", "", 2),
        ("VERBATIM_MAX_REQUEST_BYTES", "many", 2),
        ("VERBATIM_DATABASE_URL", "nonsense", 1),
        ("VERBATIM_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/x", 1),
    ],
)
def test_wrong_setting_is_named(tmp_path: Path, name: str, value: str, code: int) -> None:
    done = run(tmp_path / "home", "status", **{name: value})
    assert fails_in_one_line(done, code), done.stderr
    assert name in done.stderr or "database" in done.stderr


def test_wrong_rate_limit_stops_the_server_before_it_starts(home: Path) -> None:
    done = run(home, "serve", "--port", "0", VERBATIM_RATE_LIMIT="often")
    assert fails_in_one_line(done, 1), done.stderr
    assert "VERBATIM_RATE_LIMIT" in done.stderr


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "home", "status")
    assert fails_in_one_line(done, 1)
    assert "VERBATIM_HOME" in done.stderr


def test_database_that_is_no_database_is_one_line(home: Path) -> None:
    (home / "verbatim.db").write_text("not a database " * 100)
    assert fails_in_one_line(run(home, "status"), 1)


def test_help_lists_the_commands(tmp_path: Path) -> None:
    done = run(tmp_path / "home", "--help")
    assert done.returncode == 0
    for command in ("init", "serve", "import", "export", "ask", "search", "evaluate", "status"):
        assert command in done.stdout


def test_traces_of_a_server_that_is_gone_do_not_mislead(home: Path) -> None:
    (home / "owner.json").write_text('{"pid": 4194304, "url": "http://127.0.0.1:9", "token": ""}')
    assert json.loads(run(home, "status", "--json").stdout)["server"] is None
    assert run(home, "ask", "i forgot my password").returncode == 0


def test_people_are_listed_leave_come_back_and_get_a_link(home: Path) -> None:
    run(home, "user", "add", "sara@example.com", "--role", "agent", "--name", "Sara")
    assert "never seen" in run(home, "user", "list").stdout
    assert run(home, "user", "deactivate", "Sara@example.com").returncode == 0
    assert json.loads(run(home, "user", "list", "--json").stdout)["items"][-1]["active"] is False
    assert fails_in_one_line(run(home, "user", "reset-password", "sara@example.com"), 1)
    assert run(home, "user", "reactivate", "sara@example.com").returncode == 0
    link = run(home, "user", "reset-password", "sara@example.com").stdout
    assert re.fullmatch(r"http\S+/login/new-password\?token=\S{40,}\n", link)
    assert fails_in_one_line(run(home, "user", "deactivate", "nobody@example.com"), 1)
