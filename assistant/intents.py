"""What somebody is doing with a message besides asking: greeting, leaving, losing patience.

The expressions are data, one file a language in `intents/`. All of them are looked for in every
message, because people mix languages. Spelling mistakes are forgiven where no other word is meant.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml
from rapidfuzz import process
from rapidfuzz.distance import OSA

from assistant.expressions import SPACED, Folded, any_of, compiled, folded
from kb.settings import LOCALE_NAMES
from retriever.general import general_questions

# Shorter words have too many neighbours; one mistake is forgiven, in a long word two.
FORGIVING_LENGTH, LONG_LENGTH = 5, 10
SHOUTED_LETTERS = 12
BETWEEN = " ,.?"


class Intent(StrEnum):
    """What a message does; several at once are usual."""

    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    PERSON = "person"
    COMPLAINT = "complaint"
    FRUSTRATION = "frustration"
    WRONG = "wrong"
    TRIED = "tried"
    YES = "yes"
    NO = "no"


COURTESIES = (Intent.GREETING, Intent.THANKS, Intent.GOODBYE)


@dataclass(frozen=True)
class Language:
    """The expressions of one language, ready to look for."""

    say: dict[Intent, tuple[re.Pattern[str], ...]]
    unless: dict[Intent, tuple[re.Pattern[str], ...]]
    yes: str
    no: str
    before: str
    after: str
    vocabulary: frozenset[str]


def intents_of(text: str, language: str) -> frozenset[Intent]:
    """What a message does; a plain question does nothing of this.

    Every language is looked for, whatever the reader's own `language` is. A yes or no is only one
    when the message says nothing else.
    """
    whole, rest = _read(text), _read(remainder_of(text))
    found = {intent for spoken in _languages() for intent in _said(spoken, whole, rest)}
    found |= {intent for intent in (Intent.YES, Intent.NO) if _is_whole(intent, whole.text)}
    if _is_shouted(text) and not found.intersection(COURTESIES):
        found.add(Intent.FRUSTRATION)
    return frozenset(found)


@lru_cache(maxsize=10_000)
def remainder_of(text: str) -> str:
    """The text without greetings, thanks and courtesies around it; empty if it is only those.

    Accents and syllables that came in pieces (NFD) are put together, as places count them whole.
    """
    text = unicodedata.normalize("NFC", text)
    read = _read(text)
    for intent in COURTESIES:
        read = read.without(_unless(intent))
    start, end = _start(read.text), len(read.text)
    while (cut := _end(read.text, start, end)) < end:
        end = cut
    if not read.text[start:end].strip(BETWEEN):
        return ""
    first = read.at[start] if start else 0
    last = read.at[end - 1] + 1 if end < len(read.text) else len(text)
    return text[first:last].strip()


def _said(spoken: Language, whole: Folded, rest: Folded) -> set[Intent]:
    found = set()
    for intent, patterns in spoken.say.items():
        texts = {text.without(_unless(intent)).text for text in (whole, rest)}
        if any(pattern.search(text) for pattern in patterns for text in texts):
            found.add(intent)
    return found


@cache
def _unless(intent: Intent) -> tuple[re.Pattern[str], ...]:
    """What only looks like it, in any language."""
    return tuple(pattern for spoken in _languages() for pattern in spoken.unless[intent])


def _is_whole(intent: Intent, text: str) -> bool:
    """Whether a text says yes (or no), perhaps with courtesies, and nothing else."""
    place, is_said = 0, False
    while place < len(text):
        ends = [_end_of(pattern, text, place) for pattern in (_whole(intent), *_edges())]
        if max(ends) <= place:
            return False
        is_said |= ends[0] == max(ends)
        place = max(ends)
        while text[place : place + 1] in (" ", ",", "."):
            place += 1
    return is_said


def _end_of(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place


def _is_shouted(text: str) -> bool:
    letters = [c for c in text if c.isalpha() and c.upper() != c.lower()]
    return "!!" in text and len(letters) >= SHOUTED_LETTERS and all(c.isupper() for c in letters)


def _start(text: str) -> int:
    start = 0
    while found := _edges()[0].match(text, start):
        start = found.end()
        while start < len(text) and text[start] in BETWEEN:
            start += 1
    return start


def _end(text: str, start: int, end: int) -> int:
    kept = text[start:end].rstrip(BETWEEN)
    found = _last().search(kept)
    return start + len(kept[: found.start()].rstrip(" ,")) if found else end


# -- spelling ----------------------------------------------------------------------


def _read(text: str) -> Folded:
    """The folded text with mistakes corrected towards words of the expressions."""
    plain = folded(text)
    pieces: list[str] = []
    at: list[int] = []
    end = 0
    for word in re.finditer(r"[^\W\d_]+", plain.text):
        meant = _meant(word[0])
        if meant == word[0]:
            continue
        pieces += [plain.text[end : word.start()], meant]
        at += plain.at[end : word.start()]
        at += [*[plain.at[word.start()]] * (len(meant) - 1), plain.at[word.end() - 1]]
        end = word.end()
    return Folded("".join([*pieces, plain.text[end:]]), (*at, *plain.at[end:]))


@lru_cache(maxsize=20_000)
def _meant(word: str) -> str:
    if len(word) < FORGIVING_LENGTH or word in _known():
        return word
    choices = _vocabulary().get(word[0], [])
    mistakes = 1 if len(word) < LONG_LENGTH else 2
    nearest = process.extractOne(word, choices, scorer=OSA.distance, score_cutoff=mistakes)
    return str(nearest[0]) if nearest else word


@cache
def _vocabulary() -> dict[str, list[str]]:
    """The words of the expressions that may be misspelt, by first letter."""
    found: dict[str, list[str]] = {}
    for word in sorted(set().union(*(spoken.vocabulary for spoken in _languages()))):
        if len(word) >= FORGIVING_LENGTH:
            found.setdefault(word[0], []).append(word)
    return found


@cache
def _known() -> frozenset[str]:
    """Words that mean themselves: of the expressions, and of what people ask anyway."""
    lines = [line for code in SPACED for line in general_questions()[code]]
    asked = {word for line in lines for word in re.findall(r"[^\W\d_]+", folded(line).text)}
    listed = {folded(str(w)).text for code in SPACED for w in _file(code)["known"]}
    return frozenset(asked | listed).union(*(spoken.vocabulary for spoken in _languages()))


# -- the files ---------------------------------------------------------------------


@cache
def _languages() -> tuple[Language, ...]:
    return tuple(_language(code) for code in LOCALE_NAMES)


@cache
def _file(code: str) -> dict[str, Any]:
    text = (files("assistant") / "intents" / f"{code}.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    return found


def _language(code: str) -> Language:
    file, is_spaced = _file(code), code in SPACED
    words = file["words"]

    def patterns(intent: Intent, kind: str) -> tuple[re.Pattern[str], ...]:
        sources = file[intent][kind] if intent in file else []
        return tuple(compiled(source, words, is_spaced) for source in sources)

    def listed(texts: list[str]) -> str:
        plain = [t for text in texts for t in (words[text[1:-1]] if text[:1] == "{" else [text])]
        last = [compiled(t, words, is_spaced).pattern for t in plain if t.endswith("$")]
        return "|".join([*last, any_of([t for t in plain if not t.endswith("$")], is_spaced)])

    return Language(
        say={intent: patterns(intent, "say") for intent in Intent},
        unless={intent: patterns(intent, "unless") for intent in Intent},
        yes=listed(file["whole_yes"]),
        no=listed(file["whole_no"]),
        before=listed(file["courtesy"]["before"]),
        after=listed(file["courtesy"]["after"]),
        vocabulary=_literals(file) if is_spaced else frozenset(),
    )


def _literals(file: dict[str, Any]) -> frozenset[str]:
    """Every word of the expressions that is spelt out."""
    texts = [t for of in file["words"].values() for t in of]
    texts += [t for name, of in file.items() if name in set(Intent) for t in of["say"]]
    texts += [*file["whole_yes"], *file["whole_no"]]
    spelt = " ".join(re.sub(r"\{\w+\}|\w+\*|[_/\[\]^$]", " ", text) for text in texts)
    return frozenset(re.findall(r"[^\W\d_]+", folded(spelt).text))


@cache
def _edges() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What may stand before and after what somebody wants to say."""
    spoken = _languages()
    before = "|".join(language.before for language in spoken)
    after = "|".join(language.after for language in spoken)
    return re.compile(before), re.compile(after)


@cache
def _last() -> re.Pattern[str]:
    return re.compile(rf"(?:{_edges()[1].pattern})\Z")


@cache
def _whole(intent: Intent) -> re.Pattern[str]:
    return re.compile("|".join(getattr(language, intent) for language in _languages()))
