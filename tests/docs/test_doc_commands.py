"""Every `rlra` command line in the documentation is one that the real command line takes."""

from pathlib import Path

import pytest

from tests.docs.command_lines import command_lines, refused
from tests.docs.pages import blocks, code_spans, name_of, pages

PRINTED = {"text", "yaml", "json", "csv", "python", "bibtex"}
"""Blocks of these kinds show files and outputs, not what is typed."""
PAGES = [page for page in pages() if "prompts" not in page.parts]
every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def typed(page: Path) -> list[tuple[int, list[str]]]:
    """Return (line of its block, words) of each command line in the blocks of a page; on help's pages, the examples."""
    text = page.read_text(encoding="utf-8")
    if page.parent.name == "commands":
        whole = enumerate(text.replace("\\\n", " ").split("\n"), 1)
        found = [(number, line) for number, line in whole if line.startswith("  rlra ")]
    else:
        found = [(block.line, block.text) for block in blocks(text) if not set(block.info) & PRINTED]
    return [(line, words) for line, shell in found for words in command_lines(shell)]


@every_page
def test_every_command_line_is_taken(page: Path) -> None:
    """Commands and options exist, values are of their kind, and arguments and needed options are there."""
    wrong = [f"{name_of(page)}:{line}: rlra {' '.join(w)}: {why}" for line, w in typed(page) if (why := refused(w))]
    assert not wrong, "\n".join(wrong)


@every_page
def test_every_command_named_in_a_sentence_exists(page: Path) -> None:
    """Between backticks too, commands and options exist; there, arguments may be missing."""
    spans = [span for span in code_spans(page.read_text(encoding="utf-8")) if span.startswith("rlra ")]
    found = [words for span in spans for words in command_lines(span)]
    wrong = [f"{name_of(page)}: `rlra {' '.join(words)}`: {why}" for words in found if (why := refused(words, False))]
    assert not wrong, "\n".join(wrong)


def test_the_commands_are_looked_at() -> None:
    """The pages that consist of commands are full of them."""
    counts = {name_of(page): len(typed(page)) for page in PAGES}
    assert counts["README.md"] >= 25 and counts["docs/tutorial.md"] >= 15 and counts["docs/pool.md"] >= 10
    assert sum(counts.values()) >= 80


@pytest.mark.parametrize(
    ("shell", "lines"),
    [
        ("rlra rollout a.jsonl | rlra judge --add > b.jsonl", ["rollout a.jsonl", "judge --add"]),
        ("rlra train a.jsonl \\\n  -o run   # why\nX=1 rlra stats b", ["train a.jsonl -o run", "stats b"]),
        ('n=$(rlra stats "$f" 2>/dev/null); nice -n 10 rlra show x', ["stats $f", "show x"]),
        ("for f in *; do rlra validate $f && rlra show $f; done", ["validate $f", "show $f"]),
        ("git clone …/rlra && cd rlra\ncat rlra show", []),
        ("rlra eval a=b c=d --gate 'x>=-0.5' # 'tis", ["eval a=b c=d --gate x>=-0.5"]),
        ("grep '#' x | rlra rubrics export - --to folder", ["rubrics export - --to folder"]),
    ],
)
def test_command_lines_are_found_in_shell(shell: str, lines: list[str]) -> None:
    assert [" ".join(words) for words in command_lines(shell)] == lines


def test_wrong_command_lines_are_refused() -> None:
    """The tests above can fail: for a command, an option, a value, a missing argument, a missing option."""
    for line in (
        "jugde a.jsonl",
        "rubrics grade a.yaml",
        "judge a.jsonl --rubric r.yaml",
        "rollout a.jsonl --group-size many",
        "rollout a.jsonl --temperature -1",
        "judge a.jsonl --method guess",
        "judge a.jsonl --max-failures lots",
        "train a.jsonl",
        "diff a.jsonl",
        "show a.jsonl b.jsonl",
    ):
        assert refused(line.split()), line
    for line in ("rollout a.jsonl --group-size N", "train a.jsonl …", "eval agreement l.csv j.jsonl", "--help"):
        assert refused(line.split()) is None, line
    assert refused(["train"], whole=False) is None and refused(["train", "--no-such"], whole=False)


def test_a_refusal_tells_of_nothing_read(tmp_path: Path) -> None:
    """No file is opened: a command line on files that are nowhere is as good as any."""
    nowhere = str(tmp_path / "nowhere")
    assert refused(["judge", nowhere, "--rubrics", nowhere]) is None
    assert refused(["train", nowhere, "--spec", nowhere]) is None and refused(["train", "--no-such", "--spec", nowhere])
