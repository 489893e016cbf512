"""An explanation as the command line prints it."""

from assistant.explanations import Candidate, Explanation, Voice
from web.explanation_text import format_explanation

SPOKE = Voice("phrasing", "en", "where is\nmy refund", 0.9876, 0.5)
SECOND = Voice("passage", "it", "Entro 3 giorni.", -0.05, 0.0)


def test_explanation_names_articles_and_what_spoke_for_them() -> None:
    matches = (
        Candidate("refund-time", 0.973, (SPOKE,)),
        Candidate("delivery-costs", 0.021, (SECOND,)),
    )
    assert format_explanation(Explanation(0.91, 0.995, matches)).splitlines() == [
        "Why: confidence 0.91, in scope 0.99",
        "1. refund-time  97% of the belief",
        "   similarity  0.99  words 0.50  phrasing en  where is my refund",
        "2. delivery-costs  2% of the belief",
        "   similarity -0.05  words 0.00  passage  it  Entro 3 giorni.",
    ]


def test_nothing_found_is_said() -> None:
    shown = format_explanation(Explanation(0.0, 0.0, ()))
    assert shown == "Why: confidence 0.00, in scope 0.00; nothing was found."
