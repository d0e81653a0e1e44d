"""The script that makes a chain again: words come through bash as they were, each command once, after what it needs."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.manifest import Manifest, Recipe
from stages.provenance import Origin
from stages.provenance_again import command_of, quoted, script
from stages.provenance_uses import models_in, typed_in
from stages.visible import visible

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)
NASTY = [
    "$(id)",
    "`id`",
    "it's",
    '"',
    "\\",
    "a\nb",
    "\x1b[31m",
    "-",
    "",
    "*",
    "~",
    "é",
    "\u202e",
    "\u2028x",
    "a\\'\tb\x7f",
]


def through_bash(words: Sequence[str]) -> list[str]:
    """Return the words that a program gets when bash reads them."""
    line = " ".join(["printf", "'%s\\0'", *map(quoted, words)])
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True, env={"LC_ALL": "C"})
    return done.stdout.decode().split("\0")[:-1]


@settings(max_examples=25, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8))
def test_words_come_through_bash(words: list[str]) -> None:
    """Any text is one word again, and nothing in the script can act on a terminal or end its line."""
    assert through_bash(words) == words
    for word in words:
        assert visible(quoted(word)) == quoted(word)
        assert "\n" not in quoted(word)


def test_nasty_words_come_through_bash() -> None:
    """The ones that shells, terminals and writing directions are known for."""
    assert through_bash(NASTY) == NASTY
    assert [quoted(word) for word in NASTY] == [visible(quoted(word)) for word in NASTY]


CHAINS = st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=10)


@given(CHAINS, st.lists(st.integers(0, 3), min_size=10, max_size=10))
def test_each_command_once_after_what_it_needs(inputs: list[list[int]], shared: list[int]) -> None:
    """Whatever the shape, also where one command made several files."""
    count = len(inputs)
    chain = [
        Origin(f"f{n}", f"f{n}", n, command=f"rlra make {n}", folder=".", inputs=_later(n, into, count))
        for n, into in enumerate(inputs)
    ]
    lines = [line for line in script(chain).split("\n") if line.startswith("rlra")]
    assert sorted(lines) == sorted(origin.command for origin in chain)
    for origin in chain:
        for path in origin.inputs:
            assert lines.index(f"rlra make {path[1:]}") < lines.index(origin.command)
    alike = [
        Origin(each.name, each.path, each.depth, command=f"rlra make {shared[n]}", folder=".", inputs=each.inputs)
        for n, each in enumerate(chain)
    ]
    again = [line for line in script(alike).split("\n") if line.startswith("rlra")]
    assert sorted(again) == sorted({origin.command for origin in alike})


def _later(n: int, into: Sequence[int], count: int) -> tuple[str, ...]:
    return tuple(f"f{k}" for k in dict.fromkeys(into) if n < k < count)


def test_a_source_cannot_speak_in_the_script() -> None:
    """What is no command is told of in comments, each on one line."""
    chain = [Origin("x", "x\nrm -rf y", 0, why="a\nb"), Origin("z", "z", 1, command="rlra judge z", folder="")]
    lines = script(chain).split("\n")
    assert [line for line in lines if line and not line.startswith("#")] == ["set -euo pipefail", "rlra judge z"]


@pytest.mark.parametrize(
    ("artifact", "argv", "found"),
    [
        ("/a/out/x.jsonl", ["judge", "x.jsonl", "-o", "out/x.jsonl"], ("/a", True)),
        ("/a/out/x.jsonl", ["judge", "x.jsonl", "--output=./out/x.jsonl"], ("/a", True)),
        ("/a/out/x.jsonl", ["judge", "-o", "/b/out/x.jsonl"], None),
        ("/a/out/x.jsonl", ["judge", "-o", "../out/x.jsonl"], None),
        ("/a/out/x.jsonl", ["judge", "-o", "xout/x.jsonl"], None),
        ("/a/out/x.jsonl", ["defend", "-o", "out/y.yaml", "--findings", "out/x.jsonl"], ("/a", True)),
        ("/a/run/round-1/x.jsonl", ["train", "x.jsonl", "-o", "run"], ("/a", False)),
        ("/a/run", ["train", "x.jsonl", "-o", "run/"], ("/a", True)),
        ("/x.jsonl", ["judge", "-o", "x.jsonl"], ("/", True)),
        ("s3://b/x.jsonl", ["judge", "-o", "x.jsonl"], None),
        ("/a/x.jsonl", [], None),
    ],
)
def test_where_a_command_was_typed(artifact: str, argv: list[str], found: tuple[str, bool] | None) -> None:
    """It follows from the output's name in it and the place where that is now."""
    assert typed_in(artifact, argv) == found


def test_the_models_of_a_spec() -> None:
    """Policy, reference and judges, each with its revision where that is known; not what all began with."""
    spec = {
        "model": "hf:run",
        "revision": "r1",
        "base": {"model": "smollm2", "revision": "r0"},
        "reference": {"model": "hf:other", "revision": "r2"},
        "kl_reference": "hf:other",
        "judge": ["openai:j", "hf:dir"],
        "strong": "openai:s",
        "system": "openly",
        "steps": 3,
    }
    assert list(models_in(spec)) == [
        ("model", "hf:run", "r1"),
        ("reference", "hf:other", "r2"),
        ("judge.0", "openai:j", ""),
        ("judge.1", "hf:dir", ""),
        ("strong", "openai:s", ""),
    ]
    assert list(models_in({"model": ["smollm2", "openai:x"]})) == [
        ("model.0", "smollm2", ""),
        ("model.1", "openai:x", ""),
    ]


def test_a_command_without_secrets(tmp_path: Path) -> None:
    """Also where a manifest of another program has one."""
    recipe = Recipe(stage="judge", rlra="0", spec={}, inputs={})
    manifest = Manifest(recipe=recipe, run={"argv": ["judge", "https://a:pw@host/x?k=pw", "-o", "x.jsonl"]})
    assert command_of(str(tmp_path / "x.jsonl"), manifest)[:2] == (
        "rlra judge https://host/x -o x.jsonl",
        str(tmp_path),
    )


def test_a_command_waits_for_all_that_any_of_its_files_needs() -> None:
    """A run of rounds takes its first tasks from prompts, and judges them by a rubric that another command drafts."""
    train, defend = "rlra train", "rlra defend"
    chain = [
        Origin("judged", "judged", 0, command=train, folder=".", inputs=("tasks", "defence")),
        Origin("defence", "defence", 1, command=defend, folder=".", inputs=("earlier",)),
        Origin("earlier", "earlier", 2),
        Origin("tasks", "tasks", 2, command=train, folder=".", inputs=("prompts",)),
        Origin("prompts", "prompts", 3),
    ]
    assert [line for line in script(chain).split("\n") if line.startswith("rlra")] == [defend, train]
