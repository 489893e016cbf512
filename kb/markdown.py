"""Markdown to safe HTML, to plain text, and to the sections of an article."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

TAGS = {
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "caption",
    "code",
    "del",
    "details",
    "div",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
    "video",
}
LINKING = {"href", "src"}
ANCHOR_PREFIX = "s-"
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "code": {"class"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
# A fence may stand in a list or a quotation; one that is never closed runs to the end.
FENCE = re.compile(
    r"(^(?:[ \t>]|[-*+][ \t]|\d+[.)][ \t])*(?P<mark>```+(?=[^`\n]*$)|~~~+)[^\n]*\n"
    r"(?:.*?^[ \t>]*(?P=mark)[`~]*[ \t]*$|.*)|`[^`\n]+`)",
    re.M | re.S,
)
# Between pointed brackets a target may hold blanks, else brackets only in pairs.
TARGET = r"(?:<(?P<pointed>[^<>\n]+)>|(?!<)(?P<bare>(?:[^()\s]|\([^()\s]*\))+))(?=[\s)]|$)"
LINK = re.compile(rf"(?P<before>\]\(\s*|^\s{{0,3}}\[(?!\^)[^\[\]\n]+\]:\s*){TARGET}", re.M)


@dataclass
class Section:
    """A heading with what stands under it; `blocks` are plain paragraphs, lists and tables."""

    headings: tuple[str, ...]
    anchor: str
    blocks: list[str] = field(default_factory=list)


def anchor(heading: str) -> str:
    """The id of a heading; the prefix keeps it from shadowing names of the page."""
    kept = "".join(c if c.isalnum() else "-" for c in unicodedata.normalize("NFKC", heading))
    return ANCHOR_PREFIX + re.sub("-+", "-", kept.lower()).strip("-")


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return parser.use(anchors_plugin, max_level=6, slug_func=anchor)


_PARSER = _parser()


@lru_cache(maxsize=4096)
def render(text: str, base_url: str = "") -> str:
    """Sanitised HTML; links and images that start with `/` get the base URL before them."""

    def keep(_tag: str, name: str, value: str) -> str | None:
        # Raw HTML may name its headings too; without the prefix it could shadow the page's.
        if name == "id" and not value.startswith(ANCHOR_PREFIX):
            return None
        return _absolute(value, base_url) if name in LINKING else value

    clean: str = nh3.clean(
        _PARSER.render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        attribute_filter=keep,
    )
    return clean.strip()


def _absolute(value: str, base_url: str) -> str:
    return base_url + value if value.startswith("/") and not value.startswith("//") else value


def plain(text: str) -> str:
    """The words alone, one line a block."""
    return "\n".join(block for section in sections(text) for block in _lines_of(section))


def _lines_of(section: Section) -> list[str]:
    return [*section.headings[-1:], *section.blocks]


def sections(body: str) -> list[Section]:
    """The body cut at its headings, in order; the first may have none."""
    found = [Section((), "")]
    trail: list[tuple[int, str]] = []
    for tokens in _blocks(_PARSER.parse(body)):
        if tokens[0].type == "heading_open":
            level, heading = int(tokens[0].tag[1]), _text(tokens)
            trail = [(n, title) for n, title in trail if n < level] + [(level, heading)]
            mark = str(tokens[0].attrGet("id") or anchor(heading))
            found.append(Section(tuple(title for _, title in trail), mark))
        elif words := _text(tokens):
            found[-1].blocks.append(words)
    return [section for section in found if section.headings or section.blocks]


def _blocks(tokens: list[Token]) -> Iterator[list[Token]]:
    block: list[Token] = []
    depth = 0
    for token in tokens:
        block.append(token)
        depth += token.nesting
        if depth == 0:
            yield block
            block = []


def _text(tokens: list[Token]) -> str:
    pieces: list[str] = []
    for token in tokens:
        if token.type == "inline":
            pieces.append(_inline(token))
        elif token.type in ("fence", "code_block"):
            pieces.append(token.content)
        elif token.type == "html_block":
            pieces.append(strip_tags(token.content))
    return "\n".join(piece.strip() for piece in pieces if piece.strip())


def _inline(token: Token) -> str:
    words = []
    for child in token.children or []:
        if child.type in ("text", "code_inline"):
            words.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            words.append(" ")
    return "".join(words)


def strip_tags(html: str) -> str:
    """The text between tags, entities kept as HTML writes them."""
    return re.sub(r"\s+", " ", nh3.clean(html, tags=set())).strip()


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with `change` applied everywhere but in code."""
    parts, end = [], 0
    for match in FENCE.finditer(text):
        parts += [change(text[end : match.start()]), match.group()]
        end = match.end()
    return "".join([*parts, change(text[end:])])


def rewrite_links(text: str, target: Callable[[str], str]) -> str:
    """The text with every link's and image's target passed through `target`."""

    def rewritten(link: re.Match[str]) -> str:
        if link["pointed"]:
            return f"{link['before']}<{target(link['pointed'])}>"
        return link["before"] + target(link["bare"])

    return outside_code(text, lambda part: LINK.sub(rewritten, part))
