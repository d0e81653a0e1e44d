"""The judge's bench: which verdicts are settled, and in which order the others are asked for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from schemas.errors import RlraError
from schemas.judged import Verdict
from schemas.rollouts import Response
from schemas.rubric import Criterion, Rubric
from stages import panels, verdicts
from stages.case import Case
from stages.gates import stopped
from stages.models.live import in_flight
from stages.programs import Programs
from stages.scoring import fires
from stages.streaming import begun
from stages.voting import Jury, Panel, Question

if TYPE_CHECKING:
    from stages.judge import JudgeSpec

AHEAD = 32
"""How many times as many questions are under way as are in flight: results come in order, and one slow answer, sent
again after its time ran out, must not hold up the others."""


class Bench:
    """Who judges, and how. `programs` is to be closed at the end."""

    def __init__(self, spec: JudgeSpec, panel: Panel, counts: Counter[str]) -> None:
        """Seat the panel; without models there is none, and checks need none. Raises RlraError for a bad prompt."""
        self.spec, self.counts = spec, counts
        self.programs = Programs()
        self.turn = asyncio.Lock()
        """Who asks next: a line's questions stand together, so that the first lines are done first."""
        self.jury = Jury(spec, panel, counts) if panel.models else None
        everyone = (*panel.models, *([panel.strong] if panel.strong else []))
        self.live = sum(map(in_flight, panel.models))
        self.together = bool(panel.models) and not all(in_flight(model) for model in everyone)

    @property
    def limit(self) -> int:
        """The weight of the cases that are judged at a time (see `weigh`)."""
        return self.spec.window if self.together or not self.live else AHEAD * self.live

    def weigh(self, case: Case) -> int:
        """Return what a case counts against `limit`: its questions, or 1 where whole groups are put together."""
        if self.together or not self.live:
            return 1
        asked = sum(criterion.needs_judge for criterion in case.rubric.leaves)
        calls = -(-asked // (self.spec.per_call or asked or 1)) if asked else 0
        return max(1, len(case.group.responses) * calls)

    def accept(self, rubric: Rubric) -> None:
        """Bind the checks of `rubric`. Raises RlraError for what cannot be judged here."""
        for criterion in rubric.leaves:
            if not criterion.needs_judge:
                self.programs.accept(criterion)
            elif self.jury is None:
                raise RlraError(
                    f"rubric '{rubric.rubric}': criterion '{criterion.id}' needs a model to judge it",
                    hint="add --model openai:NAME --base-url URL",
                )
            else:
                self.jury.words.accept(criterion)

    async def close(self) -> None:
        """Close the connections of the models, in the loop that opened them."""
        if self.jury:
            await self.jury.close()

    async def judge(self, case: Case) -> Case:
        """Settle every verdict of a case, gates first. Raises what the models raise."""
        for number in range(len(case.rounds)):
            criteria = [c for c in case.rubric.leaves if c.id in case.rounds[number]]
            left = [self._settled(case, response, row, criteria) for response, row in self._rows(case)]
            asking: list[asyncio.Task[None]] = []
            async with self.turn:
                for (response, row), asked in zip(self._rows(case), left, strict=True):
                    if asked and self.jury:
                        asking.append(begun(self.jury.decide(case, response, asked, row)))
                        # The prompts of a whole group at once would let the answers of others wait.
                        await asyncio.sleep(0)
            await asyncio.gather(*asking)
        return case

    def unanswered(self, case: Case) -> Iterator[Question]:
        """Yield what the panel would be asked about a case, round by round as `judge` asks it.

        Checks are run; a gate on which a judge's votes are not all known for every sibling stands open.
        """
        before = case.guards
        for number in range(len(case.rounds)):
            case.guards = {
                name: tuple(gate for gate in before[name] if all(gate.id in row for row in case.rows))
                for name in case.rounds[number]
            }
            criteria = [c for c in case.rubric.leaves if c.id in case.rounds[number]]
            for response, row in self._rows(case):
                left = self._settled(case, response, row, criteria)
                if self.jury and left:
                    yield from self.jury.unanswered(case, response, left, row)

    def _rows(self, case: Case) -> Sequence[tuple[Response, dict[str, Verdict]]]:
        return list(zip(case.group.responses, case.rows, strict=True))

    def _settled(
        self, case: Case, response: Response, row: dict[str, Verdict], criteria: Sequence[Criterion]
    ) -> list[Criterion]:
        """Settle what needs no model, and return the criteria that are left."""
        for criterion in criteria:
            if not criterion.needs_judge:
                row[criterion.id] = self._checked(case, response, row, criterion)
        vetoed = self._vetoed(case, row)
        left: list[Criterion] = []
        for criterion in (c for c in criteria if c.needs_judge):
            why = stopped(case.guards[criterion.id], row, case.rows) or vetoed
            if known := self._known(case, response, criterion, why):
                row[criterion.id] = known
            else:
                left.append(criterion)
        return left

    def _checked(self, case: Case, response: Response, row: dict[str, Verdict], criterion: Criterion) -> Verdict:
        group = case.before(response)
        key = verdicts.check_key(criterion, group, response.text)
        if why := stopped(case.guards[criterion.id], row, case.rows):
            return verdicts.skipped(criterion, why, verdicts.BY_CHECK, key)
        if response.finish == "failed":
            return verdicts.failed(criterion, "no response", "no response", verdicts.BY_CHECK, key)
        return self.programs.verdict(criterion, key, group, response.text)

    def _vetoed(self, case: Case, row: dict[str, Verdict]) -> str:
        """Return why a model is not asked any more about a response, or "": a check's veto fired."""
        if not self.spec.short_circuit:
            return ""
        fired = (
            c.id for c in case.rubric.leaves if c.veto and not c.needs_judge and c.id in row and fires(c, row[c.id])
        )
        return next((f"vetoed by '{name}' already" for name in fired), "")

    def _known(self, case: Case, response: Response, criterion: Criterion, why: str) -> Verdict | None:
        name = self.jury.name if self.jury else verdicts.BY_CHECK
        key = verdicts.context(case.before(response), response.text)
        if why:
            return verdicts.skipped(criterion, why, name, key)
        if response.finish == "failed":
            return verdicts.failed(criterion, "no response", "no response", name, key)
        if self.spec.only_failed and (stored := _verdict_on(criterion, response)):
            case.keep(response, panels.votes_of(stored))
            self.counts["reused"] += 1
            wanted = case.rubric.signs[criterion.id] > 0
            return panels.rescored(criterion, stored, self.spec.panel, self.spec.quorum, wanted)
        return None


def _verdict_on(criterion: Criterion, response: Response) -> Verdict | None:
    """Return the stored verdict on `criterion` that stands, whoever gave it."""
    stored = (v for v in getattr(response, "verdicts", ()) if v.criterion == criterion.id)
    return next((v for v in stored if v.status in ("scored", "abstained")), None)
