"""The tutorial is true: its commands run, one after the other, and what it shows is what they print.

What a block marked `text` shows is printed for any model. One marked `text smollm2` was printed with the embedded
model: `RLRA_TUTORIAL=smollm2 pytest tests/docs/test_tutorial.py` runs that (some five minutes) and compares it, times
aside; on another processor than the tutorial's, its answers are others. Otherwise a tiny model answers, and of such
blocks the heads of tables are compared.
"""

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks
from tests.house.sources import ROOT
from tests.running import Runner
from tests.tiny_model import tiny_model

TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
EMBEDDED = os.environ.get("RLRA_TUTORIAL") == "smollm2"
BLOCKS = blocks(TEXT)
_FILE = re.compile(r"`([\w.-]+\.(?:yaml|jsonl))`:$")
_TIMES = re.compile(r"(?:\d+ min )?\d+(?:\.\d+)?(?= s\b| tokens per second)|\d{4}-\d\d-\d\d \d\d:\d\d")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the reference of the model that answers."""
    return "smollm2" if EMBEDDED else f"hf:{tiny_model(tmp_path_factory.mktemp('models') / 'tiny', context=1024)}"


def test_all_of_it_from_top_to_bottom(tmp_path: Path, model: str) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    run, printed = Runner(tmp_path), ""
    for block in BLOCKS:
        if block.info == ("sh",):
            printed = ""
            for line in block.text.replace("\\\n", " ").strip().split("\n"):
                printed += typed(run, line, model)
                run = Runner(run.folder / found[1]) if (found := re.search(r"\bcd (\S+)$", line)) else run
        elif named := _FILE.search(block.before):
            run.write(named[1], block.text)
        else:
            assert block.info[0] == "text", f"docs/tutorial.md:{block.line}: neither typed, saved nor printed"
            missing = unprinted(block, printed)
            assert missing is None, f"docs/tutorial.md:{block.line}: {missing}\n{printed}"
    assert run.folder.name == "tour" and {"chain.jsonl", "mended.jsonl", "report.html", "run"} <= run.names()


def typed(run: Runner, line: str, model: str) -> str:
    """Run a line as typed but for the model; return what it prints. Raises AssertionError where it fails."""
    line = re.sub(r"(--model (?:\w+=)?)smollm2", rf"\g<1>{model}", line)
    if not re.fullmatch(r"rlra [^|<>&$;]+", line):
        done = run.shell(f"set -e\nexec 2>&1\n{line}")
    else:
        words = shlex.split(line)[1:]
        others = [] if words[0] not in ("rollout", "train") or "--model" in words else ["--model", model]
        done = run.inside(*words, *others)
    assert done.code == 0, f"{line}\n{done.err}{done.out.decode()}"
    return done.err + done.out.decode()


def unprinted(block: Block, printed: str) -> str | None:
    """Return the first line of a block that was not printed, or stands in another order; None where all were.

    `…` is anything, or any lines.
    """
    there = iter(_bare(printed))
    for line in _bare(block.text):
        if line == "…" or ("smollm2" in block.info and not EMBEDDED and not line.startswith("┃")):
            continue
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        if not any(pattern.fullmatch(each) for each in there):
            return line
    return None


def _bare(text: str) -> list[str]:
    """Return lines without times and without what fills the cells of tables."""
    return [
        " ".join(_TIMES.sub("N", line).split()) if "┃" in line or "│" in line else _TIMES.sub("N", line.rstrip())
        for line in text.strip().split("\n")
    ]


def test_a_line_that_was_not_printed_is_seen() -> None:
    block = Block(1, ("text",), "one …\n…\nin 3 s\n", "")
    assert unprinted(block, "zero\none and a half\ntwo\nin 24 s\n") is None
    assert unprinted(block, "in 3 s\none …\n") == "in N s"
    assert unprinted(block, "once\n") == "one …"
    table = Block(1, ("text", "smollm2"), "┃ q ┃ reading ┃\n│ 1 │\n", "")
    assert unprinted(table, "┃   q  ┃ reading  ┃\n") is None or EMBEDDED
    assert unprinted(table, "┃   p  ┃ reading  ┃\n")


def test_every_file_passes_through_the_prompt_that_is_followed() -> None:
    """prompts, tasks, rollouts, judged, selected, train, after, report: in this order."""
    order = [
        "prompts.jsonl",
        "tasks.jsonl",
        "rollouts.jsonl",
        "judged.jsonl",
        "kept.jsonl",
        "rlra train",
        "after.jsonl",
    ]
    typed = "\n".join(block.text for block in BLOCKS if block.info == ("sh",))
    places = [typed.index(name) for name in [*order, "report.jsonl", "rlra provenance", "decline.yaml"]]
    assert places == sorted(places)
