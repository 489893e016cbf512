"""An evaluation as one HTML file that needs nothing else: for editors, to act on."""

import re
from datetime import datetime
from typing import Any

from markupsafe import Markup

from assistant.advice import FEW_PHRASINGS, advise
from kb.settings import LOCALE_NAMES
from web.assets import STATIC
from web.evaluation_text import cell, groups
from web.i18n import language_name
from web.pages import environment
from web.plots import Plot, risk_plot

TOKENS = re.compile(
    r"^(?::root \{.*?^\}|@media \(prefers-color-scheme: dark\) \{.*?^\})", re.M | re.S
)


def render_report(report: dict[str, Any], name: str, on: datetime) -> str:
    """The whole page; `name` is the file of questions, `on` the day it was asked."""
    template = environment("en").get_template("evaluation/report.html")
    risk, points = risk_plot(report["all"]), report["all"]["risk_coverage"]["points"]
    return template.render(
        report=report,
        name=name,
        on=on,
        advice=advise(report),
        groups=groups(report),
        tokens=tokens(),
        risk=risk,
        curve=risk.line((point["coverage"], point["risk"]) for point in points),
        field=Plot(),
        few=FEW_PHRASINGS,
        language=language,
        percent=percent,
        cell=cell,
    )


def tokens() -> Markup:
    """The colours, light and dark, and the measures that all our screens share."""
    css = (STATIC / "verbatim.css").read_text("utf-8")
    return Markup("\n".join(TOKENS.findall(css)))


def language(code: str) -> str:
    """The language's name; a kind of question keeps its own."""
    return language_name(code, "en") if code in LOCALE_NAMES else code


def percent(value: float | None, digits: int = 0) -> str:
    """A share as people read it."""
    return "–" if value is None else f"{value:.{digits}%}"
