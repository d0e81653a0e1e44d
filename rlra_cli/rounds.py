"""Rounds of `rlra train`: sample, judge, select and learn, again and again, in a folder that can be gone on with."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import typer

from rlra_cli import processes, ui
from rlra_cli.accelerate_launch import parts_optimizer
from rlra_cli.goes import TAKEN, all_goes
from rlra_cli.judge_misfits import refuse_misfits
from rlra_cli.models import check_reference
from rlra_cli.options import RunOptions
from rlra_cli.round_files import forget, hand_over, heavy, link, put
from rlra_cli.round_options import RoundOptions, refuse_pipe
from rlra_cli.round_stages import Judges, Sampler, Steps, is_made
from rlra_cli.rubric_files import inputs_of, placed
from rlra_cli.run import Job, run_stream
from rlra_cli.stage_options import options_in
from rlra_cli.training import TrainingRun
from schemas.errors import RlraError
from schemas.files import without_secrets
from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.manifest import Recipe, path_for, read_manifest
from schemas.rubric import Rubric
from schemas.task import Task
from schemas.train_log import TrainLog
from stages.rounds import START, HeldOut, alarm, best, continued, held_out, seed_of, spent, taken, tasks_of
from stages.selection.spec import SelectDataSpec


@dataclass
class Rounds:
    """The rounds of one run, and where each of their files lies."""

    run: TrainingRun
    options: RoundOptions
    tasks: Sequence[Task]
    steps: Steps
    ways: Mapping[str, Any]
    """Where and how each round's update is carried out; nothing of it changes what is learned."""
    held: list[HeldOut] = field(default_factory=list)
    gold: list[HeldOut] = field(default_factory=list)
    log: list[TrainLog] = field(default_factory=list)

    def carry_out(self, resume: bool) -> None:
        """Do what is left to do. Raises RlraError where a step does, and where the folder is another run's."""
        if self._begin(resume):
            begun = len(list(self.run.output.glob("round-*/tasks.jsonl")))
            with all_goes(self.run.job, self.run.output / TAKEN, begun, resume):
                self._go()

    def _go(self) -> None:
        self._look(START)
        reason, done = "finished", START
        for number in range(1, self.options.rounds + 1):
            if not self._learned(number):
                reason = f"stopped: round {number} has no group to learn from"
                break
            done = number
            self._look(number)
            self._drop_weights(number)
            if self.held and (why := spent(self.held, self.options.patience)):
                reason = f"stopped: {why}"
                break
        if done == START:
            raise RlraError(f"{self._file(1, 'kept.jsonl')}: no group can be learned from", hint="see rejects.jsonl")
        self._finish(best(self.held) if self.options.patience else done, reason)

    def _file(self, number: int, name: str) -> Path:
        return self.run.output / f"round-{number}" / name

    def _policy(self, number: int) -> tuple[str, str]:
        """Return the reference to the model that stands after a round, and the revision of its weights.

        That is from its manifest: the weights themselves may have been dropped.
        """
        if number == START:
            return self.run.model, self.run.revision
        model = self._file(number, "model")
        return f"hf:{model}", read_manifest(path_for(model)).recipe.sha256 or ""

    def _say(self, text: str) -> None:
        ui.say(f"train: {text}", self.run.job.options.quiet)

    def _begin(self, resume: bool) -> bool:
        """Make the folder ready; return whether anything is to be done. Raises RlraError where another run is there."""
        output = self.run.output
        if processes.inside():
            raise RlraError("--rounds starts the processes that learn by itself", hint="say --processes N")
        if Path(self.run.weights).resolve().is_relative_to(output.resolve()):
            raise RlraError(f"{output}: holds the model to train", hint="give another folder with -o")
        begun, manifest = output / "recipe.json", output / "manifest.json"
        if resume and self.run.is_complete():
            self._say(f"{output} is complete")
            return False
        self.run.lock()
        if resume and begun.exists():
            self.run.refuse_other(Recipe.model_validate_json(begun.read_bytes()))
        elif not (resume and manifest.exists()):  # one that is there is this run's, whose weights are gone
            self._clear(resume)
        put(begun, self.run.job.recipe().model_dump_json(indent=1).encode())
        manifest.unlink(missing_ok=True)
        self.steps.learning.write_bytes(orjson.dumps(self._learning(), option=orjson.OPT_INDENT_2))
        return True

    def _clear(self, resume: bool) -> None:
        """Remove what another run left. Raises RlraError where nobody said so."""
        read = [Path(source.path).resolve() for source in self.run.job.inputs.values()]
        for folder in self.run.output.glob("round-[0-9]*/"):
            if name := next((path for path in read if path.is_relative_to(folder.resolve())), None):
                raise RlraError(f"{folder}: holds {name.name}, which is read", hint="give another folder with -o")
            if resume:
                raise RlraError(f"{folder}: is there already", hint="give another folder, or remove it by --no-resume")
            shutil.rmtree(folder)

    def _learning(self) -> dict[str, object]:
        """Return the options of each round's `rlra train`. KL is to where the first round began, unless told apart.

        The optimizer goes on from round to round, but for adapters, and where processes hold it in parts.
        """
        anew = self.run.spec.lora_rank or parts_optimizer(self.ways["accelerate"], self.ways["accelerate_arg"])
        spec = self.run.spec.model_dump(mode="json") | {"keep_optimizer": not anew}
        is_start = spec["beta"] and spec["kl_reference"] == "stage-start"
        return {**spec, **self.ways, "kl_reference": self.run.model if is_start else spec["kl_reference"]}

    def _learned(self, number: int) -> bool:
        """Carry out what is missing of one round; return whether it had anything to learn from."""
        names = ("tasks.jsonl", "rollouts.jsonl", "judged.jsonl", "kept.jsonl", "model")
        tasks, rollouts, judged, kept, model = (self._file(number, name) for name in names)
        self._say(f"round {number} of {self.options.rounds}")
        tasks.parent.mkdir(exist_ok=True)
        self._write_tasks(number, tasks)
        count, policy = self.options.prompts_per_round, self._policy(number - 1)
        seed = seed_of(self.steps.sampler.seed, number, count, len(self.tasks))
        self.steps.sample(policy, seed, tasks, rollouts)
        self.steps.judge(rollouts, judged)
        self.steps.select(judged, kept)
        if not read_manifest(path_for(kept)).recipe.records:
            return False
        try:
            self.steps.learn(policy[0], kept, model)
        except typer.Exit as ended:
            if ended.exit_code == 1:
                raise self._without_model(number) from None
            raise
        return True

    def _without_model(self, number: int) -> RlraError:
        """Return what to say where the learning of a round failed: the rounds before it are there to go on from."""
        last, top = self._policy(number - 1)[0], best(self.held) if self.held else START
        better = (
            f", and the best on held-out prompts {self._file(top, 'model')}" if top not in (START, number - 1) else ""
        )
        way = f"--init-from {self._file(number - 1, 'model')}" if number > 1 else f"--model {last}"
        return RlraError(
            f"{self.run.output}: round {number} ended without a model; "
            f"the last good one is {last.removeprefix('hf:')}{better}",
            hint=f"the same command tries again; with other options go on from there, as -o OTHER {way}",
        )

    def _write_tasks(self, number: int, output: Path) -> None:
        source, options = self.run.job.inputs["input"], RunOptions(quiet=self.run.job.options.quiet)
        decides = {"prompts_per_round": self.options.prompts_per_round, "seed": self.run.spec.seed}
        job = Job("train", {"round": number, **decides}, str(output), options, {"input": source})
        if not is_made(output, source):
            run_stream(job, tasks_of(self.tasks, number, *decides.values()))

    def _look(self, number: int) -> None:
        """Put the held-out prompts to the model that stands after a round, and write the log as far as it goes."""
        if self.options.held_out:
            rollouts = self._file(number, "held_out.rollouts.jsonl")
            rollouts.parent.mkdir(exist_ok=True)
            policy, seed = self._policy(number), self.steps.sampler.seed
            self.steps.sample(policy, seed, self.options.held_out, rollouts, held_out=True)
            self.held.append(self._held(number, rollouts, "held_out.judged.jsonl", self.steps.judges))
            if gold := self._gold():
                self.gold.append(self._held(number, rollouts, "held_out.gold.jsonl", gold))
        self._write_log(number)

    def _gold(self) -> Judges | None:
        rubrics, models = self.options.gold_rubrics, self.options.gold_judge
        own = self.steps.judges
        return replace(own, rubrics=rubrics or own.rubrics, models=models or own.models) if rubrics or models else None

    def _held(self, number: int, rollouts: Path, name: str, judges: Judges) -> HeldOut:
        self.steps.judge(rollouts, judged := self._file(number, name), judges)
        start, now = (list(Source(str(path)).read(Judged)) for path in (self._file(START, name), judged))
        held = held_out(number, start, now, self.run.spec.seed)
        change = f", {held.gain:+.3f} ({held.change.low:+.3f} to {held.change.high:+.3f})" if held.change else ""
        self._say(f"{judged}: mean reward {held.mean:.3f}{change}")
        return held

    def _write_log(self, number: int) -> None:
        """Add what a round logged, and what the held-out prompts say of it, to the log of all rounds."""
        if number != START:
            own = Source(str(self._file(number, "model") / "train_log.jsonl"))
            self.log += continued(own.read(TrainLog), number, *_passed(self.log))
        step, seconds = _passed(self.log)
        about: dict[str, Any] = {"step": step, "seconds": seconds, "meta": {"round": number}}
        if self.held:
            gold = self.gold[-1].metrics("held_out_gold") if self.gold else {}
            self.log.append(
                TrainLog(id=f"round-{number}-held-out", metrics={**self.held[-1].metrics(), **gold}, **about)
            )
        if self.gold and not any(line.id == "alarm" for line in self.log):
            steps = [line.step for line in self.log if line.id.endswith("-held-out")]
            if said := alarm(self.held, self.gold, steps):
                self.log.append(TrainLog(id="alarm", event=f"alarm: {said}", **about))
                self._say(f"alarm: {said}")
        self._put_log()

    def _put_log(self) -> None:
        put(self.run.log, b"".join(map(to_line, self.log)))

    def _drop_weights(self, number: int) -> None:
        kept = {number, best(self.held)} if self.held else {number}
        for old in range(1, number):
            for file in [] if old in kept else heavy(self._file(old, "model"), not self.options.keep_rounds):
                forget(file)

    def _finish(self, number: int, reason: str) -> None:
        """Make the model of a round that of the run, by links where they can be had: it takes no room twice."""
        event = f"{reason}; the model is that of round {number}"
        if self.held and self.held[number].gain <= 0:
            event += ", which does no better on the held-out prompts than the model at the start"
        self._say(event)
        self.run.job.counts["rounds"] = self.log[-1].meta["round"]
        step, seconds = _passed(self.log)
        self.log.append(TrainLog(id="end", step=step, seconds=seconds, event=event, meta={"round": number}))
        self._put_log()
        for old in self.run.output.glob("*.safetensors"):
            old.unlink()
        for file in sorted(self._file(number, "model").iterdir()):
            if file.is_file() and file.name != "manifest.json" and file.suffix != ".jsonl":
                link(file, self.run.output / file.name)
        hand_over(self._file(number, "model"), self.run.output, self.run.spec.keep_optimizer)
        self.steps.learning.unlink(missing_ok=True)
        made = sorted(self.run.output.glob("round-*/*.manifest.json"))
        self.run.job.counts.update(taken(map(read_manifest, made)))
        self.run.finish()


