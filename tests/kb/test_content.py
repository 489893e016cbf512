"""Folders of Markdown into the store."""

import os
import re
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.articles import Revision, get_article, get_revision
from kb.content import MAX_FILE_BYTES, SourceFile, import_folder
from kb.db import transaction
from kb.errors import Invalid
from kb.export import export_folder
from kb.history import epoch
from kb.images import Image
from kb.markdown import render
from kb.publishing import live_publications, withdraw
from tests.cast import mina
from tests.conftest import ROOT
from tests.kb.folders import (
    ARTICLE,
    LOCALES,
    copied_store,
    hashes,
    live,
    outcomes,
    report_of,
    take,
    write,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SAMPLE = ROOT / "content"


def refusal(engine: Engine, root: Path, path: str) -> tuple[str, int | None]:
    file = report_of(take(engine, root), path)
    assert file.outcome == "refused"
    return file.reason, file.line


# -- our own format --------------------------------------------------------------------


def test_file_becomes_a_live_article_in_its_place(engine: Engine, tmp_path: Path) -> None:
    root = write(tmp_path, {"it/returns/send-back.md": ARTICLE})
    assert outcomes(take(engine, root)) == {"it/returns/send-back.md": "created"}
    revision = live(engine, "send-back", "it")
    assert (revision.title, revision.answer) == ("Returns", "You have 30 days.")
    assert (revision.category, revision.body) == ("returns", "Send it back.")


def test_importing_twice_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    root = write(tmp_path, {"en/a.md": ARTICLE, "it/a.md": ARTICLE, "en/b.md": "# B\n\nWords."})
    take(engine, root)
    with Session(engine) as session:
        before = epoch(session)
    assert set(outcomes(take(engine, root)).values()) == {"unchanged"}
    with Session(engine) as session:
        assert epoch(session) == before


def test_changed_file_makes_exactly_one_new_revision(engine: Engine, tmp_path: Path) -> None:
    root = write(tmp_path, {"en/a.md": ARTICLE, "en/b.md": ARTICLE})
    take(engine, root)
    write(root, {"en/a.md": ARTICLE.replace("30", "60")})
    assert outcomes(take(engine, root)) == {"en/a.md": "changed", "en/b.md": "unchanged"}
    assert live(engine, "a").version == 2
    with Session(engine) as session:
        assert len(session.exec(select(Revision)).all()) == 3


def test_draft_is_kept_and_not_shown_until_it_is_approved(engine: Engine, tmp_path: Path) -> None:
    text = ARTICLE.replace("title:", "state: draft\ntitle:")
    root = write(tmp_path, {"en/a.md": text})
    assert outcomes(take(engine, root)) == {"en/a.md": "created"}
    assert outcomes(take(engine, root)) == {"en/a.md": "unchanged"}
    with Session(engine) as session:
        assert live_publications(session) == []
    write(root, {"en/a.md": text.replace("draft", "approved")})
    assert outcomes(take(engine, root)) == {"en/a.md": "changed"}
    assert outcomes(take(engine, root)) == {"en/a.md": "unchanged"}
    assert live(engine, "a").answer == "You have 30 days."


def test_withdrawn_article_is_not_brought_back_by_the_same_file(
    engine: Engine, tmp_path: Path
) -> None:
    root = write(tmp_path, {"en/a.md": ARTICLE})
    take(engine, root)
    with transaction(engine) as session:
        withdraw(session, get_article(session, "a"), "en", mina(session))
    assert outcomes(take(engine, root)) == {"en/a.md": "unchanged"}
    with Session(engine) as session:
        assert live_publications(session) == []


def test_source_comes_first_so_that_translations_know_it(engine: Engine, tmp_path: Path) -> None:
    root = write(tmp_path, {"it/a.md": ARTICLE, "zh/a.md": ARTICLE, "en/a.md": ARTICLE})
    take(engine, root)
    assert [live(engine, "a", code).source_version for code in ("en", "it", "zh")] == [None, 1, 1]


def test_files_outside_a_folder_of_a_language_take_the_one_named(
    engine: Engine, tmp_path: Path
) -> None:
    root = write(tmp_path, {"docs/a.md": ARTICLE, "ko/b.md": ARTICLE})
    import_folder(engine, root, LOCALES, "it")
    assert (live(engine, "a", "it").category, live(engine, "b", "ko").category) == (
        "docs",
        "general",
    )


@pytest.mark.parametrize("locale", ["xx", "", "EN", "../en"])
def test_unknown_locale_is_refused(blank: Path, tmp_path: Path, locale: str) -> None:
    with copied_store(blank) as engine, pytest.raises(Invalid, match="choose from en"):
        import_folder(engine, tmp_path, LOCALES, locale)


@pytest.mark.parametrize("name", ["missing", "file.md"])
def test_what_is_no_folder_is_refused(blank: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path, {"file.md": ARTICLE})
    with copied_store(blank) as engine, pytest.raises(Invalid, match="not a folder"):
        take(engine, tmp_path / name)


def test_progress_is_told_of_every_file(blank: Path, tmp_path: Path) -> None:
    root = write(tmp_path, {f"en/{n}.md": ARTICLE for n in "abc"})
    seen: list[str] = []

    def watch(files: list[SourceFile]) -> list[SourceFile]:
        seen.extend(file.shown for file in files)
        return files

    with copied_store(blank) as engine:
        import_folder(engine, root, LOCALES, progress=watch)  # type: ignore[arg-type]
    assert seen == ["en/a.md", "en/b.md", "en/c.md"]


# -- one bad file never stops the rest -------------------------------------------------

BAD: dict[str, str | bytes] = {
    "unclosed.md": "---\ntitle: a\n\nx",
    "alias.md": "---\na: &x [1]\nb: *x\n---\nx",
    "latin.md": "# Café\n\nUn café.".encode("latin-1"),
    "huge.md": "x" * (MAX_FILE_BYTES + 1),
    "surrogate.md": '---\ntitle: "\\ud800"\nanswer: a\n---\nx',
    "control.md": "---\ntitle: a\nanswer: a\n---\nx\x00y",
    "long.md": f"---\ntitle: a\nanswer: {'x' * 601}\n---\nx",
    "audience.md": "---\naudience: Every One\nanswer: a\n---\nx",
    "---.md": ARTICLE,
    "slug.md": "---\nslug: ../../etc\nanswer: a\n---\nx",
}


def test_bad_files_are_reported_and_the_good_one_is_taken(engine: Engine, tmp_path: Path) -> None:
    root = write(tmp_path, {f"en/{name}": data for name, data in BAD.items()})
    write(root, {"en/zz-good.md": ARTICLE})
    for outcome in ("created", "unchanged"):
        report = take(engine, root)
        assert report_of(report, "en/zz-good.md").outcome == outcome
        assert report.count("refused") == len(BAD)
        assert all(file.reason for file in report.files if file.outcome == "refused")


def test_file_that_turned_bad_leaves_its_article_as_it_was(engine: Engine, tmp_path: Path) -> None:
    for name, data in BAD.items():
        if name == "---.md":
            continue
        root = write(tmp_path, {f"en/{name}": ARTICLE})
        take(engine, root)
        write(root, {f"en/{name}": data})
        assert report_of(take(engine, root), f"en/{name}").outcome == "refused"
        assert live(engine, Path(name).stem).version == 1


@pytest.mark.parametrize(
    ("data", "reason", "line"),
    [
        ("---\ntitle: a\n\nx", "not closed", 1),
        ("---\ntitle: a\nb: *x\n---\nx", "aliases are not allowed", 3),
        ("---\ntitle: [a\n---\nx", "not YAML", 3),
        (b"line\nline\n\xff\xfe", "not UTF-8", 3),
        (b"# \xc3\x28", "not UTF-8", 1),
        ("x" * (MAX_FILE_BYTES + 1), "larger than 1,000,000 bytes", None),
    ],
)
def test_refusal_gives_the_reason_and_the_line(
    blank: Path, tmp_path: Path, data: str | bytes, reason: str, line: int | None
) -> None:
    root = write(tmp_path, {"en/a.md": data})
    with copied_store(blank) as engine:
        said, where = refusal(engine, root, "en/a.md")
    assert reason in said
    assert where == line


def test_link_out_of_the_folder_is_not_followed(blank: Path, tmp_path: Path) -> None:
    root = write(tmp_path / "docs", {"en/a.md": ARTICLE})
    write(tmp_path, {"secret/b.md": ARTICLE, "secret.md": ARTICLE})
    (root / "en" / "file.md").symlink_to(tmp_path / "secret.md")
    (root / "en" / "folder").symlink_to(tmp_path / "secret")
    with copied_store(blank) as engine:
        report = take(engine, root)
    assert outcomes(report) == {
        "en/a.md": "created",
        "en/file.md": "refused",
        "en/folder": "refused",
    }
    assert "out of the folder" in report_of(report, "en/file.md").reason


def test_links_in_circles_and_to_nowhere_and_pipes_are_refused(blank: Path, tmp_path: Path) -> None:
    root = write(tmp_path, {"en/a.md": ARTICLE})
    (root / "en" / "loop.md").symlink_to(root / "en" / "loop.md")
    (root / "en" / "gone.md").symlink_to(root / "en" / "missing.md")
    (root / "en" / "circle").symlink_to(root)
    os.mkfifo(root / "en" / "pipe.md")
    with copied_store(blank) as engine:
        found = outcomes(take(engine, root))
    assert found == {
        "en/a.md": "created",
        "en/loop.md": "refused",
        "en/gone.md": "refused",
        "en/pipe.md": "refused",
    }


def test_file_name_that_is_not_utf8_can_still_be_reported(blank: Path, tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9.md", "wb") as file:
        file.write(ARTICLE.encode())
    with copied_store(blank) as engine:
        assert [f.path.encode() for f in take(engine, tmp_path).files] == [b"caf?.md"]


def test_same_slug_twice_gets_its_folder_before_it_and_then_is_refused(
    blank: Path, tmp_path: Path
) -> None:
    files: dict[str, str | bytes] = {
        "en/b/x.md": ARTICLE,
        "en/c/x.md": ARTICLE,
        "en/c/x.mdx": ARTICLE,
        "it/c/x.md": ARTICLE,
    }
    with copied_store(blank) as engine:
        report = take(engine, write(tmp_path, files))
        assert set(hashes(engine)) == {("x", "en"), ("c-x", "en"), ("x", "it")}
    assert "the same slug as en/c/x.md" in report_of(report, "en/c/x.mdx").reason


def test_hidden_and_foreign_files_are_left_alone(blank: Path, tmp_path: Path) -> None:
    names = [".hidden.md", ".git/a.md", "node_modules/p/a.md", "a.txt", "a.yml", "A.MD"]
    root = write(tmp_path, dict.fromkeys(names, ARTICLE))
    with copied_store(blank) as engine:
        assert outcomes(take(engine, root)) == {"A.MD": "created"}


# -- links between articles ------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("[b](b.md)", "[b](/en/articles/b)"),
        ("[b](./b.md#s-steps)", "[b](/en/articles/b#s-steps)"),
        ("[b](b)", "[b](/en/articles/b)"),
        ("[b](<../a place/b.md>)", "[b](</en/articles/b>)"),
        ("[c](../other/c.md)", "[c](/en/articles/c)"),
        ("[c](/en/other/c.md)", "[c](/en/articles/c)"),
        ("[c](/docs/other/c/)", "[c](/en/articles/c)"),
        ("[it](../../it/account/b.md)", "[it](/it/articles/b)"),
        ("[x]\n\n[x]: b.md", "[x]\n\n[x]: /en/articles/b"),
        ("[x](https://example.com/b.md)", None),
        ("[x](mailto:b@example.com)", None),
        ("[x](#s-steps)", None),
        ("[x](//example.com/b.md)", None),
        ("[x](/en/articles/elsewhere)", None),
        ("`[b](b.md)`", None),
    ],
)
def test_link_leads_to_the_article(
    blank: Path, tmp_path: Path, written: str, stored: str | None
) -> None:
    files = dict.fromkeys(["en/account/b.md", "en/other/c.md", "it/account/b.md"], ARTICLE)
    files |= {"en/account/a.md": f"---\nanswer: A\n---\n{written}\n"}
    with copied_store(blank) as engine:
        report = take(engine, write(tmp_path, files))
        assert report_of(report, "en/account/a.md").notes == ()
        assert live(engine, "a").body == (stored or written)


