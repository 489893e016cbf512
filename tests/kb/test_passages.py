"""Bodies cut into passages, and laid side by side."""

from kb.passages import aligned, joined, passages, traced

BODY = "Before you start.\n\n## Steps\n\n1. One\n2. Two\n\n```\na\n\nb\n```\n\n| a |\n|---|\n| b |"


def test_a_body_is_its_passages_and_code_stays_whole() -> None:
    assert [part.split("\n")[0] for part in passages(BODY)] == [
        "Before you start.",
        "## Steps",
        "1. One",
        "```",
        "| a |",
    ]
    assert joined(passages(BODY)) == BODY


def test_a_translation_with_one_paragraph_more_is_aligned_around_it() -> None:
    a = ["Intro", "## Steps", "1. One"]
    b = ["Inizio", "Un'altra frase", "## Passi", "1. Uno"]
    pairs = aligned(a, b)
    assert (1, 2) in pairs
    assert (2, 3) in pairs


def test_an_older_version_is_traced_through_insertion_and_change() -> None:
    old = ["One two three four.", "Delivery costs €3.", "Bye."]
    new = ["One two three four.", "A wholly new paragraph, unlike.", "Delivery costs €4.", "Bye."]
    assert traced(old, new) == [(0, 0), (None, 1), (1, 2), (2, 3)]
