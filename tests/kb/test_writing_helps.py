"""What helps while writing: links, ease of reading, addresses, working copies."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from kb.db import now, transaction
from kb.errors import Invalid, NotFound
from kb.link_check import broken_links
from kb.publishing import draft
from kb.readability import readability
from kb.slugs import free_slug, slug_from
from kb.working_copies import close, find_copy, keep, others_at, reopen
from tests.cast import PASSWORD_RESET, SENDING_BACK, mina, published, tariq

FIELDS = {"title": "Half a", "answer": "Half an ans"}


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("/en/articles/send-back", None),
        ("/en/articles/send-back#s-in-a-shop", None),
        ("/en/articles/send-back#s-nowhere", "no_anchor"),
        ("/en/articles/never-was", "no_article"),
        ("/ko/articles/send-back", "not_live"),
        ("/en/articles/only-a-draft", "not_live"),
        ("send-back", "relative"),
        ("../send-back.md", "relative"),
        ("#s-steps", None),
        ("#s-missing", "no_anchor"),
        ("/media/0123456789abcdef/a.png", "no_picture"),
        ("/en/nothing/here/at/all", "no_page"),
        ("https://example.com/a", None),
        ("mailto:a@example.com", None),
        ("https://[bad", "malformed"),
    ],
)
def test_links_that_lead_nowhere_are_named(blank_engine: Engine, link: str, reason: str) -> None:
    with transaction(blank_engine) as session:
        published(session, "send-back", SENDING_BACK)
        draft(session, "only-a-draft", "en", PASSWORD_RESET, tariq(session))
        wording = replace(PASSWORD_RESET, answer=f"See [there]({link}).")
        found = broken_links(session, wording, "en")
    assert [(one.target, one.reason) for one in found] == ([(link, reason)] if reason else [])


EASY = "Open the page. Press the red button. You get a mail. Click it."
HARD = (
    "Notwithstanding considerable organisational complications, administrative authorisation "
    "necessitates comprehensive identification documentation prior to reimbursement eligibility."
)


@pytest.mark.parametrize(
    ("text", "locale", "level"),
    [
        (EASY, "en", "easy"),
        (HARD, "en", "hard"),
        ("Apri la pagina. Premi il tasto rosso. Poi aspetta la mail.", "it", "easy"),
        ("打开页面。点击红色按钮。您会收到邮件。", "zh", "easy"),
        ("페이지를 여세요. 빨간 단추를 누르세요. 메일이 옵니다.", "ko", "easy"),
        ("صفحه را باز کنید. دکمهٔ قرمز را بزنید. نامه می‌رسد.", "fa", "easy"),
    ],
)
def test_ease_of_reading_is_measured_in_each_language(text: str, locale: str, level: str) -> None:
    found = readability(text, locale)
    assert found
    assert found.level == level
    assert readability("Two words", locale) is None


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("What's the “delivery” cost?", "whats-the-delivery-cost"),
        ("重置密码", "zhong-zhi-mi-ma"),
        ("Perché è così", "perche-e-cosi"),
        ("?!", ""),
    ],
)
def test_address_comes_from_a_title_in_any_script(title: str, slug: str) -> None:
    assert slug_from(title) == slug
    assert len(slug_from(title * 40)) <= 60


@pytest.mark.parametrize("title", ["비밀번호 재설정", "بازیابی رمز عبور"])
def test_address_of_a_foreign_title_is_one_and_free(blank_engine: Engine, title: str) -> None:
    with transaction(blank_engine) as session:
        first = free_slug(session, title)
        draft(session, first, "en", PASSWORD_RESET, tariq(session))
        assert free_slug(session, title) == f"{first}-2"


def test_unsaved_work_is_kept_offered_discarded_and_taken_back(engine: Engine) -> None:
    with transaction(engine) as session:
        tariq_, article = tariq(session), published(session, "a", PASSWORD_RESET).article_id
        keep(session, "c1", tariq_, article, "en", 1, FIELDS, True)
        found = find_copy(session, tariq_, article, "en")
        assert found
        assert found.fields == FIELDS
        close(session, "c1", mina(session))
        assert find_copy(session, tariq_, article, "en")
        close(session, "c1", tariq_)
        assert find_copy(session, tariq_, article, "en") is None
        assert reopen(session, "c1", tariq_).fields == FIELDS


def test_copies_belong_to_one_person_and_one_place(engine: Engine) -> None:
    with transaction(engine) as session:
        keep(session, "c1", tariq(session), None, "en", 0, FIELDS, True)
        with pytest.raises(NotFound):
            keep(session, "c1", mina(session), None, "en", 0, FIELDS, True)
        with pytest.raises(NotFound):
            keep(session, "c1", tariq(session), None, "ko", 0, FIELDS, True)
        with pytest.raises(Invalid):
            keep(session, "c2", tariq(session), None, "en", 0, {"body": "x" * 500_000}, True)


def test_who_has_an_article_open_is_known_until_they_go(engine: Engine) -> None:
    with transaction(engine) as session:
        article = published(session, "a", PASSWORD_RESET).article_id
        copy = keep(session, "c1", tariq(session), article, "en", 1, FIELDS, False)
        there = others_at(session, article, "en", mina(session))
        assert [person.name for person in there] == ["tariq"]
        assert others_at(session, article, "ko", mina(session)) == []
        copy.seen_at = now() - timedelta(minutes=2)
        session.flush()
        assert others_at(session, article, "en", mina(session)) == []
