"""The documents say what there is: links lead somewhere, files that are named exist, and the references are complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomtone.dialects.twilio.errors import TITLES, level
from roomtone.settings.checks import NO_EFFECT_YET
from roomtone.settings.faults import known_names

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(
    r"`((?:\w[\w.-]*/)+[\w.-]+\.(?:py|pyi|rs|md|toml)|(?:src|crates|tests|docs|examples|benches|fuzz)/[\w./-]+)`"
)
_STARTS = (ROOT, ROOT / "src" / "roomtone")  # paths are written from here
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


def links(document: Path) -> Iterator[tuple[str, str]]:
    """(path, anchor) of each link that stays in the repository."""
    for target in _LINK.findall(document.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors(document: Path) -> set[str]:
    """As GitHub makes them: lower case, no punctuation, hyphens for spaces."""
    headings = _HEADING.findall(document.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document: Path) -> None:
    for path, anchor in links(document):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{named(document)}: {path}"
        if anchor:
            assert anchor in anchors(target), f"{named(document)}: #{anchor} in {path or 'itself'}"


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.name != "0000-template.md"], ids=named)
def test_files_that_are_named_exist(document: Path) -> None:
    paths = _PATH.findall(document.read_text())
    missing = [path for path in paths if not any((start / path).exists() for start in _STARTS)]
    assert not missing, f"{named(document)} names what is not there: {missing}"


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, open_ends = {ROOT / "README.md"}, [ROOT / "README.md"]
    while open_ends:
        document = open_ends.pop()
        for path, _ in links(document):
            target = (document.parent / path).resolve()
            if target.suffix == ".md" and target not in reached:
                reached.add(target)
                open_ends.append(target)
    apart = {"CHANGELOG.md", "0000-template.md"}
    assert not [named(path) for path in DOCUMENTS if path not in reached and path.name not in apart]


def section_of_the_reference(name: str) -> str:
    """What the reference says of a section of the settings."""
    sections = re.split(r"^## ", (ROOT / "docs/reference/settings.md").read_text(), flags=re.MULTILINE)
    return "".join(text for text in sections if f"[{name}]" in text.partition("\n")[0])


def test_every_setting_is_in_the_reference() -> None:
    names = [name.partition(".") for name in known_names()]
    assert not [f"{section}.{key}" for section, _, key in names if f"`{key}`" not in section_of_the_reference(section)]


@pytest.mark.parametrize("name", NO_EFFECT_YET)
def test_settings_without_effect_are_marked_so(name: str) -> None:
    section, _, key = name.partition(".")
    lines = [line for line in section_of_the_reference(section).splitlines() if f"`{key}`" in line or not key]
    assert any("**not yet" in line.lower() for line in lines)


def test_every_error_number_is_in_the_reference() -> None:
    text = (ROOT / "docs/reference/twiml.md").read_text()
    assert not [code for code in TITLES if f"| {code} |" not in text]


@pytest.mark.parametrize("code", TITLES)
def test_the_reference_says_of_each_number_whether_it_is_a_warning(code: int) -> None:
    text = (ROOT / "docs/reference/twiml.md").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {code} |")]
    assert f"({level(code)})" in line
