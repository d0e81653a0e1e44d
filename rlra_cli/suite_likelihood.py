"""How likely reference answers are under a model, written into the lines that the model answered."""

from collections.abc import Iterator
from pathlib import Path

from rlra_cli import ui
from rlra_cli.models import opened_model
from rlra_cli.options import EndpointOptions, MapOptions, ModelOptions
from rlra_cli.policies import is_complete
from rlra_cli.round_stages import Sampler
from rlra_cli.run import Job, run_stream
from schemas.jsonl import Source
from schemas.rollouts import Rollouts

IN_PROCESS = ("smollm2", "hf:")
"""What the references of models begin with that can say how likely a given text is."""


def with_likelihood(rollouts: Path, reference: str, sampler: Sampler, output: Path, options: MapOptions) -> Path:
    """Write the lines to `output` with the likelihood of their references in `meta.measured`, and return that file.

    A server does not say how likely a given text is: then this is said, and the rollouts are returned as they are.
    Raises RlraError for a model that cannot be loaded.
    """
    if not reference.startswith(IN_PROCESS):
        ui.say(f"eval-suite: {reference}: no likelihood of a given text can be had; reference_loglik is left out")
        return rollouts
    from stages.models.weights import weights_of

    source = Source(str(rollouts))
    decided = {"measure": "reference_loglik", "model": reference, "revision": weights_of(reference)[1]}
    job = Job("eval-suite", decided, str(output), MapOptions(quiet=options.quiet), {"input": source})
    if not is_complete(job):
        run_stream(job, _measured(list(source.read(Rollouts)), reference, sampler))
    return output


def _measured(lines: list[Rollouts], reference: str, sampler: Sampler) -> Iterator[Rollouts]:
    from stages.measures import REFERENCE_LOGLIK
    from stages.suites.base import MEASURED

    # What a reference to the last of several turns answers, each policy has said otherwise.
    wanted = [line for line in lines if line.reference and not line.follow_ups]
    run = ModelOptions(processes=sampler.processes, batch_size=sampler.batch_size)
    with opened_model(reference, EndpointOptions(), run, "float32") as model:
        measure = getattr(model, "likelihood")  # noqa: B009 (only models in this process have it)
        values = measure([(line.messages, line.reference or "") for line in wanted])
    found = dict(zip([line.id for line in wanted], values, strict=True))
    for line in lines:
        figures = {REFERENCE_LOGLIK: found[line.id]} if line.id in found else {}
        yield line.model_copy(update={"meta": {**line.meta, MEASURED: figures}})
