"""Who votes on a criterion: the seats of a panel, what each is asked, and where its vote is known already."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.base import digest
from schemas.judged import Thought, Verdict, Vote
from schemas.rollouts import Response
from schemas.rubric import Criterion
from stages import judge_prompt, panels, reading, verdicts
from stages.asking import Asker, Failure, Purse, Reply
from stages.case import Case
from stages.models.base import Model, Request
from stages.models.live import Batched, seated
from stages.questions import Questions, Reader
from stages.reading import Said
from stages.streaming import begun
from stages.verdict_cache import Answered, Stored, VerdictCache

if TYPE_CHECKING:
    from stages.judge import JudgeSpec

FLUSH_S = 0.05
"""How long an answer may wait in memory before it is written to the cache."""

Votes = dict[str, list[Vote]]
Keys = dict[tuple[int, str], str]
"""The key of a vote, by the number of its seat and its criterion."""


@dataclass(frozen=True)
class Panel:
    """The models that judge, and what they share."""

    models: tuple[Model, ...] = ()
    """Every one of them votes."""
    strong: Model | None = None
    """Asked where the votes leave the verdict unsure, and then its vote decides."""
    prompt: judge_prompt.PromptText | None = None
    """The prompt, in place of the one that the method brings."""
    cache: VerdictCache | None = None
    """Where votes are kept between runs, and between processes."""
    purse: Purse | None = None
    """Who pays."""


@dataclass(frozen=True)
class Seat:
    """One vote of one judge: its own, of several repeats, in one of several orders of what is shown."""

    asker: Asker
    identity: tuple[str | int | float, ...]
    """What a vote of this seat depends on, besides the criterion and the response."""
    repeat: int
    order: int
    strong: bool = False

    @property
    def judge(self) -> str:
        """The reference of its model."""
        return self.asker.model.reference

    def own(self, vote: Vote) -> Vote:
        """Return a vote as one of this seat: what was a panel's vote in one run can be the stronger judge's here."""
        return vote if vote.strong == self.strong else vote.model_copy(update={"strong": self.strong})


@dataclass(frozen=True)
class Question:
    """One call that a seat has to make."""

    seat: Seat
    keys: Mapping[str, str]
    """The keys of the votes that it is to give, by criterion."""
    request: Request
    read: Reader

    @property
    def once(self) -> tuple[str, Request]:
        """What makes two questions one."""
        return self.seat.judge, self.request

    def digest(self) -> str:
        """Return a name for what was asked: one name is one answer, whatever the votes that are read from it."""
        model, asked = self.seat.asker.model, self.request
        sampling = [asked.seed, asked.temperature, asked.max_tokens, asked.schema, asked.top]
        return digest([model.reference, model.revision, model.template, asked.messages[0].content, sampling])


class Jury:
    """The seats of a panel, and the asking for their votes."""

    def __init__(self, spec: JudgeSpec, panel: Panel, counts: Counter[str]) -> None:
        """Seat every model of the panel."""
        self.spec, self.cache, self.counts = spec, panel.cache, counts
        self.words = Questions(spec, panel.prompt)
        everyone = seated([*panel.models, *([panel.strong] if panel.strong else [])])
        self.models, self.strong = everyone[: len(panel.models)], everyone[-1] if panel.strong else None
        askers = [Asker(model, spec.attempts, counts, panel.purse) for model in self.models]
        self.seats = [
            self._seat(asker, repeat, order)
            for asker in askers
            for repeat in range(spec.repeats)
            for order in range(spec.permutations)
        ]
        self.above = (
            [self._seat(Asker(self.strong, spec.attempts, counts, panel.purse), 0, 0, True)] if self.strong else []
        )
        self._flushing: asyncio.Task[None] | None = None
        self.name = panels.name_of([seat.judge for seat in self.seats], spec.panel)

    def _seat(self, asker: Asker, repeat: int, order: int, strong: bool = False) -> Seat:
        model, spec = asker.model, self.spec
        orders = 1 if strong else spec.permutations
        who = (model.reference, model.revision, model.template)
        how = (self.words.prompt.digest, spec.method, spec.temperature, spec.max_tokens, spec.seed, spec.least_mass)
        return Seat(asker, (*who, *how, repeat, order, orders), repeat, order, strong)

    def _flush_soon(self) -> None:
        """See to it that what was put into the cache survives a kill a moment later, at one write for many answers."""
        if self._flushing is None or self._flushing.done():
            self._flushing = begun(self._flush())

    async def _flush(self) -> None:
        await asyncio.sleep(FLUSH_S)
        if self.cache is not None:
            self.cache.flush()

    async def close(self) -> None:
        """Close the models' connections, count what models of batches took, and write what the cache has in memory."""
        for model in [*self.models, *([self.strong] if self.strong else [])]:
            await model.aclose()
            if isinstance(model, Batched):
                self.counts.update(model.counts)
        # Last: of a full disk it raises, and connections are to be closed all the same.
        if self.cache is not None:
            self.cache.flush()

    async def decide(
        self, case: Case, response: Response, criteria: Sequence[Criterion], row: dict[str, Verdict]
    ) -> None:
        """Put a verdict on each of `criteria` into `row`. Raises what the models raise."""
        text = self._fitted(case, response, criteria, row)
        if text is None:
            return
        if self._flushing is not None and self._flushing.done():
            self._flushing.result()  # a cache that cannot be written ends the run
        votes = await self._votes(self.seats, case, response, text, criteria)
        for criterion in criteria:
            row[criterion.id] = self._verdict(case, criterion, votes[criterion.id])
        if not self.above:
            return
        doubtful = [c for c in criteria if self._doubts(row[c.id])]
        self.counts["escalated"] += len(doubtful)
        strong = await self._votes(self.above, case, response, text, doubtful)
        for criterion in doubtful:
            row[criterion.id] = self._verdict(case, criterion, [*votes[criterion.id], *strong[criterion.id]])

    def _fitted(
        self, case: Case, response: Response, criteria: Sequence[Criterion], row: dict[str, Verdict]
    ) -> str | None:
        """Return what is shown of a response; None for one that is too long, and then that is every verdict on it."""
        text = judge_prompt.fitted(response.text, self.spec.longest, self.spec.overlong)
        if text is None:
            why = f"too long: {len(response.text):,} characters, and at most {self.spec.longest:,} are judged"
            key = verdicts.context(case.before(response), response.text)
            row.update({c.id: verdicts.failed(c, "too long", why, self.name, key) for c in criteria})
        return text

    def _verdict(self, case: Case, criterion: Criterion, votes: Sequence[Vote]) -> Verdict:
        wanted = case.rubric.signs[criterion.id] > 0
        return panels.verdict_of(criterion, votes, self.spec.panel, self.spec.quorum, wanted)

    def _doubts(self, verdict: Verdict) -> bool:
        return panels.unsure(verdict, self.spec.unsure)

    async def _votes(
        self, seats: Sequence[Seat], case: Case, response: Response, text: str, criteria: Sequence[Criterion]
    ) -> Votes:
        """Return the votes on each criterion, seat by seat: stored ones, and for the rest those asked for."""
        keys = self._keys(seats, case, response, text, criteria)
        found = self._known(case, response, list(keys.values()))
        questions = self._questions(seats, case, response, text, criteria, keys, found)
        for votes in await asyncio.gather(*[self._answered(case, question) for question in questions]):
            found |= votes
        return {c.id: [seat.own(found[keys[number, c.id]]) for number, seat in enumerate(seats)] for c in criteria}

    def _keys(
        self, seats: Sequence[Seat], case: Case, response: Response, text: str, criteria: Sequence[Criterion]
    ) -> Keys:
        shown = verdicts.context(case.before(response), text)
        return {
            (number, c.id): verdicts.vote_key(case.questions[c.id], shown, (*seat.identity, *case.rubric.around[c.id]))
            for number, seat in enumerate(seats)
            for c in criteria
        }

    def _questions(
        self,
        seats: Sequence[Seat],
        case: Case,
        response: Response,
        text: str,
        criteria: Sequence[Criterion],
        keys: Keys,
        found: Container[str],
    ) -> Iterator[Question]:
        """Yield what has to be asked, some criteria at a time."""
        for number, seat in enumerate(seats):
            left = [c for c in criteria if keys[number, c.id] not in found]
            for part in _parts(left, self.spec.per_call):
                orders = 1 if seat.strong else self.spec.permutations
                request, read = self.words.put(case, response, text, part, seat.repeat, seat.order, orders)
                yield Question(seat, {c.id: keys[number, c.id] for c in part}, request, read)

    async def _answered(self, case: Case, question: Question) -> dict[str, Vote]:
        """Return the votes that answer a question; what siblings have in common is asked once."""
        task = case.asked.get(question.once)
        if task is None:
            task = case.asked[question.once] = begun(question.seat.asker.put(question.request, question.read))
        return self._counted(case, question, await task)

    def unanswered(
        self, case: Case, response: Response, criteria: Sequence[Criterion], row: dict[str, Verdict]
    ) -> Iterator[Question]:
        """Yield what the panel would be asked about a response, the stronger judge aside, and count what is known.

        Verdicts on which every vote is known, the stronger judge's included where it would be asked, go into `row`.
        """
        text = self._fitted(case, response, criteria, row)
        if text is None:
            return
        left, votes = list(criteria), Votes()
        for seats in (self.seats, self.above):
            keys = self._keys(seats, case, response, text, left)
            found = self._known(case, response, list(keys.values()))
            if seats is self.seats:
                yield from self._questions(seats, case, response, text, left, keys, found)
            left = [c for c in left if all(keys[number, c.id] in found for number in range(len(seats)))]
            for criterion in left:
                own = [seat.own(found[keys[number, criterion.id]]) for number, seat in enumerate(seats)]
                votes[criterion.id] = [*votes.get(criterion.id, ()), *own]
            settled = {c.id: self._verdict(case, c, votes[c.id]) for c in left}
            left = [c for c in left if self.above and seats is self.seats and self._doubts(settled[c.id])]
            row.update({name: each for name, each in settled.items() if name not in {c.id for c in left}})

    def _known(self, case: Case, response: Response, keys: Sequence[str]) -> dict[str, Vote]:
        """Return the votes of the line itself, and then of the cache, that still hold."""
        stored = _stored(response)
        found = {key: stored[key] for key in keys if key in stored}
        if found:
            self.counts["reused"] += len(found)
            case.keep(response, found)
        if self.cache is not None and len(found) < len(keys):
            for key, row in self.cache.get([key for key in keys if key not in found]).items():
                found[key] = row.vote
                case.took[row.answered.request] = row.answered
                if row.answered.thinking:
                    case.thoughts[key] = Thought(judge=row.vote.judge, keys=(key,), text=row.answered.thinking)
                self.counts["cached"] += 1
        return found

    def _counted(self, case: Case, question: Question, reply: Reply[dict[str, Said]]) -> dict[str, Vote]:
        """Return the votes that a reply holds, by their keys, and keep what it took."""
        judge = question.seat.judge
        thinking = reading.thinking(reply.completion) if reply.completion else ""
        answered = Answered(question.digest(), reply.tokens_in, reply.tokens_out, reply.calls, thinking)
        case.took[answered.request] = answered
        said = reply.value
        votes = {
            key: verdicts.vote(said if isinstance(said, Failure) else said[criterion], judge, key)
            for criterion, key in question.keys.items()
        }
        if thinking:
            case.thoughts |= {key: Thought(judge=judge, keys=(key,), text=thinking) for key in votes}
        if self.cache is not None and not isinstance(said, Failure):
            self.cache.put([Stored(vote, answered) for vote in votes.values()])
            self._flush_soon()
        return votes


def _parts(criteria: Sequence[Criterion], size: int | None) -> Iterator[list[Criterion]]:
    step = size or max(1, len(criteria))
    for start in range(0, len(criteria), step):
        yield list(criteria[start : start + step])


def _stored(response: Response) -> dict[str, Vote]:
    """Return the votes of a judged response that are worth keeping, by key."""
    found: dict[str, Vote] = {}
    for verdict in getattr(response, "verdicts", ()):
        if verdict.judge != verdicts.BY_CHECK and verdict.status != "skipped":
            found |= {key: vote for key, vote in panels.votes_of(verdict).items() if vote.status != "failed"}
    return found
