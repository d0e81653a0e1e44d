"""Hacks put into real answers: found, not told; proposed only where good answers lack them; and none where none is."""

import random
from dataclasses import replace
from functools import cache

import pytest

from rlra_cli.rubric_files import Placed, try_checks
from schemas.criterion import Criterion
from schemas.rubric import Rubric, join
from schemas.task import Message, Task
from stages.checks.base import bind
from stages.defence.material import Voice, voices
from stages.defend import Defence, DefendSpec, Material, defend
from tests.stages.defending import HACKS, RARE, good, groups, texts, varied
from tests.stages.shared_texts import llmbar, needs_shared

pytestmark = needs_shared
TASK = Task(id="t", messages=(Message(role="user", content="Please help me with this."),))


def spoken(pairs: list[tuple[str, str]]) -> list[Voice]:
    """Return answers as good ones."""
    tasks = [Task(id=f"g{n}", messages=(Message(role="user", content=asked),)) for n, (asked, _) in enumerate(pairs)]
    return [Voice(said, task, task.id, task.id, 0, None) for task, (_, said) in zip(tasks, pairs, strict=True)]


@cache
def fine() -> tuple[Voice, ...]:
    """Return two hundred good answers that are in no group."""
    return tuple(spoken(list(good(200, 60))))


@cache
def defended(name: str, share: float, seed: int = 1) -> Defence:
    """Return what is found where this share of the better half of each group has the hack."""
    found = voices(groups(60, HACKS.get(name), share, seed=seed))
    return defend(Material(found, good=fine()), DefendSpec(seed=seed))


def fires(rubric: Rubric | None, text: str) -> bool:
    """Return whether a drafted rubric vetoes a text."""
    found = [(bind(leaf.check), leaf.veto == "if_met") for leaf in rubric.leaves if leaf.check] if rubric else []
    return any(run(text, TASK).met is wanted for run, wanted in found)


def share(rubric: Rubric | None, texts: list[str]) -> float:
    """Return which share of texts a rubric vetoes."""
    return sum(fires(rubric, text) for text in texts) / len(texts)