def test_link_to_no_article_is_kept_and_noted(blank: Path, tmp_path: Path) -> None:
    root = write(tmp_path, {"en/a.md": "---\nanswer: See [b](b.md).\n---\nx"})
    with copied_store(blank) as engine:
        file = report_of(take(engine, root), "en/a.md")
        assert file.notes == ("link to b.md leads to no imported article",)
        assert live(engine, "a").answer == "See [b](b.md)."


# -- pictures --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "written"),
    [
        ("docs/en/account/pic.png", "pic.png"),
        ("docs/images/pic.png", "../../images/pic.png"),
        ("docs/images/pic.png", "/images/pic.png"),
        ("docs/static/img/pic.png", "/img/pic.png"),
        ("static/img/pic.png", "/img/pic.png"),
        ("docs/en/account/a pic.png", "a%20pic.png"),
        ("docs/en/account/a pic.png", "<a pic.png>"),
        ("docs/en/account/pic (1).png", "<pic (1).png>"),
        ("docs/en/account/pic(1).png", "pic(1).png"),
        ("docs/en/account/图.png", "图.png"),
    ],
)
def test_picture_is_copied_and_its_link_rewritten(
    engine: Engine, tmp_path: Path, place: str, written: str
) -> None:
    text = f"---\nanswer: A\n---\n![The kettle]({written})\n"
    write(tmp_path, {"docs/en/account/a.md": text, place: PNG})
    assert report_of(take(engine, tmp_path / "docs"), "en/account/a.md").notes == ()
    with Session(engine) as session:
        image = session.exec(select(Image)).one()
        assert image.data == PNG
        shown = f'src="/media/{image.digest}/'
        assert shown in render(live(engine, "a").body)


