"""What `rlra judge` does once its judges are seated: estimate, hold the anchors, judge, warn."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from rlra_cli import ui
from rlra_cli.run import Job, run_map
from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.rollouts import Rollouts
from schemas.rubric import Rubric
from schemas.shards import Shard
from stages.judge import JudgeSpec, askings
from stages.judge import judge as stage

if TYPE_CHECKING:
    from schemas.prices import Prices
    from stages.voting import Panel

LOOKED_AT = 100
"""Judged lines that an estimate learns the length of answers from."""


@dataclass(frozen=True)
class Judging:
    """How lines are judged, whoever judges them."""

    spec: JudgeSpec
    rubrics: list[Rubric]
    add: bool

    def read(self, source: Source) -> Iterator[Rollouts]:
        """Yield the lines to judge. Raises RlraError for lines of another kind; `--only-failed` needs judged ones."""
        return source.read(Judged) if self.spec.only_failed else source.read(Rollouts, Judged)

    def run(self, job: Job, source: Source, panel: "Panel", shard: Shard | None = None) -> None:
        """Judge every line of `source`, or of its `shard`, say what it took, and warn of what weakens the verdicts.

        Raises what `run_map` and the stage raise.
        """

        def lines(groups: Iterator[Rollouts]) -> Iterator[Judged]:
            # Closed at once where a line cannot be written: until then requests are under way, and files open.
            yield from open_.enter_context(closing(stage(groups, self.spec, panel, self.rubrics, self.add, job.counts)))

        job.spending = partial(taken, panel)
        # A model of batches answers the same only in the same batches: those of whole windows.
        seated = (*panel.models, *([panel.strong] if panel.strong else []))
        align = 1 if all(hasattr(model, "answer") for model in seated) else self.spec.window
        with self.watched(job, [model.reference for model in seated]) as watch, ExitStack() as open_:
            run_map(job, self.read(source), lines, Judged, watch, align, shard)

    @contextmanager
    def watched(self, job: Job, judges: Sequence[str]) -> Iterator[Callable[[Judged], Counter[str]]]:
        """Yield the tally of the lines that these judges make; at the end, warn of what weakens the verdicts."""
        from stages.biases import LengthBias, family_warning

        bias, policies = LengthBias(), set[str]()

        def watch(group: Judged) -> Counter[str]:
            bias.see(group)
            policies.add(group.policy.model)
            return tally(group)

        yield watch
        for warning in (family_warning(list(judges), sorted(policies)), bias.warning()):
            if warning:
                ui.say(f"judge: warning: {warning}", job.options.quiet)

    def estimate(self, source: Source, panel: "Panel", prices: "Prices | None") -> None:
        """Say on stderr what judging `source` would take, and ask nobody. Raises RlraError where a price is missing."""

        from rlra_cli.estimate_text import estimate_table
        from stages.estimate import Spoken, estimated

        counts, spoken = Counter[str](), Spoken()
        groups = self.read(source)
        seen = list(islice(groups, LOOKED_AT))
        for group in seen:
            if isinstance(group, Judged):
                spoken.see(group)
        asked = askings(chain(seen, groups), self.spec, panel, self.rubrics, self.add, counts)
        found = estimated(asked, spoken.mean)
        found.in_lines, found.in_cache = counts["reused"], counts["cached"]
        ui.console(110).print(estimate_table(found, prices))

    def hold_anchors(self, anchors: Path | None, panel: "Panel", floors: dict[str, float], job: Job) -> None:
        """Judge the anchors, where there are any, by their own rubrics; say how far the judge agrees with people.

        The manifest of `job` says so too, as a line of `agreement/1`.

        Raises BarMissedError where that is below one of `floors`, and RlraError for anchors that cannot be used.
        """
        if anchors is None:
            return
        from rlra_cli.floors import hold
        from schemas.anchors import Anchors
        from stages.anchors import agreement_on, as_rollouts
        from stages.eval_agreement import AgreementSpec

        lines = list(Source(str(anchors)).read(Anchors))
        # Without the cache: a judge that changes without telling is what anchors are there to notice.
        judged = stage(map(as_rollouts, lines), self.spec, replace(panel, cache=None))
        overall = agreement_on(lines, judged, AgreementSpec(seed=self.spec.seed))
        for name in dict.fromkeys(("accuracy", "kappa", *floors)):
            figure = overall.judge[name]
            between = "" if figure.low is None else f" ({figure.low:.3f} to {figure.high:.3f})"
            value = f"undefined: {figure.why}" if figure.value is None else f"{figure.value:.3f}{between}"
            ui.say(f"judge: anchors: {name} {value}", job.options.quiet)
        job.found = {**job.found, "anchors": orjson.loads(to_line(overall))}
        hold(overall, floors, f"judge: {anchors}")


def taken(panel: "Panel") -> Counter[str]:
    """Return what the models counted: calls, retries, tokens; and what it cost where prices are known."""
    total: Counter[str] = Counter()
    if (usd := getattr(getattr(panel.purse, "spent", None), "usd", None)) is not None:
        total["usd"] = usd
    for model in (*panel.models, *([panel.strong] if panel.strong else [])):
        total.update(getattr(model, "counts", {}))
    return total


def tally(group: Judged) -> Counter[str]:
    """Return the counts of one line: responses, failed ones, vetoed ones, and failed verdicts by class."""
    rewards = [response.reward for response in group.responses]
    counts = Counter(
        responses=len(rewards),
        vetoed=sum(bool(response.vetoed_by) for response in group.responses),
        failed=rewards.count(None),
    )
    broken = (v.failure for response in group.responses for v in response.verdicts if v.failure)
    counts.update(f"failed_verdicts:{kind}" for kind in broken)
    return counts
