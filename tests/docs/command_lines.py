"""The `rlra` command lines in a piece of shell, and whether the real command line takes them; nothing is run."""

import importlib
import inspect
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError
from typer.main import get_command

from rlra_cli.main import COMMANDS, GROUPS, build, chosen_of, joined
from schemas.base import Part

_INSIDE = re.compile(r"\$\(((?:[^()]|\([^()]*\))*)\)")
_BEFORE = {"nice", "time", "env", "do", "then", "!", "exec"}
"""Words that a command may stand behind."""
_MISSING = {"MissingParameter", "BadOptionUsage"}
"""What click raises where an argument, a needed option, or the value of one is missing."""
_LEFT_OPEN = {"…", "..."}
"""Words that stand for more words."""
_CAPITALS = re.compile(r"[A-Z][A-Z_]*")


def command_lines(shell: str) -> Iterator[list[str]]:
    """Yield the words behind each `rlra` in a piece of shell: pipes, `$(…)`, loops, redirections and `\\` understood.

    Where words come from a command of their own, `1` stands for them, and that command is yielded first.
    """
    text = re.sub(r"\\\n", " ", re.sub(r"(?<=\s)[0-9]>", ">", shell))
    while found := _INSIDE.search(text):
        yield from command_lines(found[1])
        text = text[: found.start()] + "1" + text[found.end() :]
    for line in text.split("\n"):
        yield from _of_line(line)


def _of_line(line: str) -> Iterator[list[str]]:
    words: list[str] | None = None
    start, skip = True, False
    for word in [*_words(line), "\n"]:
        if skip:
            skip = False
        elif set(word) <= set("|&;()\n"):
            if words is not None:
                yield words
            words, start = None, True
        elif words is not None and set(word) <= set("<>&|"):  # a redirection: the file behind it is no argument
            skip = True
        elif words is not None:
            words.append(word)
        elif start and word == "rlra":
            words = []
        elif not (word in _BEFORE or "=" in word or re.fullmatch(r"-n|\d+", word)):
            start = False


def _words(line: str) -> list[str]:
    reader = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
    reader.whitespace_split = True
    reader.commenters = ""
    try:
        return list(reader) if "#" not in line else list(_before_comment(line))
    except ValueError:  # a quotation mark of prose that has no other
        return line.split()


def _before_comment(line: str) -> Iterator[str]:
    """Yield the words before a `#` that begins a word outside quotation marks."""
    for found in re.finditer(r"(?:^|\s)#", line):
        head = line[: found.start()]
        try:
            shlex.split(head)
        except ValueError:
            continue
        yield from _words(head)
        return
    yield from _words(line.replace("#", "\uff03"))


def refused(words: list[str], whole: bool = True) -> str | None:
    """Return why rlra refuses a command line, before anything is read or run; None where it takes it.

    Files need not exist. COMMAND stands for any command, another word in capitals for a number where one is wanted,
    and `…` for any more words. Of a line that is not `whole`, such as one named in a sentence, arguments and options
    that are needed may be missing.
    """
    said = joined([word for word in words if word not in _LEFT_OPEN])
    chosen = chosen_of(said)
    if chosen not in COMMANDS:
        known = not said or said[0].startswith("-") or said[0] == "COMMAND" or said in [[group] for group in GROUPS]
        return None if known else "no such command"
    if "--spec" in said:  # a file with options, some of which may be needed
        at = said.index("--spec")
        said, whole = said[:at] + said[at + 2 :], False
    whole = whole and not _LEFT_OPEN & set(words)
    why = _refusal(said, chosen, whole)
    return why and (_refusal(_with_numbers(said), chosen, whole) and why)


def _with_numbers(words: list[str]) -> list[str]:
    """Return the words with a number for each word in capitals that stands behind an option."""
    pairs = zip(["", *words], words, strict=False)
    return ["1" if before.startswith("-") and _CAPITALS.fullmatch(word) else word for before, word in pairs]


def _refusal(words: list[str], chosen: str, whole: bool) -> str | None:
    try:
        _take(words, chosen)
    except Exception as error:
        kind = type(error).__name__
        if kind == "Exit" or (not whole and kind in _MISSING):  # `--help` and `--version` exit
            return None
        if not hasattr(error, "format_message"):
            raise
        return str(error.format_message())
    return None


@cache
def _app(chosen: str) -> Any:
    return get_command(build(chosen))


def _take(words: list[str], chosen: str) -> None:
    """Let the command line parse the words; raises what it raises."""
    command, context, name, rest = _app(chosen), None, "rlra", list(words)
    while True:
        context = command.make_context(name, rest, parent=context)
        if not hasattr(command, "resolve_command"):
            break
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
    if any(name.startswith(f"{chosen} ") for name in COMMANDS):
        _check_arguments(command, context.params)
    _check_specs(chosen, context.params)


def _check_arguments(command: Any, values: Mapping[str, Any]) -> None:
    """Raise SpecError for an argument that reads like a command: `rlra eval curve a.jsonl` is about a file `curve`."""
    for parameter in command.params:
        said = values.get(parameter.name) if parameter.param_type_name == "argument" else None
        for word in said if isinstance(said, list | tuple) else [said]:
            if re.fullmatch(r"[a-z][a-z-]+", str(word or "")):
                raise SpecError(f"'{word}' reads like a command, not like a file")


class SpecError(Exception):
    """A value that an option's field does not take."""

    def format_message(self) -> str:
        """Return what is wrong, as click's errors do."""
        return str(self)


def _check_specs(chosen: str, values: Mapping[str, Any]) -> None:
    """Raise SpecError where a field of the command's specs refuses its value."""
    name = chosen.replace("-", "_").replace(" ", "_")
    function = getattr(importlib.import_module(f"rlra_cli.{name}"), name)
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        spec = parameter.annotation
        if isinstance(spec, type) and issubclass(spec, Part):
            given = {field: values[field] for field in spec.model_fields}
            given = {field: tuple(value) if isinstance(value, list) else value for field, value in given.items()}
            try:
                spec.model_validate(given)
            except ValidationError as error:
                raise SpecError(str(error.errors(include_url=False)[0]["msg"])) from None
