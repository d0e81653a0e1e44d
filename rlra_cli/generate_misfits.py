"""Options of `rlra generate-rubrics` that do not go together, or would do nothing: told before anything is read."""

from rlra_cli.generate_options import WriterOptions
from schemas.base import Part
from schemas.errors import RlraError
from stages.generate_rubrics import GenerateRubricsSpec
from stages.writing.spec import WritingSpec

WRITING = ("model", "contrast", "failures", "hard")
"""The methods that a model writes by."""
_OF_CONSTRAINTS = ("families", "min_constraints", "max_constraints", "partial", "unconstrained")
_OF_JUDGES = ("probes", "least_spread", "least_agreement", "least_stability", "paraphrase")


def refuse_misfits(
    spec: GenerateRubricsSpec, writing: WritingSpec, writers: WriterOptions, template: bool, reference: bool
) -> None:
    """Raise RlraError for the first option that has no effect, or lacks what it needs."""
    own = [*_changed(writers), *(["reference"] if reference else [])]
    if spec.method not in WRITING:
        why = f"goes with --method {', '.join(WRITING)}"
        _refuse(why, own + _changed(writing))
        return
    if "writer" not in own:
        raise RlraError(f"--method {spec.method} needs --writer MODEL", hint="such as openai:NAME with --base-url URL")
    idle = [name for name in _changed(spec) if name in _OF_CONSTRAINTS]
    _refuse("goes with --method constraints", idle + (["template"] if template else []))
    if spec.per_prompt > 1 and spec.method != "hard":
        raise RlraError("--per-prompt goes with --method constraints, template or hard")
    if spec.method == "hard" and "rewrite" in own:
        raise RlraError("--rewrite has nothing to do with --method hard", hint="the method itself adds to the prompt")
    if spec.method != "contrast" and "labels" in own:
        raise RlraError("--labels goes with --method contrast")
    if "judge" not in own:
        _refuse("needs --judge MODEL", [name for name in ("probe", "judge_options") if name in own])
        _refuse("needs --judge MODEL", [name for name in _changed(writing) if name in _OF_JUDGES])
    elif spec.method == "hard":
        raise RlraError("--judge has nothing to do with --method hard", hint="a program decides its criteria")
    elif spec.method == "model" and "probe" not in own:
        raise RlraError("--judge needs responses to judge", hint="give them with --probe ROLLOUTS")
    if spec.method not in ("contrast", "failures"):
        _refuse("goes with --method contrast or failures", [name for name in _changed(writing) if name == "shown"])


def _changed(spec: Part) -> list[str]:
    plain = type(spec)()
    return [name for name in type(spec).model_fields if getattr(spec, name) != getattr(plain, name)]


def _refuse(why: str, names: list[str]) -> None:
    if names:
        raise RlraError(f"--{names[0].replace('_', '-')} {why}")
