"""Judged lines drawn at random, and the figures of lines."""

import random
from collections.abc import Sequence

from schemas.judged import Judged
from schemas.rollouts import Rollouts
from schemas.stats import Stats
from stages.stats import stats
from tests.judged_lines import Answer, answer, group


def figures(lines: Sequence[Rollouts], by: str = "") -> list[Stats]:
    """Return the figures of some judged lines."""
    return stats(lines, by, "file", "judged")


def drawn(seed: int, groups: int, size: int) -> list[Judged]:
    """Return groups whose rewards and lengths go together somewhat, with failures, abstentions and vetoes."""
    draw = random.Random(seed)

    def one() -> Answer:
        long = draw.randrange(1, 20)
        tone = draw.choice([0, 1, 2, 2, "abstained"] if long > 9 else [0, 0, 1, "failed"])
        return answer("word " * long, tone, int(long < 9), draw.choice([0, 1]), int(draw.random() < 0.05))

    return [group(f"p{n}", *(one() for _ in range(size)), meta={"topic": "ab"[n % 2]}) for n in range(groups)]
