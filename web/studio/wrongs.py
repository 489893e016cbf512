"""What a form cannot do, said on its own page, with everything that was typed kept."""

from dataclasses import dataclass

from kb.errors import Conflict, Invalid, NotAllowed, VerbatimError
from web.i18n import _


class Wrong(Invalid):
    """A field is wrong; the message is one of the catalogues'."""

    def __init__(self, message: str, field: str, status: int = 422) -> None:
        super().__init__(message, field)
        self.status = status


@dataclass(frozen=True)
class Note:
    """What to show: words in the reader's language, and what the store said of it."""

    text: str
    status: int
    detail: str = ""


MOVED_ON = _("This step is not possible any more. The page shows how things stand now.")
MAY_NOT = _("Your role may not do this. Ask a publisher.")
NOT_READ = _("That could not be saved as it is.")


def note_of(error: VerbatimError) -> Note:
    """How a refusal is shown."""
    if isinstance(error, Wrong):
        return Note(str(error), error.status)
    if isinstance(error, NotAllowed):
        return Note(MAY_NOT, 403, str(error))
    if isinstance(error, Conflict):
        return Note(MOVED_ON, 409, str(error))
    return Note(NOT_READ, 422, str(error))
