"""One file's words: ours to the letter, other products' without their templates."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.articles import ANSWER_LIMIT, Wording
from kb.errors import Invalid
from kb.frontmatter import FileError, ParsedFile, format_file, parse_days, parse_file
from tests.cast import GOODWILL, PASSWORD_RESET
from tests.kb.words import QUICK, wordings

OWN = """---
title: Reset your password
answer: |
  Open **Settings → Security**.
phrasings: [I forgot my password, "can't log in: why"]
category: account
audience: customers
state: draft
owner: mina@example.com
verify_every: 90d
---

## Steps
"""


def parsed(text: str, stem: str = "my-file") -> ParsedFile:
    return parse_file(text, stem, "general")


def refusal(text: str) -> FileError:
    with pytest.raises(FileError) as caught:
        parsed(text)
    return caught.value


# -- our own format --------------------------------------------------------------------


def test_every_field_is_read() -> None:
    file = parsed(OWN)
    assert file.wording == Wording(
        title="Reset your password",
        answer="Open **Settings → Security**.",
        body="## Steps",
        phrasings=("I forgot my password", "can't log in: why"),
        category="account",
        audience="customers",
        owner="mina@example.com",
        verify_days=90,
    )
    assert not file.is_approved


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_byte_order_mark_make_no_difference(mark: str, end: str) -> None:
    assert parsed(mark + OWN.replace("\n", end)) == parsed(OWN)


@pytest.mark.parametrize("wording", [PASSWORD_RESET, GOODWILL])
@pytest.mark.parametrize("approved", [True, False])
def test_written_file_is_read_back_as_the_same_words(wording: Wording, approved: bool) -> None:
    file = parsed(format_file(wording.tidied(), approved))
    assert (file.wording, file.is_approved) == (wording.tidied(), approved)


@settings(max_examples=200, deadline=None, phases=QUICK)
@given(wordings(), st.booleans())
def test_any_wording_written_to_a_file_is_read_back_with_the_same_hash(
    wording: Wording, approved: bool
) -> None:
    file = parsed(format_file(wording, approved))
    assert file.wording == wording
    assert (file.wording.sha256, file.is_approved) == (wording.sha256, approved)


@settings(max_examples=150, deadline=None, phases=QUICK)
@given(st.text() | st.text().map(lambda text: f"---\n{text}\n---\n{text}"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert parsed(text).wording.title


@pytest.mark.parametrize("value", ["no", "007", "1.10", "12:30", "2024-13-45", "=", "1e3", "0x1F"])
def test_word_that_looks_like_a_number_stays_the_word(value: str) -> None:
    file = parsed(f"---\ntitle: {value}\nanswer: {value}\nphrasings: [{value}]\n---\n")
    assert (file.wording.title, file.wording.answer) == (value, value)
    assert file.wording.phrasings == (value,)


def test_one_phrasing_needs_no_list_and_repeated_ones_count_once() -> None:
    assert parsed("---\nphrasings: lost it\n---\nx").wording.phrasings == ("lost it",)
    assert parsed("---\nphrasings: [a, b, a]\n---\nx").wording.phrasings == ("a", "b")


@pytest.mark.parametrize(
    ("value", "days"),
    [("90d", 90), ("90", 90), ("2w", 14), ("3 m", 90), ("1Y", 365), ("", None), (None, None)],
)
def test_duration_is_days(value: str | None, days: int | None) -> None:
    assert parse_days(value) == days


@pytest.mark.parametrize("value", ["soon", "-1d", "1.5d", "99999d", "٣d x", ["90d"], "9" * 5000])
def test_bad_duration_is_refused(value: object) -> None:
    with pytest.raises(FileError, match="such as 90d"):
        parse_days(value)


# -- refused with the line -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("---\ntitle: a\n\nbody", "not closed", 1),
        ("---\ntitle: a\nphrasings: [a\n---\nx", "not YAML", 4),
        ("---\ntitle: a\n\tanswer: b\n---\nx", "not YAML", 3),
        ("---\ntitle: a: b\n---\nx", "not YAML", 2),
        ("---\ntitle: a\nanswer: @b\n---\nx", "not YAML", 3),
        ("---\njust words\n---\nx", "`name: value`", 2),
        ("---\na: &x [1]\nb: *x\n---\nx", "aliases are not allowed", 3),
        ("---\ntitle: a\nowner: !!python/object/apply:os.system [ls]\n---\nx", "not YAML", 3),
        ("---\n{[a]: b}\n---\nx", "not YAML", 2),
        ('---\ntitle: "\\x00\x01"\n---\nx', "not YAML", 1),
        ("---\n" + "[" * 10_000 + "\n---\nx", "nested too deeply", 1),
        ("---\ntitle: " + "x" * 100_001 + "\n---\nx", "longer than", 1),
    ],
)
def test_bad_front_matter_is_refused_with_its_line(
    text: str, reason: str, line: int | None
) -> None:
    error = refusal(text)
    assert reason in str(error)
    assert line is None or error.line == line
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("matter", "reason"),
    [
        ("title: [a]", "title must be text"),
        ("answer: {a: b}", "answer must be text"),
        ("phrasings: [{a: b}]", "list of texts"),
        ("phrasings: {a: b}", "list of texts"),
        ("state: published", "must be approved or draft"),
        ("verify_every: often", "not a duration"),
    ],
)
def test_field_of_the_wrong_kind_is_refused_by_name(matter: str, reason: str) -> None:
    assert reason in str(refusal(f"---\n{matter}\n---\nx"))


def test_yaml_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "aliases" in str(refusal("---\n" + "\n".join(lines) + "\n---\nx"))


def test_closed_front_matter_may_be_empty() -> None:
    assert parsed("---\n---\n# Title\n\nA paragraph.").wording.title == "Title"


# -- other products' files -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: From matter\n---\n# Heading\n\nx", "From matter"),
        ("---\ntitle: \n---\n# Heading\n\nx", "Heading"),
        ("# Heading ##\n\nx", "Heading"),
        ("# Heading {#custom-id}\n\nx", "Heading"),
        ("#\tHeading\nx", "Heading"),
        ("Just words.", "My file"),
        ("## Second level\n\nx", "My file"),
    ],
)
def test_title_comes_from_matter_heading_or_file_name(text: str, title: str) -> None:
    assert parsed(text).wording.title == title


def test_heading_that_became_the_title_is_not_said_twice() -> None:
    assert parsed("# Returns\n\nSend it back.").wording.body == "Send it back."
    assert parsed("---\ntitle: returns\n---\n# Returns\n\nSend it.").wording.body == "Send it."


def test_heading_other_than_the_title_is_kept() -> None:
    body = parsed("---\ntitle: Returns\n---\n# How it works\n\nSend it.").wording.body
    assert body == "# How it works\n\nSend it."


def test_our_own_body_is_kept_to_the_letter() -> None:
    wording = replace(PASSWORD_RESET, body="# Reset your password\n\n\n\n:::tip\n{{ x }}\n:::")
    assert parsed(format_file(wording, True)).wording.body == wording.body


@pytest.mark.parametrize(
    ("matter", "answer"),
    [
        ("answer: A\ndescription: B", "A"),
        ("description: B\nexcerpt: C", "B"),
        ("excerpt: C", "C"),
        ("layout: page", "The first paragraph stands here."),
    ],
)
def test_answer_is_the_best_short_text_there_is(matter: str, answer: str) -> None:
    text = f"---\n{matter}\n---\n\nThe first paragraph stands here.\n\nThe second.\n"
    assert parsed(text).wording.answer == answer


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("**Note**\n\nYou have 30 days to return it.", "You have 30 days to return it."),
        ("## Steps\n\nWe refund in 3 days.\n\nMore words than twenty.", "We refund in 3 days."),
        (
            "我们会在3天内退款。\n\n您的银行可能还需要另外两到五个工作日才能入账。",
            "我们会在3天内退款。",
        ),
        ("Short label", "Short label"),
        ("Two\nlines of one paragraph.", "Two lines of one paragraph."),
    ],
)
def test_first_paragraph_answers_however_short(body: str, answer: str) -> None:
    assert parsed(body).wording.answer == answer


def test_long_paragraph_answers_with_its_first_whole_sentences() -> None:
    file = parsed("This is one sentence. " * 60)
    assert len(file.wording.answer) <= ANSWER_LIMIT
    assert file.wording.answer.endswith("sentence.")
    assert "first sentences" in file.notes[0]


@pytest.mark.parametrize("text", ["x" * 2000, "slovo " * 400, "字" * 2000])
def test_endless_sentence_is_cut_within_the_limit(text: str) -> None:
    assert 0 < len(parsed(text).wording.answer) <= ANSWER_LIMIT


@pytest.mark.parametrize("text", ["", "\n\n", "---\n---\n", "![](a.png)"])
def test_file_without_words_has_its_title_for_an_answer_and_a_note(text: str) -> None:
    file = parsed(text)
    assert file.wording.answer == "My file"
    assert "the title stands in" in file.notes[0]


@pytest.mark.parametrize(("value", "approved"), [("true", False), ("false", True), ("", True)])
def test_draft_of_jekyll_and_docusaurus_is_a_draft(value: str, approved: bool) -> None:
    assert parsed(f"---\ndraft: {value}\n---\nx").is_approved is approved


def body_of(text: str) -> str:
    return parsed(f"---\nlayout: page\n---\n{text}\n").wording.body


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("{% include a.html %}Words{{ site.name }}", "Words"),
        ("{%- if x -%}\nWords\n{%- endif -%}", "Words"),
        ("{% comment %}secret{% endcomment %}Words", "Words"),
        ("Words\n{: .note }", "Words"),
        ('[a](b){:target="_blank"}', "[a](b)"),
        ("<!-- TODO -->Words", "Words"),
        ("{/* a note */}Words", "Words"),
        ("<script>track()</script>Words<style>b{}</style>", "Words"),
        ("import Tabs from '@theme/Tabs';\n\nWords", "Words"),
        ('import {\n  A,\n  B,\n} from "./x";\n\nWords', "Words"),
        ("import './styles.css';\nWords", "Words"),
        ("export const toc = [\n  {a: 1},\n];\n\nWords", "Words"),
        ('<Tabs groupId="os">\n<TabItem value="a">\n\nWords\n\n</TabItem>\n</Tabs>', "Words"),
        ("<Box style={{a: {b: 1}}} onClick={() => go()}>Words</Box>", "Words"),
        ('<Highlight\n  color="red"\n/>Words', "Words"),
        ("## Head {#custom}\n\nWords", "## Head\n\nWords"),
        ("import your contacts first, then export const values.", None),
        ("a < b and c > d", None),
        ("<details><summary>More</summary>Words</details>", None),
    ],
)
def test_templates_go_and_words_stay(written: str, kept: str | None) -> None:
    assert body_of(written) == (written if kept is None else kept)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (":::tip\n\nWords\n\n:::\n\nMore words here.", "Words\n\nMore words here."),
        (":::tip Good to know\n\nWords\n\n:::", "**Good to know**\n\nWords"),
        (":::note[Good to know]\nWords\n:::", "**Good to know**\n\nWords"),
        ("::::info\n:::danger\nWords\n:::\n::::", "Words"),
    ],
)
def test_admonition_keeps_its_title_and_its_words(written: str, kept: str) -> None:
    assert body_of(written) == kept


@pytest.mark.parametrize(
    "code",
    [
        "```html\n<!-- shown -->\n<script>shown()</script>\n{{ shown }}\n<Tabs>\n```",
        "Write `{{ name }}` or `<Tabs>`.",
        "1. Run\n\n   ```\n   import a from 'b'\n   {% x %}\n   ```",
    ],
)
def test_code_is_kept_as_it_is(code: str) -> None:
    assert body_of(code) == code


def test_raw_marks_go_and_what_they_protect_stays() -> None:
    assert body_of("{% raw %}Write `{{ name }}`{% endraw %} here") == "Write `{{ name }}` here"


def test_comment_may_hold_code() -> None:
    assert body_of("<!--\n```\nold\n```\n-->\nWords") == "Words"


@pytest.mark.parametrize(
    "image",
    [
        '<img src="./a.png" alt="Alt"/>',
        "<img alt='Alt' width=\"9\" src='./a.png'>",
        "<img src={require('./a.png').default} alt=\"Alt\" />",
    ],
)
def test_html_picture_becomes_markdown(image: str) -> None:
    assert body_of(f"Words {image}") == "Words ![Alt](./a.png)"


def test_deep_nesting_is_refused_in_plain_words() -> None:
    with pytest.raises(FileError, match="nested too deeply"):
        parse_file(f"---\na: {'[' * 20_000}\n---\nx", "a", "general")


def test_html_picture_s_name_may_hold_blanks() -> None:
    assert body_of('<img src="a (1).png" alt="Alt">') == "![Alt](<a (1).png>)"


@pytest.mark.parametrize(
    "text",
    [
        "<A " + "{}" * 10_000,
        "<A {" * 500,
        "# a" + " " * 50_000 + "b",
        "import " + "a " * 10_000,
        "![" * 10_000,
        ":::" * 10_000,
        "```" * 10_000,
        "> " * 10_000,
        "- " * 10_000,
    ],
)
def test_hostile_file_is_read_in_time(text: str) -> None:
    parsed(text)
