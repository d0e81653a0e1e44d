"""The linter on rubrics that nobody here wrote: what it finds in them, and what it rightly leaves alone."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import stages.lint  # noqa: F401 (registers every rule and check)
from schemas.rubric import Criterion, Rubric, Tier
from schemas.rubric_file import load_rubric
from stages.checks.base import REGISTRY as CHECKS
from stages.lint.base import REGISTRY
from stages.lint.linter import Finding, Linter

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
needs = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data, which is not part of the project")
BANDS = ("1-2", "3-4", "5-6", "7-8", "9-10")


def lines(name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file of the shared data."""
    for line in (DATA / name).read_text(encoding="utf-8").split("\n"):
        if line:
            yield json.loads(line)


@cache
def writingbench() -> tuple[Rubric, ...]:
    """Return 147 rubrics of five criteria, each with five levels."""
    return tuple(
        Rubric(rubric=f"w{line['index']}", scope="instance", criteria=tuple(_graded(line)))
        for line in lines("writingbench/en.jsonl")
    )


def _graded(line: dict[str, Any]) -> Iterator[Criterion]:
    for k, given in enumerate(line["checklist"]):
        levels = tuple(Tier(score=float(band.split("-")[1]), text=given[band]) for band in BANDS)
        yield Criterion(id=f"criterion_{k}", text=given["criteria_description"], tiers=levels)


@cache
def heartbench() -> tuple[Rubric, ...]:
    """Return 40 rubrics in Chinese, with signed weights and vetoes."""
    found = []
    for line in lines("heartbench/questions_40.jsonl"):
        criteria = [
            {
                "id": f"c{k}",
                "text": c["content"],
                **({"veto": "if_met"} if c["score"] is None else {"weight": c["score"]}),
            }
            for k, c in enumerate(line["rubric"])
        ]
        keys = {
            "rubric": line["question_id"],
            "scope": "instance",
            "criteria": criteria,
            "reward": {"preset": "heartbench"},
        }
        found.append(Rubric.model_validate_json(json.dumps(keys)))
    return tuple(found)


def instructions(name: str) -> Iterator[Rubric]:
    """Yield the rubrics of IFEval or IFBench: one check for each instruction that is here."""
    for line in lines(f"{name}/prompts.jsonl"):
        calls = zip(line["instruction_id_list"], line["kwargs"], strict=True)
        criteria = [
            {"id": f"i{k}", "check": {call: kwargs}} for k, (call, kwargs) in enumerate(calls) if call in CHECKS
        ]
        if criteria:
            keys = {"rubric": f"p{line['key']}", "scope": "instance", "kind": "hard", "criteria": criteria}
            yield Rubric.model_validate_json(json.dumps(keys))


def lint(*rubrics: Rubric) -> list[Finding]:
    """Return the findings in a bank."""
    linter = Linter()
    found = [
        one for k, rubric in enumerate(rubrics) for one in linter.lint(rubric, lambda at, k=k: f"bank.jsonl:{k + 1}")
    ]  # type: ignore[misc]
    return found + linter.finish()


def counted(*rubrics: Rubric) -> Counter[str]:
    """Return how often each code is found."""
    return Counter(one.code for one in lint(*rubrics))


@needs
def test_writingbench() -> None:
    """Its descriptions often join two judgements, and it names no faults; its scales are sound."""
    found = counted(*writingbench())
    assert 100 <= found.pop("L101") <= 180
    assert found.pop("L301") == 147
    assert not found


@needs
def test_scales_that_are_turned_round_are_found() -> None:
    right = wrong = 0
    for rubric in writingbench():
        turned = tuple(
            c.model_copy(
                update={
                    "tiers": tuple(
                        Tier(score=t.score, text=o.text) for t, o in zip(c.tiers, reversed(c.tiers), strict=True)
                    )
                }
            )
            for c in rubric.criteria
        )
        right += sum(one.code == "L203" for one in lint(rubric))
        wrong += sum(one.code == "L203" for one in lint(rubric.model_copy(update={"criteria": turned})))
    assert right == 0
    assert wrong >= 0.8 * 735


@needs
def test_chinese_is_not_read_as_english() -> None:
    """HeartBench: no rule on wording fires; what repeats across prompts, and one weight that decides, do."""
    found = counted(*heartbench())
    assert found.keys() <= {"L302", "L513", "L515"}
    assert found["L302"] == 1
    assert 4 <= found["L515"] <= 8


@needs
@pytest.mark.parametrize("name", ["ifeval", "ifbench"])
def test_instructions_of_one_prompt_agree(name: str) -> None:
    """People wrote them, and models answered them: no check contradicts another. One prompt asks for a thing twice."""
    found = counted(*instructions(name))
    assert found.keys() <= {"L501"} | {code for code in REGISTRY if code.startswith("L51")}
    assert found["L501"] <= 1


def test_the_quickstart_rubric_is_sound() -> None:
    assert not lint(load_rubric(ROOT / "examples" / "quickstart" / "rubric.yaml"))


def test_the_shipped_rubrics_are_sound() -> None:
    paths = sorted((ROOT / "examples").rglob("*.yaml"))
    rubrics = [load_rubric(path) for path in paths if "\ncriteria:" in path.read_text(encoding="utf-8")]
    assert not [one for one in lint(*rubrics) if REGISTRY[one.code].severity != "note"]
