"""Several policies in one go: what each is called, and where its lines go."""

import re
from collections.abc import Sequence
from pathlib import Path

from rlra_cli import ui
from rlra_cli.options import MapOptions
from rlra_cli.run import Job
from schemas.errors import RlraError
from schemas.files import is_remote, shown
from schemas.jsonl import Source
from schemas.manifest import differing_keys, path_for, read_manifest
from stages.models.endpoint import parted

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def policies_of(given: Sequence[str], output: str) -> dict[str, str]:
    """Return the references of the policies by where their lines go: one to `output`, several into that folder.

    Each is given as NAME=REFERENCE or as REFERENCE, and is then called after it. Raises RlraError for
    several without a folder, a name that is no file's, and two policies of one name.
    """
    named = [_named(each) for each in given]
    if len(named) == 1:
        return {output: named[0][1]}
    folder = Path(output)
    if output == "-" or is_remote(output) or not (output.endswith("/") or folder.is_dir()):
        what = f"{len(named)} policies need a folder to write to, and '{shown(output)}' is none"
        raise RlraError(what, hint="say -o runs/")
    names = [name for name, _ in named]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise RlraError(f"--model: two policies are called '{twice}'", hint="name them, as in A=smollm2 B=hf:run/")
    return {str(folder / f"{name}.jsonl"): reference for name, reference in named}


def _named(given: str) -> tuple[str, str]:
    name, equals, reference = given.partition("=")
    if not equals or ":" in name:  # a folder or a URL may hold the sign too
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", parted(given)[0]).strip("-."), given
    if not NAME.fullmatch(name):
        raise RlraError(f"--model: '{name}' cannot be the name of a file", hint="use letters, digits, '.', '_' and '-'")
    return name, reference


def options_of(options: MapOptions, output: str) -> MapOptions:
    """Return the options of one of several policies: `--summary s.json` becomes `s.NAME.json`."""
    path = options.summary
    own = path.with_name(f"{path.stem}.{Path(output).stem}{path.suffix}") if path else None
    return options.model_copy(update={"summary": own})


def is_complete(job: Job) -> bool:
    """Return whether the output of `job` is there already, whole and of this very recipe, and say so."""
    path = Path(job.output)
    if not (path.exists() and path_for(path).exists()):
        return False
    recipe = read_manifest(path_for(path)).recipe
    if differing_keys(recipe, job.recipe()) or Source(job.output).fingerprint()[0] != recipe.sha256:
        return False
    ui.say(f"{job.stage}: {job.output} is complete", job.options.quiet)
    return True
