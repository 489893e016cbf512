"""What of an article is compared with a question."""

from dataclasses import asdict

from kb.articles import Article, Phrasing, Revision, Wording
from kb.db import now
from kb.publishing import Publication
from retriever.texts import DENSE, PASSAGE_LENGTH, Document, Text, document_of

BODY = """Before you start, have the order number ready.

## At home

Open the app and choose *Return*.

### With a printer

Print the label.

## In a shop

Show the code at the till.
"""
WORDING = Wording(
    title="Send something back",
    answer="You have **30 days**. See [how](/en/articles/returns).",
    body=BODY,
    phrasings=("how do I return this", "wrong size"),
    category="returns",
)


def cut(wording: Wording, locale: str = "en") -> Document:
    """A live Revision of that wording, as the index sees it."""
    fields = {k: v for k, v in asdict(wording).items() if k != "phrasings"}
    revision = Revision(id=7, article_id=3, locale=locale, version=2, author_id=1, **fields)
    revision.phrasing_rows = [Phrasing(position=n, text=t) for n, t in enumerate(wording.phrasings)]
    publication = Publication(
        article_id=3, revision_id=7, locale=locale, audience="public", by_id=1, starts_at=now()
    )
    revision.article = publication.article = Article(id=3, slug="return-something")
    publication.revision = revision
    return document_of(publication)


def of(document: Document, source: str) -> list[Text]:
    """The texts from one source."""
    return [text for text in document.texts if text.source == source]


def test_document_knows_its_place_in_the_store() -> None:
    document = cut(WORDING)
    assert (document.slug, document.article_id, document.revision_id) == ("return-something", 3, 7)
    assert (document.version, document.audience, document.category) == (2, "public", "returns")


def test_title_and_phrasings_read_like_questions() -> None:
    document = cut(WORDING)
    assert [t.text for t in of(document, "title")] == ["Send something back"]
    assert [t.text for t in of(document, "phrasing")] == ["how do I return this", "wrong size"]
    assert all(t.is_question for t in document.texts[:3])


def test_answer_is_read_without_its_markup() -> None:
    (answer,) = of(cut(WORDING), "answer")
    assert (answer.text, answer.is_question) == ("You have 30 days. See how.", False)
    assert answer.embedded.startswith("Send something back\n")


def test_headings_stand_under_the_title_and_have_anchors() -> None:
    headings = of(cut(WORDING), "heading")
    assert [t.text for t in headings] == ["At home", "With a printer", "In a shop"]
    assert [t.anchor for t in headings] == ["s-at-home", "s-with-a-printer", "s-in-a-shop"]
    assert {t.context for t in headings} == {WORDING.title}


def test_passages_carry_all_headings_above_them() -> None:
    passages = of(cut(WORDING), "passage")
    assert [(t.context, t.anchor) for t in passages] == [
        ("Send something back", ""),
        ("Send something back – At home", "s-at-home"),
        ("Send something back – At home – With a printer", "s-with-a-printer"),
        ("Send something back – In a shop", "s-in-a-shop"),
    ]


def test_short_blocks_share_a_passage_and_long_ones_are_split() -> None:
    sentence = "The courier rings twice and leaves a card. "
    short = cut(Wording(title="T", answer="A", body="One.\n\nTwo.\n\nThree."))
    long = of(cut(Wording(title="T", answer="A", body=sentence * 40)), "passage")
    assert [t.text for t in of(short, "passage")] == ["One.\nTwo.\nThree."]
    assert len(long) > 3
    assert all(len(t.text) <= PASSAGE_LENGTH * 1.5 for t in long)


def test_no_word_is_lost_when_a_block_is_split() -> None:
    sentences = [f"Sentence number {n} of a long paragraph." for n in range(60)]
    long = of(cut(Wording(title="T", answer="A", body=" ".join(sentences))), "passage")
    assert "\n".join(t.text for t in long).split() == " ".join(sentences).split()


def test_chinese_passages_are_shorter_in_characters() -> None:
    body = "\n\n".join("商品寄出之后我们会通过电子邮件通知您。" * 2 for _ in range(20))
    passages = of(cut(Wording(title="退货", answer="可以", body=body), "zh"), "passage")
    assert len(passages) > 3
    assert all(len(t.text) * DENSE <= PASSAGE_LENGTH * 1.5 for t in passages)


def test_chinese_block_without_latin_full_stops_is_split() -> None:
    body = "商品寄出之后我们会通过电子邮件通知您。" * 40
    passages = of(cut(Wording(title="退货", answer="可以", body=body), "zh"), "passage")
    assert all(len(t.text) * DENSE <= PASSAGE_LENGTH * 1.5 for t in passages)


def test_article_without_a_body_has_no_passages() -> None:
    document = cut(Wording(title="Hours", answer="We are here until 6."))
    assert [t.source for t in document.texts] == ["title", "answer"]


def test_key_says_how_the_text_is_read() -> None:
    asked, told = Text("phrasing", "refund time", "en"), Text("passage", "refund time", "en")
    assert asked.key == Text("title", "refund time", "it").key
    assert asked.key != told.key
    assert told.key != Text("passage", "refund time", "en", context="Refunds").key
