"""What stands in the editor's fields, as it was typed, and the Wording it makes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlmodel import Session

from kb.articles import Wording, check_wording
from kb.fact_uses import as_shown
from kb.links import check_links
from kb.working_copies import Fields
from web.i18n import _
from web.studio.wrongs import Wrong

DAYS = _("Write a whole number of days, from 1 to 3650, or nothing.")


@dataclass(frozen=True)
class Typed:
    """The fields; phrasings and tags have one entry a line."""

    title: str = ""
    answer: str = ""
    body: str = ""
    phrasings: str = ""
    category: str = ""
    audience: str = "public"
    owner: str = ""
    tags: str = ""
    verify_days: str = ""
    slug: str = ""

    @classmethod
    def from_form(cls, form: Mapping[str, Any]) -> "Typed":
        """From a form or a working copy; what is missing is empty."""
        names = asdict(cls())
        texts = {n: form[n] for n in names if isinstance(form.get(n), str)}
        return cls(**{name: text.replace("\r\n", "\n") for name, text in texts.items()})

    @classmethod
    def from_wording(cls, wording: Wording, slug: str = "") -> "Typed":
        """As the editor shows a version."""
        return cls(
            title=wording.title,
            answer=wording.answer,
            body=wording.body,
            phrasings="\n".join(wording.phrasings),
            category=wording.category,
            audience=wording.audience,
            owner=wording.owner,
            tags="\n".join(wording.tags),
            verify_days=str(wording.verify_days or ""),
            slug=slug,
        )

    @property
    def fields(self) -> Fields:
        """By name, as a working copy keeps them."""
        return asdict(self)

    @property
    def phrasing_list(self) -> list[str]:
        """One entry for each line that is not empty."""
        return [line.strip() for line in self.phrasings.splitlines() if line.strip()]

    def wording(self) -> Wording:
        """The Wording, unchecked but for the number of days. Raises Wrong."""
        return Wording(
            title=self.title,
            answer=self.answer,
            body=self.body,
            phrasings=tuple(self.phrasing_list),
            category=self.category,
            audience=self.audience.strip() or "public",
            owner=self.owner,
            verify_days=self._days(),
            tags=tuple(self.tags.replace(",", "\n").splitlines()),
        ).tidied()

    def shown(self, session: Session, locale: str) -> "Typed":
        """With the values of shared facts, as readers will see it."""
        words = as_shown(session, Wording(self.title, self.answer, self.body), locale)
        return replace(self, title=words.title, answer=words.answer, body=words.body)

    def checked(self) -> Wording:
        """The Wording, good enough to be saved. Raises Invalid naming the field."""
        wording = self.wording()
        check_wording(wording)
        check_links(wording)
        return wording

    def _days(self) -> int | None:
        text = self.verify_days.strip()
        if not text:
            return None
        try:
            days = int(text)
        except ValueError:
            raise Wrong(DAYS, "verify_days") from None
        if not 1 <= days <= 3650:
            raise Wrong(DAYS, "verify_days")
        return days
