"""Laws of judging that hold for any rubric, any way of judging and any faults, against a real server."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.criterion import Criterion
from schemas.jsonl import parse, to_line
from schemas.judged import Judged
from schemas.rollouts import Rollouts
from schemas.rubric import Rubric
from stages import panels
from stages.judge import askings, judge
from stages.verdict_cache import VerdictCache
from stages.voting import Panel
from tests.random_rubrics import Data
from tests.stages.judge_scenes import Say, Scene, answering, chosen, scenes, tokens_of, truth
from tests.stages.judge_server import (
    JudgeServer,
    asked_for,
    serving,
    under_judgement,
)

# Without shrinking: an example is some hundred calls.
FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
Asked = tuple[str, str, str]
"""A model, a response and a criterion."""


def run(scene: Scene, panel: Panel, lines: Sequence[Rollouts] | None = None) -> list[Judged]:
    """Judge lines, and read them back from the bytes that they are written as."""
    done = judge(scene.groups if lines is None else lines, scene.spec, panel)
    return [parse(to_line(line).rstrip(), Judged, "line") for line in done]


def asked(server: JudgeServer, since: int = 0) -> set[Asked]:
    """Return who was asked about what."""
    found = set()
    for payload in server.payloads[since:]:
        prompt = payload["messages"][0]["content"]
        found |= {(payload["model"], under_judgement(prompt), name) for name in asked_for(prompt)[0]}
    return found


def votes(lines: Sequence[Judged]) -> dict[str, tuple[Asked, Any]]:
    """Return every vote that did not fail, by its key: who it is of and about what, and its answer."""
    return {
        key: ((vote.judge.removeprefix("openai:"), response.text, verdict.criterion), (vote.label, vote.shares))
        for line in lines
        for response in line.responses
        for verdict in response.verdicts
        for key, vote in panels.votes_of(verdict).items()
        if vote.status != "failed"
    }


def about(found: dict[str, tuple[Asked, Any]]) -> set[Asked]:
    """Return who answered about what."""
    return {each for each, _ in found.values()}


def bare(lines: Sequence[Judged]) -> list[Judged]:
    """Return lines without what they took."""
    return [line.model_copy(update={"usage": None}) for line in lines]


@FEW
@given(scenes(), st.integers(1, 4), st.booleans())
def test_failures_are_never_scores_and_are_all_that_is_asked_again(scene: Scene, salt: int, cached: bool) -> None:
    """Whatever fails: nothing untrue is scored, what failed is asked again and nothing else, and then nothing is."""
    faulty: Callable[[str], bool] = lambda prompt: chosen([True, False, False], salt, prompt)  # noqa: E731
    with serving(answering(truth(scene))) as server, VerdictCache(":memory:") as cache:
        bench = scene.panel(server)
        true = run(scene, bench)
        known = votes(true)
        assert about(known) == asked(server)

        server.reply = answering(truth(scene), faulty)
        bench = replace(bench, cache=cache if cached else None)
        broken = run(scene, bench)
        left = votes(broken)
        for key in known.keys() & left.keys():
            assert left[key] == known[key]
        if not scene.spec.quorum and not scene.strong:
            nothing_untrue(true, broken)

        server.reply, before = answering(truth(scene)), server.calls
        stored = {*(cache.get(known) if cached else left)}
        healed = run(scene, bench, scene.groups if cached else broken)
        assert bare(healed) == bare(true)
        assert asked(server, before) == about({key: known[key] for key in known.keys() - stored})

        assert not [*askings(scene.groups if cached else healed, scene.spec, bench)]
        before = server.calls
        again = run(scene, bench, scene.groups if cached else healed)
        assert server.calls == before
        assert [*map(to_line, again)] == [*map(to_line, healed)]


def nothing_untrue(true: Sequence[Judged], broken: Sequence[Judged]) -> None:
    """Hold that a verdict or a reward that is there is the true one; where siblings abstain, sums may differ."""
    for right, line in zip(true, broken, strict=True):
        abstains = any(v.status == "abstained" for response in right.responses for v in response.verdicts)
        for best, response in zip(right.responses, line.responses, strict=True):
            if response.reward is not None and not abstains:
                assert response.reward == best.reward
            for wanted, verdict in zip(best.verdicts, response.verdicts, strict=True):
                if verdict.status == "scored":
                    assert verdict == wanted


@FEW
@given(scenes())
def test_usage_is_what_the_server_counted_with_a_cache_and_without(scene: Scene) -> None:
    """The usage of fresh lines is the server's count for each, and the order of lines changes nothing but order."""
    with serving(answering(truth(scene))) as server, VerdictCache(":memory:") as cache:
        plain = []
        for line in scene.groups:
            before = server.calls
            plain += run(scene, scene.panel(server), [line])
            counted = [*map(tokens_of, server.payloads[before:])]
            usage = plain[-1].usage
            assert (usage.calls if usage else 0) == len(counted)
            if usage and scene.spec.method != "logprob":
                assert usage.tokens_in == sum(count["prompt_tokens"] for count in counted)
                assert usage.tokens_out == sum(count["completion_tokens"] for count in counted)
        warm = run(scene, scene.panel(server, cache), scene.groups[::-1])
        before = server.calls
        known = run(scene, scene.panel(server, cache))
        assert server.calls == before
    assert plain == known == warm[::-1]


