"""`openai:` against vLLM's own server: groups by `n`, token ids and log-probabilities."""

import sys
from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest

from schemas.jsonl import Source
from schemas.rollouts import Rollouts, unpack
from stages.models.openai import OpenAIModel
from tests.live.live_server import Live, serving
from tests.running import Runner, lines
from tests.vllm.asking import Pencil, prompts, question


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with serving("vllm", sys.executable) as server:
        yield server


@pytest.fixture
def asker(live: Live) -> OpenAIModel:
    return OpenAIModel("openai:live", "live", f"{live.url}/v1", None)


def test_a_group_is_one_request_and_comes_with_its_tokens(asker: OpenAIModel, weights: Path) -> None:
    pencil = Pencil(weights)
    text = "What is a good name for a boat, and why would you choose it? " * 8
    requests = [question(text, seed, 1.0, exact=True) for seed in range(6)]
    answers = asker.complete(requests)
    assert asker.counts["calls"] == 1
    assert len({answer.ids for answer in answers}) > 3
    for request, answer in zip(requests, answers, strict=True):
        assert answer.ids and answer.logprobs and answer.prompt_ids
        assert len(answer.ids) == answer.length > 0
        apart = [abs(a - b) for a, b in zip(answer.logprobs, pencil.logprobs(request, answer), strict=True)]
        assert sum(apart) / len(apart) < 0.06  # the server computes in bfloat16
    assert sum(answer.length for answer in answers) == asker.counts["tokens_out"]
    assert asker.complete(requests)[0].cached > 32


def test_few_likeliest_tokens_are_drawn_from_where_that_is_asked(asker: OpenAIModel, weights: Path) -> None:
    """Of 5 tokens in bfloat16 each is one of the 25 likeliest ones in float32."""
    pencil, judge = Pencil(weights), question("", temperature=1.0, top_k=25)
    plain = asker.complete([question("Name a colour.", seed, 1.0, exact=True) for seed in range(4)])
    few = asker.complete([question("Name a colour.", seed, 1.0, exact=True, top_k=5) for seed in range(4)])
    assert min(chance for answer in few for chance in pencil.logprobs(judge, answer)) > -inf
    assert min(chance for answer in plain for chance in pencil.logprobs(judge, answer)) == -inf
    assert [answer.logprobs for answer in few] == [None] * 4


def test_stop_texts_and_template_arguments_are_understood(asker: OpenAIModel) -> None:
    greedy = asker.complete([question("Name a colour.")])[0].text
    (cut,) = asker.complete([question("Name a colour.", stop=(greedy[5:8],))])
    assert (cut.text, cut.finish) == (greedy[: greedy.index(greedy[5:8])], "stop")
    (bare,) = asker.complete([question("Name a colour.", exact=True)])
    more = '{"chat_template":"{{ messages[0].content }}","enable_thinking":false}'
    (told,) = asker.complete([question("Name a colour.", exact=True, template_args=more)])
    assert bare.prompt_ids and bare.text == greedy
    assert told.finish == "failed" or told.prompt_ids != bare.prompt_ids


def test_a_rollout_has_what_staged_training_needs(live: Live, tmp_path: Path) -> None:
    run = Runner(tmp_path)
    run.write("prompts.jsonl", lines(*({"prompt": text} for text in prompts(4))))
    words = ["--model", "openai:live", "--base-url", f"{live.url}/v1", "--group-size", "4", "--max-tokens", "16"]
    done = run("rollout", "prompts.jsonl", "-o", "out.jsonl", *words)
    assert done.code == 0, done.err
    for group in Source(str(tmp_path / "out.jsonl")).read(Rollouts):
        assert group.prompt_tokens and group.policy.sampling and not group.policy.sampling.unfit
        for response in group.responses:
            assert response.tokens and len(unpack(response.tokens.ids, "i")) == response.length > 0
