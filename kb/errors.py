"""What can go wrong in the store, in words a person can act on."""


class VerbatimError(Exception):
    """Base of every expected failure; the message says what to do."""


class Invalid(VerbatimError):
    """A value is wrong; `field` names it."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(VerbatimError):
    """There is no such thing, or none this reader may see."""


class Conflict(VerbatimError):
    """The thing has moved on since it was read, or its state forbids the step."""


class NotAllowed(VerbatimError):
    """This person may not do this."""


class InUse(VerbatimError):
    """Another process owns the folder or the port."""