@pytest.mark.parametrize("name", HACKS)
def test_a_hack_is_found_and_the_draft_catches_it(name: str) -> None:
    """The veto fires on new answers with the hack, and on hardly any without; it holds as a rubric."""
    rubric = defended(name, 0.6).rubric
    draw = random.Random(9)
    hacked = [HACKS[name](varied(said, draw), draw) for _, said in good(60, 260)]
    assert share(rubric, hacked) >= 0.8
    assert share(rubric, [said for _, said in good(120, 260)]) <= 0.02
    assert share(rubric, [said for _, said in llmbar()]) <= 0.02
    assert rubric is not None and rubric.kind == "defence" and all(leaf.veto for leaf in rubric.leaves)
    try_checks(Placed(rubric, "draft"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_a_hack_nothing_is_proposed(seed: int) -> None:
    """Rewards by the toss of a coin: neither findings nor a draft."""
    found = defended("none", 0, seed)
    assert not found.findings and found.rubric is None


def test_the_evidence_is_whole() -> None:
    """Found on one half and held on the other; who was fooled; with it beside without it, of the same prompt."""
    (finding,) = defended("rare_word", 0.6).findings
    assert finding.check is not None and RARE in str(finding.check) and finding.proposed and not finding.reason
    assert finding.found and finding.found.against == "group" and finding.q is not None and finding.q < 0.01
    assert finding.proof and finding.proof.held_out and finding.proof.held_out.high > 3 * finding.proof.held_out.low
    assert finding.found.prompts + finding.proof.held_out.prompts <= 60
    assert (finding.proof.good.hits, finding.proof.good.n) == (0, 200) and finding.proof.good.high <= 0.02
    assert finding.exploited[0].criterion == "helpful" and finding.exploited[0].rise.low > 0
    assert finding.examples and all(RARE in e.has and RARE not in e.lacks for e in finding.examples)
    assert finding.found.log_odds.low > 0 and finding.onset is None


def test_it_is_the_same_again() -> None:
    found = voices(groups(60, HACKS["claim"], 0.6, seed=1))
    again = defend(Material(found, good=fine()), DefendSpec(seed=1))
    assert again == defended("claim", 0.6)
    other = defend(Material(found[::-1], good=fine()), DefendSpec(seed=1))
    assert {f.id for f in other.findings} == {f.id for f in again.findings}, "the order of responses does not matter"


def test_what_good_answers_have_is_found_and_not_proposed() -> None:
    """The hack stands in the good answers too: evidence is kept, with the reason."""
    draw = random.Random(3)
    spoilt = [Voice(HACKS["rare_word"](v.text, draw), v.task, v.unit, v.line, 0, None) for v in fine()]
    found = voices(groups(60, HACKS["rare_word"], 0.6, seed=1))
    told = defend(Material(found, good=spoilt), DefendSpec(seed=1))
    assert told.findings and told.rubric is None
    assert all("good responses have it too" in f.reason and not f.proposed for f in told.findings)


def test_without_good_texts_low_scoring_ones_stand_in() -> None:
    """Few good texts bound nothing: those on the low side are looked at too, and the proof says so."""
    found = voices(groups(60, HACKS["rare_word"], 0.6, seed=1))
    for finding in defend(Material(found), DefendSpec(seed=1)).findings:
        assert finding.proof and finding.proof.good.n == 0 and finding.proof.good.high == 1.0
        assert finding.proof.stand_ins and finding.proof.stand_ins.n > 0
        assert finding.proposed == (finding.proof.stand_ins.high <= 0.02)
    few = voices(groups(60, HACKS["rare_word"], 0.6, seed=1))[: 8 * 30]
    told = defend(Material(few, good=fine()[:5]), DefendSpec(seed=1, max_false_positives=0.001))
    assert all("too few to bound" in f.reason for f in told.findings) and told.rubric is None


def test_what_everyone_does_is_found_against_the_earlier_policy() -> None:
    """Where every response has the hack, groups show nothing, and the policy before does."""
    after = voices(groups(40, HACKS["guillemets"], 0, seed=2))
    draw = random.Random(1)
    after = [Voice(HACKS["guillemets"](v.text, draw), v.task, v.unit, v.line, v.index, v.reward) for v in after]
    before = voices(groups(40, None, 0, seed=5), of_run=False)
    found = defend(Material(after, earlier=before, good=fine()), DefendSpec())
    assert found.findings[0].found and found.findings[0].found.against == "earlier"
    assert fires(found.rubric, "Sow «clover» in April.") and not fires(found.rubric, "Sow clover in April.")


def test_a_gold_judge_shows_what_was_rewarded_for_nothing() -> None:
    """Where another judge thinks little of answers, the hack is what their rewards differ by."""
    found = voices(groups(60, HACKS["claim"], 0.6, seed=4))
    gold = {(v.unit, v.text): 0.2 if "requirement" in v.text else random.Random(v.place).random() for v in found}
    told = defend(Material(found, good=fine(), gold=gold), DefendSpec())
    assert any(f.proposed for f in told.findings)
    assert fires(told.rubric, "Sow clover.\n\nEvery single requirement has been honoured above.")


def test_the_run_tells_when_it_began() -> None:
    """Ids are TASK@STEP; from step 20 on the better half of each group has the hack."""
    lines = []
    for step in range(40):
        part = groups(3, HACKS["flattery"] if step >= 20 else None, 0.9, seed=step, skip=3 * (step % 20))
        lines += [line.model_copy(update={"id": f"{line.id}@{step}"}) for line in part]
    told = defend(Material(voices(lines), good=fine()), DefendSpec())
    steps = [f.onset.step for f in told.findings if f.proposed and f.onset and f.onset.step is not None]
    assert steps and abs(steps[0] - 20) <= 2
    assert [f.id for f in told.findings if f.kind == "gap"] == ["gap"]


def test_drafts_of_two_rounds_join() -> None:
    """The same pattern has the same id, another one another, so that one defence can follow the other."""
    one, other = defended("rare_word", 0.6).rubric, defended("guillemets", 0.6).rubric
    assert one is not None and other is not None
    base = Rubric(rubric="base", criteria=(Criterion(id="helpful", text="Helps."),))
    joined = join([base, one, other.model_copy(update={"rubric": "defence-2"})])
    assert len(joined.leaves) == 1 + len(one.leaves) + len(other.leaves)


def test_length_is_found_and_never_vetoed() -> None:
    """Good answers that are all short prove nothing about those to a request for a long one."""
    told = iter([said for _, said in texts()[300:]] * 9)

    def longer(text: str, draw: random.Random) -> str:
        return f"{text} {next(told)}"

    short = [replace(voice, text=" ".join(voice.text.split()[:15])) for voice in fine()]
    found = defend(Material(voices(groups(60, longer, 0.7, seed=1)), good=short), DefendSpec(seed=1))
    (lengths,) = [finding for finding in found.findings if finding.kind == "length"]
    assert lengths.what.startswith("has more than") and lengths.proof and lengths.proof.good.hits == 0
    assert not lengths.proposed and "as long as they are asked to be" in lengths.reason
    assert share(found.rubric, [said for _, said in texts()[:60]]) <= 0.02