@pytest.mark.parametrize(
    "path",
    [
        "gone.png",
        "../../../secret.png",
        "%2e%2e/%2e%2e/%2e%2e/secret.png",
        "/../secret.png",
        "link.png",
        "folder.png",
        "loop.png",
        "a%00b.png",
        "<my (1) picture.png>",
        "gone(1).png",
        "x" * 5000 + ".png",
    ],
)
def test_picture_out_of_reach_leaves_its_words_and_a_note(
    blank: Path, tmp_path: Path, path: str
) -> None:
    write(tmp_path, {"secret.png": PNG})
    text = f"---\nanswer: A\n---\nBefore ![The kettle]({path}) and [see]({path}).\n"
    root = write(tmp_path / "docs", {"en/account/a.md": text})
    (root / "en/account/link.png").symlink_to(tmp_path / "secret.png")
    (root / "en/account/loop.png").symlink_to(root / "en/account/loop.png")
    (root / "en/account/folder.png").mkdir()
    with copied_store(blank) as engine:
        assert "is not in the folder" in report_of(take(engine, root), "en/account/a.md").notes[0]
        assert live(engine, "a").body == "Before The kettle and see."
        with Session(engine) as session:
            assert session.exec(select(Image)).all() == []


@pytest.mark.parametrize(
    ("data", "reason"), [(b"<script>", "not a picture"), (PNG + bytes(10_000_000), "larger than")]
)
def test_file_with_a_bad_picture_is_refused_whole(
    blank: Path, tmp_path: Path, data: bytes, reason: str
) -> None:
    text = "---\nanswer: A\n---\n![](pic.png)"
    root = write(tmp_path, {"en/a.md": text, "en/pic.png": data, "en/b.md": ARTICLE})
    with copied_store(blank) as engine:
        report = take(engine, root)
        assert outcomes(report) == {"en/a.md": "refused", "en/b.md": "created"}
        assert reason in report_of(report, "en/a.md").reason
        assert set(hashes(engine)) == {("b", "en")}


