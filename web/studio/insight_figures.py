"""The figures of the insights page: each a table that is drawn, shown and downloaded alike."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from assistant.deflection import ENDINGS
from assistant.insights import Helpfulness, Insights, Topic, counted, days_in
from web import i18n
from web.i18n import _

OUTCOMES = {
    "answered": _("Answered"),
    "clarify": _("Asked back"),
    "abstained": _("No answer"),
}
ENDING_NAMES = {
    "confirmed": _("Helped: the customer said so"),
    "assumed": _("Assumed: nothing further for 7 days"),
    "open": _("Answered, too early to tell"),
    "came_back": _("Answered, but came back"),
    "clarify": _("Asked back, nothing chosen"),
    "abstained": _("No answer"),
}
REASONS = {
    "request": _("Asked for a person"),
    "failures": _("No answer found twice"),
    "complaint": _("Complaint"),
    "frustration": _("Is losing patience"),
    "people_only": _("A matter for people"),
    "other": _("Another reason"),
}
KNOWLEDGE = {
    "link_rate": _("Resolved cases with an article used or linked"),
    "cases": _("Resolved cases"),
    "reuse": _("Uses per used article"),
    "uses": _("Articles given by agents"),
    "open_flags": _("Open flags"),
    "flag_days": _("Age of open flags in days (median)"),
    "oldest_flag_days": _("Oldest open flag in days"),
    "publish_days": _("Days from first draft to live (median)"),
    "created": _("New articles"),
    "improved": _("New versions live"),
}
# What is so now, and was not kept as it was.
AS_OF_NOW = ("open_flags", "flag_days", "oldest_flag_days")


@dataclass(frozen=True)
class Column:
    """`name` heads it in a file, `label` on the page."""

    name: str
    label: str
    is_number: bool = True


@dataclass(frozen=True)
class Entry:
    """A cell: the value for file and chart, the text for readers, perhaps with an address."""

    value: object
    text: str
    href: str = ""
    is_customers: bool = False


@dataclass(frozen=True)
class Figure:
    """`chart` is how it is drawn: columns, lines, bars, or not at all."""

    name: str
    title: str
    about: str
    columns: list[Column]
    rows: list[list[Entry]]
    chart: str = ""

    @property
    def alternative(self) -> str:
        """What the drawing shows, for those who do not see it."""
        sums = []
        for place, column in enumerate(self.columns[1:], 1):
            values = [row[place].value for row in self.rows]
            total = sum(v for v in values if isinstance(v, int | float))
            sums.append((column.label, total))
        return f"{self.title}. " + "; ".join(f"{label}: {total:g}" for label, total in sums)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see in it."""
        return not any(entry.value for row in self.rows for entry in row[1:])


def figures_of(found: Insights, titles: Mapping[str, str], locale: str) -> dict[str, Figure]:
    """Every figure by its name, in a reader's language."""
    made = Maker(found, titles, locale)
    figures = (
        made.outcomes(),
        made.channels_over_time(),
        made.endings(),
        made.channels(),
        made.languages(),
        made.persons(),
        made.topics(
            "before-a-person",
            _("Asked before a person was needed"),
            _("The last question before a person was asked for."),
            found.before_a_person,
        ),
        made.topics(
            "searches",
            _("Searches without results"),
            _("What was looked for on the help site in vain."),
            found.empty_searches,
        ),
        made.topics(
            "again",
            _("Asked again within 7 days"),
            _("By the same customer or in the same conversation, about the same."),
            found.again,
        ),
        made.articles(
            "unhelpful",
            _("Articles that did not help"),
            _("By how often readers said so."),
            found.unhelpful,
        ),
        made.articles(
            "top",
            _("Articles given most"),
            _("As the answer to a question, and what readers said of them."),
            found.top,
            "bars",
        ),
        made.knowledge(),
    )
    return {figure.name: figure for figure in figures}


