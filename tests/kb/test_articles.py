"""What an editor may write, and how it is hashed, counted and found."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.articles import (
    ANSWER_LIMIT,
    LIMITS,
    PHRASING_LIMIT,
    PHRASINGS_LIMIT,
    Article,
    Wording,
    answer_digest,
    check_slug,
    check_wording,
    find_article,
    get_article,
    get_revision,
)
from kb.db import transaction
from kb.errors import Invalid, NotFound
from kb.publishing import draft
from tests.cast import PASSWORD_RESET, tariq

TEXTS = ["title", "answer", "body", "category", "owner"]


def with_text(field: str, text: str) -> Wording:
    return replace(PASSWORD_RESET, **{field: text})  # type: ignore[arg-type]


def refused(wording: Wording, field: str) -> str:
    with pytest.raises(Invalid) as caught:
        check_wording(wording)
    assert caught.value.field == field
    return str(caught.value)


def test_longest_allowed_words_are_allowed() -> None:
    check_wording(
        Wording(
            title="t" * LIMITS["title"],
            answer="a" * ANSWER_LIMIT,
            body="b" * LIMITS["body"],
            phrasings=tuple(f"{n:0{PHRASING_LIMIT}}" for n in range(PHRASINGS_LIMIT)),
            category="c" * LIMITS["category"],
            owner="o" * LIMITS["owner"],
            verify_days=3650,
        )
    )


@pytest.mark.parametrize(("field", "limit"), LIMITS.items())
def test_text_over_its_limit_is_refused_with_the_limit(field: str, limit: int) -> None:
    message = refused(with_text(field, "x" * (limit + 1)), field)
    assert f"the limit is {limit}" in message


@pytest.mark.parametrize("length", [ANSWER_LIMIT + 1, 100_000])
def test_long_answer_is_refused_and_says_where_the_rest_goes(length: int) -> None:
    message = refused(replace(PASSWORD_RESET, answer="x" * length), "answer")
    assert "move the rest to the body" in message


@pytest.mark.parametrize("field", ["title", "answer"])
@pytest.mark.parametrize("empty", ["", "  \n\t", "\u00a0"])
def test_title_and_answer_are_needed(field: str, empty: str) -> None:
    assert "empty" in refused(with_text(field, empty), field)


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("bad", ["\x00", "\x07", "\x1b", "\x7f", "\ud800", "\x0b"])
def test_control_characters_and_lone_surrogates_are_refused(field: str, bad: str) -> None:
    assert "control characters" in refused(with_text(field, f"a{bad}b"), field)


@pytest.mark.parametrize("text", ["\t", "\n"])
def test_tabs_and_line_ends_are_no_control_characters(text: str) -> None:
    check_wording(replace(PASSWORD_RESET, body=f"a{text}b", answer=f"a{text}b"))


def test_bad_phrasing_is_refused() -> None:
    for text in ["", " ", "x" * (PHRASING_LIMIT + 1), "x" * 70_000, "a\x00", "\udc80"]:
        refused(replace(PASSWORD_RESET, phrasings=("good", text)), "phrasings")


def test_too_many_phrasings_are_refused() -> None:
    many = tuple(str(n) for n in range(PHRASINGS_LIMIT + 1))
    assert "keep the best" in refused(replace(PASSWORD_RESET, phrasings=many), "phrasings")


@pytest.mark.parametrize("name", ["", "Public", "1st", "a b", "x" * 41, "public\n", "агенты"])
def test_bad_audience_is_refused(name: str) -> None:
    refused(replace(PASSWORD_RESET, audience=name), "audience")


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_verification_comes_within_ten_years(days: int) -> None:
    refused(replace(PASSWORD_RESET, verify_days=days), "verify_every")


@pytest.mark.parametrize("slug", ["a", "reset-password", "2-factor", "x" * 120])
def test_good_slug_is_kept(slug: str) -> None:
    assert check_slug(slug) == slug


def test_bad_slug_is_refused(engine: Engine) -> None:
    words = ["", "-", "a-", "-a", "a--b", "A", "a_b", "a b", "../etc", "a/b", "é", "a\n", "\x00"]
    with transaction(engine) as session:
        for slug in [*words, "\ud800", "x" * 121]:
            with pytest.raises(Invalid) as caught:
                draft(session, slug, "en", PASSWORD_RESET, tariq(session))
            assert caught.value.field == "slug"


def test_unknown_locale_is_refused(engine: Engine) -> None:
    with transaction(engine) as session:
        for locale in ["", "xx", "EN", "en-US", "../..", "e\x00n", "\ud800", "x" * 100_000]:
            with pytest.raises(Invalid, match="choose from en") as caught:
                draft(session, "reset-password", locale, PASSWORD_RESET, tariq(session))
            assert caught.value.field == "locale"
        assert session.exec(select(Article)).all() == []


def test_hash_is_the_same_in_every_release() -> None:
    wording = Wording("Title", "Answer ✓", "Body", ("one", "two"), verify_days=90)
    digest = "5723a4d0bf85834e"
    assert wording.sha256.startswith(digest)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"},
        {"answer": "Other"},
        {"body": "Other"},
        {"phrasings": ("lost my login", "I forgot my password")},
        {"category": "other"},
        {"audience": "agents"},
        {"owner": "mina@example.com"},
        {"verify_days": 90},
    ],
)
def test_every_field_counts_in_the_hash(change: dict[str, object]) -> None:
    assert replace(PASSWORD_RESET, **change).sha256 != PASSWORD_RESET.sha256  # type: ignore[arg-type]


def test_stored_words_are_the_editors_words(engine: Engine) -> None:
    with transaction(engine) as session:
        draft(session, "reset-password", "en", PASSWORD_RESET.tidied(), tariq(session))
    with Session(engine) as session:
        stored = get_revision(session, get_article(session, "reset-password"), "en")
        assert stored.wording == PASSWORD_RESET.tidied()
        assert stored.sha256 == stored.wording.sha256
        assert stored.answer_sha256 == answer_digest(PASSWORD_RESET.answer)


def test_line_ends_of_a_form_are_stored_like_those_of_a_file(engine: Engine) -> None:
    form = replace(PASSWORD_RESET, body=" One\r\n\r\nTwo\r\n", phrasings=("a", " a ", "b"))
    with transaction(engine) as session:
        stored = draft(session, "reset-password", "en", form, tariq(session))
        assert (stored.body, stored.phrasings) == ("One\n\nTwo", ["a", "b"])


def test_versions_are_counted_per_article_and_locale(engine: Engine) -> None:
    with transaction(engine) as session:
        places = [("a", "en"), ("a", "en"), ("a", "it"), ("b", "en"), ("a", "en")]
        made = [draft(session, s, code, PASSWORD_RESET, tariq(session)) for s, code in places]
        assert [revision.version for revision in made] == [1, 2, 1, 1, 3]


def test_missing_article_is_not_found_whatever_was_asked(engine: Engine) -> None:
    with Session(engine) as session:
        for slug in ["missing", "", "A", "a\x00b", "\ud800", "x" * 100_000, "' OR 1=1"]:
            assert find_article(session, slug) is None
            with pytest.raises(NotFound) as caught:
                get_article(session, slug)
            assert len(str(caught.value)) < 200


def test_missing_version_is_not_found(engine: Engine) -> None:
    places = [("en", 2), ("en", 0), ("en", -1), ("en", 10**30), ("it", None), ("xx", 1)]
    with transaction(engine) as session:
        draft(session, "reset-password", "en", PASSWORD_RESET, tariq(session))
        for locale, version in [*places, ("e\x00n", None)]:
            with pytest.raises(NotFound, match="reset-password has no version"):
                get_revision(session, get_article(session, "reset-password"), locale, version)


def test_tags_are_kept_in_lower_case_and_leave_hashes_without_them_alone() -> None:
    tagged = replace(PASSWORD_RESET, tags=("Sign  In", "sign in", " ", "Links")).tidied()
    assert tagged.tags == ("sign in", "links")
    assert tagged.sha256 != PASSWORD_RESET.sha256
    assert PASSWORD_RESET.sha256.startswith("48730a2ecd7279ae")


@pytest.mark.parametrize("tags", [("a,b",), ("x" * 41,), tuple(map(str, range(21)))])
def test_bad_tags_are_refused(tags: tuple[str, ...]) -> None:
    refused(replace(PASSWORD_RESET, tags=tags), "tags")
