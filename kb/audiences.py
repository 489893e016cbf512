"""Who may read what: a channel implies an audience, an audience a set of names."""

from kb.errors import Invalid

PUBLIC, CUSTOMERS, AGENTS = "public", "customers", "agents"
# Reserved: what the assistant itself says. No reader is shown it and no search finds it.
ASSISTANT = "assistant"

CHANNELS = {
    "help_site": PUBLIC,
    "widget": PUBLIC,
    "api": PUBLIC,
    "sidebar": AGENTS,
}

# None is everything: an agent sees every segment's answers. The index and the lists leave out
# phrases all the same; staff may read one by its slug.
Audiences = frozenset[str] | None
VISIBLE: dict[str, Audiences] = {
    PUBLIC: frozenset({PUBLIC}),
    CUSTOMERS: frozenset({PUBLIC, CUSTOMERS}),
    AGENTS: None,
    ASSISTANT: frozenset({ASSISTANT}),
}


def audience_of(channel: str) -> str:
    """The audience a channel speaks to. Raises Invalid for an unknown channel."""
    if channel not in CHANNELS:
        raise Invalid(
            f"unknown channel {channel[:40]!r}; choose from {', '.join(CHANNELS)}", "channel"
        )
    return CHANNELS[channel]


def visible_to(audience: str) -> Audiences:
    """The audiences whose answers that audience may read; None is all of them."""
    if audience in VISIBLE:
        return VISIBLE[audience]
    return frozenset({PUBLIC, CUSTOMERS, audience})
