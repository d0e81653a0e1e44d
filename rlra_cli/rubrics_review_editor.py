"""A rubric in the reviewer's own editor, as YAML."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rlra_cli.rubric_files import placed
from schemas.errors import RlraError
from schemas.exchange.folder import yaml_of
from schemas.rubric import Rubric

_FILE = "rubric.yaml"
_ABOVE = "# Save and close to take the change; an empty file gives it up. The id stays.\n"


class Edit:
    """One edit of one rubric: a file that is opened until it can be read, or given up."""

    def __init__(self, rubric: Rubric) -> None:
        self._folder = TemporaryDirectory(prefix="rlra-review-")
        self._path = Path(self._folder.name) / _FILE
        self._rubric = rubric
        self._path.write_text(_ABOVE + yaml_of(rubric.model_copy(update={"review": None})), encoding="utf-8")

    def open(self) -> Rubric | None:
        """Let the person edit, and return what they made of the rubric; None where they changed nothing.

        Raises RlraError with the line in question where it cannot be taken: the text is kept to be edited again.
        """
        _run(self._path)
        if not self._path.exists() or not self._path.read_bytes().strip():
            return None
        try:
            found = placed(self._path).rubric
        except RlraError as error:
            raise RlraError(error.message.replace(str(self._path), _FILE), hint=error.hint) from None
        if found.rubric != self._rubric.rubric:
            raise RlraError(f"{_FILE}: rubric: '{self._rubric.rubric}' has become '{found.rubric}', and an id stays")
        if found.review is not None:
            raise RlraError(f"{_FILE}: review: is decided with the keys, and not in the text")
        taken = found.model_copy(update={"inherits": found.inherits or self._rubric.inherits})
        return None if taken == self._rubric.model_copy(update={"review": None}) else taken

    def close(self) -> None:
        """Remove the file."""
        self._folder.cleanup()


def _run(path: Path) -> None:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    # Its screen goes to stderr: stdout may be the records' file. A script's lines are answers, and no typing.
    words = [*shlex.split(command), str(path)]
    try:
        done = subprocess.run(
            words, stdin=None if sys.stdin.isatty() else subprocess.DEVNULL, stdout=sys.stderr, check=False
        )
    except (OSError, ValueError) as error:
        raise RlraError(f"the editor '{command}' cannot be run: {error}", hint="say which one in $EDITOR") from None
    if done.returncode:
        raise RlraError(f"the editor '{command}' ended with {done.returncode}", hint="say another one in $EDITOR")
