"""`rlra rubrics review` as a person has it: in a terminal, key by key, with an editor of their own."""

import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.test_rubrics_review import bank, editor, reviews
from tests.house.sources import ROOT
from tests.running import Runner, records, wait_until

TMUX = shutil.which("tmux")
pytestmark = pytest.mark.skipif(TMUX is None, reason="tmux, in which a person's terminal is played, is not installed")


class Terminal:
    """A terminal of 100 by 40 in which a shell runs."""

    def __init__(self, folder: Path) -> None:
        self._socket = f"rlra-{uuid.uuid4().hex[:12]}"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40", "-c", str(folder), "sh")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run([str(TMUX), "-L", self._socket, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names for them."""
        self._tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type a line, and press Enter."""
        self._tmux("send-keys", "-l", text)
        self.keys("Enter")

    def screen(self) -> str:
        """Return what can be seen."""
        return self._tmux("capture-pane", "-p")

    def waits_for(self, said: str, count: int = 1) -> str:
        """Return the screen once it says something so often."""
        wait_until(
            lambda: self._tmux("capture-pane", "-p", "-S", "-500").count(said) >= count, f"{said!r} on the screen"
        )
        return self.screen()

    def close(self) -> None:
        """End the shell and all that runs in it."""
        self._tmux("kill-server")


@pytest.fixture
def terminal(run: Runner) -> Iterator[Terminal]:
    """Yield a terminal in the folder of the test, where `review` starts a review of three drafts."""
    run.write("bank.jsonl", bank("a", "b", "c"))
    found = Terminal(run.folder)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def start(terminal: Terminal, run: Runner) -> Callable[[str], None]:
    """Return a function that starts a review, with an editor that does as a shell's program says."""

    def review(program: str = "true") -> None:
        words = [sys.executable, "-m", "rlra_cli.main", "rubrics", "review", "bank.jsonl", "-o", "out.jsonl"]
        mine = shlex.quote(editor(run, program))
        named = shlex.join([*words, "--by", "Anna"])
        terminal.type(f"clear; PYTHONPATH={shlex.quote(str(ROOT))} VISUAL={mine} {named}; echo ended with $?")

    return review


def test_a_person_goes_through_a_bank(terminal: Terminal, run: Runner, start: Callable[[str], None]) -> None:
    """Accept, edit and reject with a comment, undo it and reject again; every step is seen on the screen."""
    start("sed -i 's/weight: 2.0/weight: 5/' \"$1\"")
    screen = terminal.waits_for("[q] quit")
    assert "draft 1 of 3" in screen and "+2  kind  Is kind." in screen and "−1  rude  Is rude." in screen
    terminal.keys("a")
    terminal.waits_for("comment (Enter for none)")
    terminal.type("")
    assert "draft 2 of 3" in terminal.waits_for("[q] quit", 2)
    terminal.keys("x", "Up")  # mean nothing
    terminal.keys("e")
    assert "edited by Anna" in terminal.waits_for("[q] quit", 3)
    terminal.keys("r")
    terminal.waits_for("comment (Enter for none)", 2)
    terminal.type("too vague")
    assert "draft 3 of 3" in terminal.waits_for("[q] quit", 4)
    terminal.keys("u")
    screen = terminal.waits_for("[q] quit", 5)
    assert "undone: b rejected" in screen and "+5  kind  Is kind." in screen
    terminal.keys("r")
    terminal.waits_for("comment (Enter for none)", 3)
    terminal.type("too vague after all")
    terminal.waits_for("[q] quit", 6)
    terminal.keys("q")
    assert "1 accepted, 1 draft, 1 rejected" in terminal.waits_for("ended with 0")
    found = reviews(run.read("out.jsonl"))
    assert (found["a"]["state"], found["b"]["comment"], found["c"]) == ("accepted", "too vague after all", None)
    assert [step["did"] for step in found["b"]["history"]] == ["edited", "rejected"]
    assert records(run.read("out.jsonl"))[1]["rubric"]["source"] == "hybrid"


def test_control_c_loses_nothing_and_leaves_the_terminal_as_it_was(
    terminal: Terminal, run: Runner, start: Callable[[str], None]
) -> None:
    start("true")
    terminal.waits_for("[q] quit")
    terminal.keys("a")
    terminal.waits_for("comment (Enter for none)")
    terminal.type("good")
    terminal.waits_for("[q] quit", 2)
    terminal.keys("C-c")
    assert "interrupted; the same command goes on" in terminal.waits_for("ended with 130")
    terminal.type("echo seen")
    assert "$ echo seen\nseen" in terminal.waits_for("\nseen").replace("# echo", "$ echo"), "what is typed is shown"
    start("true")
    terminal.waits_for("draft 1 of 2")
    terminal.keys("C-d")
    terminal.waits_for("ended with 0")
    assert reviews(run.read("out.jsonl"))["a"]["comment"] == "good"
