"""Rubrics for a stream of lines: many under way, in order, in constant memory."""

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field

from stages.asking import Asker
from stages.judge import JudgeSpec
from stages.judging import Bench
from stages.models.base import LiveModel, Model
from stages.models.live import follows_schemas, in_flight, seated
from stages.streaming import flow
from stages.voting import Panel
from stages.writing.bank import Bank
from stages.writing.base import Material, Method
from stages.writing.bench import ProbeBench, Probes, no_probes
from stages.writing.desk import Desk, Written
from stages.writing.gates import gates
from stages.writing.spec import WritingSpec

AHEAD = 4
"""How many times as many lines are under way as requests are in flight: a line's questions follow from each other."""


@dataclass(frozen=True)
class Writing:
    """How rubrics are written, by whom, and what is held against them."""

    method: Method
    spec: WritingSpec
    seed: int
    writers: Sequence[Model]
    judges: Sequence[Model] = ()
    """Who tries drafts on responses; without them the gates that need a judge do not run."""
    judge_spec: JudgeSpec = field(default_factory=JudgeSpec)
    probes: Probes = no_probes
    bank: Bank | None = None
    """What no criterion may repeat."""
    rewrites: bool = False
    """Whether prompts are rewritten to fit their rubrics."""

    @property
    def together(self) -> bool:
        """Whether lines are written in windows, because a model answers in batches."""
        return not all(map(in_flight, (*self.writers, *self.judges)))

    @property
    def window(self) -> int:
        """How many lines are written in one go; 1 where no line depends on another."""
        return self.spec.lines_at_once if self.together else 1

    def _asker(self, model: LiveModel, known: Model, counts: Counter[str]) -> Asker:
        schemas = self.spec.schemas and follows_schemas(known)
        return Asker(model, self.spec.attempts, counts, schemas=schemas)

    def write(self, lines: Iterable[Material], counts: Counter[str]) -> Generator[Written, None, None]:
        """Yield what came of every line, in order. `counts` gains what `Asker` counts.

        Raises RlraError where a model as a whole is of no use; what comes before that line is yielded first.
        """
        everyone = seated([*self.writers, *self.judges])
        writers, judges = everyone[: len(self.writers)], everyone[len(self.writers) :]
        bench = Bench(self.judge_spec, Panel(tuple(judges)), counts) if judges else None
        desk = Desk(
            self.method,
            self.spec,
            self.seed,
            [self._asker(model, known, counts) for model, known in zip(writers, self.writers, strict=True)],
            gates(self.bank),
            ProbeBench(bench, self.spec, self.probes) if bench else None,
            self.rewrites,
        )
        limit = self.spec.lines_at_once if self.together else AHEAD * sum(map(in_flight, self.writers))

        async def close() -> None:
            for model in everyone:
                await model.aclose()

        try:
            yield from flow(lines, desk.write, limit, together=self.together, close=close)
        finally:
            if bench:
                bench.programs.close()
