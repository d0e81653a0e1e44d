"""The pipelines of the examples consist of command lines that the real command line takes; nothing is run."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.command_lines import command_lines, refused
from tests.docs.pages import MADE
from tests.house.sources import ROOT

FOLDERS = sorted(path.parent for path in (ROOT / "examples").rglob("Makefile") if not MADE & set(path.parts))


def printed(folder: Path, *given: str) -> list[list[str]]:
    """Return the words behind each `rlra` of what `make` would run, if all of it were out of date."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "RLRA"))}
    words = ["make", "-n", "-B", "RLRA=rlra", *given]
    done = subprocess.run(words, cwd=folder, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(command_lines(done.stdout))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_pipeline_consists_of_commands_that_exist(folder: Path) -> None:
    found = printed(folder, f"IFEVAL={ROOT / 'examples' / 'quickstart' / 'heldout.jsonl'}")
    assert len(found) >= 5
    wrong = [f"rlra {' '.join(words)}: {why}" for words in found if (why := refused(words))]
    assert not wrong, "\n".join(wrong)


def test_all_examples_are_looked_at() -> None:
    assert {"quickstart", "two_stage", "natural", "injected"} <= {folder.name for folder in FOLDERS}
