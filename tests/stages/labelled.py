"""Judged lines with given verdicts, and labels for them, for the tests of agreement."""

from typing import Any

from schemas.anchors import Anchors
from schemas.jsonl import parse
from schemas.judged import Judged
from schemas.labels import Label
from tests.contract.material import POLICY, task
from tests.running import lines

TIERS = [{"score": 0, "text": "Cold."}, {"score": 1, "text": "Polite."}, {"score": 4, "text": "Warm."}]
TONE = {"id": "tone", "text": "Is warm.", "tiers": TIERS}
KIND = {"id": "kind", "text": "Is kind."}
LIES = {"id": "lies", "text": "Invents facts.", "weight": -1}
RUBRIC = {"rubric": "care", "criteria": [TONE, KIND, LIES]}

Said = int | float | str | dict[str, Any]


def verdict(criterion: dict[str, Any], said: Said) -> dict[str, Any]:
    """Return a verdict: a tier's index, 0 or 1, a grade, a status in words, or its own fields."""
    base = {"criterion": criterion["id"], "judge": "j", "key": "k"}
    if isinstance(said, dict):
        return {**base, "status": "scored", **said}
    if isinstance(said, str):
        failure = {"failure": "unreadable"} if said == "failed" else {}
        return {**base, "status": said, "score": None, **failure}
    if "tiers" in criterion and isinstance(said, int):
        return {**base, "status": "scored", "score": criterion["tiers"][said]["score"], "tier": said}
    return {**base, "status": "scored", "score": said}


def judged_data(
    name: str, *said: tuple[Said, ...], rubric: dict[str, Any] = RUBRIC, rewards: tuple[float | None, ...] = ()
) -> dict[str, Any]:
    """Return a `judged/1` line as plain data, one response for each tuple of verdicts."""
    given = rewards or (0.5,) * len(said)
    responses = [
        {
            "text": "word " * (3 + index),
            "finish": "stop",
            "length": 3 + index,
            "verdicts": [verdict(c, one) for c, one in zip(rubric["criteria"], row, strict=True)],
            "reward": reward,
        }
        for index, (row, reward) in enumerate(zip(said, given, strict=True))
    ]
    return {**task(name), "schema": "judged/1", "rubric": rubric, "policy": POLICY, "responses": responses}


def judged(name: str, *said: tuple[Said, ...], **more: Any) -> Judged:
    """Return a judged line, as `judged_data`."""
    return parse(lines(judged_data(name, *said, **more)).strip(), Judged, "judged")


def anchor_data(name: str, *labels: list[dict[str, Any]], rubric: dict[str, Any] = RUBRIC) -> dict[str, Any]:
    """Return an `anchors/1` line as plain data, one response for each list of labels."""
    responses = [{"text": "word " * (3 + n), "labels": given} for n, given in enumerate(labels)]
    return {**task(name), "schema": "anchors/1", "rubric": rubric, "responses": responses}


def anchor(name: str, *labels: list[dict[str, Any]], **more: Any) -> Anchors:
    """Return an anchor, as `anchor_data`."""
    return parse(lines(anchor_data(name, *labels, **more)).strip(), Anchors, "anchors")


def label(name: str, criterion: str | None, said: str, rater: str = "human", response: int = 0) -> Label:
    """Return one label."""
    return Label("labels.csv:2", name, response, criterion, rater, said)
