"""The app: one line per command, and the only printer of errors."""

import errno
import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import typer

from rlra_cli import ui
from schemas.errors import RlraError

COMMANDS = {
    "generate-rubrics": "Write a rubric for every prompt: constraints, a template, or a model's.",
    "rollout": "Sample a group of responses for every task.",
    "judge": "Score every response against its rubric, by checks and by a model.",
    "merge": "Put the shards of a run together, in the order of its input.",
    "stats": "Say what a judged file is like: rewards, groups, criteria, length, failures.",
    "select-data": "Keep the groups that a policy can learn from.",
    "defend": "Find what over-rewarded responses share, and draft vetoes against it.",
    "train": "Train the policy: staged from a judged file, or online.",
    "eval": "Compare policies or checkpoints, prompt by prompt, and hold them to gates.",
    "eval suite": "Answer, judge and measure suites by name.",
    "eval agreement": "Measure a judge against people's labels.",
    "eval pairwise": "Let a judge compare responses two by two, and rate whose they are.",
    "rubrics lint": "Find what makes rubrics bad, without a model.",
    "rubrics stats": "Count a bank: kinds, scopes, sources, criteria, duplicates.",
    "rubrics review": "Go through drafts in the terminal: accept, edit, reject, comment.",
    "rubrics ablate": "Say what a criterion does: re-score stored verdicts without it.",
    "rubrics import": "Turn another project's rubrics into ours.",
    "rubrics export": "Turn our rubrics into another project's.",
    "rubrics schema": "Print the JSON Schema that editors complete rubrics with.",
    "validate": "Say what each file is, and whether it holds.",
    "show": "Print one prompt's life: rubric, responses, verdicts, rewards.",
    "diff": "Show where rewards moved most between two judged files.",
    "provenance": "Say from what a file was made, step by step, and what is stale.",
}
GROUPS = {"rubrics": "Check rubrics, review them, ablate them, count them, exchange them."}
"""What the first word of a command of two words is about, where it is no command by itself."""
INTERRUPTED = 130
HELP = """Reinforcement learning with rubric anchors, one step at a time.

Every command reads and writes JSONL; `-` is a pipe. The main line is

    rlra generate-rubrics prompts.jsonl | rlra rollout | rlra judge > judged.jsonl

followed by `rlra train judged.jsonl -o run/` and `rlra eval`.
"""
DISK = {
    errno.ENOSPC: "no space left on the disk",
    errno.EFBIG: "the file may not grow further",
    errno.EDQUOT: "the disk quota is used up",
}


def build(chosen: str | None) -> typer.Typer:
    """Return the app. Only the chosen command's module is imported: `rlra --help` answers in a blink."""
    app = typer.Typer(
        help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )
    app.callback(help=HELP, invoke_without_command=True)(_version)
    groups = {
        name: typer.Typer(help=line, no_args_is_help=True, rich_markup_mode=None) for name, line in GROUPS.items()
    }
    for name, line in COMMANDS.items():
        group, word = _placed(name)
        home = groups[group] if group else app
        if name == chosen:
            from rlra_cli.options import expand

            spelled = name.replace("-", "_").replace(" ", "_")
            home.command(word)(expand(getattr(importlib.import_module(f"rlra_cli.{spelled}"), spelled)))
        else:
            home.command(word, help=line)(_nothing)
        if group and not any(known.name == group for known in app.registered_groups):
            app.add_typer(home, name=group)
    return app


def _placed(name: str) -> tuple[str, str]:
    """Return a command's group, empty for most, and its name in there: `eval agreement` is one name."""
    first, _, rest = name.partition(" ")
    return (first, rest) if first in GROUPS else ("", name)


def joined(words: list[str]) -> list[str]:
    """Return a command line whose first two words are one, where they name a command and its first is one by itself.

    typer knows a word as a command or as a group of them: of `eval`, which takes files, it can make no group.
    """
    first_two = " ".join(words[:2])
    return [first_two, *words[2:]] if first_two in COMMANDS and words[0] in COMMANDS else words


def chosen_of(words: list[str]) -> str | None:
    """Return which command the words of a command line, `joined`, begin with: one word, or a group and one."""
    said = [word for word in words if not word.startswith("-")]
    in_group = " ".join(said[:2])
    return in_group if in_group in COMMANDS and said[0] in GROUPS else said[0] if said else None


def _nothing() -> None:
    """Stands in the list of commands for one that was not chosen."""


def _version(show: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True)) -> None:
    if show:
        from importlib.metadata import version

        print(version("rlra"))
        raise typer.Exit


def main() -> None:
    """Run the command line and exit with the code that the README's table gives."""
    signal.signal(signal.SIGTERM, _interrupt)
    if sys.stdout is None:  # the caller closed it
        ui.complain(RlraError("stdout is closed: there is nowhere for records to go", hint="use `>/dev/null`"))
        sys.exit(1)
    # Under PYTHONUNBUFFERED, Python's own stdout drops what a full disk leaves of a write, and says nothing.
    sys.stdout = open(sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, closefd=False)
    words = joined(sys.argv[1:])
    chosen = chosen_of(words)
    code = _run(lambda: build(chosen)(words, standalone_mode=False, prog_name="rlra"), chosen)
    sys.exit(_run(sys.stdout.flush, chosen) or code)


def _run(work: Callable[[], int | None], chosen: str | None) -> int:
    try:
        code = work() or 0
        if code == INTERRUPTED:  # typer's word for a KeyboardInterrupt
            raise KeyboardInterrupt
        return code
    except RlraError as error:
        ui.complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        ui.say("rlra: interrupted; the same command goes on from what was written")
        return INTERRUPTED
    except BrokenPipeError:  # at the last flush
        return _reader_gone()
    except OSError as error:
        if error.errno not in DISK:
            raise
        ui.complain(
            RlraError(DISK[error.errno], hint="make room, then repeat the command: it goes on from what was written")
        )
        _drop_stdout()
        return 1
    except Exception as error:
        if type(error).__name__ == "ReaderGoneError":  # its module is loaded with the command alone
            return _reader_gone()
        if not hasattr(error, "format_message"):
            raise
        return _misused(error, chosen)


def _misused(error: Any, chosen: str | None) -> int:
    """Print a usage error of typer's, and where to read what is right."""
    message = error.format_message()
    if message.startswith("Usage:"):  # nothing was asked for: the whole help, which is no error of one line
        ui.say(message)
    elif message:
        known = f" {chosen}" if chosen in COMMANDS or chosen in GROUPS else ""
        meant = _meant(chosen) if not known else ""
        ui.complain(RlraError(message, hint=meant or f"see `rlra{known} --help`"))
    return 2


def _meant(word: str | None) -> str:
    """Return a hint that names the command that a word stands for which is none; empty where none comes near."""
    import difflib

    last = {name.split()[-1]: name for name in COMMANDS}
    near = difflib.get_close_matches(word or "", [*COMMANDS, *last], n=1, cutoff=0.7)
    return f"did you mean `rlra {last.get(near[0], near[0])}`?" if near else ""


def _reader_gone() -> int:
    """End quietly, as other tools do."""
    _drop_stdout()
    return 128 + signal.SIGPIPE


def _drop_stdout() -> None:
    """Let what is left to be written go nowhere: it could not be written before, and is not tried again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
