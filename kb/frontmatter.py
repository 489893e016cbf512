"""One Markdown file with YAML front matter, as this product or another wrote it."""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from kb.articles import ANSWER_LIMIT, Wording
from kb.errors import Invalid
from kb.markdown import FENCE, outside_code, sections

FULL_STOPS = (".", "!", "?", "。", "！", "？", "؟")
MAX_YAML = 100_000
OWN_KEYS = {"answer", "phrasings", "audience", "verify_every", "state"}
RARE_BREAK = re.compile("[\x85\u2028\u2029]")
DURATION = re.compile(r"(\d+)\s*(d|w|m|y)?", re.I)
DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
SENTENCE_END = re.compile(r"(?<=[.!?。！？؟])\s*")


class FileError(Invalid):
    """Why a file is refused, and at which line (from 1) where that is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class ParsedFile:
    """What one file says; `notes` are things its editor should know."""

    wording: Wording
    is_approved: bool
    notes: tuple[str, ...] = ()
    slug: str = ""


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases: a bomb has nothing to multiply itself with.

    Words stay words: only null, true and false are read as anything but text, so that
    `no`, `007` and `12:30` are what the editor wrote.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise FileError("YAML aliases are not allowed; write the value out", mark.line + 2)
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class _Dumper(yaml.SafeDumper):
    """Writes the rare line separators as escapes; read back bare they would become blanks."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if RARE_BREAK.search(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


_Dumper.add_representer(str, _Dumper.represent_str)


def parse_file(text: str, stem: str, category: str) -> ParsedFile:
    """The Wording in a file. Raises FileError with the line where it is known."""
    matter, body = _split(text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff"))
    notes: list[str] = []
    is_own = bool(OWN_KEYS & matter.keys())
    if not is_own:
        body = _drop_templates(body)
    body = body.strip()
    rest, heading = _take_heading(body)
    title = _string(matter, "title") or heading or stem.replace("-", " ").capitalize()
    # The page shows the title itself; our own files are kept to the letter.
    if heading.casefold() == title.casefold() and not (is_own and "title" in matter):
        body = rest
    answer = _string(matter, "answer") or _derived_answer(matter, body, title, notes)
    wording = Wording(
        title=title,
        answer=answer,
        body=body,
        phrasings=_texts(matter, "phrasings"),
        category=_string(matter, "category") or category,
        audience=_string(matter, "audience") or "public",
        owner=_string(matter, "owner"),
        verify_days=parse_days(matter.get("verify_every")),
        tags=_tags(matter),
    )
    slug = _string(matter, "slug") if is_own else ""
    return ParsedFile(wording.tidied(), _is_approved(matter), tuple(notes), slug)


def format_file(wording: Wording, is_approved: bool, slug: str = "") -> str:
    """The file that `parse_file` reads back as the same Wording; a slug if its name won't do."""
    matter: dict[str, Any] = {"slug": slug} if slug else {}
    matter |= {"title": wording.title, "answer": wording.answer}
    if wording.phrasings:
        matter["phrasings"] = list(wording.phrasings)
    matter |= {"category": wording.category, "audience": wording.audience}
    matter["state"] = "approved" if is_approved else "draft"
    if wording.owner:
        matter["owner"] = wording.owner
    if wording.tags:
        matter["tags"] = list(wording.tags)
    if wording.verify_days:
        matter["verify_every"] = f"{wording.verify_days}d"
    head = yaml.dump(matter, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{head}---\n\n{wording.body}\n"


def _split(text: str) -> tuple[dict[str, Any], str]:
    opening = re.match(r"---[ \t]*\n", text)
    if opening is None:
        return {}, text
    rest = text[opening.end() :]
    end = re.search(r"^---[ \t]*$", rest, re.M)
    if end is None:
        raise FileError("the front matter is not closed; end it with a line of ---", 1)
    head, body = rest[: end.start()], rest[end.end() :]
    if len(head) > MAX_YAML:
        raise FileError(f"the front matter is longer than {MAX_YAML:,} characters", 1)
    return _load(head), body


def _load(head: str) -> dict[str, Any]:
    try:
        matter = yaml.load(head, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise FileError(f"the front matter is not YAML: {error.problem}", line) from error
    except RecursionError as error:
        raise FileError("the front matter is nested too deeply", 1) from error
    except (yaml.YAMLError, ValueError) as error:
        raise FileError(f"the front matter is not YAML: {error}", 1) from error
    if matter is None:
        return {}
    if not isinstance(matter, dict):
        raise FileError("the front matter must be `name: value` lines", 2)
    return {str(key): value for key, value in matter.items()}


def _string(matter: dict[str, Any], key: str) -> str:
    value = matter.get(key)
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, (dict, list)):
        raise FileError(f"{key} must be text")
    return str(value).strip()


def _tags(matter: dict[str, Any]) -> tuple[str, ...]:
    """The tags; other products' files may hold what would be none here, which is left out."""
    if isinstance(matter.get("tags"), str):
        matter["tags"] = matter["tags"].split(",")
    tags = [tag.replace(",", " ") for tag in _texts(matter, "tags")]
    return tuple(tags) if OWN_KEYS & matter.keys() else tuple(tag[:40] for tag in tags[:20])


def _texts(matter: dict[str, Any], key: str) -> tuple[str, ...]:
    value = matter.get(key) or []
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, (dict, list)) for item in items):
        raise FileError(f"{key} must be a list of texts; quote one that holds a colon")
    return tuple(dict.fromkeys(str(item).strip() for item in items if item is not None))


