"""The run of `rlra defend`: what it reads, what it asks a writer, what it leaves behind."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from rlra_cli import ui
from rlra_cli.defend_rounds import rewards_of_rounds, rounds_of
from rlra_cli.models import opened_model, recorded
from rlra_cli.options import EndpointOptions, ModelOptions, RunOptions
from rlra_cli.prompt_files import is_table, read_tasks
from rlra_cli.rubric_files import placed
from rlra_cli.run import Job, run_stream, write_manifest
from rlra_cli.validate import kind_of_file
from rlra_cli.whole_files import put_aside, put_whole, refuse_no_files
from schemas.errors import RlraError
from schemas.files import digest_of
from schemas.jsonl import Source, refuse_no_file
from schemas.judged import Judged
from schemas.manifest import path_for
from schemas.rollouts import Rollouts
from schemas.train_log import TrainLog
from stages.defence.drafting import EMPTY, HEADING
from stages.defence.material import Voice, parted, said_something, voices
from stages.defend import Defence, DefendSpec, Material, Writer, defend
from stages.visible import visible

if TYPE_CHECKING:
    from schemas.rubric import Rubric

WRITTEN_ABOUT = 12
"""Findings that a writer is asked about at most: those that matter are few."""


@dataclass(frozen=True)
class Named:
    """What the command line names besides the options of the stage."""

    files: tuple[str, ...]
    output: Path | None
    findings: str
    html: Path | None
    earlier: str | None
    gold: str | None
    good: tuple[str, ...]
    logs: tuple[Path, ...]
    writer: str | None

    def sources(self) -> dict[str, Source]:
        """Return every file that is read, by its role in the recipe."""
        several = len(self.files) > 1
        found = {f"input.{n}" if several else "input": Source(path) for n, path in enumerate(self.files)}
        found |= {role: Source(path) for role in ("earlier", "gold") if (path := getattr(self, role))}
        found |= {f"good.{n}": Source(path) for n, path in enumerate(self.good)}
        return found | {f"log.{n}": Source(str(path)) for n, path in enumerate(self.logs)}


def run_defence(named: Named, spec: DefendSpec, endpoint: EndpointOptions, options: RunOptions) -> None:
    """Read, search, and write the rubric, the page and the findings; say what was found."""
    refuse_no_files([named.output, named.html])
    refuse_no_file(named.findings)
    if not named.writer and endpoint != EndpointOptions():
        raise RlraError("the options of a server go with --writer MODEL")
    sources = named.sources()
    asked, urls = recorded(named.writer, endpoint)
    made = {**spec.model_dump(mode="json"), **({"writer": asked, "base_url": urls} if named.writer else {})}
    writes = [str(path) for path in (named.output, named.html) if path]
    job = Job("defend", made, named.findings, options, sources, writes=writes)
    material = _material(named, sources, job.counts)
    job.counts["responses"] = len(material.voices)
    with _writer(named.writer, endpoint, spec.seed) as writer:
        found = defend(material, spec, writer, asked or "")
    patterns = [finding for finding in found.findings if finding.kind != "gap"]
    job.counts["proposed"] = sum(finding.proposed for finding in patterns)
    job.counts["held_out_prompts"] = found.held_out
    if not options.quiet:
        _print(found)
        if len(named.files) > 1 and not _has_steps(material.voices):
            ui.say("defend: a step is the round of a file")
    if named.output:
        _write_rubric(named.output, found.rubric, job)
    if named.html:
        from stages.reports.findings import render

        put_whole(named.html, render(found.findings, found.rubric, spec))
    run_stream(job, found.findings)


def _material(named: Named, sources: Mapping[str, Source], counts: Counter[str]) -> Material:
    inputs = [source for role, source in sources.items() if role.partition(".")[0] == "input"]
    own = _own(inputs, counts)
    earlier = _earlier(sources["earlier"]) if named.earlier else []
    if own and not earlier and all(voice.reward is None for voice in own):
        raise RlraError(
            f"{inputs[0].name}: no response has a reward", hint="judge it with `rlra judge`, or give --earlier FILE"
        )
    gold = _gold(sources["gold"], own) if named.gold else {}
    good = [voice for role, source in sources.items() if role.startswith("good.") for voice in _good(source)]
    return Material(own, earlier, good, gold, _training(sources, named, own))


def _lines(source: Source) -> Iterator[Rollouts]:
    """Return the lines of a file, which is of one kind: half of it without rewards would be half a comparison."""
    kind = kind_of_file(source.path)
    return source.read(Rollouts if kind is Rollouts else Judged)


def _own(inputs: Sequence[Source], counts: Counter[str]) -> list[Voice]:
    """Return the responses of all files, the steps of a later one counted on from those of the ones before.

    `counts` gains `empty_or_failed`: responses that there is nothing to find in.
    """
    found: list[Voice] = []
    for number, source in zip(rounds_of([source.path for source in inputs]), inputs, strict=True):
        each = voices(_counted(_lines(source), counts), number, len(inputs))
        last = max((voice.step or 0 for voice in found), default=0) if _has_steps(each) else 0
        found += [replace(voice, step=voice.step + last) if voice.step is not None else voice for voice in each]
    return found


def _counted(lines: Iterator[Rollouts], counts: Counter[str]) -> Iterator[Rollouts]:
    for line in lines:
        if silent := sum(not said_something(response) for response in line.responses):
            counts["empty_or_failed"] += silent
        yield line


def _has_steps(found: Sequence[Voice]) -> bool:
    """Return whether the ids of the lines name steps."""
    return any(parted(voice.line)[1] is not None for voice in found)


def _earlier(source: Source) -> list[Voice]:
    found = voices(_lines(source), of_run=False)
    if not found:
        raise RlraError(f"{source.name}: holds no responses", hint="--earlier takes those of an earlier policy")
    return found


def _gold(source: Source, own: Sequence[Voice]) -> dict[tuple[str, str], float]:
    """Return the other judge's rewards. Raises RlraError where it judged none of the responses."""
    told = {(v.unit, v.text): v.reward for v in voices(source.read(Judged)) if v.reward is not None}
    if own and not any((voice.unit, voice.text) in told for voice in own):
        raise RlraError(
            f"{source.name}: --gold has none of the responses with a reward",
            hint="judge the same responses with another judge",
        )
    return told


