"""One training run as a folder: what it learns from, its log, its checkpoints, its manifest."""

import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlra_cli import processes, ui
from rlra_cli.ancestry import base_of, holds_its_weights, moments_of, reference_of
from rlra_cli.judged_file import JudgedFile
from rlra_cli.prompt_files import read_tasks
from rlra_cli.quiet_libraries import quiet_libraries
from rlra_cli.run import Job, summarise, write_manifest
from rlra_cli.run_log import RunLog
from rlra_cli.table_laws import hold_table
from rlra_cli.train_table import watching
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.manifest import Recipe, differing_keys, read_manifest
from schemas.rubric import Rubric
from schemas.task import Task
from schemas.train_log import TrainLog
from stages.allocation import keep_freed_memory
from stages.judge import JudgeSpec
from stages.models.weights import template_of, weights_of
from stages.rollout import unfit
from stages.train import MOMENTS, TrainSpec
from stages.training.breaker import JudgeLimits
from stages.training.trackers import Trackers

if TYPE_CHECKING:
    from stages.training.online import RubricReward
    from stages.voting import Panel

Judge = tuple[JudgeSpec, "Panel", JudgeLimits]
"""How an online run judges, and who, and when it gives up."""


@dataclass
class TrainingRun:
    """A run of `rlra train` in the folder `output`."""

    job: Job
    spec: TrainSpec
    output: Path
    model: str
    rubrics: Sequence[Rubric]
    add: bool = False
    report_to: Sequence[str] = ()
    dropped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Find the weights. Raises RlraError when `model` names none."""
        if not (self.model == "smollm2" or self.model.startswith("hf:")):
            raise RlraError(f"--model: '{self.model}' cannot be trained", hint="use smollm2 or hf:ID_OR_DIR")
        self.weights, self.revision = weights_of(self.model)
        self.template = template_of(self.weights)
        self._temperatures: set[float] = set()
        base = base_of(self.model, self.weights, self.revision)
        self.reference = reference_of(self.spec, self.model, self.weights, base)
        known = {"reference": {name: self.reference[name] for name in ("model", "revision")}} if self.reference else {}
        self.job.spec |= {"revision": self.revision, "base": base, **known, **moments_of(self.spec, self.weights)}

    @property
    def log(self) -> Path:
        """One line per step."""
        return self.output / "train_log.jsonl"

    @property
    def judged(self) -> JudgedFile:
        """What an online run judged."""
        return JudgedFile(self.output / "judged.jsonl")

    @property
    def checkpoints(self) -> Path:
        """Where an interrupted run goes on from; gone when the run is done."""
        return self.output / "checkpoints"

    def check_options(self, online: bool) -> None:
        """Raise RlraError for options of `--set` that cannot be, before anything is read or made."""
        if self.spec.set:
            quiet_libraries()
            from stages.training.config import preflight

            preflight(self.spec, online, alone=not processes.inside())

    def groups(self, source: Source) -> list[Any]:
        """Return the groups of a judged file that can be learned from; say what was dropped, and why.

        Raises RlraError when the file was not sampled from this model, or nothing can be learned.
        """
        from stages.training.advantages import scored_groups
        from stages.training.hybrid import mixed

        read = [self._checked(group) for group in source.read(Judged)]
        hold_table(read, source.name)
        groups = scored_groups(read, self.spec.scale_rewards, self.spec.responses_per_prompt, self.dropped)
        groups = mixed(groups, self.spec, self.dropped)
        total = len(groups) + sum(self.dropped.values())
        if not groups:
            why = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items()) or "the file is empty"
            raise RlraError(
                f"{source.name}: no group can be learned from: {why}", hint="see `rlra select-data` and `rlra show`"
            )
        if not processes.inside():
            self.say(f"train: {len(groups)} of {total} groups can be learned from", self.dropped)
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

    def tasks(self, source: Source, judges: Sequence[object], online: bool, learned: bool = True) -> list[Task]:
        """Return the tasks. Raises RlraError where one cannot be sampled or judged, or, if `learned`, fills no step."""
        from stages.judge import rubric_of
        from stages.training.hybrid import kind_of, refuse_missing, sampled_steps

        tasks, kinds = list(read_tasks(source)), []
        for task in tasks:
            if online and task.follow_ups:
                raise RlraError(f"{task.id}: has follow-ups, and online training samples one turn", hint="train staged")
            rubric = rubric_of(task, self.rubrics, self.add)
            kinds.append(kind_of(task, rubric, self.spec.mix_by))
            if not judges and any(criterion.needs_judge for criterion in rubric.leaves):
                raise RlraError(
                    f"{task.id}: its rubric needs a judge", hint="name one with --judge openai:NAME --base-url URL"
                )
        if not tasks:
            raise RlraError(f"{source.name}: no tasks to train on")
        refuse_missing(self.spec.mix if learned else (), kinds)
        if online:
            sampled_steps(tasks, kinds, self.spec)
            if others := sum(bool(self.spec.mix) and kind not in self.spec.mix for kind in kinds):
                self.dropped["other_kind"] = others
        return tasks

    def is_complete(self) -> bool:
        """Return whether this very run ended here with these weights. Raises RlraError where another one did."""
        manifest = self.output / "manifest.json"
        if not manifest.exists():
            return False
        recipe = read_manifest(manifest).recipe
        self.refuse_other(recipe)
        return holds_its_weights(self.output, recipe)

    def begin(self, resume: bool) -> None:
        """Make the folder ready: keep what an interrupted run of the same recipe left, refuse another's."""
        if Path(self.weights).resolve() == self.output.resolve():
            raise RlraError(f"{self.output}: holds the model to train", hint="give another folder with -o")
        if any(self.output.glob("*.safetensors")) and not self.log.exists():
            raise RlraError(f"{self.output}: holds a model of another making", hint="give another folder with -o")
        self.lock()
        begun, recipe = self.output / "recipe.json", self.job.recipe()
        (self.output / "manifest.json").unlink(missing_ok=True)
        if resume and begun.exists() and self.checkpoints.exists():
            self.refuse_other(Recipe.model_validate_json(begun.read_bytes()))
            return
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        for old in (
            *self.output.glob("*.safetensors"),
            self.output / MOMENTS,
            self.log,
        ):  # a model that is there is this run's
            old.unlink(missing_ok=True)
        if self.job.spec.get("online"):
            self.judged.begin()
        begun.write_text(recipe.model_dump_json(indent=1))

    def refuse_other(self, begun: Recipe) -> None:
        """Raise RlraError, with what differs, where the folder was begun with another recipe than this run's."""
        if differ := differing_keys(begun, self.job.recipe()):
            raise RlraError(
                f"{self.output}: begun with another recipe; these differ: {', '.join(differ)}",
                hint="repeat its options or give another folder with -o; --no-resume removes what was learned",
            )

    def lock(self) -> None:
        """Make the folder, and keep other runs out of it for as long as this process lives."""
        from filelock import FileLock, Timeout

        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise RlraError(f"{self.output}: is a file, and a folder is needed") from None
        self._held = FileLock(self.output / ".lock")
        try:
            self._held.acquire(timeout=0)
        except Timeout:
            raise RlraError(f"{self.output}: another run is training there") from None

    def learn(self, work: Sequence[Any], judge: "Judge", online: bool) -> None:
        """Train, as one process of the run, and save the policy."""
        from stages.training.save import explained_writing

        names = self.report_to if processes.world()[0] == 0 else ()
        log = RunLog(self.log, watching(self.job.options.quiet), Trackers(names, self.output, self.job.spec, self.say))
        with closing(log), explained_writing(self.output):
            self._learn(work, judge, online, log)

    def _learn(self, work: Sequence[Any], judge: "Judge", online: bool, log: RunLog) -> None:
        processes.leave_with_launcher()
        quiet_libraries()
        keep_freed_memory(largest_too=not online)
        from stages.training.log import NOT_FINITE
        from stages.training.save import is_finite, save_policy
        from stages.training.staged import drop_torn, last_checkpoint, train_staged

        if processes.world()[0] == 0:
            drop_torn(self.checkpoints)
        ranks, reference = processes.world()[1], self.reference.get("weights", "")
        self._cut(last_checkpoint(self.checkpoints), log)
        if online:
            from stages.training.online import train_online

            reward = self._reward(work, judge)
            trainer, reason = train_online(
                work, self.weights, self.spec, reward, self.checkpoints, ranks, log.write, reference
            )
        else:
            trainer, reason = train_staged(work, self.weights, self.spec, self.checkpoints, ranks, log.write, reference)
        if trainer.accelerator.is_main_process:
            log.write(self._last_line(trainer.state.global_step, reason))
        if not is_finite(trainer) or reason == NOT_FINITE:
            raise RlraError(
                f"{self.output}: training diverged at step {trainer.state.global_step}: no model was saved",
                hint="use a lower --learning-rate; what was logged stands in train_log.jsonl",
            )
        save_policy(trainer, self.output, self.spec.keep_optimizer)

    def _reward(self, tasks: Sequence[Task], judge: "Judge") -> "RubricReward":
        from stages.training.online import Judging, RubricReward, start_of

        policy = start_of(self.model, self.revision, self.template or "", self.spec.seed)
        return RubricReward(tasks, Judging(*judge, self.rubrics, self.add), self.spec, policy, self.judged.add)

    def _last_line(self, step: int, reason: str | None) -> TrainLog:
        event = f"stopped: {reason}" if reason else "finished"
        meta = {"dropped": dict(self.dropped)} if self.dropped else {}
        return TrainLog(id="end", step=step, seconds=0.0, event=event, meta=meta)

    def _cut(self, checkpoint: str | None, log: RunLog) -> None:
        """Forget the steps after the checkpoint: they are done again."""
        if processes.world()[0]:
            return
        step = int(checkpoint.rsplit("-", 1)[1]) if checkpoint else 0
        log.cut(step)
        if self.job.spec.get("online"):
            self.judged.cut(step)

    def finish(self) -> None:
        """Write the manifest, with which the run is complete, and only then remove what it would go on from."""
        from stages.models.embedded import weights_digest

        lines = list(Source(str(self.log)).read(TrainLog))
        self.job.counts.update(steps=lines[-1].step, **{f"dropped_{reason}": n for reason, n in self.dropped.items()})
        recipe = self.job.recipe().model_copy(update={"sha256": weights_digest(self.output), "records": len(lines)})
        write_manifest(self.job, recipe, self.output / "manifest.json")
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        (self.output / "recipe.json").unlink(missing_ok=True)  # rounds go on by it until the manifest is there
        (self.output / ".lock").unlink(missing_ok=True)
        summarise(self.job)

    def say(self, text: str, counts: Counter[str] | None = None) -> None:
        """Say it on stderr, as the first process alone, and how many were dropped and why."""
        if processes.world()[0] == 0:
            more = "".join(f"; {count} dropped: {reason}" for reason, count in (counts or {}).items())
            ui.say(text + more, self.job.options.quiet)
