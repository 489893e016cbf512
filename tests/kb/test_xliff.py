"""Articles to translators and back, as XLIFF 2.0."""

from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from kb.articles import Revision, get_article, get_revision
from kb.db import transaction
from kb.errors import Invalid
from kb.publishing import draft
from kb.xliff import NAMESPACE, Returned, export_xliff, import_xliff
from tests.cast import DELIVERY_COSTS, PASSWORD_RESET, SENDING_BACK, published, tariq

X = f"{{{NAMESPACE}}}"
# What OASIS XLIFF 2.0 allows: the children of each element, in their order.
ORDER = {
    "xliff": ["file"],
    "file": ["skeleton", "metadata", "notes", "unit"],
    "unit": ["metadata", "notes", "originalData", "segment"],
    "segment": ["source", "target"],
    "notes": ["note"],
}
REQUIRED = {"xliff": {"version", "srcLang"}, "file": {"id"}, "unit": {"id"}}


def exported(session: Session, *slugs: str) -> str:
    return export_xliff(session, slugs, "it").decode()


def translated(document: str, words: dict[str, str]) -> bytes:
    """The document as a translator sends it back."""
    root = fromstring(document)
    for segment in root.iter(f"{X}segment"):
        source = segment.findtext(f"{X}source") or ""
        target = segment.find(f"{X}target")
        if target is None:
            target = Element(f"{X}target")
            segment.append(target)
        target.text = words.get(source, f"it: {source}")
    return tostring(root, "utf-8")


def italian(session: Session, slug: str) -> Revision:
    return get_revision(session, get_article(session, slug), "it")


def test_document_keeps_to_the_standard(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "send-back", SENDING_BACK)
        root = fromstring(exported(session, "send-back"))
    assert root.tag == f"{X}xliff"
    assert (root.get("version"), root.get("srcLang"), root.get("trgLang")) == ("2.0", "en", "it")
    for element in root.iter():
        name = element.tag.split("}")[1]
        assert REQUIRED.get(name, set()) <= set(element.keys())
        children = [child.tag.split("}")[1] for child in element]
        if name in ORDER:
            places = [ORDER[name].index(child) for child in children]
            assert places == sorted(places)
    ids = [unit.get("id") for unit in root.iter(f"{X}unit")]
    assert len(ids) == len(set(ids)) > 5
    assert {segment.get("state") for segment in root.iter(f"{X}segment")} == {"initial"}


def test_translations_come_back_as_drafts_word_for_word(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "send-back", SENDING_BACK)
        words = {SENDING_BACK.title: "Restituire qualcosa"}
        document = translated(exported(session, "send-back"), words)
        (report,) = import_xliff(session, document, tariq(session))
        made = italian(session, "send-back")
        assert (report.outcome, made.state, made.title) == ("draft", "draft", "Restituire qualcosa")
        assert made.body.count("\n\n") == SENDING_BACK.body.strip().count("\n\n")
        assert made.source_version == 1


def test_importing_twice_changes_nothing(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "delivery-costs", DELIVERY_COSTS)
        document = translated(exported(session, "delivery-costs"), {})
        import_xliff(session, document, tariq(session))
        (again,) = import_xliff(session, document, tariq(session))
        assert again == Returned("delivery-costs", "it", "unchanged", 1)
        assert italian(session, "delivery-costs").version == 1


def test_a_translation_of_an_older_source_is_marked_so(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "delivery-costs", DELIVERY_COSTS)
        document = translated(exported(session, "delivery-costs"), {})
        published(session, "delivery-costs", replace(DELIVERY_COSTS, body="Furniture costs €39."))
        (report,) = import_xliff(session, document, tariq(session))
        assert report.notes[0] == "outdated: translates version 1, the source is at 2"
        assert italian(session, "delivery-costs").source_version == 1


def test_a_wrong_price_is_told_in_the_report(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "delivery-costs", DELIVERY_COSTS)
        wrong = DELIVERY_COSTS.answer.replace("€3.95", "€9.35")
        document = translated(exported(session, "delivery-costs"), {DELIVERY_COSTS.answer: wrong})
        (report,) = import_xliff(session, document, tariq(session))
        assert report.notes == ("1 facts differ from the source",)


def test_what_cannot_be_taken_is_refused_by_article(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "delivery-costs", DELIVERY_COSTS)
        published(session, "reset-password", PASSWORD_RESET)
        document = exported(session, "delivery-costs", "reset-password")
        half = document.replace('original="delivery-costs"', 'original="no-such-article"')
        found = import_xliff(session, half.encode(), tariq(session))
        assert [report.outcome for report in found] == ["refused", "refused"]
        assert "no such article" in found[0].notes[0]
        assert found[1].notes[0].startswith("without translation: title, answer, body-1")


def test_segments_and_inline_marks_of_other_tools_are_read(engine: Engine) -> None:
    with transaction(engine) as session:
        published(session, "delivery-costs", replace(DELIVERY_COSTS, body=""))
        document = f"""<xliff xmlns="{NAMESPACE}" version="2.0" srcLang="en" trgLang="it-IT">
          <file id="delivery-costs"><unit id="title"><segment><source>x</source>
          <target>Quanto <mrk id="m1" type="term">costa</mrk></target></segment></unit>
          <unit id="answer"><segment><source>a</source><target>Uno.</target></segment>
          <ignorable><source> </source></ignorable>
          <segment><source>b</source><target>Due.</target></segment></unit></file></xliff>"""
        import_xliff(session, document.encode(), tariq(session))
        made = italian(session, "delivery-costs")
        assert (made.title, made.answer) == ("Quanto costa", "Uno. Due.")


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><xliff>&b;</xliff>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xliff>&f;</xliff>'


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("<xliff", "not well-formed"),
        ("", "not well-formed"),
        (BOMB, "DOCTYPE"),
        (OUTSIDE, "DOCTYPE"),
        ('<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2" version="1.2"/>', "not XLIFF 2.0"),
        (f'<xliff xmlns="{NAMESPACE}" version="2.0" srcLang="en" trgLang="tlh"/>', "trgLang"),
        (f'<xliff xmlns="{NAMESPACE}" version="2.0" srcLang="en" trgLang="it"/>', "no <file>"),
    ],
)
def test_bad_documents_are_refused_with_a_reason(engine: Engine, document: str, told: str) -> None:
    with transaction(engine) as session, pytest.raises(Invalid, match=told):
        import_xliff(session, document.encode(), tariq(session))


def test_articles_in_their_own_language_cannot_be_exported(engine: Engine) -> None:
    with transaction(engine) as session:
        draft(session, "solo-italiano", "it", DELIVERY_COSTS, tariq(session))
        with pytest.raises(Invalid):
            exported(session, "solo-italiano")
