"""Two people changed the same text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kb.merging import Merged, merge
from tests.kb.words import QUICK

BASE = {
    "title": "Reset your password",
    "answer": "It works for 30 minutes.",
    "body": "One. Two. Three.\n\n- four\n- five\n",
    "phrasings": "I forgot my password\nlost my login",
    "category": "account",
    "tags": "",
}
NEW_WORDS = "I forgot my password\nnew words"
texts = st.text("ab. \n。é", max_size=30)


def merged(mine: dict[str, str], theirs: dict[str, str]) -> Merged:
    return merge(BASE, BASE | mine, BASE | theirs)


def test_changes_in_different_sentences_and_fields_are_joined() -> None:
    both = merged(
        {
            "body": BASE["body"].replace("One", "Uno"),
            "phrasings": NEW_WORDS,
        },
        {"body": BASE["body"].replace("five", "cinque"), "category": "sign-in", "tags": "x"},
    )
    done = both.resolved({})
    assert both.conflicts == 0
    assert done["body"] == "Uno. Two. Three.\n\n- four\n- cinque\n"
    assert (done["phrasings"], done["category"]) == (NEW_WORDS, "sign-in")
    assert done["tags"] == "x"


def test_changes_of_the_same_words_are_for_a_person_to_choose() -> None:
    both = merged(
        {"body": BASE["body"].replace("Two", "Due"), "title": "Mine"},
        {"body": BASE["body"].replace("Two", "Deux"), "title": "Theirs"},
    )
    place = next(n for n, chunk in enumerate(both.fields["body"]) if chunk.is_conflict)
    assert both.conflicts == 2
    assert "Due" in both.resolved({})["body"]
    assert "Deux" in both.resolved({f"body.{place}": "theirs"})["body"]
    assert {"Due.", "Deux."} <= set(both.resolved({f"body.{place}": "both"})["body"].split())
    assert both.resolved({"title.0": "theirs"})["title"] == "Theirs"


@settings(max_examples=200, deadline=None, phases=QUICK)
@given(texts, texts)
def test_who_alone_changed_something_has_it_letter_for_letter(base: str, changed: str) -> None:
    was, now = BASE | {"body": base}, BASE | {"body": changed}
    assert merge(was, now, was).resolved({})["body"] == changed
    assert merge(was, was, now).resolved({})["body"] == changed
    assert merge(was, now, now).conflicts == 0


@settings(max_examples=200, deadline=None, phases=QUICK)
@given(texts, texts, texts)
def test_choosing_mine_everywhere_loses_nothing_of_mine(base: str, mine: str, theirs: str) -> None:
    joined = merge({"body": base}, {"body": mine}, {"body": theirs}).fields["body"]
    for chunk in joined:
        if chunk.is_conflict:
            assert chunk.mine in mine
            assert chunk.theirs in theirs
