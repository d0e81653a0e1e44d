"""What `rlra eval suite` is told: which suites, whose answers, how they are sampled and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from rlra_cli.policies import NAME
from rlra_cli.round_stages import Sampler
from rlra_cli.stage_options import options_in
from rlra_cli.suite_prompts import located
from schemas.base import Part
from schemas.errors import RlraError

if TYPE_CHECKING:
    from stages.suites import Suite

SAMPLED = ("group_size", "max_tokens", "temperature")
_NOT_OF_ANSWERS = frozenset({"tokens", "window", "seed"})
"""Options of `rlra rollout` that say nothing of how an answer is sampled."""
_WANTED = {
    "--model": ("LABEL=MODEL", "such as base=smollm2; the label becomes the name of a file"),
    "--responses": ("[SUITE:]LABEL=FILE", "such as gpt4=responses.jsonl; the label becomes the name of a file"),
    "--tasks": ("NAME=FILE", "such as letters=tasks.jsonl; the name becomes that of a folder"),
    "--rubrics": ("NAME=FILE", "such as letters=rubric.yaml, with the name of a suite"),
}
"""What an option takes, and an example."""


class SamplingOptions(Part):
    """How the prompts are answered; each suite has its own way, and what is said here goes before it."""

    limit: int = Field(default=0, ge=0)
    """The first so many prompts of each suite; 0 is all."""
    group_size: int | None = Field(default=None, ge=1, le=256)
    """Answers to each prompt, in place of the suite's own number."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The longest answer in tokens, in place of the suite's own."""
    temperature: float | None = Field(default=None, ge=0)
    """Sampling temperature, in place of the suite's own; 0 is greedy."""
    rollout_options: str = ""
    """A file with options of `rlra rollout` in YAML, or the manifest of a file of rollouts; they go before the
    suite's."""
    seed: int = 0
    """Decides every random number of sampling and of the intervals."""

    def sampler(self, suite: "Suite | None") -> Sampler:
        """Return how a suite's prompts are answered. Raises RlraError for options that cannot be."""
        said = {name: value for name in SAMPLED if (value := getattr(self, name)) is not None}
        own = dict(suite.sampling) if suite else {}
        made = options_in(
            self.rollout_options,
            "rollout",
            Sampler,
            {"tokens": False, "seed": self.seed, **own},
            said,
            hidden=("model",),
        )
        if made.until_spread:
            raise RlraError(f"{self.rollout_options}: until_spread: models are compared by equally many answers")
        return made

    def of_answers(self) -> list[str]:
        """Return the options that were given and say how an answer is sampled. Raises RlraError as `sampler` does."""
        from stages.rollout import RolloutSpec

        said = [f"--{name.replace('_', '-')}" for name in SAMPLED if getattr(self, name) is not None]
        made = options_in(self.rollout_options, "rollout", Sampler, {}, hidden=("model",))
        in_file = made.model_fields_set & (RolloutSpec.model_fields.keys() - _NOT_OF_ANSWERS)
        return [*said, "--rollout-options"] if in_file else said


class JudgingOptions(Part):
    """How answers are judged where a suite needs a judge."""

    judge: tuple[str, ...] = ()
    """The judge for criteria without a check, such as openai:NAME with --base-url, or openai:NAME@URL. Repeated, a
    panel."""
    judge_options: str = ""
    """A file with options of `rlra judge` in YAML, or the manifest of a judged file, to judge as it was judged."""
    cache: Path | None = None
    """A database of verdicts, as of `rlra judge`."""


@dataclass(frozen=True)
class Axis:
    """One suite of a run."""

    name: str
    suite: "Suite | None" = None
    """None for tasks of the user's own."""
    prompts: str = ""
    """The file of its prompts, or `hf:NAME[:split]`."""
    lm_eval: str = ""
    """Instead of prompts: a task of lm-eval, or a file that declares one."""
    rubrics: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Entrant:
    """Whose answers are looked at."""

    label: str
    reference: str = ""
    """The model; empty where all its answers were made elsewhere."""
    responses: Mapping[str, str] = field(default_factory=dict)
    """Files of answers that were made elsewhere, by suite."""


