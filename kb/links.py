"""The addresses that an article's words may hold.

In the store a link to an article is `/<locale>/articles/<slug>` and a picture
`/media/<digest>/<name>`, exactly as the site serves them; files hold relative paths.
"""

import re
from functools import partial

from kb.articles import Wording
from kb.errors import Invalid
from kb.markdown import rewrite_links

PAGE_LINK = re.compile(r"/([a-z]{2})/articles/([a-z0-9-]+)(#.*)?")
MEDIA_LINK = re.compile(r"/media/([0-9a-f]{16})/(\w[\w.-]{0,120})", re.ASCII)
IMAGE_SUFFIX = re.compile(r"\.(png|jpe?g|gif|webp|avif|svg)$", re.I)
WHOLE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.I)


def is_whole(target: str) -> bool:
    """Whether it leads to the same place wherever it is written."""
    return bool(WHOLE.match(target))


def check_links(wording: Wording) -> None:
    """Raises Invalid for a relative link: it would lead elsewhere on every channel."""
    for name in ("answer", "body"):
        rewrite_links(getattr(wording, name), partial(_checked, name))


def _checked(field: str, target: str) -> str:
    if not is_whole(target) and not target.startswith("/"):
        raise Invalid(
            f"{field} holds the relative link {target[:80]!r}; "
            "write /en/articles/its-slug or a whole address",
            field,
        )
    return target
