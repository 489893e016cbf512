"""The studio: where editors write, review, translate and improve answers."""

from web.studio.routes import router
from web.studio.shell import SignInFirst, to_the_form

__all__ = ["SignInFirst", "router", "to_the_form"]