class Maker:
    """Makes figures of what was found, in one language."""

    def __init__(self, found: Insights, titles: Mapping[str, str], locale: str) -> None:
        self.found, self.titles, self.locale = found, titles, locale
        self._ = partial(i18n.translate, locale)

    def outcomes(self) -> Figure:
        """Each day by outcome."""
        by = counted(self.found.cells, "day", "outcome")
        return self._figure(
            "outcomes",
            _("Questions over time"),
            _("Each day, by what was replied. Days are those of UTC."),
            [Column("day", self._(_("Day")), False), *self._outcome_columns()],
            [self._day(d, [by[d, outcome] for outcome in OUTCOMES]) for d in self._days()],
            "columns",
        )

    def channels_over_time(self) -> Figure:
        """Each day by channel."""
        by = counted(self.found.cells, "day", "channel")
        channels = _most(counted(self.found.cells, "channel"))
        columns = [Column(name, i18n.channel_name(name, self.locale)) for name in channels]
        return self._figure(
            "channels-by-day",
            _("Questions over time by channel"),
            _("Where customers ask."),
            [Column("day", self._(_("Day")), False), *columns],
            [self._day(d, [by[d, name] for name in channels]) for d in self._days()],
            "lines",
        )

    def endings(self) -> Figure:
        """How questions ended, beside the period before."""
        return self._figure(
            "endings",
            _("How questions ended"),
            _("What customers confirmed is counted apart from what is only assumed."),
            self._compared(_("Ending")),
            [
                self._row(
                    Entry(name, self._(ENDING_NAMES[name])),
                    getattr(self.found.endings, name),
                    getattr(self.found.before, name),
                )
                for name in ENDINGS
            ],
            "bars",
        )

    def channels(self) -> Figure:
        """Channels by outcome."""
        return self._by("channels", _("Channels"), _("Channel"), i18n.channel_name, "channel")

    def languages(self) -> Figure:
        """Languages by outcome."""
        return self._by("languages", _("Languages"), _("Language"), i18n.language_name, "locale")

    def persons(self) -> Figure:
        """Why a person was needed."""
        reasons = [*self.found.persons, *(r for r in self.found.persons_before)]
        return self._figure(
            "persons",
            _("Why a person was needed"),
            _("Conversations that were handed over."),
            self._compared(_("Reason")),
            [
                self._row(
                    Entry(name, self._(REASONS.get(name, name))),
                    self.found.persons.get(name, 0),
                    self.found.persons_before.get(name, 0),
                )
                for name in dict.fromkeys(reasons)
            ],
            "bars",
        )

    def topics(self, name: str, title: str, about: str, found: Iterable[Topic]) -> Figure:
        """What something was about, and how often."""
        columns = [
            Column("about", self._(_("About")), False),
            Column("times", self._(_("How often"))),
        ]
        rows = [self._row(self._topic(topic), topic.count) for topic in found]
        return self._figure(name, title, about, columns, rows)

    def articles(
        self, name: str, title: str, about: str, found: Iterable[Helpfulness], chart: str = ""
    ) -> Figure:
        """Articles, how often they were given and what was said of them."""
        columns = [
            Column("article", self._(_("Article")), False),
            Column("given", self._(_("Given"))),
            Column("helped", self._(_("Helped"))),
            Column("did_not", self._(_("Did not help"))),
        ]
        rows = [self._row(self._article(h.article), h.given, h.helped, h.did_not) for h in found]
        return self._figure(name, title, about, columns, rows, chart)

    def knowledge(self) -> Figure:
        """What KCS counts, beside the period before."""
        now, before = self.found.knowledge, self.found.knowledge_before
        return self._figure(
            "knowledge",
            _("Care of knowledge"),
            _("Counted as KCS v6 has it. Flags are as of now; articles know no channel."),
            self._compared(_("Figure")),
            [
                [
                    Entry(name, self._(label)),
                    self._measure(name, getattr(now, name)),
                    self._measure(name, None if name in AS_OF_NOW else getattr(before, name)),
                ]
                for name, label in KNOWLEDGE.items()
            ],
        )

    def _figure(
        self,
        name: str,
        title: str,
        about: str,
        columns: list[Column],
        rows: list[list[Entry]],
        chart: str = "",
    ) -> Figure:
        return Figure(name, self._(title), self._(about), columns, rows, chart)

    def _by(
        self, name: str, title: str, head: str, named: Callable[[str, str], str], field: str
    ) -> Figure:
        by = counted(self.found.cells, field, "outcome")
        return self._figure(
            name,
            title,
            _("By what was replied."),
            [Column(field, self._(head), False), *self._outcome_columns()],
            [
                self._row(Entry(of, named(of, self.locale)), *(by[of, o] for o in OUTCOMES))
                for of in _most(counted(self.found.cells, field))
            ],
            "bars-stacked",
        )

    def _outcome_columns(self) -> list[Column]:
        return [Column(name, self._(label)) for name, label in OUTCOMES.items()]

    def _compared(self, head: str) -> list[Column]:
        return [
            Column("name", self._(head), False),
            Column("now", self._(_("This period"))),
            Column("before", self._(_("The period before"))),
        ]

    def _days(self) -> list[str]:
        return days_in(self.found.span)

    def _day(self, day: str, counts: list[int]) -> list[Entry]:
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        return self._row(Entry(day, i18n.day(at, self.locale)), *counts)

    def _row(self, head: Entry, *counts: int) -> list[Entry]:
        return [head, *(Entry(count, i18n.number(count, self.locale)) for count in counts)]

    def _topic(self, topic: Topic) -> Entry:
        return (
            self._article(topic.text)
            if topic.is_article
            else Entry(topic.text, topic.text, is_customers=True)
        )

    def _article(self, slug: str) -> Entry:
        return Entry(slug, self.titles.get(slug, slug), f"/studio/articles/{slug}")

    def _measure(self, name: str, value: Any) -> Entry:
        if value is None:
            return Entry(None, "–")
        if name == "link_rate":
            return Entry(round(value, 4), i18n.percent(value, self.locale))
        if isinstance(value, float):
            return Entry(round(value, 2), i18n.decimal(value, self.locale))
        return Entry(value, i18n.number(value, self.locale))


def _most(times: Mapping[str, int]) -> list[str]:
    return sorted(times, key=lambda name: (-times[name], name))
