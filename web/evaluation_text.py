"""An evaluation on the terminal."""

from typing import Any

from assistant.comparison import figure
from web.silence_text import silence_lines

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
    ("wrong_of_all", "wrong of all"),
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
    if "silence" in report:
        lines += ["", *(f"promised: {line}" for line in silence_lines(report["silence"]))]
    if report["wrong"]:
        lines.append("")
    for wrong in report["wrong"][:SHOWN]:
        expected = ", ".join(wrong["expected"]) or "silence"
        lines.append(f"wrong: {wrong['question']} → {wrong['answered']}, not {expected}")
    if len(report["wrong"]) > SHOWN:
        lines.append(f"and {len(report['wrong']) - SHOWN} more wrong answers")
    if "comparison" in report:
        lines += ["", format_comparison(report["comparison"])]
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


def cell(value: Any) -> str:
    """A share to the thousandth, an interval from end to end, a count as it is."""
    if value is None:
        return "–"
    if isinstance(value, list | tuple):
        return "–".join(f"{end:.3f}" for end in value)
    return str(value) if isinstance(value, int) else f"{value:.3f}"


# -- two evaluations ---------------------------------------------------------------------


def format_comparison(comparison: dict[str, Any]) -> str:
    """Figures before and after, then the questions whose replies differ."""
    before, after = comparison["epochs"]
    lines = [f"epoch {before} → {after}; questions asked in both: {comparison['compared']}"]
    for name in ("only_before", "only_after"):
        if comparison[name]:
            lines.append(f"asked {name.replace('_', ' ')}: {comparison[name]}")
    lines += ["", *_figures_compared(comparison["figures"]["all"])]
    lines += ["", *_groups_compared(comparison["figures"])]
    for name in ("lost", "gained", "changed"):
        lines += ["", f"{name}: {len(comparison[name])}"]
        lines += [f"  {_step(pair)}" for pair in comparison[name]]
    return "\n".join(lines)


def _figures_compared(figures: dict[str, list[Any]]) -> list[str]:
    lines = [f"{'all':24}{'before':>10}{'after':>10}{'change':>10}"]
    for name, (before, after) in figures.items():
        lines.append(f"{name:24}{cell(before):>10}{cell(after):>10}{_moved(before, after):>10}")
    return lines


def _groups_compared(figures: dict[str, dict[str, list[Any]]]) -> list[str]:
    first = max(8, *(len(name) + 2 for name in figures))
    shown = ("coverage", "wrong_rate", "accuracy")
    lines = [" " * first + "".join(f"{name:>18}" for name in shown)]
    for name, found in figures.items():
        cells = (f"{cell(found[key][0])} → {cell(found[key][1])}" for key in shown)
        lines.append(name.ljust(first) + "".join(f"{pair:>18}" for pair in cells))
    return lines


def _moved(before: Any, after: Any) -> str:
    if before is None or after is None or before == after:
        return ""
    step = after - before
    return f"{step:+d}" if isinstance(step, int) else f"{step:+.3f}"


def _step(pair: dict[str, Any]) -> str:
    before, after = pair["before"], pair["after"]
    expected = ", ".join(after["expected"]) or "silence"
    locale = f" [{after['locale']}]" if after["locale"] else ""
    return f"{after['question']}{locale}: {reply(before)} → {reply(after)}, expected {expected}"


def reply(record: dict[str, Any]) -> str:
    """What a question got: an article, a clarification or silence."""
    return record["said"] or ("asked back" if record["outcome"] == "clarify" else "silence")
