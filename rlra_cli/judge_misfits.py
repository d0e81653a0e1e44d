"""Options of `rlra judge` that do not go together, or would do nothing: told before anything is read."""

from pathlib import Path

from schemas.errors import RlraError
from stages.judge import JudgeSpec


def refuse_misfits(
    spec: JudgeSpec,
    rubrics: list[Path],
    add: bool,
    reward: Path | None,
    models: list[str],
    strong: str | None,
    anchors: Path | None,
    floors: list[str],
) -> None:
    """Raise RlraError for the first option that contradicts another, or has no effect without one that is missing."""
    if floors and not anchors:
        raise RlraError("--floor needs --anchors FILE")
    if add and not rubrics:
        raise RlraError("--add needs --rubrics FILE")
    if reward is not None and (rubrics or models):
        raise RlraError(
            "--reward re-scores the verdicts that are stored",
            hint="leave out --rubrics and --model; a rubric to judge by says its reward itself",
        )
    if spec.only_failed and rubrics:
        raise RlraError("--only-failed asks again by the rubric of the line", hint="leave out --rubrics")
    _refuse_idle(spec, strong, votes=len(models) * spec.repeats * spec.permutations)


def _refuse_idle(spec: JudgeSpec, strong: str | None, votes: int) -> None:
    plain = JudgeSpec()
    if spec.quorum > votes:
        raise RlraError(f"--quorum {spec.quorum} is more than the {votes} votes that are cast")
    if spec.repeats > 1 and not spec.temperature:
        raise RlraError("--repeats at temperature 0 repeats one answer", hint="add --temperature 0.7, say")
    if spec.unsure != plain.unsure and not strong:
        raise RlraError("--unsure has no effect without --strong MODEL")
    if spec.least_mass != plain.least_mass and spec.method != "logprob":
        raise RlraError("--least-mass has no effect without --method logprob")
    if spec.criteria_per_call not in (plain.criteria_per_call, "1") and spec.method == "logprob":
        raise RlraError("--criteria-per-call has no effect with --method logprob", hint="it asks about one at a time")
    if spec.panel != plain.panel and votes == 1:
        raise RlraError(
            f"--panel {spec.panel} has no effect on one vote", hint="several --model, --repeats or --permutations vote"
        )
