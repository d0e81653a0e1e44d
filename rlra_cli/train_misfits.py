"""Options of `rlra train` that would do nothing in the run that was asked for: told before anything is read."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import typer

from rlra_cli.options import EndpointOptions
from rlra_cli.round_options import RoundOptions
from schemas.errors import RlraError

HOW_SAMPLED = ("group_size", "max_tokens", "temperature")
WHO_JUDGES = ("rubrics", "judge", "judge_options", "max_failures")
STAGED = ("epochs", "responses_per_prompt", "max_kl", "min_ess", "max_clip", "allow_stale")
ROUNDS = [name for name in RoundOptions.model_fields if name != "rounds"]

GOES: tuple[tuple[str, Iterable[str], Callable[[Mapping[str, Any]], object]], ...] = (
    ("with --rounds", ROUNDS, lambda given: given["rounds"]),
    ("with --online", ("steps", "judge_seconds"), lambda given: given["online"]),
    ("with --online and --rounds", HOW_SAMPLED + WHO_JUDGES, lambda given: given["online"] or given["rounds"]),
    ("without --online", STAGED, lambda given: not given["online"]),
    ("with --judge", ["cache"], lambda given: given["judge"]),
    (
        "with --judge and --gold-judge",
        EndpointOptions.model_fields,
        lambda given: given["judge"] or given["gold_judge"],
    ),
    ("with --rubrics", ["add"], lambda given: given["rubrics"]),
    ("with --beta", ["kl_reference"], lambda given: given["beta"]),
    ("with --mix", ["mix_by"], lambda given: given["mix"]),
)
"""What options go with or without, which they are, and whether that is so in a run with these values."""


def refuse_misfits(context: typer.Context) -> None:
    """Raise RlraError for the first option of the command line that contradicts another, or has no effect beside them.

    What a spec file or the environment says may be there for other runs, and is no mistake.
    """
    if context.params["online"] and context.params["rounds"]:
        raise RlraError("--rounds samples and judges between its updates, and --online within them: say one of them")
    for what, names, holds in GOES:
        for name in names:
            origin = context.get_parameter_source(name)
            if origin is not None and origin.name == "COMMANDLINE" and not holds(context.params):
                raise RlraError(f"--{name.replace('_', '-')} goes {what}")
