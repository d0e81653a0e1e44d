"""How `rlra train --rounds` is told to go about it, and what of that cannot be."""

from pathlib import Path
from typing import Self

import typer
from pydantic import Field, model_validator

from rlra_cli.round_stages import Sampler
from rlra_cli.stage_options import options_in
from schemas.base import Part
from schemas.errors import RlraError
from schemas.rollouts import Sampling
from stages.train import TrainSpec

SAMPLED = ("group_size", "max_tokens", "temperature")
"""Options of `rlra train` that say how a round samples, unless `--rollout-options` does."""


class RoundOptions(Part):
    """How `rlra train --rounds` goes about it."""

    rounds: int = Field(default=0, ge=0)
    """INPUT holds tasks: sample, judge, select and learn so many times, each time with the model of the time before."""
    prompts_per_round: int = Field(default=0, ge=0)
    """With --rounds: tasks of one round, the next ones in an order drawn by the seed, round and round; 0 is all."""
    rollout_options: str = ""
    """With --rounds: a file with options of `rlra rollout` in YAML, or the manifest of a file of rollouts."""
    select_options: str = ""
    """With --rounds: a file with options of `rlra select-data` in YAML, or the manifest of a file that it wrote."""
    held_out: Path | None = None
    """With --rounds: tasks that are answered before the first round and after each, four times each and drawn as in
    training, and judged as the others."""
    patience: int = Field(default=0, ge=0)
    """With --held-out: end after so many rounds without a better reward there than ever before, and take the model of
    the best round; 0 goes on to the last round and takes its model."""
    gold_rubrics: tuple[Path, ...] = ()
    """With --held-out: rubrics that its answers are judged by as well; an alarm tells when those rewards fall while
    the others rise. May be repeated."""
    gold_judge: tuple[str, ...] = ()
    """With --held-out: judges that its answers are judged by as well, as --judge. May be repeated, for a panel."""
    keep_rounds: bool = False
    """With --rounds: keep the weights of all rounds; otherwise those of the best and of the last round stay."""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if (self.patience or self.gold_rubrics or self.gold_judge) and not self.held_out:
            raise ValueError("--patience, --gold-rubrics and --gold-judge go with --held-out")
        return self


def refuse_pipe(held_out: Path | None) -> None:
    """Raise RlraError where the held-out prompts are neither a file nor a folder of parts."""
    if held_out is None:
        return
    if str(held_out) == "-" or (held_out.exists() and not held_out.is_file() and not held_out.is_dir()):
        raise RlraError("--held-out: is read in every round, and a pipe only once", hint="put the prompts into a file")


def sampler_of(options: RoundOptions, spec: TrainSpec, context: typer.Context) -> Sampler:
    """Return how every round samples: as the command line says, else the file, else the defaults.

    Raises RlraError where staged training could not learn from what is sampled so.
    """
    said = {name: getattr(spec, name) for name in SAMPLED if _is_said(name, spec, context)}
    sampler = options_in(options.rollout_options, "rollout", Sampler, {"seed": spec.seed}, said, hidden=("model",))
    found = Sampling.model_validate(sampler.sampling).unfit
    found += () if sampler.tokens else ("no token ids",)
    found += () if sampler.group_size > 1 else ("one response per prompt",)
    if found:
        raise RlraError(f"--rollout-options: {', '.join(found)}: training cannot learn from what is sampled so")
    return sampler


def _is_said(name: str, spec: TrainSpec, context: typer.Context) -> bool:
    origin = context.get_parameter_source(name)
    typed = origin is not None and origin.name in ("COMMANDLINE", "ENVIRONMENT")
    return typed or getattr(spec, name) != TrainSpec.model_fields[name].default