def test_changed_picture_is_a_changed_article(blank: Path, tmp_path: Path) -> None:
    root = write(tmp_path, {"en/a.md": "---\nanswer: A\n---\n![](p.png)", "en/p.png": PNG})
    with copied_store(blank) as engine:
        take(engine, root)
        write(root, {"en/p.png": PNG + b"!"})
        assert outcomes(take(engine, root)) == {"en/a.md": "changed"}


# -- Jekyll and Docusaurus -------------------------------------------------------------

JEKYLL: dict[str, str | bytes] = {
    "_posts/2024-03-01-track-a-parcel.md": """---
layout: post
title: "Track a parcel"
date: 2024-03-01 09:00:00 +0100
tags: [delivery, parcels]
excerpt: Open the link in our e-mail to see where your parcel is.
---
{% include header.html %}
We send the link when the parcel leaves us.
{: .note }

![The map]({{ site.baseurl }}/assets/map.png){:width="300"}

See [returns]({{ '/returns' | relative_url }}) and [costs](delivery-costs.html).

```liquid
{% raw %}{{ page.title }}{% endraw %}
```
""",
    "_posts/delivery-costs.markdown": "# What delivery costs\n\nDelivery is free from €50.\n",
    "assets/map.png": PNG,
}


def test_jekyll_site_is_imported_as_it_is(engine: Engine, tmp_path: Path) -> None:
    report = take(engine, write(tmp_path, JEKYLL))
    assert {file.outcome for file in report.files} == {"created"}
    parcel, costs = live(engine, "track-a-parcel"), live(engine, "delivery-costs")
    assert (parcel.title, costs.title) == ("Track a parcel", "What delivery costs")
    assert parcel.answer == "Open the link in our e-mail to see where your parcel is."
    assert (costs.answer, costs.body) == ("Delivery is free from €50.",) * 2
    assert parcel.body.startswith("We send the link when the parcel leaves us.")
    assert re.search(r"!\[The map\]\(/media/[0-9a-f]{16}/map.png\)\n", parcel.body)
    assert "[costs](/en/articles/delivery-costs)" in parcel.body
    assert "```liquid\n{{ page.title }}\n```" in parcel.body


