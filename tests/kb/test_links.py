"""Which addresses an editor may write into an article."""

import pytest

from kb.articles import Wording
from kb.errors import Invalid
from kb.links import check_links

WHOLE = ["https://example.com/b.md", "mailto:b@example.com", "#s-steps", "//example.com/b"]
WHOLE += ["/en/articles/b", "/en/articles/b#s-steps", "/pricing", f"/media/{'0' * 16}/a.png"]
RELATIVE = ["b.md", "./b", "../delivery/b.md#s-costs", "b", "my picture.png", "?q=b"]


@pytest.mark.parametrize("target", WHOLE)
def test_address_that_leads_to_one_place_is_fine(target: str) -> None:
    check_links(Wording("T", f"[a]({target})", f"![a]({target})\n\n[a]: {target}"))


@pytest.mark.parametrize("target", RELATIVE)
@pytest.mark.parametrize("field", ["answer", "body"])
def test_relative_link_is_refused_by_name(field: str, target: str) -> None:
    words = {"title": "T", "answer": "A", field: f"See [it](<{target}>)."}
    with pytest.raises(Invalid, match="relative link") as refused:
        check_links(Wording(**words))
    assert refused.value.field == field
    assert target in str(refused.value)


def test_relative_link_in_code_is_no_link() -> None:
    check_links(Wording("T", "A", "Write `[a](b.md)`."))