def _good(source: Source) -> list[Voice]:
    kind = None if is_table(source.path) else kind_of_file(source.path)
    if kind is not None and issubclass(kind, Rollouts):
        return voices(_lines(source), of_run=False)
    found = []
    for task in read_tasks(source):
        text = task.reference or task.meta.get("response")
        if isinstance(text, str) and text.strip():
            found.append(Voice(text, task, task.id, task.id, 0, None))
    if not found:
        raise RlraError(f"{source.name}: holds no good responses", hint="each line needs a `reference` or a `response`")
    return found


def _training(sources: Mapping[str, Source], named: Named, own: Sequence[Voice]) -> dict[int, float]:
    """Return the training reward by the steps that responses have: the log's, or the means of its rounds."""
    if not named.logs:
        return {}
    from stages.reports.learning import learning_curve

    if own and all(voice.step is None for voice in own):
        raise RlraError(
            "--train-log: no response says at which step it was sampled",
            hint="ids are TASK@STEP in the judged file of an online run; or give the files of several rounds",
        )
    logs = [(source.path, list(source.read(TrainLog))) for role, source in sources.items() if role.startswith("log.")]
    if _has_steps(own):
        steps, rewards, _ = learning_curve([line for _, lines in logs for line in lines])
        return dict(zip(steps, rewards, strict=True))
    return rewards_of_rounds(logs)


@contextlib.contextmanager
def _writer(reference: str | None, endpoint: EndpointOptions, seed: int) -> Iterator[Writer | None]:
    if reference is None:
        yield None
        return
    from stages.defence.writing import written

    with opened_model(reference, endpoint, ModelOptions(batch_size=8), "bfloat16") as model:
        yield lambda findings: written(findings[:WRITTEN_ABOUT], model, seed)


def _write_rubric(path: Path, rubric: "Rubric | None", job: Job) -> None:
    """Write the draft, once it was read back, and its manifest."""
    partial = put_aside(path, EMPTY if rubric is None else HEADING + _as_yaml(rubric))
    if rubric is not None and placed(partial).rubric.digest() != rubric.digest():
        raise AssertionError(f"{path}: the draft does not come back as it was")
    os.replace(partial, path)
    recipe = job.recipe().model_copy(update={"sha256": digest_of(str(path))[0]})
    write_manifest(job, recipe, path_for(path))


def _as_yaml(rubric: "Rubric") -> str:
    data = rubric.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)
    return text if visible(text) == text else yaml.safe_dump(data, sort_keys=False, width=110)


def _print(found: Defence) -> None:
    from rlra_cli.defend_text import findings_table, remarks

    if any(finding.kind != "gap" for finding in found.findings):
        ui.console().print(findings_table(found.findings))
    for remark in remarks(found):
        ui.say(f"defend: {remark}")
