"""A name is said once: command = module = function = page of the docs = test. And help comes in a blink."""

import ast
import importlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from docs import make_commands
from rlra_cli.main import COMMANDS
from rlra_cli.options import docstrings
from schemas.base import Part
from tests.house.sources import ROOT, modules

HEAVY = {"torch", "transformers", "trl", "vllm", "datasets", "accelerate", "peft", "polars", "pandera"}
HEAVY |= {"matplotlib", "aiohttp", "jinja2", "numpy", "rich"}
every_command = pytest.mark.parametrize("command", COMMANDS)


def module_name(command: str) -> str:
    """Return the name of a command's module and function."""
    return command.replace("-", "_").replace(" ", "_")


def page_of(command: str) -> Path:
    """Return the page of the docs on a command."""
    return ROOT / "docs" / "commands" / f"{command.replace(' ', '-')}.md"


@cache
def helped(*words: str) -> tuple[str, list[str]]:
    """Return what `rlra WORDS --help` prints, and the modules that were loaded for it."""
    program = (
        "import atexit, sys; sys.argv = ['rlra', *sys.argv[1:]];"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from rlra_cli.main import main; main()"
    )
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", program, *words, "--help"], capture_output=True, text=True, env=environment, check=True
    )
    return done.stdout, done.stderr.split()


@pytest.mark.parametrize(
    "words", [(), ("rubrics",), *(tuple(command.split()) for command in COMMANDS)], ids=lambda words: " ".join(words)
)
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    """Printing help imports no library that takes long to import."""
    loaded = helped(*words)[1]
    assert "rlra_cli.main" in loaded
    assert not HEAVY & set(loaded)


@every_command
def test_one_name(command: str) -> None:
    """A command has a module, a function in it, and a page of the docs, all of its name."""
    name = module_name(command)
    assert callable(getattr(importlib.import_module(f"rlra_cli.{name}"), name))
    assert page_of(command).exists()


@every_command
def test_the_page_is_what_the_command_says(command: str) -> None:
    """The page of the docs holds today's --help; `python docs/make_commands.py` writes it anew."""
    text = page_of(command).read_text(encoding="utf-8")
    assert text == make_commands.page(command), "run: python docs/make_commands.py"


@every_command
def test_a_test_mentions_it(command: str) -> None:
    """Some test of the command line runs it."""
    texts = [
        path.read_text(encoding="utf-8")
        for room in ("contract", "cli")
        for path in (ROOT / "tests" / room).rglob("test_*.py")
    ]
    said = ", ".join(f'"{word}"' for word in command.split())
    assert any(said in text for text in texts)


@every_command
def test_help_opens_with_an_example(command: str) -> None:
    """The help shows a command line that can be copied, before the arguments and options."""
    before_options = helped(*command.split())[0].partition("\nArguments:")[0].partition("\nOptions:")[0]
    assert f"\n  rlra {command} " in before_options


@every_command
def test_help_says_where_to_go_next(command: str) -> None:
    """The help names another command, such as the one to pipe into."""
    text = " ".join(helped(*command.split())[0].split())
    assert any(f"`rlra {other}" in text for other in COMMANDS if other != command), "names no other command"


@every_command
def test_every_option_says_what_it_does(command: str) -> None:
    """Each field of each spec of the command has a text below it, which is the option's help."""
    module = importlib.import_module(f"rlra_cli.{module_name(command)}")
    parameters = getattr(module, module_name(command)).__annotations__.values()
    for spec in (p for p in parameters if isinstance(p, type) and issubclass(p, Part)):
        assert not spec.model_fields.keys() - docstrings(spec).keys(), spec.__name__


def test_every_command_module_is_listed() -> None:
    """Each module of the door that calls itself a command is one."""
    titles = {module.path.stem: ast.get_docstring(module.tree) for module in modules("rlra_cli")}
    assert {f"`rlra {command}`." for command in COMMANDS} == {
        t for t in titles.values() if t and t.startswith("`rlra ")
    }
