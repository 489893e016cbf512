"""Two evaluations side by side: of two epochs, two settings or two releases."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from kb.errors import Invalid

Record = dict[str, Any]
FIELDS = {"question", "locale", "expected", "outcome", "said"}
FIGURES = (
    "questions",
    "accuracy",
    "among_first_three",
    "answered",
    "clarified",
    "coverage",
    "wrong_answers",
    "wrong_rate",
    "unanswerable_answered",
    "auroc",
    "refused_when_95_kept",
    "risk_coverage.area",
    "calibration.error",
    "paraphrases.same_reply",
    "languages.same_reply",
)
WRONG, SILENT, RIGHT = range(3)


def read_report(path: Path) -> dict[str, Any]:
    """A report saved with `verbatim evaluate --json`. Raises Invalid for anything else."""
    try:
        found = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise Invalid(f"cannot read {path}: {error}") from error
    if not _is_report(found):
        raise Invalid(f"{path} is no report: save one with `verbatim evaluate FILE --json`")
    return dict(found)


def _is_report(found: Any) -> bool:
    if not isinstance(found, dict) or not isinstance(found.get("questions"), list):
        return False
    parts = [found.get(name) for name in ("all", "locales", "kinds")]
    return all(isinstance(part, dict) for part in parts) and all(
        isinstance(record, dict)
        and record.keys() >= FIELDS
        and isinstance(record["question"], str)
        and isinstance(record["expected"], list)
        for record in found["questions"]
    )


def compare(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Figures as [before, after]; questions that gained, lost, or changed without being better.

    A question gains from wrong to silent to right. Questions that only one report asked are
    counted, not compared.
    """
    pairs, only = _paired(old["questions"], new["questions"])
    found = defaultdict(list)
    for before, after in pairs:
        change = _change(before, after)
        if change:
            found[change].append({"before": before, "after": after})
    return {
        "epochs": [old.get("epoch"), new["epoch"]],
        "figures": {
            name: _side_by_side(before, after) for name, before, after in _groups(old, new)
        },
        "gained": found["gained"],
        "lost": found["lost"],
        "changed": found["changed"],
        "compared": len(pairs),
        "only_before": only[0],
        "only_after": only[1],
    }


def _paired(
    old: list[Record], new: list[Record]
) -> tuple[list[tuple[Record, Record]], tuple[int, int]]:
    """The same question in both, a repeated one with its like; how many stand alone in each."""
    waiting: dict[Any, list[Record]] = defaultdict(list)
    for record in reversed(old):
        waiting[record["question"], record["locale"]].append(record)
    pairs = []
    for record in new:
        same = waiting[record["question"], record["locale"]]
        if same:
            pairs.append((same.pop(), record))
    return pairs, (len(old) - len(pairs), len(new) - len(pairs))


def _change(before: Record, after: Record) -> str | None:
    step = _grade(after) - _grade(before)
    if step:
        return "gained" if step > 0 else "lost"
    is_same = (before["said"], before["outcome"]) == (after["said"], after["outcome"])
    return None if is_same else "changed"


def _grade(record: Record) -> int:
    said, expected = record["said"], record["expected"]
    if said is None:
        return SILENT if expected else RIGHT
    return RIGHT if said in expected else WRONG


def _groups(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    parts = [
        (name, old[part].get(name, {}), found)
        for part in ("locales", "kinds")
        for name, found in new[part].items()
    ]
    return [("all", old["all"], new["all"]), *parts]


def _side_by_side(before: Any, after: Any) -> dict[str, list[Any]]:
    return {name: [figure(before, name), figure(after, name)] for name in FIGURES}


def figure(figures: Any, path: str) -> Any:
    """The figure of that name, `calibration.error` being the error in the calibration."""
    found = figures
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
