"""How likely the reference answers of judged files are under the policies that answered."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import orjson

from rlra_cli import ui
from rlra_cli.models import opened_model
from rlra_cli.options import EndpointOptions, ModelOptions
from schemas.errors import RlraError
from schemas.judged import Judged

if TYPE_CHECKING:
    from stages.models.pool import PooledModel

Lines = Mapping[str, Mapping[str, Sequence[Judged]]]
"""By axis and label."""
Likelihood = dict[str, dict[str, dict[str, float]]]
"""Nats per token, by axis, label and prompt."""


def reference_likelihood(read: Lines, quiet: bool = True) -> Likelihood:
    """Return the mean log-likelihood per token of each line's reference answer under the policy of its file.

    Axes without references are left out. Each policy is loaded once, and each reference measured once under it; a
    terminal is shown how many policies are done, unless `quiet`. Raises RlraError when no axis has references, a
    file has several policies, and a policy's weights are others by now.
    """
    wanted = {
        (axis, label): some for axis, by in read.items() for label, lines in by.items() if (some := _wanted(lines))
    }
    if not wanted:
        raise RlraError("--likelihood needs `reference` in the lines", hint="give the prompts a reference answer")
    policies = {place: _policy(lines, place) for place, lines in wanted.items()}
    found: Likelihood = {}
    models = dict.fromkeys(policies.values())
    for model in ui.progress(models, "eval, reference likelihood", 0, len(models), quiet):
        lines = {place: wanted[place] for place, policy in policies.items() if policy == model}
        values = _measured(model, [line for some in lines.values() for line in some])
        for (axis, label), some in lines.items():
            found.setdefault(axis, {})[label] = {line.id: values[_key(line)] for line in some}
    return found


def _wanted(lines: Sequence[Judged]) -> list[Judged]:
    # What a reference to the last of several turns answers, each policy has said otherwise.
    return [line for line in lines if line.reference and not line.follow_ups]


def _policy(lines: Sequence[Judged], place: tuple[str, str]) -> tuple[str, str]:
    policies = sorted({(line.policy.model, line.policy.revision) for line in lines})
    if len(policies) != 1:
        axis, label = place
        raise RlraError(f"--likelihood: {f'{axis}:' if axis else ''}{label} has answers of several policies")
    return policies[0]


def _key(line: Judged) -> bytes:
    return orjson.dumps([[message.model_dump(mode="json") for message in line.messages], line.reference])


def _measured(policy: tuple[str, str], lines: Sequence[Judged]) -> dict[bytes, float]:
    asked = {_key(line): line for line in lines}
    model, revision = policy
    if not (model == "smollm2" or model.startswith("hf:")):
        raise RlraError(f"--likelihood: {model} cannot be asked how likely a text is", hint="use smollm2 or hf:DIR")
    with opened_model(model, EndpointOptions(), ModelOptions(), "float32") as opened:
        if opened.revision != revision:
            raise RlraError(f"{model}: the weights are no longer those that answered ({revision})")
        values = cast("PooledModel", opened).likelihood(
            [(line.messages, line.reference or "") for line in asked.values()]
        )
    return dict(zip(asked, values, strict=True))
