"""The referee of pairs: puts two responses to the judge in both orders, and keeps what it says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from schemas.base import digest
from schemas.judged import Usage, Vote
from schemas.pairs import Matchup, Order, Pair, Side, Winner, settled
from schemas.task import Message
from stages import pairwise_prompt
from stages.asking import Asker, Failure, Purse, Reply
from stages.eval_pairwise import PairwiseSpec
from stages.excerpts import fitted
from stages.models.base import Model, Request
from stages.models.live import live
from stages.pairwise_prompt import Preferred, read_preferred
from stages.seeds import derive
from stages.streaming import begun
from stages.verdict_cache import Answered, Stored, VerdictCache

Which = Literal["left", "right"]
SIDES: tuple[Which, Which] = ("left", "right")


@dataclass(frozen=True)
class Question:
    """One of the two orders of a matchup, as it is put."""

    first: Which
    request: Request
    word: str
    """What the verdict line begins with."""
    key: str
    """A digest of everything that the verdict depends on."""

    def winner(self, answer: str) -> Winner:
        """Return which side an answer prefers."""
        second: Winner = "right" if self.first == "left" else "left"
        sides: dict[str, Winner] = {"first": self.first, "second": second, "tie": "tie"}
        return sides[answer]


@dataclass(frozen=True)
class Heard:
    """What came of a question, now or in an earlier run."""

    said: Preferred | Failure
    answered: Answered


class Referee:
    """Who compares, and how."""

    def __init__(
        self,
        spec: PairwiseSpec,
        model: Model,
        counts: Counter[str],
        cache: VerdictCache | None,
        purse: Purse | None = None,
    ) -> None:
        """Keep what every comparison needs."""
        self.spec, self.cache, self.counts = spec, cache, counts
        self.model = live(model)
        self._asker = Asker(self.model, spec.attempts, counts, purse)

    async def compare(self, matchup: Matchup) -> Pair:
        """Return the matchup with the verdicts in both orders. Raises what the model and the cache raise."""
        read = [self._shown(side) for side in (matchup.left, matchup.right)]
        for each in read:
            if isinstance(each, Failure):
                return self._pair(matchup, [_failed(side, each, self._key(digest(matchup))) for side in SIDES], {})
        left, right = (each for each in read if not isinstance(each, Failure))
        asked = [self._question(matchup, "left", left, right), self._question(matchup, "right", right, left)]
        heard = await self._heard(asked)
        return self._pair(matchup, [_order(one, heard[one.key]) for one in asked], heard)

    def _shown(self, side: Side) -> str | Failure:
        """Return a response as the judge reads it, or why there is nothing to read."""
        if side.error is not None:
            return Failure("no response", f"{side.label}: {side.error}")
        text = fitted(side.text, self.spec.longest, self.spec.overlong)
        if text is None:
            said = f"{side.label}: {len(side.text):,} characters, and at most {self.spec.longest:,} are shown"
            return Failure("too long", said)
        return text

    def _question(self, matchup: Matchup, first: Which, one: str, two: str) -> Question:
        spec = self.spec
        sides = (matchup.left, matchup.right) if first == "left" else (matchup.right, matchup.left)
        earlier = (sides[0].earlier, sides[1].earlier)
        prompt, word = pairwise_prompt.put(matchup.criteria, matchup.messages, one, two, spec.seed, earlier)
        # From the prompt and not from the line: equal questions are then one question.
        seed = derive(spec.seed, "pairwise", digest(prompt))
        request = Request((Message(role="user", content=prompt),), seed, spec.temperature, spec.max_tokens)
        return Question(first, request, word, self._key(prompt))

    def _key(self, asked: str) -> str:
        model, spec = self.model, self.spec
        who = [model.reference, model.revision, model.template]
        return digest(["pairwise", asked, *who, spec.temperature, spec.max_tokens, spec.seed])

    async def _heard(self, asked: Sequence[Question]) -> dict[str, Heard]:
        """Return what came of each question, by its key; what is known already, or asked twice, is asked once."""
        found = self._cached([one.key for one in asked])
        tasks = {
            one.key: begun(self._put(one)) for one in {one.key: one for one in asked}.values() if one.key not in found
        }
        for key, task in tasks.items():
            found[key] = await task
        return found

    async def _put(self, one: Question) -> Heard:
        """Put a question, and keep what came before another one can end the run, as at the end of a budget."""
        return self._kept(one.key, await self._asker.put(one.request, partial(read_preferred, word=one.word)))

    def _cached(self, keys: Sequence[str]) -> dict[str, Heard]:
        stored = self.cache.get(keys) if self.cache is not None else {}
        if stored:
            self.counts["cached"] += len(stored)
        return {key: Heard(Preferred(row.vote.label, row.vote.reason), row.answered) for key, row in stored.items()}

    def _kept(self, key: str, reply: Reply[Preferred]) -> Heard:
        said = reply.value
        thinking = said.thinking if isinstance(said, Preferred) else ""
        answered = Answered(key, reply.tokens_in, reply.tokens_out, reply.calls, thinking)
        if self.cache is not None and isinstance(said, Preferred):
            vote = Vote(judge=self.model.reference, key=key, status="scored", label=said.answer, reason=said.reason)
            self.cache.put([Stored(vote, answered)])
        return Heard(said, answered)

    def _pair(self, matchup: Matchup, orders: Sequence[Order], heard: Mapping[str, Heard]) -> Pair:
        winner, consistent = settled(orders)
        return Pair(
            **{name: getattr(matchup, name) for name in Matchup.model_fields if name != "tag"},
            judge=self.model.reference,
            orders=(orders[0], orders[1]),
            winner=winner,
            consistent=consistent,
            usage=_usage([one.answered for one in heard.values()]),
        )


def _order(question: Question, heard: Heard) -> Order:
    if isinstance(heard.said, Failure):
        return _failed(question.first, heard.said, question.key)
    return Order(
        first=question.first,
        status="scored",
        winner=question.winner(heard.said.answer),
        reason=heard.said.reason,
        thinking=heard.answered.thinking,
        key=question.key,
    )


def _failed(first: Which, why: Failure, key: str) -> Order:
    return Order(first=first, status="failed", winner=None, reason=why.reason, failure=why.kind, key=key)


def _usage(answers: Sequence[Answered]) -> Usage | None:
    if not answers:
        return None
    return Usage(
        calls=sum(one.calls for one in answers),
        tokens_in=sum(one.tokens_in for one in answers),
        tokens_out=sum(one.tokens_out for one in answers),
    )
