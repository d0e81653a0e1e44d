"""Every link in the documentation leads somewhere: to a file that is there, and to a heading that it has."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import anchors, links, name_of, pages
from tests.house.sources import ROOT

every_page = pytest.mark.parametrize("page", pages(), ids=name_of)


def broken(page: Path, target: str) -> str | None:
    """Return what is wrong with a link on a page; None where it holds. Nothing is asked of the network."""
    address = urlsplit(target)
    if address.scheme:
        return None if address.scheme == "mailto" or address.netloc else "no address"
    place = (page.parent / unquote(address.path)).resolve() if address.path else page
    if not place.is_relative_to(ROOT):
        return "leaves the repository"
    if not place.exists():
        return "no such file"
    return _missing(place, address.fragment) if address.fragment else None


def _missing(place: Path, anchor: str) -> str | None:
    if place.suffix == ".md":
        return None if anchor in anchors(place.read_text(encoding="utf-8")) else "no such heading"
    lines = re.fullmatch(r"L(\d+)(?:-L(\d+))?", anchor)
    if place.is_dir() or not lines:
        return "no such anchor"
    there = place.read_text(encoding="utf-8").count("\n") + 1
    return None if max(int(number) for number in lines.groups() if number) <= there else "no such line"


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    found = [(line, target) for line, target in links(page.read_text(encoding="utf-8"))]
    wrong = [f"{name_of(page)}:{line}: {target}: {why}" for line, target in found if (why := broken(page, target))]
    assert not wrong, "\n".join(wrong)


def test_broken_links_are_seen(tmp_path: Path) -> None:
    """The test above can fail: for a file, a heading, a line, a way out, an empty address."""
    page = ROOT / "docs" / "rubrics.md"
    for target in (
        "gone.md",
        "review.md#gone",
        "#gone",
        "../../x.md",
        "make_lint.py#L99999",
        "../docs#x",
        "https:///x",
    ):
        assert broken(page, target), target
    for target in ("review.md#what-is-kept", "#groups", "https://example.org/x", "make_lint.py#L2", "../docs"):
        assert broken(page, target) is None, target


def test_links_and_headings_are_told_from_code() -> None:
    text = (
        "# A `b`: c, d\n## A [x](y.md)\n## Twice\n## Twice\n[one](a.md) `[two](b.md)`\n"
        '![p](c.svg "t")\n[n]: d.md\n<img src="e.png">\n```\n[three](f.md)\n# no\n```\n'
    )
    assert sorted(links(text)) == [(2, "y.md"), (5, "a.md"), (6, "c.svg"), (7, "d.md"), (8, "e.png")]
    assert anchors(text) == {"a-b-c-d", "a-x", "twice", "twice-1"}


def test_the_documentation_is_looked_at() -> None:
    """The pages that a reader meets first are among those that are tested, and no environment's are."""
    names = {name_of(page) for page in pages()}
    assert {"README.md", "CONTRIBUTING.md", "docs/tutorial.md", "docs/compares.md", "docs/commands/eval.md"} <= names
    assert not [name for name in names if "site-packages" in name]
