"""Constraints that are drawn together can be met together, and not by copying them."""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from schemas.rubric import Criterion
from schemas.task import Task
from stages.checks.base import bind
from stages.constraints import FAMILIES
from stages.constraints.base import Constraint
from stages.constraints.choosing import choose
from stages.constraints.edges import ENDINGS, OPENINGS
from stages.constraints.wording import FORBIDDEN, INCLUDED
from stages.generate_rubrics import GenerateRubricsSpec, generate_rubrics
from tests.stages.bare_tasks import TEMPLATE, checks, task, tasks

DATA = Path(__file__).parents[3] / "shared" / "data" / "self_instruct"


def witness(wanted: dict[str, Any]) -> str:
    """Return a response that meets the drawn constraints, given as {family: check arguments}."""
    sentences = wanted.get("sentence_count", {})
    paragraphs = wanted.get("paragraph_count", {}).get("exactly", 1)
    closing = ending(wanted)
    number = max(1, sentences.get("exactly", 1) - bool(closing), paragraphs)
    number = max(number, wanted.get("at_least_words", {}).get("at_least", 0) // 3 + 1)
    body = ["Pale clouds drift"] * number
    body[0] = " ".join([*marks(wanted), body[0].lower()]).capitalize()
    if "starts_with" in wanted:
        body[0] = wanted["starts_with"]["phrase"] + " " + body[0].lower()
    parts = [part + "." for part in body]
    text = "\n\n".join([*parts[: paragraphs - 1], " ".join(parts[paragraphs - 1 :])])
    return dressed(listed(text, wanted) + closing, wanted)


def marks(wanted: dict[str, Any]) -> list[str]:
    names = ("alpha", "beta", "gamma")
    stressed = [f"*{name}*" for name in names[: wanted.get("highlights", {}).get("at_least", 0)]]
    open_ones = [f"[{name}]" for name in names[: wanted.get("placeholders", {}).get("at_least", 0)]]
    return stressed + open_ones + wanted.get("includes_words", {}).get("words", [])


def ending(wanted: dict[str, Any]) -> str:
    if "ends_with" in wanted:
        return f" {wanted['ends_with']['phrase']}."
    return " Who knows?" if "question_at_end" in wanted else ""


def listed(text: str, wanted: dict[str, Any]) -> str:
    for family, mark in (("bullets", "- moss"), ("numbered_list", "1. moss")):
        if family in wanted:
            return text + f"\n{mark}" * max(wanted[family].values()) + "\n"
    return text


def dressed(text: str, wanted: dict[str, Any]) -> str:
    text = "<<Moss>>\n\n" + text if "title" in wanted else text
    text = text + "\n\nP.S. Bring tea." if "postscript" in wanted else text
    text = text.lower() if "lowercase" in wanted else text.upper() if "uppercase" in wanted else text
    return f'"{text}"' if "quoted" in wanted else text


def assert_can_be_met(drawn: list[Constraint] | list[Criterion], on: Task) -> None:
    wanted = {c.family if isinstance(c, Constraint) else c.id: next(iter((c.check or {}).values())) for c in drawn}
    response = witness(wanted)
    for name, constraint in zip(wanted, drawn, strict=True):
        outcome = bind(constraint.check or {})(response, on)
        assert outcome.met, f"{name}: {outcome.reason}\n{wanted}\n{response}"
    for bad in ("unasked_format", "talks_about_instruction"):
        assert not bind({bad: {}})(response, on).met, f"{bad}\n{on.prompt}\n{response}"


def test_thousands_of_drawn_tasks_can_be_met() -> None:
    seen: Counter[str] = Counter()
    for most in (1, 2, 3, 4):
        for made in generate_rubrics(tasks(1000), GenerateRubricsSpec(seed=most, max_constraints=most)):
            assert 1 <= len(checks(made)) <= most
            assert_can_be_met(checks(made), made)
            seen.update(c.id for c in checks(made))
    assert set(seen) == set(FAMILIES) and len(FAMILIES) >= 14
    assert min(seen.values()) > 100, "every family is drawn often"


COMPATIBLE = [(a, b) for a, b in combinations(sorted(FAMILIES), 2) if not FAMILIES[a].aspects & FAMILIES[b].aspects]


def test_every_compatible_pair_can_be_met_and_no_other_is_drawn() -> None:
    rng, base = Random(0), task()
    for names in COMPATIBLE:
        for _ in range(10):
            drawn = choose(rng, base.prompt, [FAMILIES[name] for name in names], 2)
            assert sorted(c.family for c in drawn) == list(names)
            asked = task(prompt=base.prompt + " ".join(c.sentence for c in drawn))
            assert_can_be_met(drawn, asked)
    for names in set(combinations(sorted(FAMILIES), 2)) - set(COMPATIBLE):
        assert len(choose(rng, base.prompt, [FAMILIES[name] for name in names], 2)) == 1


@pytest.mark.parametrize(
    "clash",
    [
        ("lowercase", "uppercase"),
        ("at_most_words", "at_least_words"),
        ("starts_with", "title"),
        ("ends_with", "question_at_end"),
        ("postscript", "lowercase"),
        ("quoted", "title"),
        ("sentence_count", "bullets"),
        ("paragraph_count", "postscript"),
    ],
)
def test_families_that_contradict_each_other_share_an_aspect(clash: tuple[str, str]) -> None:
    assert FAMILIES[clash[0]].aspects & FAMILIES[clash[1]].aspects


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_family_asks_in_many_ways_and_names_a_check(name: str) -> None:
    family, rng = FAMILIES[name], Random(1)
    assert len(set(family.phrasings)) >= 5
    drawn = [c for c in (family.constrain(rng, "Describe moss.") for _ in range(200)) if c]
    assert len({c.sentence for c in drawn}) >= 5
    for c in drawn:
        assert not set("{}") & set(c.sentence) and c.sentence.rstrip("\"')>*]").endswith((".", "?", "<"))
        assert bind(c.check)("", task()).met is False, "an empty answer never meets a constraint"


@pytest.mark.parametrize("name", ["title", "placeholders", "highlights", "postscript", "bullets", "numbered_list"])
def test_copying_the_instruction_does_not_meet_it(name: str) -> None:
    rng = Random(2)
    for _ in range(100):
        drawn = FAMILIES[name].constrain(rng, "Describe moss.")
        assert drawn is not None
        assert not bind(drawn.check)(drawn.sentence, task()).met, drawn.sentence


def test_keywords_are_not_in_the_prompt() -> None:
    prompt = "Is it so? People and friends and TIME. " + " ".join(INCLUDED[5:]) + " ".join(FORBIDDEN[5:])
    rng = Random(3)
    for name, free in (("includes_words", {"water", "morning"}), ("forbidden_words", {"very", "but"})):
        drawn = [FAMILIES[name].constrain(rng, prompt) for _ in range(50)]
        assert {word for c in drawn if c for word in c.check[name]["words"]} == free
    assert FAMILIES["includes_words"].constrain(rng, " ".join(INCLUDED)) is None


def test_given_phrases_have_no_forbidden_word_or_mark() -> None:
    for phrase in OPENINGS + ENDINGS:
        assert not set(phrase.lower().split()) & set(FORBIDDEN) and not set(phrase) & set(",!?\"'")


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/self_instruct, which is not part of the project")
@pytest.mark.parametrize("name", ["seed_tasks.jsonl", "user_oriented_instructions.jsonl"])
def test_real_prompts_get_constraints_that_can_be_met(name: str) -> None:
    rows = [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").split("\n") if line]
    prompts = [f"{row['instruction']}\n\n{row['instances'][0]['input']}".strip() for row in rows]
    given = [task(k, prompt) for k, prompt in enumerate(prompts)]
    for seed in range(3):
        made = list(generate_rubrics(given, GenerateRubricsSpec(seed=seed), TEMPLATE))
        assert [t.rewritten_from for t in made] == prompts
        for t in made:
            drawn = checks(t)[:-2]
            assert 1 <= len(drawn) <= 2
            assert_can_be_met(drawn, t)