@dataclass(frozen=True)
class Said:
    """The words of the command line that name files and models."""

    suites: Sequence[str]
    model: Sequence[str]
    prompts: Sequence[str]
    tasks: Sequence[str]
    rubrics: Sequence[str]
    responses: Sequence[str]
    lm_eval: Sequence[str]
    add: bool

    def axes(self) -> list[Axis]:
        """Return the suites of the run, in order. Raises RlraError for names, files and options that do not fit."""
        named, own = [(name, _suite(name)) for name in self.suites], _pairs("--tasks", self.tasks)
        names = [*self.suites, *(name for name, _ in own), *map(_lm_eval_name, self.lm_eval)]
        if not names:
            raise RlraError("name a suite, or give --tasks NAME=FILE", hint=f"suites: {', '.join(_known())}")
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise RlraError(f"the suite '{twice}' is named twice")
        if odd := next((name for name, _ in own if name in _known()), None):
            raise RlraError(f"--tasks: '{odd}' is a suite's own name", hint=f"say --prompts {odd}=FILE, or rename it")
        files, rubrics = self._files(names), self._rubrics(names)
        for name, suite in named:
            if name not in files:
                hint = f"where to get them: {suite.source}; see docs/suites.md"
                raise RlraError(f"the suite '{name}' needs its prompts: say --prompts {name}=FILE", hint=hint)
        return [
            *(Axis(name, suite, located(files[name]), rubrics=rubrics.get(name, ())) for name, suite in named),
            *(Axis(name, None, located(file), rubrics=rubrics.get(name, ())) for name, file in own),
            *(Axis(name, _suite(name), lm_eval=task) for task in self.lm_eval for name in [_lm_eval_name(task)]),
        ]

    def _files(self, names: Sequence[str]) -> dict[str, str]:
        alone = self.suites[0] if len(self.suites) == 1 else None
        found: dict[str, str] = {}
        for given in self.prompts:
            name, equals, file = given.partition("=")
            if not (equals and name in names) and alone and "=" not in given:
                name, file = alone, given
            if name not in self.suites or not file:
                raise RlraError(f"--prompts: '{given}' is not NAME=FILE with a suite of this run", hint=_of(names))
            if name in found:
                raise RlraError(f"--prompts: '{name}' is given twice")
            found[name] = file
        return found

    def _rubrics(self, names: Sequence[str]) -> dict[str, tuple[Path, ...]]:
        found: dict[str, tuple[Path, ...]] = {}
        for name, file in _pairs("--rubrics", self.rubrics):
            if name not in names:
                raise RlraError(f"--rubrics: '{name}' is no suite of this run", hint=_of(names))
            if name in map(_lm_eval_name, self.lm_eval):
                hint = "leave them out: its figures come from lm-eval alone"
                raise RlraError(f"--rubrics {name}=…: lm-eval judges by its own metrics", hint=hint)
            if name in self.suites and not self.add:
                raise RlraError(
                    f"--rubrics {name}=…: would replace what the suite measures by",
                    hint="say --add to let it join, or --tasks NAME=FILE",
                )
            found[name] = (*found.get(name, ()), Path(file))
        if self.add and not found:
            raise RlraError("--add needs --rubrics NAME=FILE")
        return found

    def entrants(self, axes: Sequence[Axis]) -> list[Entrant]:
        """Return whose answers are looked at, models first. Raises RlraError where an answer is wanted of nobody."""
        models, made = dict(_pairs("--model", self.model)), self._responses([axis.name for axis in axes])
        if len(models) < len(self.model):
            raise RlraError("--model: two models have one label")
        labels = list(dict.fromkeys([*models, *(label for label, _ in made)]))
        if not labels:
            raise RlraError("--model LABEL=REF says whose answers", hint="such as --model base=smollm2")
        found = [
            Entrant(label, models.get(label, ""), {axis: file for (who, axis), file in made.items() if who == label})
            for label in labels
        ]
        for entrant in found:
            left = next((axis for axis in axes if axis.name not in entrant.responses), None)
            if left and not entrant.reference:
                said = f"'{entrant.label}' has no model, and no --responses for {left.name}"
                way = "" if left.lm_eval else f", or --responses {left.name}:{entrant.label}=FILE"
                raise RlraError(said, hint=f"say --model {entrant.label}=MODEL{way}")
        return found

    def _responses(self, names: Sequence[str]) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for given, file in _pairs("--responses", self.responses, axis=True):
            axis, _, label = given.rpartition(":")
            if not axis and len(names) > 1:
                raise RlraError(f"--responses {given}=…: of which suite?", hint=f"say {names[0]}:{given}=FILE")
            axis = axis or names[0]
            if axis not in names or axis.startswith("lm-eval-"):
                raise RlraError(f"--responses: '{axis}' is no suite of this run that takes answers", hint=_of(names))
            if (label, axis) in found:
                raise RlraError(f"--responses: '{given}' is given twice")
            found[label, axis] = file
        return found


def _pairs(option: str, given: Sequence[str], axis: bool = False) -> list[tuple[str, str]]:
    """Return (name, value) of each NAME=VALUE; with `axis` the name may have a suite before it. Raises RlraError."""
    found = []
    for word in given:
        name, equals, value = word.partition("=")
        parts = name.split(":", 1) if axis else [name]
        if not equals or not value or not all(NAME.fullmatch(part) for part in parts):
            wanted, hint = _WANTED[option]
            raise RlraError(f"{option}: '{word}' is not {wanted}", hint=hint)
        found.append((name, value))
    return found


def _suite(name: str) -> "Suite":
    from schemas.yaml_file import nearest
    from stages.suites import SUITES

    if name not in SUITES:
        near, known = nearest(name, SUITES), f"known suites: {', '.join(SUITES)}"
        raise RlraError(f"there is no suite '{name}'", hint=f"{near} {known}" if "?" in near else known)
    return SUITES[name]


def _known() -> list[str]:
    from stages.suites import SUITES

    return list(SUITES)


def _of(names: Sequence[str]) -> str:
    return f"suites of this run: {', '.join(names)}"


def _lm_eval_name(task: str) -> str:
    from stages.suites.lm_eval import PREFIX

    name = PREFIX + (Path(task).stem if task.endswith((".yaml", ".yml")) else task)
    if not NAME.fullmatch(name):
        raise RlraError(f"--lm-eval: '{task}' cannot be the name of a folder")
    return name
