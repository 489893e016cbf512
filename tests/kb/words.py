"""Random words such as an editor could write."""

from hypothesis import Phase
from hypothesis import strategies as st

from kb.articles import CONTROL, Wording, check_wording
from kb.errors import Invalid

# Explaining a failure takes minutes; finding and shrinking it seconds.
QUICK = [phase for phase in Phase if phase is not Phase.explain]
PIECES = ["---", "\n", "\r\n", "# ", "- ", ": ", "'", '"', "|", ">", "{{ x }}", "`", "```\n", "#"]
PIECES += ["\u2028", "\x85", "\ufeff", "…", "كيف", "怎么", "👩🏽‍🚀", "null", "no", "1", "~", "\t"]
PIECES += [":::tip\n", "<b>", "<!-- x -->", "import a from 'b'\n", "\n---\n", "    ", "&a", "*a"]

letters = st.characters(exclude_categories=["Cs"]).filter(lambda c: not CONTROL.match(c))
words = st.lists(st.sampled_from(PIECES) | st.text(letters, max_size=8), max_size=8).map("".join)


def _is_allowed(wording: Wording) -> bool:
    try:
        check_wording(wording)
    except Invalid:
        return False
    return True


def wordings() -> st.SearchStrategy[Wording]:
    """Wordings as the store would keep them."""
    made = st.builds(
        Wording,
        title=words,
        answer=words,
        body=words,
        phrasings=st.lists(words, max_size=4).map(tuple),
        category=words,
        audience=st.sampled_from(["public", "customers", "agents", "vip"]),
        owner=words,
        verify_days=st.none() | st.integers(1, 3650),
        tags=st.lists(words.map(lambda tag: tag.replace(",", "")), max_size=3).map(tuple),
    )
    return made.map(Wording.tidied).filter(_is_allowed)
