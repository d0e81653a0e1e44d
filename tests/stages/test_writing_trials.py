"""The gates that need a judge: spread over probes, labels reproduced, verdicts that stay when criteria are reworded."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.rollouts import Response
from stages.writing.accounts import Account
from tests.stages.judge_server import JudgeServer, asked_for, error, serving, under_judgement
from tests.stages.writer_scenes import (
    GOOD,
    SEASON,
    Criteria,
    given,
    is_complaint,
    is_rewording,
    reworded,
    said,
    scripted,
    writing,
    written,
)

RED = "In autumn the maple turns red."
TEXTS = (RED, "The maple turns red.", "Gardens are nice.", "In autumn.")
OTHER: Criteria = [{**SEASON, "id": "says_when", "text": "Tells at which time of the year it is."}, *GOOD[1:]]
"""What the writer proposes when it is asked to mend."""
Label = Callable[[str, str, str], str]


def honest(name: str, text: str, prompt: str) -> str:
    """Judge by what the criteria mean."""
    if name == "one_image":
        return "2" if "red" in text else "0"
    return "met" if "autumn" in text and name in ("names_season", "says_when") else "not met"


def turned(text: str) -> str:
    """Return a text in other words."""
    return f"It is so that the text {text[:1].lower()}{text[1:]}"


def writer(messages: list[dict[str, str]]) -> str:
    """Write, mend and reword as one should."""
    mended = is_complaint(messages)
    if is_rewording(messages):
        return reworded(OTHER if "says_when" in messages[0]["content"] else GOOD, turned)
    return said(OTHER if mended else GOOD)


def account(
    label: Label, *texts: str, worth: tuple[float | None, ...] = (), says: Any = writer, **more: Any
) -> tuple[Account, JudgeServer]:
    """Return what became of the draft of a line with responses, and the server."""
    with serving(scripted(says, label)) as server:
        (line,) = written(writing(server, judged=True, **more), given("a", *texts, worth=worth))
    assert line.accepted is line.accounts[0].accepted
    return line.accounts[0], server


def test_a_draft_that_tells_responses_apart_passes_every_gate() -> None:
    found, server = account(honest, *TEXTS, worth=(0.9, 0.6, 0.1, 0.4))
    assert found.accepted and found.first == ()
    assert found.ran[-3:] == ("no_spread", "label_not_reproduced", "unstable")
    judged = [payload for payload in server.payloads if payload["model"] == "j"]
    assert {under_judgement(payload["messages"][0]["content"]) for payload in judged} == set(TEXTS)
    assert len(judged) == 2 * len(TEXTS)


def test_without_a_judge_or_without_responses_those_gates_do_not_run() -> None:
    found, server = account(honest)
    assert found.accepted and not {"no_spread", "label_not_reproduced", "unstable"} & set(found.ran)
    assert server.calls == 1
    found, server = account(honest, RED)
    assert found.accepted and server.calls == 1


def flat(name: str, text: str, prompt: str) -> str:
    """Say the same of every response, as long as the season is asked about."""
    return honest(name, RED, prompt) if "names_season" in prompt else honest(name, text, prompt)


def against(name: str, text: str, prompt: str) -> str:
    """Turn the season round, as long as it goes by its first name."""
    is_met = ("autumn" in text) == ("says_when" in prompt)
    return "0" if name == "one_image" else "met" if is_met and name != "invented_facts" else "not met"


def wavering(name: str, text: str, prompt: str) -> str:
    """Judge by the wording alone, where the season goes by its first name."""
    swayed = "It is so that" in prompt and "names_season" in prompt
    return honest(name, "" if swayed else text, prompt)


@pytest.mark.parametrize(
    ("reason", "label", "worth"),
    [("no_spread", flat, ()), ("label_not_reproduced", against, (1.0, None, 0.0, None)), ("unstable", wavering, ())],
)
def test_what_the_judge_shows_is_mended_once(reason: str, label: Label, worth: tuple[float | None, ...]) -> None:
    found, _ = account(label, *TEXTS, worth=worth)
    assert [each.partition(":")[0] for each in found.first] == [reason]
    assert found.accepted, found

    def stubborn(messages: list[dict[str, str]]) -> str:
        return reworded(GOOD, turned) if is_rewording(messages) else said(GOOD)

    found, _ = account(label, *TEXTS, worth=worth, says=stubborn)
    assert not found.accepted
    assert found.reason == reason and found.again == found.first


def test_equal_worth_is_no_label_and_ties_reproduce_none() -> None:
    found, _ = account(honest, *TEXTS, worth=(0.5, 0.5, 0.5, 0.5))
    assert found.accepted and "label_not_reproduced" not in found.ran
    tied, _ = account(flat, *TEXTS, worth=(1.0, 0.0, None, None), spec={"least_spread": 0.0})
    assert "label_not_reproduced" in {each.partition(":")[0] for each in tied.first}


def test_a_share_of_the_pairs_is_enough() -> None:
    worth = (0.9, 0.6, 0.7, 0.4)  # by the judge 1, 0.5, 0 and 0.5: of six pairs one is a tie, and two are turned round
    assert not account(honest, *TEXTS, worth=worth, spec={"least_agreement": 0.6})[0].accepted
    assert account(honest, *TEXTS, worth=worth, spec={"least_agreement": 0.5})[0].accepted


def test_probes_stand_beside_the_lines_own_responses() -> None:
    probes = [Response(text=text, finish="stop", length=1) for text in TEXTS[1:]]
    probes.append(Response(text="", finish="failed", length=0, error="transport: gone"))
    with serving(scripted(writer, honest)) as server:
        way = writing(server, judged=True, probes=lambda name: probes if name == "a" else [], spec={"probes": 2})
        first, second = written(way, given("a", RED), given("b", RED))
        prompts = [payload["messages"][0]["content"] for payload in server.payloads if payload["model"] == "j"]
    assert first.accounts[0].ran[-2:] == ("no_spread", "unstable")
    assert "no_spread" not in second.accounts[0].ran
    assert {under_judgement(prompt) for prompt in prompts} == {RED, *TEXTS[1:3]}
    assert all(len(asked_for(prompt)[0]) == 3 for prompt in prompts)


def test_a_judge_that_fails_gives_nothing_accepted_and_nothing_to_mend() -> None:
    def broken(payload: dict[str, Any], number: int) -> Any:
        return error(400, "no") if payload["model"] == "j" else scripted(writer)(payload, number)

    with serving(broken) as server:
        (line,) = written(writing(server, judged=True), given("a", *TEXTS))
        assert sum(payload["model"] == "w" for payload in server.payloads) == 1
    assert not line.accepted
    assert line.accounts[0].reason == "unjudged" and line.accounts[0].first == ()


@pytest.mark.parametrize(
    "answer",
    [
        said([{"id": each["id"], "text": each["text"], "tiers": [t["text"] for t in each["tiers"]]} for each in GOOD]),
        reworded(GOOD[:2], turned),
        reworded([GOOD[1], GOOD[0], GOOD[2]], turned),
        reworded([{**GOOD[0], "tiers": GOOD[1]["tiers"]}, *GOOD[1:]], turned),
        reworded([{**each, "text": "\u202e" + each["text"]} for each in GOOD], turned),
        said([{"id": each["id"], "text": None, "tiers": []} for each in GOOD]),
        "I would rather not.",
    ],
)
def test_a_writer_that_cannot_reword_its_criteria_does_not_get_them_accepted(answer: str) -> None:
    def says(messages: list[dict[str, str]]) -> str:
        return answer if is_rewording(messages) else said(GOOD)

    found, _ = account(honest, *TEXTS, says=says)
    assert not found.accepted and found.reason == "not_reworded"
    kept, server = account(honest, *TEXTS, says=says, spec={"paraphrase": False})
    assert kept.accepted and "unstable" not in kept.ran
    assert sum(payload["model"] == "w" for payload in server.payloads) == 1
