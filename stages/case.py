"""A group that is being judged: what is settled, and what its verdicts took."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from schemas.judged import Thought, Usage, Verdict
from schemas.rollouts import Response, Rollouts
from schemas.rubric import Rubric
from stages.asking import Reply
from stages.gates import Guards, guards, rounds
from stages.models.base import Request
from stages.reading import Said
from stages.verdict_cache import Answered

Answers = Reply[dict[str, Said]]


@dataclass
class Case:
    """A group that is being judged, with the verdicts that are settled: one row per response."""

    group: Rollouts
    rubric: Rubric
    rows: list[dict[str, Verdict]] = field(default_factory=list)
    guards: Guards = field(default_factory=dict)
    rounds: list[set[str]] = field(default_factory=list)
    """The leaves by the round they are judged in: gates go before what they guard."""
    questions: dict[str, str] = field(default_factory=dict)
    """The digest of what a judge sees of each criterion that it judges."""
    asked: dict[tuple[str, Request], asyncio.Task[Answers]] = field(default_factory=dict)
    """What each judge was asked about this group: equal questions are asked once."""
    took: dict[str, Answered] = field(default_factory=dict)
    """What each answer behind the verdicts took, by the digest of its question."""
    thoughts: dict[str, Thought] = field(default_factory=dict)
    """What was thought before a vote, by the vote's key."""
    reused: bool = False
    """Whether a stored vote of the line stands."""

    def __post_init__(self) -> None:
        self.rows = [{} for _ in self.group.responses]
        self.guards = guards(self.rubric)
        self.rounds = rounds(self.guards)
        self.questions = {c.id: c.question() for c in self.rubric.leaves if c.needs_judge}

    def before(self, response: Response) -> Rollouts:
        """Return the group with the conversation that led to a response: its own turns behind the task's."""
        if not response.earlier:
            return self.group
        return self.group.model_copy(update={"messages": (*self.group.messages, *response.earlier)})

    def keep(self, response: Response, keys: Container[str]) -> None:
        """Note that votes of the line itself stand, by their keys: what was thought before them stays with them."""
        self.reused = True
        self.thoughts |= {key: t for t in getattr(response, "thoughts", ()) for key in t.keys if key in keys}

    def usage(self) -> Usage | None:
        """Return what the answers behind the verdicts took, what the line says it took before included."""
        before = getattr(self.group, "usage", None) if self.reused else None
        parts = [(a.calls, a.tokens_in, a.tokens_out) for a in self.took.values()]
        parts += [(before.calls, before.tokens_in, before.tokens_out)] if before else []
        if not parts:
            return None
        calls, tokens_in, tokens_out = (sum(column) for column in zip(*parts, strict=True))
        return Usage(calls=calls, tokens_in=tokens_in, tokens_out=tokens_out)

    def thoughts_of(self, row: Mapping[str, Verdict]) -> tuple[Thought, ...]:
        """Return what was thought before the votes of one response, each text once, in the order of the verdicts."""
        keys = [key for verdict in row.values() for key in ([v.key for v in verdict.votes] or [verdict.key])]
        texts: dict[tuple[str, str], list[str]] = {}
        for key in keys:
            if thought := self.thoughts.get(key):
                texts.setdefault((thought.judge, thought.text), []).append(key)
        return tuple(Thought(judge=judge, keys=tuple(found), text=text) for (judge, text), found in texts.items())