DOCUSAURUS: dict[str, str | bytes] = {
    "docs/returns/send-back.mdx": """---
id: send-back
sidebar_position: 2
description: You have 30 days to send things back.
---

import Tabs from '@theme/Tabs';
import {
  TabItem,
} from '@theme/TabItem';

export const days = 30;

# Send something back

<Tabs groupId="country">
<TabItem value="nl" label={"Netherlands"}>

Bring it to a [pick-up point](./points/index.md#hours).

</TabItem>
</Tabs>

:::warning Keep the receipt

Without it we cannot refund you.

:::

The refund takes 3 days.

<img src={require('./img/box.png').default} alt="A box" />
{/* to do: film */}
""",
    "docs/returns/points/index.md": "# Pick-up points\n\nThere are 1,200 pick-up points.\n",
    "docs/returns/img/box.png": PNG,
}


def test_docusaurus_site_is_imported_as_it_is(engine: Engine, tmp_path: Path) -> None:
    report = take(engine, write(tmp_path, DOCUSAURUS) / "docs")
    assert {(file.outcome, file.notes) for file in report.files} == {("created", ())}
    page = live(engine, "send-back")
    assert (page.title, page.category) == ("Send something back", "returns")
    assert page.answer == "You have 30 days to send things back."
    body = re.sub(r"/media/[0-9a-f]{16}/", "/media/…/", page.body)
    assert body.split("\n\n") == [
        "Bring it to a [pick-up point](/en/articles/points#hours).",
        "**Keep the receipt**",
        "Without it we cannot refund you.",
        "The refund takes 3 days.",
        "![A box](/media/…/box.png)",
    ]


@pytest.mark.parametrize("files", [JEKYLL, DOCUSAURUS])
def test_other_products_sites_survive_export_and_import(
    engine: Engine, second: Engine, tmp_path: Path, files: dict[str, str | bytes]
) -> None:
    take(engine, write(tmp_path / "in", files))
    export_folder(engine, tmp_path / "out")
    assert {file.outcome for file in take(second, tmp_path / "out").files} == {"created"}
    assert hashes(second) == hashes(engine)
    assert set(outcomes(take(engine, tmp_path / "out")).values()) == {"unchanged"}


def test_stored_words_are_those_of_the_file_to_the_letter(engine: Engine, tmp_path: Path) -> None:
    answer = "  Zwei  Leerzeichen,\tTab — „Anführung“ & <b>fett</b> 👩🏽‍🚀 می‌شود  "
    root = write(tmp_path, {"en/a.md": f'---\nanswer: "{answer}"\n---\n{answer}\n'})
    take(engine, root)
    with Session(engine) as session:
        revision = get_revision(session, get_article(session, "a"), "en")
        assert (revision.answer, revision.body) == (answer.strip(),) * 2