def _passed(log: Sequence[TrainLog]) -> tuple[int, float]:
    """Return the steps done and the seconds gone; the line that ends a round tells of no seconds."""
    return max((line.step for line in log), default=0), max((line.seconds for line in log), default=0.0)


def _refuse_judges(options: RoundOptions, judges: Judges, gold: Sequence[Rubric]) -> None:
    for model in (*judges.models, *options.gold_judge):
        check_reference(model, judges.endpoint)
    asked = any(criterion.needs_judge for rubric in gold for criterion in rubric.leaves)
    if asked and not (judges.models or options.gold_judge):
        raise RlraError("--gold-rubrics: they need a judge", hint="name one with --gold-judge openai:NAME")


def train_in_rounds(
    run: TrainingRun,
    options: RoundOptions,
    sampler: Sampler,
    judges: Judges,
    ways: Mapping[str, Any],
    resume: bool,
) -> None:
    """Train in rounds. Raises RlraError, before anything is made, for options and tasks that cannot be gone through."""
    run.check_options(online=False)
    refuse_pipe(options.held_out)
    job, spec = run.job, run.spec
    selecting = options_in(options.select_options, "select-data", SelectDataSpec, {"seed": spec.seed})
    if spec.lora_rank and spec.beta:
        raise RlraError(
            "--rounds with --lora-rank and --beta: KL would be to each round's start, not to the first one's"
        )
    job.spec |= options.model_dump(mode="json", exclude={"keep_rounds", "held_out", "gold_rubrics", "gold_judge"})
    job.spec |= {
        "gold_judge": [without_secrets(name) for name in options.gold_judge],
        "rollout_options": sampler.model_dump(mode="json", exclude_defaults=True, exclude={"processes"}),
        "select_options": selecting.model_dump(mode="json", exclude_defaults=True),
    }
    job.inputs |= {"held_out": Source(str(options.held_out))} if options.held_out else {}
    gold = [placed(path) for path in options.gold_rubrics]
    job.inputs |= {name.replace("rubrics", "gold_rubrics"): file for name, file in inputs_of(gold).items()}
    _refuse_judges(options, judges, [each.rubric for each in gold])
    refuse_misfits(judges.spec, list(judges.rubrics), judges.add, None, list(judges.models), None, None, [])
    tasks = run.tasks(job.inputs["input"], judges.models, online=False)
    if options.held_out:
        run.tasks(Source(str(options.held_out)), judges.models, online=False, learned=False)
    steps = Steps(sampler, judges, selecting, run.output / "learn.json", job.options.quiet)
    Rounds(run, options, tasks, steps, ways).carry_out(resume)
