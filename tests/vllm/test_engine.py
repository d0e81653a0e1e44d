"""The contract of a model backend, kept by vLLM's engine on the embedded model."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.errors import RlraError
from stages.conversation import parted
from stages.models.base import Completion
from stages.models.hf import HFModel
from stages.models.vllm import VLLMModel
from stages.models.weights import weights_of
from tests.vllm.asking import QUESTIONS, Pencil, question

SCHEMA = {
    "type": "object",
    "properties": {"wet": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["wet"],
    "additionalProperties": False,
}
LONG = "These words come again. " * 60


@pytest.fixture(scope="module")
def other() -> HFModel:
    return HFModel("smollm2", *weights_of("smollm2"), "float32")


@pytest.fixture(scope="module")
def pencil(weights: Path) -> Pencil:
    return Pencil(weights)


def test_greedy_answers_are_those_of_transformers(model: VLLMModel, other: HFModel) -> None:
    requests = [question(text) for text in QUESTIONS]
    for mine, theirs in zip(model.complete(requests), other.complete(requests), strict=True):
        assert (mine.text, mine.ids, mine.prompt_ids) == (theirs.text, theirs.ids, theirs.prompt_ids)
        assert (mine.finish, mine.length, mine.prompt_length) == (theirs.finish, theirs.length, theirs.prompt_length)
    assert (model.template, model.revision) == (other.template, other.revision)


def test_a_block_that_the_template_opens_is_seen(model: VLLMModel) -> None:
    template = model._tokenizer.chat_template + "{{ '<think>\\n' }}"
    told = orjson.dumps({"chat_template": template}).decode()
    (answer,) = model.complete([question(QUESTIONS[0], template_args=told)])
    assert answer.prompt_end.endswith("<think>\n")
    assert parted(answer) == ("", answer.text.strip())


@pytest.mark.parametrize(
    "drawn",
    [
        {"temperature": 0.0},
        {"temperature": 0.7},
        {"temperature": 1.0},
        {"temperature": 1.0, "top_k": 5},
        {"temperature": 1.0, "top_p": 0.8},
        {"temperature": 0.8, "top_p": 0.9, "top_k": 40},
        {"temperature": 1.0, "repetition_penalty": 1.3},
        {"temperature": 1.0, "presence_penalty": 0.7, "frequency_penalty": 0.4},
    ],
    ids=str,
)
def test_logprobs_are_those_of_the_distribution_that_was_drawn_from(
    model: VLLMModel, pencil: Pencil, drawn: dict[str, Any]
) -> None:
    requests = [question(text, seed, **drawn) for seed, text in enumerate(QUESTIONS)]
    for request, answer in zip(requests, model.complete(requests), strict=True):
        assert answer.logprobs == pytest.approx(pencil.logprobs(request, answer), abs=1e-3)


def test_one_likeliest_token_is_no_choice(model: VLLMModel) -> None:
    greedy = [answer.ids for answer in model.complete([question(text) for text in QUESTIONS])]
    for cut in ({"top_k": 1}, {"top_p": 1e-6}):
        answers = model.complete([question(text, temperature=1.0, **cut) for text in QUESTIONS])
        assert [answer.ids for answer in answers] == greedy
        assert {chance for answer in answers for chance in answer.logprobs or ()} == {0.0}


def test_a_stop_text_ends_the_answer_and_is_cut_off_it(model: VLLMModel) -> None:
    whole = model.complete([question(QUESTIONS[3])])[0]
    assert whole.ids
    stop = whole.text[12:15]
    (cut,) = model.complete([question(QUESTIONS[3], stop=("never said", stop))])
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish == "stop"
    assert cut.ids == whole.ids[: cut.length]
    assert stop in model._tokenizer.decode(cut.ids)
    assert stop not in model._tokenizer.decode(cut.ids[:-1])


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_the_first_tokens_are_told_without_the_temperature(
    model: VLLMModel, other: HFModel, temperature: float
) -> None:
    requests = [question(text, temperature=temperature, max_tokens=1, top=5) for text in QUESTIONS]
    for mine, theirs in zip(model.complete(requests), other.complete(requests), strict=True):
        assert mine.top and theirs.top
        assert [token for token, _ in mine.top] == [token for token, _ in theirs.top]
        assert [chance for _, chance in mine.top] == pytest.approx([chance for _, chance in theirs.top], abs=1e-3)


def test_an_answer_follows_from_its_seed(model: VLLMModel) -> None:
    requests = [question(QUESTIONS[0], seed, 1.0) for seed in range(6)]
    together = [answer.ids for answer in model.complete(requests)]
    assert [answer.ids for answer in model.complete(requests[::-1])][::-1] == together
    assert [answer.ids for answer in model.complete(requests[2:3])] == together[2:3]
    assert len(set(together)) > 3


def test_a_schema_is_followed_every_time(model: VLLMModel) -> None:
    schema = orjson.dumps(SCHEMA).decode()
    bound = [question(text, seed, 1.0, 200, schema=schema) for seed, text in enumerate(QUESTIONS * 4)]
    free, *answers = model.complete([question("Is water wet?"), *bound])
    assert not free.text.startswith("{")
    assert {answer.finish for answer in answers} == {"stop"}
    assert {orjson.loads(answer.text)["wet"] for answer in answers} == {"yes", "no"}


def test_a_schema_that_the_grammar_cannot_hold_is_one_sentence(model: VLLMModel) -> None:
    with pytest.raises(RlraError, match="vLLM refuses the JSON schema: ") as caught:
        model.complete([question("a", schema='{"type":"nothing"}'), question("b", schema='{"type":"nothing"}')])
    assert "\n" not in caught.value.message
    assert model.complete([question("Name a colour.")])[0].finish != "failed"


def test_a_group_shares_its_prompt(model: VLLMModel) -> None:
    """Whole blocks of the prompt are computed for the first answer alone, in the very batch of the group."""
    group = model.complete([question(LONG, seed, 1.0) for seed in range(8)])
    length = group[0].prompt_length
    assert [answer.cached > length / 2 for answer in group] == [False] + [True] * 7
    assert model.complete([question(LONG)])[0].cached == group[1].cached


def test_more_prompts_than_fit_into_one_step_keep_their_seeds(model: VLLMModel) -> None:
    requests = [question(f"{n}: {LONG * 2}", seed=n, temperature=1.0, max_tokens=2) for n in range(16)]
    answers = model.complete(requests)
    assert sum(answer.prompt_length for answer in answers) > 8192
    assert [answer.finish for answer in answers] == ["length"] * 16
    assert model.complete(requests[-1:])[0].ids == answers[-1].ids


def test_what_cannot_be_asked_fails_alone(model: VLLMModel) -> None:
    good = question(QUESTIONS[1])
    bad = {
        "too long: ": question("word " * 9000),
        "template: ": question("a", template_args='{"tokenize":true}'),
        "engine: presence_penalty": question("a", presence_penalty=5.0),
        "engine: ": question("a", stop=("",)),
    }
    alone = model.complete([good])
    answers: list[Completion] = model.complete([good, *bad.values(), good])
    assert [answer.text for answer in (answers[0], answers[-1])] == [alone[0].text] * 2
    for said, answer in zip(bad, answers[1:-1], strict=True):
        assert (answer.finish, answer.text) == ("failed", "")
        assert answer.error and answer.error.startswith(said)
        assert "\n" not in answer.error
    assert model.complete([]) == []


def test_the_template_is_told_what_was_asked(model: VLLMModel) -> None:
    (answer,) = model.complete([question("Hello", template_args='{"chat_template":"{{ messages[0].content }}"}')])
    assert answer.prompt_ids == tuple(model._tokenizer("Hello")["input_ids"])


def test_an_engine_that_breaks_is_one_sentence(model: VLLMModel, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = model._llm.llm_engine

    def broken() -> None:
        raise RuntimeError("out of memory\nand a long story")

    with monkeypatch.context() as fault:
        fault.setattr(engine, "step", broken)
        with pytest.raises(RlraError, match=r"vLLM's engine broke: out of memory$") as caught:
            model.complete([question(text) for text in QUESTIONS])
    assert "the same command goes on" in str(caught.value.hint)
    while engine.has_unfinished_requests():
        engine.step()