def parse_days(value: Any) -> int | None:
    """Days in a duration such as 90d or 3m; None for nothing. Raises FileError."""
    if value is None or value == "":
        return None
    match = DURATION.fullmatch(str(value).strip())
    if match is None or len(match[1]) > 4:
        raise FileError(f"verify_every {str(value)[:40]!r} is not a duration such as 90d")
    return int(match[1]) * DAYS[(match[2] or "d").lower()]


def _is_approved(matter: dict[str, Any]) -> bool:
    state = _string(matter, "state") or ("draft" if matter.get("draft") is True else "approved")
    if state not in ("approved", "draft"):
        raise FileError(f"state {state[:40]!r} must be approved or draft")
    return state == "approved"


def _take_heading(body: str) -> tuple[str, str]:
    line, _, rest = body.partition("\n")
    if not line.startswith(("# ", "#\t")):
        return body, ""
    heading = re.sub(r"\{#[\w-]+\}$", "", line[1:].rstrip()).rstrip(" \t#").strip()
    return rest.strip(), heading


def _derived_answer(matter: dict[str, Any], body: str, title: str, notes: list[str]) -> str:
    text = _string(matter, "description") or _string(matter, "excerpt") or _first_paragraph(body)
    if not text:
        notes.append("no answer and no paragraph found; the title stands in for the answer")
        return title
    if len(text) <= ANSWER_LIMIT:
        return text
    notes.append(f"the first paragraph is long; its first sentences (of {len(text)}) answer")
    return _first_sentences(text)


def _first_paragraph(body: str) -> str:
    blocks = [" ".join(block.split()) for section in sections(body) for block in section.blocks]
    # A few words without a full stop are a label rather than a paragraph.
    whole = (block for block in blocks if len(block) > 20 or block.endswith(FULL_STOPS))
    return next(whole, blocks[0] if blocks else "")


def _first_sentences(text: str) -> str:
    kept = ""
    for sentence in SENTENCE_END.split(text):
        if len(kept) + len(sentence) + 1 > ANSWER_LIMIT:
            break
        kept = f"{kept} {sentence}".strip()
    return kept or text[: ANSWER_LIMIT - 1].rsplit(" ", 1)[0] + "…"


# -- other products' templates -----------------------------------------------------

BLOCKS = re.compile(
    r"<head>.*?</head>|<script\b.*?</script>|<style\b.*?</style>|<!--.*?-->|\{/\*.*?\*/\}"
    r"|\{%-?\s*comment\s*-?%\}.*?\{%-?\s*endcomment\s*-?%\}",
    re.S | re.I,
)
# Whichever begins first: a comment may hold code, and code may show a comment.
BLOCKS_OR_CODE = re.compile(f"{FENCE.pattern}|(?i:{BLOCKS.pattern})", re.M | re.S)
RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}")
# An import may take several lines; an export goes on to the next blank one.
STATEMENTS = re.compile(
    r"^import\s(?:[\w$*{},\s]+?\sfrom\s+)?['\"][^'\"\n]+['\"];?[ \t]*$"
    r"|^export\s+(?:const|default|function)\b.*(?:\n.*\S.*)*$",
    re.M,
)
IMAGE = re.compile(
    r"<img\b([^>]*?)src=(?:\{[^}'\"]*['\"]([^'\"]+)['\"][^}]*\}|['\"]([^'\"]+)['\"])([^>]*)>"
)
ALT = re.compile(r"alt=['\"]([^'\"]*)['\"]")
BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
COMPONENT = re.compile(rf"</?[A-Z][\w.]*(?:\s[^<>{{}}]*(?:{BRACES}[^<>{{}}]*)*)?/?>")
LIQUID = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{:[^{}\n]*\}", re.S)
ADMONITION = re.compile(r"^:::+[ \t]*(?:(\w+)(?:\[(.+?)\]|[ \t]+(.+))?)?[ \t]*$", re.M)
HEADING_ID = re.compile(r"^(#{1,6} .*)\{#[\w-]+\}[ \t]*$", re.M)


def _drop_templates(body: str) -> str:
    body = BLOCKS_OR_CODE.sub(lambda m: m[1] or "", RAW.sub("", body))
    body = outside_code(body, _drop_tags)
    return re.sub(r"\n{3,}", "\n\n", body)


def _drop_tags(text: str) -> str:
    text = IMAGE.sub(_markdown_image, STATEMENTS.sub("", text))
    text = LIQUID.sub("", COMPONENT.sub("", text))
    text = ADMONITION.sub(lambda m: f"**{m[2] or m[3]}**\n" if m[2] or m[3] else "", text)
    return HEADING_ID.sub(lambda m: m[1].rstrip(), text)


def _markdown_image(match: re.Match[str]) -> str:
    alt, source = ALT.search(match[1] + match[4]), match[2] or match[3]
    target = f"<{source}>" if re.search(r"[\s()]", source) else source
    return f"![{alt[1] if alt else ''}]({target})"
