"""How hard a text is to read, by a published formula where there is one for the language.

English: Flesch's reading ease (1948), syllables counted as groups of vowels. Italian: Gulpease
(Lucisano and Piemontese, 1988), which counts letters. Chinese, Korean and Persian have none that
is agreed upon: there the mean length of a sentence decides, in characters for Chinese, else words.
"""

import re
from dataclasses import dataclass
from typing import Literal

from kb.markdown import plain

Level = Literal["easy", "medium", "hard"]
Measure = Literal["flesch", "gulpease", "sentence_length", "sentence_characters"]
SENTENCE_END = re.compile(r"[.!?。！？؟]+|\n+")
WORD = re.compile(r"[^\W\d_]+(?:['’\u200c][^\W\d_]+)*")
HAN = re.compile(r"[\u3400-\u9fff]")
VOWELS = re.compile(r"[aeiouy]+")
# At least so much is needed for a mean to mean anything.
FEWEST_WORDS = 5
# Reading ease from which a text is easy, and below which it is hard.
FLESCH, GULPEASE = (60.0, 40.0), (60.0, 40.0)
# Mean length of a sentence up to which it is easy, and beyond which it is hard.
LENGTHS = {"zh": (28.0, 45.0), "ko": (11.0, 18.0), "fa": (16.0, 26.0)}


@dataclass(frozen=True)
class Readability:
    """`measure` names the formula; `value` is its result, `level` what it means."""

    measure: Measure
    value: float
    level: Level


def readability(markdown: str, locale: str) -> Readability | None:
    """None for a text too short to judge."""
    text = plain(markdown)
    sentences = [part for part in SENTENCE_END.split(text) if WORD.search(part) or HAN.search(part)]
    words = HAN.findall(text) if locale == "zh" else WORD.findall(text)
    if len(words) < FEWEST_WORDS or not sentences:
        return None
    per_sentence = len(words) / len(sentences)
    if locale == "en":
        syllables = sum(map(_syllables, words)) / len(words)
        return _by_ease("flesch", 206.835 - 1.015 * per_sentence - 84.6 * syllables, FLESCH)
    if locale == "it":
        letters = 10 * sum(map(len, words)) / len(words)
        return _by_ease("gulpease", 89 + 300 / per_sentence - letters, GULPEASE)
    easy, hard = LENGTHS.get(locale, (16.0, 26.0))
    level: Level = "easy" if per_sentence <= easy else "hard" if per_sentence > hard else "medium"
    measure: Measure = "sentence_characters" if locale == "zh" else "sentence_length"
    return Readability(measure, round(per_sentence, 1), level)


def _by_ease(
    measure: Literal["flesch", "gulpease"], ease: float, bounds: tuple[float, float]
) -> Readability:
    ease = min(100.0, max(0.0, ease))
    level: Level = "easy" if ease >= bounds[0] else "hard" if ease < bounds[1] else "medium"
    return Readability(measure, round(ease), level)


def _syllables(word: str) -> int:
    """Groups of vowels; an e at the end is silent, save after a consonant and l."""
    lower = word.lower()
    count = len(VOWELS.findall(lower))
    silent = lower.endswith("e") and not re.search(r"[^aeiouy]le$", lower)
    return max(1, count - silent)
