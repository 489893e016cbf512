"""Promises the documents make, held against the code."""

import re
import subprocess
import sys
from pathlib import Path

from kb.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def test_readme_lists_every_setting_and_no_other() -> None:
    documented = set(re.findall(r"^\| `VERBATIM_(\w+)`", (ROOT / "README.md").read_text(), re.M))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_every_setting_has_a_description() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text() + (ROOT / "CHANGELOG.md").read_text()
    data = ("init", "import", "export", "reindex")
    for command in (*data, "serve", "ask", "search", "evaluate", "train"):
        assert command in readme


def test_sample_company_speaks_five_languages_in_every_article() -> None:
    found = {
        locale: {path.stem for path in (ROOT / "content" / locale).rglob("*.md")}
        for locale in Settings().locales
    }
    assert all(slugs == found["en"] for slugs in found.values())
    assert len(found["en"]) >= 30


def test_architecture_is_one_page() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text().split()) < 900


def test_server_does_not_load_what_it_can_do_without() -> None:
    heavy = "{'alembic', 'scipy', 'torch', 'pandas', 'sklearn'}"
    command = f"import sys, web.cli, chromadb; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, timeout=120)
    assert (done.stdout.strip(), done.stderr) == (b"", b"")
