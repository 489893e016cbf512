"""An evaluation on the terminal."""

from typing import Any

SHOWN = 20
REPLIES = (
    ("questions", "asked"),
    ("accuracy", "right first"),
    ("among_first_three", "in first 3"),
    ("answered", "answered"),
    ("coverage", "coverage"),
    ("wrong_answers", "wrong"),
    ("wrong_rate", "wrong rate"),
    ("wrong_rate_interval", "95 % of it"),
    ("unanswerable_answered", "spoke in vain"),
)
JUDGEMENT = (
    ("questions", "asked"),
    ("auroc", "AUROC"),
    ("refused_when_95_kept", "refused at 95"),
    ("risk_coverage.area", "risk area"),
    ("calibration.error", "calibration"),
    ("paraphrases.same_reply", "paraphrases"),
    ("paraphrases.same_first", "same first"),
    ("languages.same_reply", "languages"),
    ("languages.same_first", "same first"),
)
WIDTH = 15


def format_report(report: dict[str, Any]) -> str:
    """The figures as two tables, one row a locale and a kind, and the wrong answers below."""
    lines = [*_table(report, REPLIES), "", *_table(report, JUDGEMENT)]
    if report["wrong"]:
        lines.append("")
    for wrong in report["wrong"][:SHOWN]:
        expected = ", ".join(wrong["expected"]) or "silence"
        lines.append(f"wrong: {wrong['question']} → {wrong['answered']}, not {expected}")
    if len(report["wrong"]) > SHOWN:
        lines.append(f"and {len(report['wrong']) - SHOWN} more wrong answers")
    return "\n".join(lines)


def groups(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Names and figures: locales, kinds, all."""
    return [*report["locales"].items(), *report["kinds"].items(), ("all", report["all"])]


def _table(report: dict[str, Any], columns: tuple[tuple[str, str], ...]) -> list[str]:
    named = groups(report)
    first = max(8, *(len(name) + 2 for name, _ in named))
    lines = ["locale".ljust(first) + "".join(f"{title:>{WIDTH}}" for _, title in columns)]
    for name, found in named:
        cells = "".join(f"{cell(figure(found, key)):>{WIDTH}}" for key, _ in columns)
        lines.append(name.ljust(first) + cells)
    return lines


def figure(figures: dict[str, Any], path: str) -> Any:
    """The figure of that name, `calibration.error` being the error in the calibration."""
    found: Any = figures
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def cell(value: Any) -> str:
    """A share to the thousandth, an interval from end to end, a count as it is."""
    if value is None:
        return "–"
    if isinstance(value, list | tuple):
        return "–".join(f"{end:.3f}" for end in value)
    return str(value) if isinstance(value, int) else f"{value:.3f}"
