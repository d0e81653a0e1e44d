"""The Markdown files of the repository, taken apart: fenced blocks, headings and links."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.sources import ROOT

_FENCE = re.compile(r"^(?P<fence>```+|~~~+) *(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=fence) *$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4,}\S.*\n?)+", re.MULTILINE)
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_NAMED = re.compile(r"^ {0,3}\[[^\]]+\]: +(\S+)", re.MULTILINE)
_TAG = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src)=[\"']([^\"']+)[\"']", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6} +(.*?)(?: +#+)? *$", re.MULTILINE)
_ANCHOR = re.compile(r"<a\b[^>]*?\b(?:id|name)=[\"']([^\"']+)[\"']", re.IGNORECASE)
MADE = {"out", "build", "dist", "node_modules"}
"""Folders that hold what was made, such as the runs of an example."""


@dataclass(frozen=True)
class Block:
    """A block of code: the words behind its opening fence, and its text; indented blocks have no words."""

    line: int
    info: tuple[str, ...]
    text: str
    before: str
    """The last line above it that is not empty."""


def pages() -> list[Path]:
    """Return every Markdown file that belongs to the project: none of a hidden folder, none that a run made."""
    found = sorted(ROOT.rglob("*.md"))
    return [path for path in found if not any(_left_out(part) for part in path.relative_to(ROOT).parts[:-1])]


def _left_out(part: str) -> bool:
    return part.startswith((".", "out-")) or part in MADE


def name_of(path: Path) -> str:
    """Return a page's path from the top of the repository."""
    return str(path.relative_to(ROOT))


def blocks(text: str) -> list[Block]:
    """Return the blocks of code of a page in their order, fenced and indented ones."""
    fenced = [_block(text, found, tuple(found["info"].split()), found["text"]) for found in _FENCE.finditer(text)]
    rest = _FENCE.sub(_blank, text)
    indented = [_block(text, found, (), found[0]) for found in _INDENTED.finditer(rest)]
    return sorted([*fenced, *indented], key=lambda block: block.line)


def _block(text: str, found: re.Match[str], info: tuple[str, ...], inside: str) -> Block:
    above = [line for line in text[: found.start()].split("\n") if line.strip()]
    return Block(text.count("\n", 0, found.start()) + 1, info, inside, above[-1] if above else "")


def _blank(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def prose(text: str) -> str:
    """Return a page without its fenced blocks; lines keep their numbers."""
    return _FENCE.sub(_blank, text)


def code_spans(text: str) -> list[str]:
    """Return what stands between backticks in the prose of a page, each on one line."""
    return [" ".join(found[2].split()) for found in _CODE.finditer(prose(text))]


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, target) of every link and picture of a page, those in code aside."""
    bare = _CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), prose(text))
    for pattern in (_LINK, _NAMED, _TAG):
        for found in pattern.finditer(bare):
            yield bare.count("\n", 0, found.start()) + 1, found[1]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page as GitHub makes them of its headings, and those that it sets itself."""
    bare, seen, found = prose(text), Counter[str](), set(_ANCHOR.findall(prose(text)))
    for heading in _HEADING.findall(bare):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found
