"""Two texts compared word by word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.differences import Piece, difference, is_changed


def test_one_changed_word_is_one_removed_and_one_added() -> None:
    assert difference("The link works for 30 minutes.", "The link works for 60 minutes.") == (
        Piece("same", "The link works for "),
        Piece("removed", "30"),
        Piece("added", "60"),
        Piece("same", " minutes."),
    )


def test_words_changed_in_a_row_stay_one_phrase() -> None:
    pieces = difference("Call us on Monday.", "Write to them on Monday.")
    assert [p.text for p in pieces if p.kind == "added"] == ["Write to them"]


def test_chinese_is_compared_by_character() -> None:
    pieces = difference("链接30分钟内有效", "链接60分钟内有效")
    assert [p.text for p in pieces if p.kind != "same"] == ["30", "60"]


@pytest.mark.parametrize("text", ["", "same words", "یک متن"])
def test_equal_texts_have_no_change(text: str) -> None:
    assert not is_changed(difference(text, text))


@given(st.text(max_size=80), st.text(max_size=80))
def test_pieces_hold_both_texts_letter_for_letter(before: str, after: str) -> None:
    pieces = difference(before, after)
    assert "".join(p.text for p in pieces if p.kind != "added") == before
    assert "".join(p.text for p in pieces if p.kind != "removed") == after


def test_book_length_texts_are_compared_in_a_moment() -> None:
    before = "\n".join(f"Line {n} of a long article about delivery." for n in range(3_000))
    pieces = difference(before, before.replace("Line 7 ", "Line 8 "))
    assert [p.kind for p in pieces] == ["same", "removed", "added", "same"]
