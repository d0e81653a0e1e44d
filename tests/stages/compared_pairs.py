"""Groups of responses of two labels, compared."""

from collections.abc import Sequence
from typing import Any

from schemas.pairs import Pair
from schemas.rollouts import Policy, Response, Rollouts
from schemas.rubric import Rubric
from schemas.task import Message
from stages.eval_pairwise import PairwiseSpec, judge_pairs, matchups
from tests.stages.judge_server import JudgeServer
from tests.stages.judging import model

SPEC = PairwiseSpec()


def line(name: str, *texts: str, policy: str = "m", rubric: Rubric | None = None, system: str = "") -> Rollouts:
    """Return a group of responses; an empty text is one that could not be had."""
    turns = [Message(role="system", content=system)] if system else []
    return Rollouts(
        id=name,
        messages=(*turns, Message(role="user", content=f"Prompt {name}")),
        rubric=rubric,
        policy=Policy(model=policy, revision="r", template="", engine="e", dtype="", seed=0),
        responses=tuple(
            Response(text=text, finish="stop", length=1)
            if text
            else Response(text="", finish="failed", length=0, error="transport: HTTP 500")
            for text in texts
        ),
    )


def compared(
    server: JudgeServer, groups: dict[str, Sequence[Rollouts]], spec: PairwiseSpec = SPEC, **more: Any
) -> list[Pair]:
    """Return all pairs of the groups, compared."""
    judge = model(server, retries=0)
    return list(judge_pairs(matchups(groups, spec), spec, judge, **more))


def outcome(pair: Pair) -> tuple[str | None, bool | None]:
    """Return what both orders came to."""
    return pair.winner, pair.consistent


TWO = {"a": [line("p1", "Hello!"), line("p2", "No.")], "b": [line("p2", "Yes!!", policy="n"), line("p1", "Hi!")]}
