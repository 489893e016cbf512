"""One revision's page: what it shows, and every step from draft to withdrawal, by role."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from kb.comments import threads_on
from kb.db import now, reading
from kb.publishing import scheduled
from retriever.embeddings import Encoder
from retriever.vectors import VectorStore
from tests.web.newsroom import ROLES, Newsroom, newsroom

PUBLISHERS = {"mina", "nora", "ada"}


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, vectors: VectorStore, encoders: list[Encoder]
) -> Iterator[Newsroom]:
    with newsroom(tmp_path_factory.mktemp("newsroom"), vectors, encoders) as opened:
        yield opened


def local(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def test_draft_goes_live_step_by_step(house: Newsroom) -> None:
    page = house.write("step-by-step", answer="Lavender soap costs twelve euros.")
    assert house.post("tariq", f"{page}/review").headers["location"].endswith("done=submitted")
    assert house.state(page) == "in_review"
    assert house.post("mina", f"{page}/approval").headers["location"].endswith("done=approved")
    assert house.state(page) == "approved"
    done = house.post("mina", f"{page}/publication", when="now")
    assert done.headers["location"].endswith("done=published")
    assert house.state(page) == "live"
    assert "Lavender soap" in house.get("", "/en/articles/step-by-step").text


@pytest.mark.parametrize("who", ROLES)
def test_only_another_person_who_may_approves(house: Newsroom, who: str) -> None:
    page = house.write(f"approved-by-{who}", to="in_review")
    response = house.post(who, f"{page}/approval")
    assert response.status_code == (303 if who in PUBLISHERS else 403)
    assert house.state(page) == ("approved" if who in PUBLISHERS else "in_review")


@pytest.mark.parametrize("who", ROLES)
def test_only_who_may_publish_publishes_and_withdraws(house: Newsroom, who: str) -> None:
    page = house.write(f"published-by-{who}", to="approved")
    fine = 303 if who in PUBLISHERS else 403
    assert house.post(who, f"{page}/publication").status_code == fine
    assert house.state(page) == ("live" if who in PUBLISHERS else "approved")
    live = house.write(f"withdrawn-by-{who}", to="live")
    assert house.post(who, f"{live}/withdrawal").status_code == fine
    assert house.state(live) == ("approved" if who in PUBLISHERS else "live")


@pytest.mark.parametrize("who", ROLES)
def test_only_who_may_approve_asks_for_changes(house: Newsroom, who: str) -> None:
    page = house.write(f"sent-back-by-{who}", to="in_review")
    response = house.post(who, f"{page}/changes", note="Say which days.")
    assert response.status_code == (303 if who in PUBLISHERS else 403)
    assert ("Say which days." in house.get("tariq", page).text) == (who in PUBLISHERS)


@pytest.mark.parametrize("author", ["mina", "tariq"])
def test_nobody_approves_their_own_work_by_page_or_api(house: Newsroom, author: str) -> None:
    page = house.write(f"own-work-of-{author}", to="in_review", by=author)
    shown = house.get(author, page).text
    assert f'action="{page}/approval"' not in shown
    assert "somebody else has to approve it" in shown
    assert house.post(author, f"{page}/approval").status_code == 403
    api = f"/api/v1/articles/own-work-of-{author}/revisions/1/approval"
    assert house.post(author, api).status_code == 403
    assert house.state(page) == "in_review"


def test_note_is_needed_unless_a_comment_says_it(house: Newsroom) -> None:
    page = house.write("needs-a-note", to="in_review")
    refused = house.post("mina", f"{page}/changes")
    assert refused.status_code == 422
    assert "Say what should change" in refused.text
    house.post("mina", f"{page}/comments", text="The link is old.")
    assert house.post("mina", f"{page}/changes").status_code == 303


# -- times ---------------------------------------------------------------------------


def test_time_is_taken_in_the_zone_that_was_chosen(house: Newsroom) -> None:
    page = house.write("at-a-time", to="approved")
    form = {"when": "at", "starts": "2090-07-01T09:00", "until": "2090-07-02T09:00"}
    done = house.post("mina", f"{page}/publication", zone="Europe/Rome", **form)
    assert done.headers["location"].endswith("done=scheduled")
    with reading(house.services.engine) as session:
        waiting = scheduled(session, house.revision(session, page).article_id, "en")
    assert waiting[0].starts_at == datetime(2090, 7, 1, 7, tzinfo=UTC)
    assert waiting[0].expires_at == datetime(2090, 7, 2, 7, tzinfo=UTC)
    assert (
        house.post("tariq", f"{page}/publications/{waiting[0].id}/cancellation").status_code == 403
    )
    assert (
        house.post("mina", f"{page}/publications/{waiting[0].id}/cancellation").status_code == 303
    )
    assert house.state(page) == "approved"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"when": "at", "starts": "2020-01-31T09:00"}, "That time has passed"),
        ({"when": "at", "starts": ""}, "Choose when it should go live"),
        ({"until": "2020-01-31T09:00"}, "The end has passed already"),
        (
            {"when": "at", "starts": "2090-01-31T09:00", "until": "2090-01-31T08:00"},
            "The end must come after the start",
        ),
        ({"when": "at", "starts": "tomorrow"}, "A time looks like"),
        ({"when": "at", "starts": "2090-01-31T09:00", "zone": "Mars/Base"}, "Choose a time zone"),
        (
            {"when": "at", "starts": "2027-03-28T02:30", "zone": "Europe/Rome"},
            "That hour does not exist",
        ),
    ],
)
def test_time_that_cannot_be_is_refused_and_kept(
    house: Newsroom, form: dict[str, str], words: str
) -> None:
    page = house.write("bad-time", to="approved")
    refused = house.post("mina", f"{page}/publication", **form)
    assert refused.status_code == 422
    assert words in refused.text
    assert f'value="{form.get("until", "")}"' in refused.text
    assert house.state(page) == "approved"


def test_submission_may_ask_to_be_published_with_its_approval(house: Newsroom) -> None:
    page = house.write("on-approval")
    until = local(now() + timedelta(days=3))
    assert house.post("tariq", f"{page}/review", publishes="yes", until=until).status_code == 303
    assert re.search(r'name="publishes" value="yes" checked', house.get("mina", page).text)
    done = house.post("mina", f"{page}/approval", publishes="yes")
    assert done.headers["location"].endswith("done=published")
    assert house.state(page) == "live"


def test_approver_may_hold_back_what_the_author_wanted_published(house: Newsroom) -> None:
    page = house.write("held-back")
    house.post("tariq", f"{page}/review", publishes="yes")
    house.post("mina", f"{page}/approval")
    assert house.state(page) == "approved"


# -- what is shown ---------------------------------------------------------------------


def test_reviewer_sees_what_changes_for_customers(house: Newsroom) -> None:
    house.write("changed", to="live", answer="It takes 30 minutes.")
    page = house.write("changed", to="in_review", answer="It takes 60 minutes.", category="orders")
    shown = house.get("mina", page).text
    assert re.search(r"<del>.*removed.*30</del>", shown)
    assert re.search(r"<ins>.*added.*60</ins>", shown)
    assert re.search(r"<del>.*account</del>", shown)


def test_any_two_versions_are_compared(house: Newsroom) -> None:
    for answer in ("One lamp.", "Two lamps.", "Three lamps."):
        page = house.write("compared", answer=answer)
    shown = house.get("tariq", f"{page}?against=1").text
    assert re.search(r"<del>.*One lamp</del>", shown)
    assert re.search(r"<del>.*Two</del>", house.get("tariq", f"{page}?view=changes").text)


def test_withdrawal_says_which_channels_fall_silent(house: Newsroom) -> None:
    page = house.write("to-be-withdrawn", to="live")
    asked = house.get("mina", f"{page}/withdrawal").text
    assert all(channel in asked for channel in ("help site", "chat", "API", "sidebar", "desk"))
    assert house.state(page) == "live"
    agents = house.write("for-agents", to="live", audience="agents")
    assert "The help site" not in house.get("mina", f"{agents}/withdrawal").text


def test_restoring_makes_a_new_draft_with_the_old_words(house: Newsroom) -> None:
    first = house.write("restored", to="live", answer="The first words.")
    house.write("restored", to="live", answer="Other words.")
    done = house.post("tariq", f"{first}/restoration")
    assert done.headers["location"] == "/studio/articles/restored/en/3?done=restored"
    assert (
        "The first words." in house.get("tariq", "/studio/articles/restored/en/3?view=words").text
    )


@pytest.mark.parametrize("path", ["none-such/en/1", "reset-password/en/99", "reset-password/xx/1"])
def test_what_does_not_exist_is_not_found(house: Newsroom, path: str) -> None:
    assert house.get("mina", f"/studio/articles/{path}").status_code == 404
    assert house.post("mina", f"/studio/articles/{path}/approval").status_code == 404


def test_strangers_sign_in_first(house: Newsroom) -> None:
    page = house.write("private")
    assert house.get("", page).headers["location"].startswith("/login?next=")
    assert house.post("", f"{page}/review").headers["location"].startswith("/login")
    assert house.state(page) == "draft"


# -- comments --------------------------------------------------------------------------


def test_comment_on_a_passage_is_answered_and_resolved(house: Newsroom) -> None:
    page = house.write("talked-about", to="in_review")
    form = {"part": "answer", "quote": "works for 30 minutes", "position": "5"}
    assert house.post("mina", f"{page}/comments", text="Still so?", **form).status_code == 303
    with reading(house.services.engine) as session:
        first = threads_on(session, house.revision(session, page).article_id, "en")[0][0].id
    house.post("tariq", f"{page}/comments/{first}/replies", text="Yes, I asked.")
    shown = house.get("nora", f"{page}?view=words").text
    assert 'data-quote="works for 30 minutes"' in shown
    assert "Yes, I asked." in shown
    assert "1 comment is open." in shown
    house.post("tariq", f"{page}/comments/{first}/resolution")
    assert "Resolved by Tariq" in house.get("nora", page).text


def test_paragraph_is_chosen_where_nothing_can_be_selected(house: Newsroom) -> None:
    page = house.write("chosen")
    house.post("mina", f"{page}/comments", text="Which page?", passage="body:1")
    assert "<span>Open the sign-in page.</span>" in house.get("tariq", page).text


def test_comment_whose_passage_has_changed_says_so(house: Newsroom) -> None:
    page = house.write("moving")
    form = {"part": "answer", "quote": "works for 30 minutes"}
    house.post("mina", f"{page}/comments", text="Still so?", **form)
    newer = house.write("moving", answer="The link never ends.")
    assert "This passage has changed since version 1." in house.get("tariq", newer).text
    assert "This passage has changed" not in house.get("tariq", page).text


def test_nobody_edits_anothers_comment(house: Newsroom) -> None:
    page = house.write("edited")
    house.post("mina", f"{page}/comments", text="My words.")
    with reading(house.services.engine) as session:
        said = threads_on(session, house.revision(session, page).article_id, "en")[0][0].id
    assert house.post("tariq", f"{page}/comments/{said}", text="His words.").status_code == 403
    assert house.post("mina", f"{page}/comments/{said}", text="My better words.").status_code == 303
    assert "My better words." in house.get("tariq", page).text


@pytest.mark.parametrize("text", ["", "  ", "x" * 4001])
def test_comment_that_cannot_be_kept_is_not_lost(house: Newsroom, text: str) -> None:
    page = house.write("kept")
    refused = house.post("mina", f"{page}/comments", text=text)
    assert refused.status_code == 422
    assert text.strip() in refused.text


def test_hostile_words_stay_words(house: Newsroom) -> None:
    page = house.write(
        "hostile", title="<script>alert(1)</script>", answer="<img src=x onerror=a()>."
    )
    house.post("mina", f"{page}/comments", text="<script>alert(2)</script>")
    shown = house.get("tariq", page).text
    assert "<script>alert" not in shown
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", shown)


# -- the list --------------------------------------------------------------------------


def test_reviews_list_what_waits_for_whom(house: Newsroom) -> None:
    page = house.write("listed", to="in_review")
    for who, heading in (("mina", "To review"), ("tariq", "Waiting for somebody else")):
        section = house.get(who, "/studio/reviews").text.split(f">{heading}<")[1]
        assert page in section.split("</section>")[0]
