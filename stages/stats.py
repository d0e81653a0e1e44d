"""`stats`: judged groups, or rollouts → what they are like, in numbers."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.rollouts import Rollouts
from schemas.stats import Judges, Stats
from stages.measures import rubric_of, vetoed
from stages.selection.fields import at, label
from stages.stats_criteria import Criteria
from stages.stats_rewards import Responses

MOST_POOLS = 100
ROOTS = ("meta", "policy", "rubric")
"""The fields that lines can be parted by, or by what is inside them."""


def stats(lines: Iterable[Rollouts], by: str, file: str, of: Literal["judged", "rollouts"]) -> list[Stats]:
    """Return the figures of all lines, and then of each pool, in the order in which they first came.

    `by` is the path of the field that parts lines into pools; empty for none. Reads the lines once and keeps some
    twenty bytes of each response, and counts. Raises RlraError for a `by` that names no field, or makes too many pools.
    """
    if by and by.split(".")[0] not in ROOTS:
        raise RlraError(f"--by {by}: lines are parted by what is in {', '.join(ROOTS)}", hint="such as meta.topic")
    whole, pools = Tally(), dict[str, Tally]()
    for line in lines:
        whole.add(line)
        if by:
            pool = label(at(line, tuple(by.split("."))))
            if pool not in pools and len(pools) == MOST_POOLS:
                raise RlraError(f"--by {by}: makes more than {MOST_POOLS} pools", hint="part lines by what many share")
            pools.setdefault(pool, Tally()).add(line)
    return [whole.stats(file, of), *(tally.stats(file, of, pool) for pool, tally in pools.items())]


class Tally:
    """What is counted of some lines."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._policies: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._vetoes: Counter[str] = Counter()
        self._judges: Counter[str] = Counter()
        self._criteria = Criteria()
        self._responses = Responses()

    def add(self, line: Rollouts) -> None:
        """Count one line."""
        self._counts["prompts"] += 1
        self._counts["responses"] += len(line.responses)
        self._policies[line.policy.model] += 1
        for response in line.responses:
            self._counts[response.finish] += 1
        self._responses.add(line)
        if isinstance(line, Judged):
            self._add_verdicts(line)

    def _add_verdicts(self, line: Judged) -> None:
        self._criteria.add(line)
        rubric = rubric_of(line)
        has_vetoes = any(leaf.veto for leaf in rubric.leaves)
        for response in line.responses:
            self._judges.update([verdict.judge for verdict in response.verdicts])
            self._failures.update([v.failure or "not said" for v in response.verdicts if v.status == "failed"])
            self._vetoes.update(response.vetoed_by)
            fired = vetoed(rubric, response) if has_vetoes else None
            if fired is not None:
                self._counts.update(decided=1, vetoed=int(fired))
        if line.usage is not None:
            used = line.usage
            self._counts.update(lines=1, calls=used.calls, tokens_in=used.tokens_in, tokens_out=used.tokens_out)

    def stats(self, file: str, of: Literal["judged", "rollouts"], pool: str | None = None) -> Stats:
        """Return the figures."""
        counts, responses = self._counts, self._responses
        answers = counts["stop"] + counts["length"]
        return Stats(
            id=file if pool is None else f"{file}:{pool}",
            file=file,
            of=of,
            pool=pool,
            prompts=counts["prompts"],
            responses=counts["responses"],
            group_size=responses.sizes(),
            policies=dict(self._policies.most_common()),
            unit="tokens" if responses.in_tokens else "characters",
            length=responses.length(),
            truncated=counts["length"] / answers if answers else None,
            unanswered=counts["failed"],
            **(self._of_verdicts() if of == "judged" else {}),
        )

    def _of_verdicts(self) -> dict[str, Any]:
        counts = self._counts
        usage = {name: counts[name] for name in ("lines", "calls", "tokens_in", "tokens_out")}
        return {
            "rewards": self._responses.rewards(),
            "criteria": self._criteria.figures(),
            "untold": self._criteria.untold,
            "correlations": self._criteria.pairs(),
            "failures": dict(self._failures.most_common()),
            "veto_rate": counts["vetoed"] / counts["decided"] if counts["decided"] else None,
            "vetoes": dict(self._vetoes.most_common()),
            "judges": dict(self._judges.most_common()),
            "usage": Judges(**usage) if counts["lines"] else None,
        }
