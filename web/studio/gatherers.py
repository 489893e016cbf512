"""What a web process knows of recorded questions; shared by the pages that want them grouped."""

from fastapi import Request

from assistant.gathering import Gatherer
from web.pages import services_of


def gatherer_of(request: Request) -> Gatherer:
    """What this process knows of recorded questions."""
    state = request.app.state
    if not hasattr(state, "gatherer"):
        services = services_of(request)
        state.gatherer = Gatherer(services.index, services.settings.locales)
    gatherer: Gatherer = state.gatherer
    return gatherer
