"""What somebody does with a message besides asking; measured on intents.csv."""

import csv
import unicodedata
from collections import Counter
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.expressions import compiled, folded
from assistant.intents import Intent, intents_of, remainder_of
from kb.frontmatter import parse_file
from kb.settings import LOCALE_NAMES

with (Path(__file__).parent / "intents.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
CONTENT = Path(__file__).parents[2] / "content"
ABOUT_PEOPLE = {"make-a-complaint", "contact-us"}
Counts = Counter[tuple[str, str]]


@pytest.fixture(scope="module")
def counts() -> Counts:
    """By intent and language: how often right, missed and imagined."""
    found: Counts = Counter()
    for row in ROWS:
        said = {str(intent) for intent in intents_of(row["text"], row["language"])}
        meant = set(row["intents"].split())
        kinds = {"right": said & meant, "missed": meant - said, "imagined": said - meant}
        found.update((f"{i} {kind}", row["language"]) for kind, of in kinds.items() for i in of)
    return found


def test_utterances_are_many_in_every_language_and_half_do_nothing() -> None:
    for language in LOCALE_NAMES:
        rows = [row for row in ROWS if row["language"] == language]
        assert len(rows) >= 100
        assert sum(not row["intents"] for row in rows) > 0.4 * len(rows)
    assert len({(row["text"], row["language"]) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("language", LOCALE_NAMES)
@pytest.mark.parametrize("intent", Intent)
def test_intents_are_told_from_near_misses(counts: Counts, intent: str, language: str) -> None:
    right, missed, imagined = (
        counts[f"{intent} {kind}", language] for kind in ("right", "missed", "imagined")
    )
    recall, precision = right / (right + missed), right / max(right + imagined, 1)
    print(f"{language} {intent}: precision {precision:.2f}, recall {recall:.2f}")
    assert precision >= (0.97 if intent == Intent.PERSON else 0.9)
    assert recall >= (0.9 if intent == Intent.PERSON else 0.85)


def test_questions_to_the_sample_company_are_seldom_anything_else() -> None:
    """Nobody chose these for intents, so they show what is imagined."""
    files = [path for path in CONTENT.rglob("*.md") if path.stem not in ABOUT_PEOPLE]
    wordings = [parse_file(path.read_text("utf-8"), path.stem, "").wording for path in files]
    texts = sorted(text for wording in wordings for text in wording.phrasings)[::3]
    doing = [t for t in texts if intents_of(t, "en") - {Intent.GREETING, Intent.THANKS}]
    assert len(texts) > 1000
    assert len(doing) < 0.005 * len(texts)


@pytest.mark.parametrize("language", LOCALE_NAMES)
def test_language_of_the_page_does_not_matter(language: str) -> None:
    for text in ("转人工", "voglio parlare con un operatore", "상담원", "I need a real person"):
        assert intents_of(text, language) == {Intent.PERSON}


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Hi there! where is my parcel, thanks", "where is my parcel"),
        ("Hello, I'd like to return 3.50 m of rug.", "I'd like to return 3.50 m of rug."),
        ("helloooo!!!", ""),
        ("thnaks", ""),
        ("hi how are you?", ""),
        ("hello kitty mug in stock?", "hello kitty mug in stock?"),
        ("history of my orders", "history of my orders"),
        ("/help", "/help"),
        ("你好，请问运费多少？谢谢", "运费多少？"),
        ("谢谢，拜拜", ""),
        ("안녕하세요 택배 언제 와요? 감사합니다", "택배 언제 와요?"),
        ("안녕", ""),
        ("سلام، وقت بخیر هزینه ارسال چقدره؟ ممنون", "هزینه ارسال چقدره؟"),
        (
            "Buongiorno, quando arriva il pacco? Grazie mille e buona giornata",
            "quando arriva il pacco?",
        ),
        ("😀", ""),
        ("", ""),
    ],
)
def test_courtesy_is_taken_off_both_ends(text: str, rest: str) -> None:
    assert remainder_of(text) == rest


@pytest.mark.parametrize(
    "text", ["yes, where is my parcel", "no? why", "ok how do I pay", "不是包邮吗"]
)
def test_yes_and_no_are_whole_messages(text: str) -> None:
    assert not intents_of(text, "en") & {Intent.YES, Intent.NO}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Ciao, perché è così caro? grazie", "perché è così caro?"),
        ("안녕하세요, 배송비가 얼마예요? 감사합니다", "배송비가 얼마예요?"),
    ],
)
def test_text_in_pieces_is_cut_where_the_whole_one_is(text: str, asked: str) -> None:
    assert remainder_of(unicodedata.normalize("NFD", text)) == remainder_of(text) == asked


@example("\ufb2a")
@given(st.text(max_size=200))
def test_remainder_is_a_part_of_the_text(text: str) -> None:
    assert remainder_of(text) in unicodedata.normalize("NFC", text)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([row["text"] for row in ROWS]), max_size=60))
def test_long_messages_take_no_longer_than_they_are_long(texts: list[str]) -> None:
    long = " ".join(texts)[:2000]
    intents_of("warm", "en")
    started = perf_counter()
    intents_of(long, "en")
    assert perf_counter() - started < 2


def test_repetition_does_not_run_away() -> None:
    started = perf_counter()
    for word in ("thanks ", "no ", "i want ", "谢谢", "감사합니다 ", "con un "):
        intents_of(word * 250 + "x", "en")
    assert perf_counter() - started < 5


@pytest.mark.parametrize(
    ("expression", "text", "is_found"),
    [
        ("talk to ... {human}", "can I talk, please, to one of your agents", False),
        ("talk to ... {human}", "talk to one of your Agents!", True),
        ("^ stop $", "Enough. Stop!", True),
        ("^ stop $", "bus stop", False),
        ("dont [really] know/mind", "I don’t really MIND", True),
        ("work*", "it worked", True),
        ("work*", "paperwork", False),
    ],
)
def test_notation_of_expressions(expression: str, text: str, is_found: bool) -> None:
    pattern = compiled(expression, {"human": ["agent", "agents"]}, True)
    assert bool(pattern.search(folded(text).text)) is is_found


def test_spaces_do_not_matter_where_words_have_none() -> None:
    assert compiled("상담원 연결/통화", {}, False).search(folded("상 담원연 결").text)
    assert not compiled("找 sb", {}, False).search(folded("找 usb").text)
