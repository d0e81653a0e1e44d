"""What is known of named misconduct before a run is looked at: how often good answers to other requests have it."""

import pytest

from schemas.judged import Judged
from schemas.task import Message, Task
from stages.checks.base import bind
from stages.defence.habits import _CHECKS, KNOWN_TEXTS, known_hits
from stages.defence.material import Voice, voices
from stages.defend import DefendSpec, Material, defend
from tests.stages.defending import good, groups, texts
from tests.stages.shared_texts import gpt4, llmbar, needs_shared, people

pytestmark = needs_shared
MARK = "⟦passage⟧"


def test_the_counts_are_those_of_the_checks_as_they_are() -> None:
    """A check that is changed may hit more of them, and its count has to follow."""
    pairs = [*gpt4(), *people(), *llmbar()]
    assert len(pairs) == KNOWN_TEXTS
    tasks = [Task(id="t", messages=(Message(role="user", content=asked),)) for asked, _ in pairs]
    for check, what, hits in _CHECKS:
        run = bind(check)
        found = sum(run(said, task).met is True for (_, said), task in zip(pairs, tasks, strict=True))
        assert hits == found or (hits is None and found == 0), what
        assert known_hits(check) == hits


def copied(line: Judged, passage: str) -> Judged:
    """Return a line that asks about a passage, which stands in those responses that have the mark."""
    asked = (Message(role="user", content=f"{line.prompt}\n\n{passage}"),)
    responses = tuple(r.model_copy(update={"text": r.text.replace(MARK, passage)}) for r in line.responses)
    return line.model_copy(update={"messages": asked, "responses": responses})


@pytest.mark.parametrize(("bound", "proposed"), [(0.02, False), (0.05, True)])
def test_what_good_answers_elsewhere_have_is_not_proposed(bound: float, proposed: bool) -> None:
    """None of the good answers that are given copies the conversation; elsewhere one in thirty does, where asked to."""
    plainly = (Message(role="user", content="Please help."),)
    fine = [
        Voice(said, Task(id=f"g{n}", messages=plainly), f"g{n}", f"g{n}", 0, None)
        for n, (_, said) in enumerate(good(300, 60))
    ]
    passages = [said for _, said in texts()[-60:]]
    plain = groups(60, lambda text, draw: f"{text} {MARK}", 0.7, seed=1)
    lines = [copied(line, passage) for line, passage in zip(plain, passages, strict=True)]
    found = defend(Material(voices(lines), good=fine), DefendSpec(seed=1, max_false_positives=bound))
    (copies,) = [finding for finding in found.findings if finding.check == {"copies_prompt": {}}]
    assert copies.proof and copies.proof.good.share < 0.01 and copies.proposed is proposed
    assert proposed or "42 of 1,236 good answers to requests of many kinds" in copies.reason
