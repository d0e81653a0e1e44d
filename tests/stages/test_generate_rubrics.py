"""Tasks get rubrics: one out for one in, its request kept, and nothing drawn from order."""

from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.errors import RlraError
from schemas.rubric import Criterion, Rubric
from schemas.task import Message, Task
from stages.generate_rubrics import GenerateRubricsSpec, generate_rubrics
from tests.stages.bare_tasks import TEMPLATE, checks, task, tasks


def one(given: Task, template: Rubric | None = None, **spec: Any) -> Task:
    return next(generate_rubrics([given], GenerateRubricsSpec(**spec), template))


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
