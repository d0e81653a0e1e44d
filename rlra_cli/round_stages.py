"""The steps of one round of training, each carried out by the command of its name, and not again where it is made."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from rlra_cli.judge import judge
from rlra_cli.judge_panel import PanelOptions
from rlra_cli.options import EndpointOptions, MapOptions, ModelOptions, PlaceOptions, RunOptions
from rlra_cli.processes import LAUNCHER
from rlra_cli.rollout import rollout
from schemas.jsonl import Source
from schemas.manifest import Recipe, path_for, read_manifest
from stages.judge import JudgeSpec
from stages.rollout import RolloutSpec
from stages.selection.spec import SelectDataSpec

HELD_OUT = 4
"""Answers to a held-out prompt. Greedy ones would show loops that training never sees (docs/decisions/0005)."""


class Sampler(RolloutSpec, ModelOptions):
    """What `--rollout-options` may say."""


@dataclass(frozen=True)
class Judges:
    """How `rlra judge` is called."""

    spec: JudgeSpec
    rubrics: Sequence[Path]
    add: bool
    models: Sequence[str]
    panel: PanelOptions
    endpoint: EndpointOptions
    max_failures: str


@dataclass(frozen=True)
class Steps:
    """How the steps of every round are carried out."""

    sampler: Sampler
    judges: Judges
    selecting: SelectDataSpec
    learning: Path
    """The options of `rlra train`, as a file."""
    quiet: bool

    def sample(self, model: tuple[str, str], seed: int, tasks: Path, output: Path, held_out: bool = False) -> None:
        """Let a model, by its reference and the revision of its weights, answer tasks.

        Held-out ones as those that are learned from, but a few times and without tokens.
        """
        policy, revision = model
        more = {"group_size": HELD_OUT, "until_spread": 0, "tokens": False} if held_out else {}
        asked = self.sampler.model_copy(update={"seed": seed, **more})
        spec = RolloutSpec.model_validate({name: getattr(asked, name) for name in RolloutSpec.model_fields})
        run = {name: getattr(asked, name) for name in ModelOptions.model_fields if name != "model"}
        by = self.judges if spec.until_spread else None
        if not is_made(output, tasks, revision):
            rollout(
                spec,
                ModelOptions(model=(policy,), **run),
                EndpointOptions(),
                MapOptions(quiet=self.quiet, max_failures=self.judges.max_failures),
                PlaceOptions(),
                tasks=str(tasks),
                output=str(output),
                rubrics=list(by.rubrics) if by else [],
                add=bool(by and by.add),
            )

    def judge(self, rollouts: Path, output: Path, judges: Judges | None = None) -> None:
        """Judge what was answered, by these judges or by those of the training."""
        by = judges or self.judges
        if not is_made(output, rollouts):
            judge(
                by.spec,
                by.panel,
                by.endpoint,
                MapOptions(quiet=self.quiet, max_failures=by.max_failures),
                PlaceOptions(),
                rollouts=str(rollouts),
                output=str(output),
                rubrics=list(by.rubrics),
                add=by.add,
                model=list(by.models),
            )

    def select(self, judged: Path, kept: Path) -> None:
        """Keep the groups that can be learned from; what is left out goes beside them."""
        if not is_made(kept, judged):
            rejects = kept.with_name("rejects.jsonl")
            from rlra_cli.selecting import Files, select  # late: `rlra train --help` would wait for it

            files = Files(str(judged), str(kept), rejects, True, [], None, "", None)
            select(self.selecting, RunOptions(quiet=self.quiet), files)

    def learn(self, model: str, kept: Path, output: Path) -> None:
        """Train in a process of its own: when it ends, all its memory is there for the sampler of the next round.

        Raises typer.Exit with its code where it does not end well.
        """
        words = ["train", str(kept), "-o", str(output), "--model", model, "--spec", str(self.learning)]
        words += ["--quiet"] if self.quiet else []
        words += [] if _is_begun(output, kept) else ["--no-resume"]
        if not is_made(output, kept) and (code := _apart(words)):
            raise typer.Exit(code)


def is_made(output: Path, source: Path | Source, revision: str | None = None) -> bool:
    """Return whether `output` is whole and was made from `source` as it is now, and by weights of that revision."""
    read = source if isinstance(source, Source) else Source(str(source))
    manifest = path_for(output)
    if not manifest.exists():
        return False
    recipe = read_manifest(manifest).recipe
    known, by = recipe.inputs.get("input"), recipe.spec.get("revision")
    return known is not None and known.sha256 == read.fingerprint()[0] and revision in (None, by)


def _is_begun(folder: Path, source: Path) -> bool:
    """Return whether an interrupted `rlra train` left something in `folder` that it had learned from `source`."""
    begun = folder / "recipe.json"
    if not (begun.exists() and (folder / "checkpoints").exists()):
        return False
    known = Recipe.model_validate_json(begun.read_bytes()).inputs.get("input")
    return known is not None and known.sha256 == Source(str(source)).fingerprint()[0]


def _apart(words: Sequence[str]) -> int:
    """Run `rlra WORDS` in a process of its own, which ends with this one, and return its exit code.

    What the environment says of options is ours and not its own.
    """
    kept = {name: value for name, value in os.environ.items() if name == "RLRA_CACHE" or not name.startswith("RLRA_")}
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "rlra_cli.main", *words], env={**kept, LAUNCHER: str(os.getpid())}
    )
    try:
        code = child.wait()
        return code if code >= 0 else 1
    except KeyboardInterrupt:
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise
    finally:
        child.kill()
