"""Tasks get rubrics: one out for one in, constraints that can be met together, and nothing drawn from order."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, count, islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

import stages.checks  # noqa: F401  (registers the checks)
from schemas.errors import RlraError
from schemas.rubric import Criterion, Rubric
from schemas.task import Message, Task
from stages.checks.base import bind
from stages.constraints import FAMILIES
from stages.constraints.base import Constraint
from stages.constraints.choosing import choose
from stages.constraints.edges import ENDINGS, OPENINGS
from stages.constraints.wording import FORBIDDEN, INCLUDED
from stages.generate_rubrics import GenerateRubricsSpec, generate_rubrics

DATA = Path(__file__).parents[3] / "shared" / "data" / "self_instruct"
TEMPLATE = Rubric(
    rubric="base",
    criteria=(
        Criterion(id="on_topic", check={"on_topic": {}}),
        Criterion(id="repetition", weight=-1.0, check={"repetition": {}}),
    ),
)


def task(number: int = 0, prompt: str = "Describe how moss grows.") -> Task:
    return Task(id=f"t{number}", messages=(Message(role="user", content=prompt),))


def tasks(number: int) -> list[Task]:
    return [task(k) for k in range(number)]


def one(given: Task, template: Rubric | None = None, **spec: Any) -> Task:
    return next(generate_rubrics([given], GenerateRubricsSpec(**spec), template))


def checks(given: Task) -> list[Criterion]:
    assert given.rubric is not None
    return list(given.rubric.criteria)


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


def test_a_lazy_map_with_the_same_order_and_ids() -> None:
    pulled: list[int] = []

    def endless() -> Iterator[Task]:
        for k in count():
            pulled.append(k)
            yield task(k)

    made = list(islice(generate_rubrics(endless(), GenerateRubricsSpec()), 3))
    assert [t.id for t in made] == ["t0", "t1", "t2"] and pulled == [0, 1, 2]


def test_what_a_task_gets_depends_on_its_id_and_the_seed_only() -> None:
    spec = GenerateRubricsSpec(seed=3)
    made = {t.id: t for t in generate_rubrics(tasks(40), spec)}
    assert {t.id: t for t in generate_rubrics(reversed(tasks(40)[::3]), spec)} == dict(
        reversed(list(made.items())[::3])
    )
    other = {t.id: t for t in generate_rubrics(tasks(40), GenerateRubricsSpec(seed=4))}
    assert sum(made[name] != other[name] for name in made) > 35


def test_the_order_of_family_names_has_no_effect() -> None:
    names = ("no_commas", "title", "bullets")
    first = list(generate_rubrics(tasks(20), GenerateRubricsSpec(families=names)))
    assert first == list(generate_rubrics(tasks(20), GenerateRubricsSpec(families=names[::-1])))
    assert {c.id for t in first for c in checks(t)} == set(names)


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


def test_the_request_stays_whole_and_is_kept_aside() -> None:
    request = "  Fix this:\n\n1. moss grow  fast"
    before = 0
    for k in range(200):
        made = one(task(k, request))
        assert made.rewritten_from == request
        assert made.prompt != request and request.strip() in made.prompt
        assert "\n\n" in made.prompt.replace(request.strip(), "")
        before += made.prompt.endswith(request.strip())
    assert 10 < before < 80


def test_an_earlier_original_and_earlier_turns_are_kept() -> None:
    turns = (Message(role="system", content="Be kind."), Message(role="user", content="Describe moss. Be short."))
    given = Task(id="a", messages=turns, rewritten_from="Describe moss.", reference="Green.", meta={"k": 1})
    made = one(given)
    assert made.rewritten_from == "Describe moss." and made.prompt != given.prompt
    assert (made.messages[0], made.reference, made.meta) == (turns[0], "Green.", {"k": 1})


def test_of_several_turns_the_last_one_is_constrained() -> None:
    """The last answer is what is judged."""
    given = task().model_copy(update={"follow_ups": ("And lichen?", "And ferns?")})
    made = one(given)
    assert made.messages == given.messages
    assert made.follow_ups[0] == "And lichen?"
    assert made.prompt == made.follow_ups[-1] != "And ferns?"
    assert "And ferns?" in made.prompt
    assert made.rewritten_from == "And ferns?"


def test_the_rubric_of_constraints() -> None:
    made = one(task(), families=("no_commas", "at_most_words"), min_constraints=2, partial=0.5)
    assert made.rubric is not None
    assert (made.rubric.rubric, made.rubric.scope, made.rubric.kind) == ("constraints", "instance", "hard")
    assert {(c.id, c.check_name) for c in checks(made)} == {("no_commas", "no_commas"), ("at_most_words", "word_count")}
    assert all(c.text and c.partial == 0.5 and c.weight == 1 for c in checks(made))
    assert Task.model_validate_json(made.model_dump_json()) == made


def test_a_template_joins_the_constraints() -> None:
    made = one(task(), TEMPLATE)
    assert [c.id for c in checks(made)][-2:] == ["on_topic", "repetition"] and len(checks(made)) in (3, 4)
    assert made.rubric and made.rubric.kind == "hard"


def test_a_share_without_constraints_has_the_template_only() -> None:
    made = list(generate_rubrics(tasks(400), GenerateRubricsSpec(unconstrained=0.25), TEMPLATE))
    plain = [t for t in made if t.rewritten_from is None]
    assert 60 < len(plain) < 140
    assert all(t.rubric == TEMPLATE and t == task(int(t.id[1:])).model_copy(update={"rubric": TEMPLATE}) for t in plain)
    full = {t.id: t for t in generate_rubrics(tasks(400), GenerateRubricsSpec(), TEMPLATE)}
    assert all(full[t.id] == t for t in made if t.rewritten_from), "the share changes no other draw"


def test_method_template_replaces_the_rubric_and_leaves_the_prompt() -> None:
    own = Rubric(rubric="own", criteria=(Criterion(id="a", text="Is kind."),))
    given = task().model_copy(update={"rubric": own})
    assert one(given, TEMPLATE, method="template") == given.model_copy(update={"rubric": TEMPLATE})


def test_mistakes_are_told_before_the_first_task() -> None:
    def untouched() -> Iterator[Task]:
        raise AssertionError("a task was read")
        yield

    clash = Rubric(rubric="b", criteria=(Criterion(id="no_commas", text="Has none."),))
    mistakes: list[tuple[dict[str, Any], Rubric | None, str]] = [
        ({"method": "template"}, None, "needs a rubric"),
        ({"families": ("no_comas",)}, None, "no constraint family named 'no_comas'"),
        ({"unconstrained": 0.5}, None, "need a rubric of their own"),
        ({}, clash, "cannot join"),
    ]
    for spec, template, message in mistakes:
        with pytest.raises(RlraError, match=message) as caught:
            generate_rubrics(untouched(), GenerateRubricsSpec(**spec), template)
        assert caught.value.hint
    with pytest.raises(ValidationError, match="is more than"):
        GenerateRubricsSpec(min_constraints=3)


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
