"""Facts of the sample company are changed in one article alone: who notices, and who cries wolf."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from kb.facts import facts_of
from tests.prove.page import Page
from tests.web.conftest import run

CONTENT = Path(__file__).resolve().parents[2] / "content"
DIGITS = re.compile(r"[0-9۰-۹]+")
# Facts that other articles state too: article, the fact, the number that it becomes.
Seed = tuple[str, str, str]
_SEEDS = """
refund-time | 3 working days | 5
change-or-pause | 3 months | 6
repair-out-of-warranty | 60 months | 3
cookies | 6 months | 12
late-or-lost-parcel | 1440 minutes | 48
missing-item | 2 working days | 4
buy-gift-card | 60 months | 3
pick-up-point | 7 days | 10
track-your-order | 14:00 | 16
delete-account | 120 months | 7
return-a-gift | 60 days | 90
place-an-order | 60 minutes | 35
what-cannot-be-returned | 7 days | 3
return-an-item | EUR 39 | 45
what-cannot-be-returned | 24 months | 1
payment-declined | 7 days | 15
your-data | 1 working days | 3
showroom | 30 days | 20
descale-kettle | EUR 30 | 35
no-confirmation-email | 10 minutes | 20
return-an-item | 30 days | 14
payment-methods | EUR 150 | 100
payment-methods | 2880 minutes | 24
reset-password | 30 minutes | 45
missing-item | 14 days | 21
change-or-cancel-order | 60 minutes | 35
delivery-times | 10 working days | 15
refund-time | 60 minutes | 90
"""


def _seed(line: str) -> Seed:
    slug, value, number = (part.strip() for part in line.split("|"))
    return slug, value, number


SEEDS = [_seed(line) for line in _SEEDS.strip().splitlines()]


def altered(text: str, locale: str, value: str, number: str) -> str:
    """The same text with a fact changed to another number wherever it is said."""
    for fact in reversed(facts_of(text, locale)):
        said = text[fact.start : fact.end]
        if fact.value == value and DIGITS.search(said):
            text = text[: fact.start] + DIGITS.sub(number, said, count=1) + text[fact.end :]
    return text


def contradiction_trial(page: Page, home: Path, folder: Path) -> None:
    """Read the company as it is, then one fact after another changed in one English article."""
    before, articles = _open(home), sum(1 for _ in CONTENT.rglob("*.md"))
    page.add("contradictions found in the sample company as it is", str(len(before)),
             f"in {articles} articles and translations; false alarms")  # fmt: skip
    there = folder / "changed"
    shutil.copytree(home, there)
    files = folder / "changed-files"
    run(there, "export", str(files))
    _change(files)
    run(there, "import", str(files))
    _count(page, before, _open(there))


def _open(home: Path) -> list[dict[str, Any]]:
    return list(json.loads(run(home, "contradictions", "--json").stdout)["items"])


def _change(files: Path) -> None:
    for slug, value, number in SEEDS:
        (path,) = (files / "en").rglob(f"{slug}.md")
        path.write_text(altered(path.read_text("utf-8"), "en", value, number), "utf-8")


def _count(page: Page, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    known = {json.dumps([row["one"], row["other"]]) for row in before}
    new = [row for row in after if json.dumps([row["one"], row["other"]]) not in known]
    slugs = {slug for slug, *_ in SEEDS}
    for scope, what in (
        ("articles", "… articles with a changed fact that were found beside another article"),
        ("translations", "… and beside their own translations"),
    ):
        sides = [row[side] for row in new for side in ("one", "other") if row["scope"] == scope]
        found = {side["article"] for side in sides} & slugs
        page.add(what, f"{len(found)} of {len(slugs)}", f"{len(SEEDS)} facts changed",
                 len(found) >= len(slugs) * 0.85)  # fmt: skip
