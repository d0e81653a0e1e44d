"""Tasks of lm-eval, run by its own package on a model in this process; its samples become lines of rollouts."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rlra_cli import ui
from rlra_cli.models import dtype_for
from rlra_cli.options import MapOptions
from rlra_cli.policies import is_complete
from rlra_cli.round_stages import Sampler
from rlra_cli.run import Job, run_stream
from rlra_cli.suite_likelihood import IN_PROCESS
from rlra_cli.suite_options import Axis, SamplingOptions
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.rollouts import Policy, Rollouts


def installed() -> str:
    """Return the version of lm-eval. Raises RlraError where it is not installed."""
    try:
        return version("lm_eval")
    except PackageNotFoundError:
        raise RlraError("--lm-eval needs lm-eval", hint="pip install 'rlra[lm-eval]'") from None


def check(references: list[str]) -> None:
    """Raise RlraError where lm-eval is missing, or a model is none that it can be given here."""
    installed()
    if odd := next((each for each in references if not each.startswith(IN_PROCESS)), None):
        raise RlraError(f"--lm-eval: {odd or 'answers made elsewhere'}: smollm2 or hf:ID_OR_DIR is needed")


def hold_sampling(axes: Sequence[Axis], sampling: SamplingOptions) -> None:
    """Say which options of sampling do not reach lm-eval. Raises RlraError where they reach nothing else either."""
    if not any(axis.lm_eval for axis in axes) or not (given := sampling.of_answers()):
        return
    said = f"{', '.join(given)}: lm-eval samples as its tasks declare"
    if all(axis.lm_eval for axis in axes):
        raise RlraError(said, hint="leave them out; of --rollout-options it hears batch_size and dtype")
    ui.say(f"eval-suite: {said}, and does not hear of them")


def sampled(
    task: str, reference: str, sampling: SamplingOptions, sampler: Sampler, output: Path, options: MapOptions
) -> None:
    """Write what a model answered to a task of lm-eval, one line for each document, unless that is done already.

    Raises RlraError where lm-eval cannot run it.
    """
    from stages.models.weights import weights_of

    folder, revision = weights_of(reference)
    dtype = dtype_for(sampler.dtype, 0.0)
    decided = {"lm_eval": task, "lm_eval_version": installed(), "limit": sampling.limit, "seed": sampling.seed}
    decided |= {"model": reference, "revision": revision, "dtype": dtype, "batch_size": sampler.batch_size}
    inputs = {"input": Source(task)} if task.endswith((".yaml", ".yml")) else {}
    job = Job("eval-suite", decided, str(output), MapOptions(quiet=options.quiet), inputs)
    if not is_complete(job):
        who = Policy(
            model=reference,
            revision=revision,
            template="",
            engine=f"lm-eval {decided['lm_eval_version']}",
            dtype=dtype,
            seed=sampling.seed,
        )
        run_stream(job, _lines(task, folder, decided, who))


def _lines(task: str, folder: str, decided: dict[str, Any], who: Policy) -> Iterator[Rollouts]:
    from stages.suites.lm_eval import rollouts

    name, samples = _evaluated(task, folder, decided)
    yield from rollouts(samples, name, who)


def _evaluated(task: str, folder: str, decided: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Return the name of a task and its logged samples. What lm-eval prints goes to stderr."""
    import lm_eval
    import torch

    seeds = dict.fromkeys(
        ("random_seed", "numpy_random_seed", "torch_random_seed", "fewshot_random_seed"), decided["seed"]
    )
    with contextlib.redirect_stdout(sys.stderr):
        try:
            found = lm_eval.simple_evaluate(
                model="hf",
                model_args={"pretrained": folder, "dtype": decided["dtype"]},
                tasks=[_declared(task)],
                limit=decided["limit"] or None,
                batch_size=decided["batch_size"],
                device="cuda" if torch.cuda.is_available() else "cpu",
                log_samples=True,
                apply_chat_template=True,
                bootstrap_iters=0,
                **seeds,
            )
        except (Exception, SystemExit) as error:  # it raises whatever its tasks, models and data sets do
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RlraError(f"lm-eval: {task}: {said}", hint="`lm-eval ls tasks` lists its tasks") from None
    samples = (found or {}).get("samples") or {}
    if len(samples) != 1:
        raise RlraError(f"lm-eval: {task}: is {len(samples)} tasks, and one is needed", hint="name them one by one")
    ((name, lines),) = samples.items()
    return str(name), sorted(lines, key=lambda sample: int(sample["doc_id"]))


def _declared(task: str) -> Any:
    if not task.endswith((".yaml", ".yml")):
        return task
    from schemas.yaml_file import load_yaml

    return load_yaml(Path(task)).value
