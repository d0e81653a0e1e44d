"""Random rubrics, ways of judging and faults, and a server that answers by them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from werkzeug import Response as Reply

from schemas.base import digest
from schemas.rollouts import Rollouts
from stages.judge import JudgeSpec
from stages.models.openai import OpenAIModel
from stages.reading import labels
from stages.verdict_cache import VerdictCache
from stages.voting import Panel
from tests.random_rubrics import Data, read, rubric_data
from tests.stages.judge_server import (
    TOKENS,
    JudgeServer,
    chat,
    chat_token,
    error,
    under_judgement,
    verdicts,
)
from tests.stages.judging import group

SHORT, LONG = "Five words are in here.", "This is a response of more than nine words, as one can see."
TEXTS = (SHORT, LONG, "Another one.", "The second one of more than nine words, as can be counted easily.")
CHECKS: tuple[Data, ...] = ({}, {"check": {"word_count": {"at_most": 9}}})
FAULTS = ("refused", "cut", "empty", "babble", "contradiction")


@dataclass(frozen=True)
class Scene:
    """What is judged, by whom, and how."""

    groups: list[Rollouts]
    spec: JudgeSpec
    members: tuple[str, ...]
    strong: str | None
    labels: dict[str, list[str]] = field(default_factory=dict)
    """By criterion, the answers that it allows."""

    def panel(self, server: JudgeServer, cache: VerdictCache | None = None) -> Panel:
        """Seat the judges, all behind one server."""
        made = {name: OpenAIModel(f"openai:{name}", name, server.url, None, retries=2) for name in "abcz"}
        return Panel(
            tuple(made[name] for name in self.members), made[self.strong] if self.strong else None, cache=cache
        )


@st.composite
def scenes(draw: st.DrawFn, guards: bool = True, cascade: bool = True) -> Scene:
    """Draw a rubric with tiers, abstentions, groups, gates and vetoes of both kinds, two groups, and a way to judge."""
    data = draw(rubric_data(depth=2, guards=guards))
    for guard in (c for c in nodes(data["criteria"]) if c.keys() & {"veto", "gate"}):
        guard |= draw(st.sampled_from([*CHECKS, {"abstain": "allowed"}]))
    rubric = read(data)
    assume(any(leaf.needs_judge for leaf in rubric.leaves))
    lines = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3)
    repeats = draw(st.sampled_from([1, 1, 2]))
    spec = JudgeSpec(
        seed=draw(st.integers(0, 3)),
        method=draw(st.sampled_from(["text", "json", "logprob"])),
        criteria_per_call=draw(st.sampled_from(["1", "2", "all"])),
        panel=draw(st.sampled_from(["majority", "mean", "minimum", "unanimous"])),
        repeats=repeats,
        temperature=0.7 if repeats > 1 else 0.0,
        permutations=draw(st.sampled_from([1, 1, 2])),
        quorum=draw(st.sampled_from([0, 0, 1])),
        attempts=draw(st.sampled_from([1, 2])),
        short_circuit=draw(st.booleans()),
    )
    return Scene(
        [group(name, *draw(lines), rubric=rubric) for name in ("p", "q")],
        spec,
        draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")])),
        draw(st.sampled_from([None, "z"])) if cascade else None,
        {leaf.id: labels(leaf) for leaf in rubric.leaves if leaf.needs_judge},
    )


def nodes(found: Sequence[Data]) -> list[Data]:
    """Return every criterion and every group."""
    return [node for criterion in found for node in (criterion, *nodes(criterion.get("criteria", ())))]


def chosen(options: Sequence[Any], *by: Any) -> Any:
    """Return one of the options: always the same for the same reasons."""
    return options[int(digest(list(by))[:8], 16) % len(options)]


Say = Callable[[str, str, str], str]


def truth(scene: Scene) -> Say:
    """Return what each judge thinks of a criterion in a response, whenever and however it is asked."""
    return lambda model, text, name: str(chosen(scene.labels[name], model, text, name))


def answering(say: Say, faulty: Callable[[str], bool] = lambda prompt: False) -> Callable[[dict[str, Any], int], Reply]:
    """Answer as `say` says, and to prompts that are `faulty` in one of the ways that are no answer."""

    def reply(payload: dict[str, Any], number: int) -> Reply:
        model, prompt = payload["model"], payload["messages"][0]["content"]
        text, is_token = under_judgement(prompt), "top_logprobs" in payload
        right = verdicts(prompt, lambda name: say(model, text, name))
        fault = chosen(FAULTS, model, prompt) if faulty(model + prompt) else ""
        if fault == "refused":
            return error(400, "not this one")
        if is_token:
            others = {token: 0.05 for token in [*TOKENS.values(), *"01234"] if token != right}
            return chat_token({"maybe": 0.9} if fault else {right: 0.55} | others)
        wrong = {"cut": right[:-3], "empty": " ", "babble": "Well, well.", "contradiction": f"{right}\n{right[:-1]}"}
        return chat(wrong.get(fault, right), "length" if fault == "cut" else "stop", usage=tokens_of(payload))

    return reply


def tokens_of(payload: dict[str, Any]) -> dict[str, int]:
    """Return what a call takes: another number for each prompt."""
    size = int(digest([payload["model"], payload["messages"], payload["seed"], payload["temperature"]])[:3], 16)
    return {"prompt_tokens": size, "completion_tokens": size % 7}