def opening(rubric: Rubric, say: Say) -> Say:
    """Return what judges say who never let a gate of theirs close."""
    gates = {leaf.id: leaf.gate for leaf in rubric.leaves if leaf.gate}
    told = {"if_met": "not met", "unless_met": "met"}
    return lambda model, text, name: told[gates[name]] if gates.get(name) else say(model, text, name)


@FEW
@given(scenes(cascade=False), st.booleans())
def test_an_estimate_names_every_call_and_no_other(scene: Scene, halfway: bool) -> None:
    """Where nothing fails and no judge closes a gate, what was to be asked is asked, half of it known or none."""
    assert scene.groups[0].rubric is not None
    with serving(answering(opening(scene.groups[0].rubric, truth(scene)))) as server:
        panel = scene.panel(server)
        lines: list[Rollouts] = [*run(scene, panel, scene.groups[:1]), scene.groups[1]] if halfway else scene.groups
        before = server.calls
        told = Counter((each.model, each.request.messages[0].content) for each in askings(lines, scene.spec, panel))
        assert server.calls == before
        run(scene, panel, lines)
        payloads = server.payloads[before:]
    assert told == Counter((f"openai:{p['model']}", p["messages"][0]["content"]) for p in payloads)


def edited(rubric: Rubric, name: str, change: Callable[[Criterion], Data]) -> Rubric:
    """Return a rubric with one leaf changed."""

    def walk(criterion: Criterion) -> Criterion:
        if criterion.criteria:
            return criterion.model_copy(update={"criteria": tuple(map(walk, criterion.criteria))})
        return criterion.model_copy(update=change(criterion)) if criterion.id == name else criterion

    return rubric.model_copy(update={"criteria": tuple(map(walk, rubric.criteria))})


CHANGES: dict[str, Callable[[Criterion], Data]] = {
    "text": lambda criterion: {"text": f"{criterion.text} Really."},
    "tiers": lambda c: {"tiers": tuple(t.model_copy(update={"text": f"{t.text} So."}) for t in c.tiers)},
    "scores": lambda c: {"tiers": tuple(t.model_copy(update={"score": 2 * t.score + 1}) for t in c.tiers)},
    "weight": lambda c: {"weight": 7 * c.weight, "importance": None} if c.is_weighed else {},
    "nothing": lambda criterion: {},
}


@FEW
@given(scenes(), st.sampled_from(sorted(CHANGES)), st.booleans(), st.data())
def test_what_was_edited_is_asked_and_nothing_else(
    scene: Scene, change: str, response: bool, data: st.DataObject
) -> None:
    """The result is that of judging afresh, and the votes that it shares with the lines before are not asked for."""
    rubric = scene.groups[0].rubric
    assert rubric is not None
    leaf = data.draw(st.sampled_from([leaf for leaf in rubric.leaves if leaf.needs_judge]))
    with serving(answering(truth(scene))) as server:
        panel = scene.panel(server)
        done = run(scene, panel)
        new = edited(rubric, leaf.id, CHANGES[change])
        lines: list[Judged] = [line.model_copy(update={"rubric": new}) for line in done]
        if response:
            other = lines[0].responses[-1].model_copy(update={"text": "Entirely new."})
            lines[0] = lines[0].model_copy(update={"responses": (*lines[0].responses[:-1], other)})
        fresh = run(
            scene, panel, [Rollouts(**{n: getattr(x, n) for n in Rollouts.model_fields if n != "tag"}) for x in lines]
        )
        before = server.calls
        kept = run(scene, panel, lines)
        wanted, had = votes(fresh), votes(done)
        assert asked(server, before) == about({key: wanted[key] for key in wanted.keys() - had.keys()})
    assert bare(kept) == bare(fresh)
    if not response and change in ("scores", "weight", "nothing"):
        assert scene.strong or server.calls == before
