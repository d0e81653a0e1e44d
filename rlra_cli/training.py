"""One training run as a folder: what it learns from, its log, its checkpoints, its manifest."""

import os
import shutil
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlra_cli import processes, ui
from rlra_cli.prompt_files import read_tasks
from rlra_cli.run import Job, summarise, write_manifest
from rlra_cli.table_laws import hold_table
from schemas.errors import RlraError
from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.manifest import Recipe, differing_keys
from schemas.rubric import Rubric
from schemas.task import Task
from schemas.train_log import TrainLog
from stages.allocation import keep_freed_memory
from stages.judge import JudgeSpec
from stages.models.weights import template_of, weights_of
from stages.rollout import unfit
from stages.train import TrainSpec

if TYPE_CHECKING:
    from stages.voting import Panel

Judge = tuple[JudgeSpec, "Panel"]
"""How an online run judges, and who."""


@dataclass
class TrainingRun:
    """A run of `rlra train` in the folder `output`."""

    job: Job
    spec: TrainSpec
    output: Path
    model: str
    rubrics: Sequence[Rubric]
    add: bool = False
    dropped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Find the weights. Raises RlraError when `model` names none."""
        if not (self.model == "smollm2" or self.model.startswith("hf:")):
            raise RlraError(f"--model: '{self.model}' cannot be trained", hint="use smollm2 or hf:ID_OR_DIR")
        self.weights, self.revision = weights_of(self.model)
        self.template = template_of(self.weights)
        self._temperatures: set[float] = set()
        self.job.spec["revision"] = self.revision

    @property
    def log(self) -> Path:
        """One line per step."""
        return self.output / "train_log.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Where an interrupted run goes on from; gone when the run is done."""
        return self.output / "checkpoints"

    def groups(self, source: Source) -> list[Any]:
        """Return the groups of a judged file that can be learned from; say what was dropped, and why.

        Raises RlraError when the file was not sampled from this model, or nothing can be learned.
        """
        from stages.training.advantages import scored_groups

        read = [self._checked(group) for group in source.read(Judged)]
        hold_table(read, source.name)
        groups = scored_groups(read, self.spec.scale_rewards, self.spec.responses_per_prompt, self.dropped)
        total = len(groups) + sum(self.dropped.values())
        if not groups:
            why = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items()) or "the file is empty"
            raise RlraError(
                f"{source.name}: no group can be learned from: {why}", hint="see `rlra select-data` and `rlra show`"
            )
        if not processes.inside():
            self._say(f"train: {len(groups)} of {total} groups can be learned from", self.dropped)
        return groups

    def _checked(self, group: Judged) -> Judged:
        """Return `group` if exact importance ratios can be had for it. Raises RlraError saying why not."""
        sampling = group.policy.sampling
        why = unfit(group)
        if sampling is None or "no token ids" in why:
            raise RlraError(
                f"{group.id}: no token ids in the line",
                hint="sample without --no-tokens; responses made elsewhere cannot be learned from exactly",
            )
        temperature = sampling.temperature
        self._temperatures.add(temperature)
        if temperature == 0 or len(self._temperatures) > 1:
            found = "greedy responses" if temperature == 0 else f"sampled at temperature {temperature:g}, unlike others"
            raise RlraError(f"{group.id}: {found}", hint="learn from responses of one temperature above 0, best 1")
        if why:
            raise RlraError(
                f"{group.id}: sampled with {', '.join(why)}: these are not the probabilities that training computes",
                hint="sample without top-p, top-k, penalties and stop texts",
            )
        if group.policy.revision != self.revision and not self.spec.allow_stale:
            raise RlraError(
                f"{group.id}: sampled from weights {group.policy.revision}, and {self.model} is {self.revision}",
                hint="train the model that answered, or say --allow-stale",
            )
        if self.template and group.policy.template and group.policy.template != self.template:
            raise RlraError(
                f"{group.id}: sampled with chat template {group.policy.template}, and {self.model} has {self.template}",
                hint="give both the same tokenizer",
            )
        return group

    def tasks(self, source: Source, panel: "Panel") -> list[Task]:
        """Return the tasks to train on online. Raises RlraError where one could not be judged."""
        from stages.judge import rubric_of

        tasks = list(read_tasks(source))
        for task in tasks:
            if task.follow_ups:
                raise RlraError(f"{task.id}: has follow-ups, and online training samples one turn", hint="train staged")
            rubric = rubric_of(task, self.rubrics, self.add)
            if not panel.models and any(criterion.needs_judge for criterion in rubric.leaves):
                raise RlraError(
                    f"{task.id}: its rubric needs a judge", hint="name one with --judge openai:NAME --base-url URL"
                )
        if not tasks:
            raise RlraError(f"{source.name}: no tasks to train on")
        return tasks

    def begin(self, resume: bool) -> None:
        """Make the folder ready: keep what an interrupted run of the same recipe left, refuse another's."""
        if Path(self.weights).resolve() == self.output.resolve():
            raise RlraError(f"{self.output}: holds the model to train", hint="give another folder with -o")
        self.output.mkdir(parents=True, exist_ok=True)
        self._lock()
        begun, recipe = self.output / "recipe.json", self.job.recipe()
        (self.output / "manifest.json").unlink(missing_ok=True)
        if resume and begun.exists() and self.checkpoints.exists():
            differ = differing_keys(Recipe.model_validate_json(begun.read_bytes()), recipe)
            if differ:
                raise RlraError(
                    f"{self.output}: begun with another recipe; these differ: {', '.join(differ)}",
                    hint="repeat the options that began it, or start afresh with --no-resume",
                )
            return
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        begun.write_text(recipe.model_dump_json(indent=1))

    def _lock(self) -> None:
        """Keep other runs out of the folder for as long as this process lives."""
        from filelock import FileLock, Timeout

        self._held = FileLock(self.output / ".lock")
        try:
            self._held.acquire(timeout=0)
        except Timeout:
            raise RlraError(f"{self.output}: another run is training there") from None

    def learn(self, work: Sequence[Any], judge: "Judge", online: bool) -> None:
        """Train, as one process of the run, and save the policy."""
        processes.leave_with_launcher()
        _quiet_libraries()
        keep_freed_memory()
        from stages.training.save import is_finite, save_policy
        from stages.training.staged import last_checkpoint, train_staged

        ranks = processes.world()[1]
        self._cut_log(last_checkpoint(self.checkpoints))
        if online:
            from stages.training.online import RubricReward, train_online

            reward = RubricReward(work, *judge, self.rubrics, self.add)
            trainer, reason = train_online(work, self.weights, self.spec, reward, self.checkpoints, ranks, self._write)
        else:
            trainer, reason = train_staged(work, self.weights, self.spec, self.checkpoints, ranks, self._write)
        if trainer.accelerator.is_main_process:
            self._write(self._last_line(trainer.state.global_step, reason))
        if not is_finite(trainer):
            raise RlraError(
                f"{self.output}: training diverged at step {trainer.state.global_step}: no model was saved",
                hint="use a lower --learning-rate; what was logged stands in train_log.jsonl",
            )
        save_policy(trainer, self.output)

    def _last_line(self, step: int, reason: str | None) -> TrainLog:
        event = f"stopped: {reason}" if reason else "finished"
        meta = {"dropped": dict(self.dropped)} if self.dropped else {}
        return TrainLog(id="end", step=step, seconds=0.0, event=event, meta=meta)

    def _cut_log(self, checkpoint: str | None) -> None:
        """Forget the steps after the checkpoint: they are done again."""
        if processes.world()[0] or not self.log.exists():
            return
        step = int(checkpoint.rsplit("-", 1)[1]) if checkpoint else 0
        content = self.log.read_bytes()
        self.log.write_bytes(content[: content.rfind(b"\n") + 1])  # half a line, as a full disk leaves it
        kept = [line for line in Source(str(self.log)).read(TrainLog) if line.step <= step and line.event is None]
        self.log.write_bytes(b"".join(map(to_line, kept)))

    def _write(self, line: TrainLog) -> None:
        with self.log.open("ab") as stream:
            stream.write(to_line(line))
        measures = line.metrics
        if line.event:
            self._say(f"train: step {line.step}: {line.event}")
        elif measures:
            shown = ("loss", "grad_norm", "reward", "sampler_kl", "sampler_ess", "entropy")
            told = ", ".join(f"{name} {measures[name]:.4g}" for name in shown if name in measures)
            self._say(f"train: step {line.step}: {told}")

    def finish(self) -> None:
        """Remove the checkpoints and write the manifest, last: with it the run is complete."""
        from stages.models.embedded import weights_digest

        shutil.rmtree(self.checkpoints, ignore_errors=True)
        (self.output / "recipe.json").unlink(missing_ok=True)
        lines = list(Source(str(self.log)).read(TrainLog))
        self.job.counts.update(steps=lines[-1].step, **{f"dropped_{reason}": n for reason, n in self.dropped.items()})
        recipe = self.job.recipe().model_copy(update={"sha256": weights_digest(self.output), "records": len(lines)})
        write_manifest(self.job, recipe, self.output / "manifest.json")
        (self.output / ".lock").unlink(missing_ok=True)
        summarise(self.job)

    def _say(self, text: str, counts: Counter[str] | None = None) -> None:
        if processes.world()[0] == 0:
            more = "".join(f"; {count} dropped: {reason}" for reason, count in (counts or {}).items())
            ui.say(text + more, self.job.options.quiet)


def _quiet_libraries() -> None:
    """Keep progress bars and notices of the libraries out of stderr; their errors still come through."""
    os.environ.update(TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1", TRL_EXPERIMENTAL_SILENCE="1")
    warnings.filterwarnings("ignore")
    import datasets
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
