"""Samples of lm-eval as lines of ours: by its own shapes, written out by hand from what version 0.4.13 logs."""

from typing import Any

import pytest

from schemas.errors import RlraError
from schemas.rollouts import Policy
from stages.suites import SUITES
from stages.suites.levels import levels, measures_of
from stages.suites.lm_eval import rollouts
from tests.stages.suite_lines import judged

WHO = Policy(model="smollm2", revision="r", template="", engine="lm-eval 0.4.13", dtype="float32", seed=0)


def choice(number: int, acc: float, likelihoods: tuple[float, float], **more: Any) -> dict[str, Any]:
    """Return a sample of a multiple-choice task."""
    doc = {"q": f"Snow {number} is", "choices": ["hot", "cold"], "gold": 1}
    asked = f"<|user|>{doc['q']}<|assistant|>"
    found = {
        "doc_id": number,
        "doc": doc,
        "target": 1,
        "arguments": [(asked, " hot"), (asked, " cold")],
        "resps": [[(value, False)] for value in likelihoods],
        "filtered_resps": [(value, False) for value in likelihoods],
        "filter": "none",
        "metrics": ["acc", "acc_norm"],
        "acc": acc,
        "acc_norm": 1.0,
    }
    return {**found, **more}


def written(number: int, exact: float, text: str, name: str = "none") -> dict[str, Any]:
    """Return a sample of a task that generates."""
    return {
        "doc_id": number,
        "doc": {"q": "2 + 2"},
        "target": "4",
        "arguments": [("2 + 2 =", {"until": ["\n"]})],
        "resps": [[text]],
        "filtered_resps": [text],
        "filter": name,
        "metrics": ["exact_match"],
        "exact_match": exact,
    }


def test_a_choice_is_the_likeliest_and_its_metric_the_reward() -> None:
    lines = list(rollouts([choice(0, 1.0, (-5.0, -2.0)), choice(1, 0.0, (-1.0, -2.0))], "snow", WHO))
    assert [line.id for line in lines] == ["snow-0", "snow-1"]
    assert [line.responses[0].text for line in lines] == [" cold", " hot"]
    assert [line.reference for line in lines] == [" cold", " cold"]
    found = judged(lines)
    assert [line.responses[0].reward for line in found] == [1.0, 0.0]
    told = {level.name: level.value for level in levels(found, measures_of(SUITES["lm-eval-snow"]), resamples=9)}
    assert told == {"reward": 0.5, "acc": 0.5, "acc_norm": 1.0}


def test_the_prompt_is_the_same_under_another_chat_template() -> None:
    asked = ("<s>[INST]Snow 0 is[/INST]", " hot"), ("<s>[INST]Snow 0 is[/INST]", " cold")
    one, other = (next(rollouts([each], "t", WHO)) for each in (choice(0, 1.0, (-5.0, -2.0)),
                  choice(0, 0.0, (-1.0, -2.0), arguments=list(asked))))  # fmt: skip
    assert one.prompt == other.prompt and one.rubric == other.rubric
    assert one.meta["asked"] != other.meta["asked"]


def test_a_generation_and_several_filters_of_it() -> None:
    strict, loose = written(0, 0.0, "It is 4.", "strict"), written(0, 1.0, "4", "loose")
    (line,) = rollouts([strict, loose], "sums", WHO)
    assert (line.responses[0].text, line.reference, line.meta["measured"]) == ("It is 4.", "4", {"exact_match": 0.0})


def test_the_logged_form_of_arguments_is_read_too() -> None:
    logged = {"gen_args_0": {"arg_0": "Snow", "arg_1": " hot"}, "gen_args_1": {"arg_0": "Snow", "arg_1": " cold"}}
    (line,) = rollouts([choice(0, 1.0, (-5.0, -2.0), arguments=logged)], "snow", WHO)
    assert (line.responses[0].text, line.meta["asked"]) == (" cold", "Snow")


@pytest.mark.parametrize(
    "figures", [{"metrics": ["word_perplexity"], "acc": None, "acc_norm": None}, {"acc": 3.5, "acc_norm": -1}]
)
def test_a_task_without_a_share_is_refused(figures: dict[str, Any]) -> None:
    with pytest.raises(RlraError, match="lm-eval: snow: no metric of single samples"):
        list(rollouts([{**choice(0, 1.0, (-5.0, -2.0)), **figures}], "snow", WHO))
