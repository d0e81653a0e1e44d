"""`rlra judge`."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlra_cli.floors import floors_of
from rlra_cli.judge_misfits import refuse_misfits
from rlra_cli.judge_panel import Models, PanelOptions, decides, drop_journal, journal_of, opened_panel, prices_of
from rlra_cli.judge_panel import inputs_of as panel_inputs
from rlra_cli.judge_work import Judging, tally
from rlra_cli.options import EndpointOptions, MapOptions, Output, PlaceOptions
from rlra_cli.run import Job, run_map
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged
from stages.judge import JudgeSpec, rescore

if TYPE_CHECKING:
    from stages.voting import Panel

Rubrics = Annotated[
    list[Path],
    typer.Option(
        "--rubrics",
        metavar="FILE",
        help="A rubric in YAML that replaces the lines' own; may be repeated, then they join.",
    ),
]
Add = Annotated[bool, typer.Option("--add", help="The rubrics join the lines' own instead of replacing it.")]
Reward = Annotated[
    Path | None,
    typer.Option(
        "--reward",
        metavar="FILE",
        help="Another way from stored verdicts to rewards, in YAML: re-scores judged lines, and asks nobody.",
    ),
]
Anchors = Annotated[
    Path | None,
    typer.Option("--anchors", metavar="FILE", help="`anchors/1` lines that people labelled: judged first, every time."),
]
Floors = Annotated[
    list[str],
    typer.Option(
        "--floor",
        metavar="NAME=VALUE",
        help="With --anchors: the least agreement with people, such as kappa=0.6; below it, exit 4 and no line judged.",
    ),
]
EstimateFlag = Annotated[
    bool, typer.Option("--estimate", help="Ask nobody: say how many calls and tokens it would take, and the price.")
]
RolloutsFile = Annotated[
    str, typer.Argument(metavar="ROLLOUTS", help="`rollouts/1` lines, or `judged/1` lines to judge anew.")
]


def judge(
    spec: JudgeSpec,
    panel: PanelOptions,
    endpoint: EndpointOptions,
    options: MapOptions,
    place: PlaceOptions,
    rollouts: RolloutsFile = "-",
    output: Output = "-",
    rubrics: Rubrics = [],  # noqa: B006 (typer copies it)
    add: Add = False,
    reward: Reward = None,
    model: Models = [],  # noqa: B006
    anchors: Anchors = None,
    floor: Floors = [],  # noqa: B006
    estimate: EstimateFlag = False,
) -> None:
    """Score every response against its rubric.

    \b
    rlra judge rollouts.jsonl -o judged.jsonl --rubrics rubric.yaml

    Criteria with a `check` are decided by a program. The others are put to `--model`, or to a panel of them. A
    judgement that fails is `failed` and its reward null, never a low score. On a file that is judged already, only
    what is missing or changed is asked: other weights cost no call, and `--reward FILE` tries another arithmetic,
    such as `preset: healthbench`, on the same verdicts. What it would cost says `--estimate`. Pipe it into `rlra
    select-data`, or give it to `rlra train` and `rlra eval`; `rlra eval agreement` says how far to trust the judge.
    """
    source = Source(rollouts)
    refuse_misfits(spec, rubrics, add, reward, model, panel.strong, anchors, floor)
    if reward is not None:
        return _rescore(reward, spec, options, place, source, output)
    from rlra_cli.rubric_files import inputs_of, placed

    found = [placed(path) for path in rubrics]
    decided = {**spec.model_dump(mode="json"), **decides(model, panel, endpoint), "add": add}
    inputs = {"input": source, **inputs_of(found), **panel_inputs(panel)}
    reads = [str(name) for name in (anchors, panel.prices, panel.cache, endpoint.key_file) if name]
    job = Job("judge", decided, output, options, inputs, reads)
    work = Judging(spec, [each.rubric for each in found], add)
    if estimate:
        with opened_panel(model, panel, endpoint, spec.method) as judges:
            return work.estimate(source, judges, prices_of(panel))
    sitting = _Sitting(work, model, panel, endpoint, anchors, floors_of(floor, "--floor"))
    return sitting.far(job, source, place) if place.engine == "ray" else sitting.near(job, source, place)


@dataclass(frozen=True)
class _Sitting:
    """Who judges, by what, and held to which anchors."""

    work: Judging
    models: list[str]
    panel: PanelOptions
    endpoint: EndpointOptions
    anchors: Path | None
    floors: dict[str, float]

    def near(self, job: Job, source: Source, place: PlaceOptions) -> None:
        """Judge in this process."""
        judges = [*self.models, *filter(None, [self.panel.strong])]
        journal = None if self.panel.cache else journal_of(job.output, judges)
        with self._opened(journal) as panel:
            self.work.hold_anchors(self.anchors, panel, self.floors, job)
            self.work.run(job, source, panel, place.share(self.work.spec.window))
        drop_journal(journal)

    def far(self, job: Job, source: Source, place: PlaceOptions) -> None:
        """Judge in actors of Ray; anchors are judged here."""
        from rlra_cli.ray_run import run_far
        from rlra_cli.ray_stages import Bench

        if self.panel != PanelOptions(strong=self.panel.strong, prompt=self.panel.prompt):
            raise RlraError("--cache, --prices and budgets are of one process: --engine ray has many")
        if self.anchors is not None:
            with self._opened() as panel:
                self.work.hold_anchors(self.anchors, panel, self.floors, job)
        bench = Bench(self.work, tuple(self.models), self.panel, self.endpoint)
        gpu = any(not name.startswith("openai:") for name in bench.judges)
        with self.work.watched(job, bench.judges) as watch:
            run_far(job, self.work.read(source), bench, Judged, watch, self.work.spec.window, place, gpu)

    def _opened(self, journal: Path | None = None) -> AbstractContextManager["Panel"]:
        return opened_panel(self.models, self.panel, self.endpoint, self.work.spec.method, journal)


def _rescore(
    file: Path, spec: JudgeSpec, options: MapOptions, place: PlaceOptions, source: Source, output: str
) -> None:
    from schemas.rubric_file import load_reward

    reward = load_reward(file)
    inputs = {"input": source, "reward": Source(str(file))}
    job = Job("judge", {**spec.model_dump(mode="json"), "reward": str(file)}, output, options, inputs)
    lines, shard = source.read(Judged), place.share(spec.window)
    run_map(job, lines, lambda groups: rescore(groups, reward), Judged, tally, shard=shard)
