"""Warnings about verdicts: rewards that follow length within groups, and judges of the policy's family."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.judged import Judged, JudgedResponse, Verdict
from schemas.rubric import Criterion, Rubric
from schemas.task import Message
from stages.biases import CERTAIN, STRONG, LengthBias, families, family_warning
from tests.judged_lines import policy

Rows = Sequence[tuple[int, float | None]]


def line(rows: Rows) -> Judged:
    """Return a group with responses of the given lengths and rewards."""
    said = Verdict(criterion="c", status="scored", score=1.0, judge="j", key="k")
    responses = tuple(
        JudgedResponse(text="x" * length, finish="stop", length=1, verdicts=(said,), reward=reward)
        for length, reward in rows
    )
    rubric = Rubric(rubric="r", criteria=(Criterion(id="c", text="Is warm."),))
    prompt = (Message(role="user", content="Hello?"),)
    return Judged(id="g", messages=prompt, policy=policy(), rubric=rubric, responses=responses)


def seen(*groups: Rows) -> LengthBias:
    """Return what the groups add up to."""
    bias = LengthBias()
    for rows in groups:
        bias.see(line(rows))
    return bias


def correlated(r: float, groups: int, size: int = 8) -> list[Rows]:
    """Return groups in which length and reward correlate by exactly `r`, with means of their own."""
    made: list[Rows] = []
    length = np.array([-1.0, 1.0] * (size // 2))
    noise = np.array([-1.0, -1.0, 1.0, 1.0] * (size // 4))
    for number in range(groups):
        reward = (r * length + np.sqrt(1 - r * r) * noise) / 100 + number
        made.append(
            [(int(50 + 5 * number + 10 * one), float(other)) for one, other in zip(length, reward, strict=True)]
        )
    return made


rewards = st.one_of(st.none(), st.floats(-3, 3).map(lambda x: round(x, 3)))
some_groups = st.lists(
    st.lists(st.tuples(st.integers(0, 400), rewards), min_size=1, max_size=6), min_size=1, max_size=5
)


@given(some_groups)
def test_the_correlation_is_that_of_the_differences_from_the_groups(groups: list[Rows]) -> None:
    lengths, rewarded = [], []
    for rows in groups:
        kept = np.array([(one, other) for one, other in rows if other is not None], dtype=float).reshape(-1, 2)
        if len(kept) > 1:
            lengths += list(kept[:, 0] - kept[:, 0].mean())
            rewarded += list(kept[:, 1] - kept[:, 1].mean())
    found = seen(*groups)
    assert found.responses == len(lengths)
    if found.r is not None and np.std(lengths) > 1e-6 and np.std(rewarded) > 1e-6:
        assert found.r == pytest.approx(np.corrcoef(lengths, rewarded)[0, 1], abs=1e-6)
        assert -1 <= found.r <= 1


def test_prompts_that_call_for_long_answers_and_are_easy_are_no_bias() -> None:
    groups = [[(10 * n, float(n)), (10 * n + 5, n - 0.1), (10 * n, n - 0.1), (10 * n + 5, float(n))] for n in range(50)]
    bias = seen(*groups)
    assert bias.r == pytest.approx(0) and bias.warning() is None


@pytest.mark.parametrize("sign", [1, -1])
def test_it_warns_where_length_pays(sign: int) -> None:
    warning = seen(*correlated(sign * 0.5, 20)).warning()
    assert warning is not None
    assert warning.startswith(
        f"{'longer' if sign > 0 else 'shorter'} responses have higher rewards: r = {sign * 0.5:+.2f}"
    )
    assert "160 responses in 20 groups" in warning


@pytest.mark.parametrize(
    ("r", "groups", "warns"),
    [(STRONG - 0.01, 400, False), (STRONG + 0.01, 400, True), (0.5, 1, False), (0.5, 2, False), (0.5, 3, True)],
)
def test_it_warns_of_no_weak_or_uncertain_correlation(r: float, groups: int, warns: bool) -> None:
    """Fisher's interval of 0.5 over 2 groups of 8 (12 degrees of freedom) still holds 0; over 3 (19) it does not."""
    bias = seen(*correlated(r, groups))
    assert bias.r == pytest.approx(r)
    assert (bias.warning() is not None) is warns
    error = 1 / np.sqrt(max(1, bias.responses - bias.groups - 2))
    assert warns is bool(r >= STRONG and np.arctanh(r) / error >= CERTAIN)


def test_a_perfect_correlation_of_many_warns_and_of_three_does_not() -> None:
    steps = [[(10, 0.1), (20, 0.2), (30, 0.3)]]
    assert seen(*steps).r == pytest.approx(1) and seen(*steps).warning() is None
    assert "r = +1.00" in str(seen(*steps * 9).warning())


@pytest.mark.parametrize(
    "groups",
    [[], [[(9, 1.0)]], [[(9, 0.1), (9, 0.9)] * 9], [[(9, 0.5), (90, 0.5)] * 9], [[(9, None), (90, 1.0), (5, None)]]],
)
def test_nothing_that_varies_is_no_correlation(groups: list[Rows]) -> None:
    bias = seen(*groups)
    assert bias.r is None and bias.warning() is None


def test_it_keeps_nothing_of_a_group() -> None:
    few, many = seen(*correlated(0.5, 3)), seen(*correlated(0.5, 300))
    assert all(isinstance(value, int | float) for value in vars(many).values())
    assert vars(few).keys() == vars(many).keys()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("openai:Qwen/Qwen2.5-72B-Instruct", "qwen"),
        ("openai:qwen2.5:7b-instruct", "qwen"),
        ("openai:qwq-32b", "qwen"),
        ("smollm2", "smollm"),
        ("hf:HuggingFaceTB/SmolLM2-135M-Instruct", "smollm"),
        ("openai:gpt-oss-20b", "gpt"),
        ("openai:gpt-4o-mini", "gpt"),
        ("openai:o3-mini", "gpt"),
        ("openai:deepseek-chat", "deepseek"),
        ("openai:deepseek-r1-distill-qwen-32b", "deepseek qwen"),
        ("openai:deepseek-ai/DeepSeek-R1-Distill-Llama-70B@http://qwen.example/v1", "deepseek llama"),
        ("openai:meta-llama/Llama-3.1-8B-Instruct", "llama"),
        ("openai:llama3.2:3b", "llama"),
        ("vllm:mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral"),
        ("openai:google/gemma-2-9b-it", "gemma"),
        ("openai:gemini-2.0-flash", "gemini"),
        ("openai:claude-sonnet-4", "claude"),
        ("hf:microsoft/Phi-3-mini-4k-instruct", "phi"),
        ("openai:THUDM/glm-4-9b-chat", "glm"),
        ("openai:chatglm3-6b", "glm"),
        ("openai:moonshotai/Kimi-K2-Instruct", "kimi"),
        ("openai:MiniMaxAI/MiniMax-M1", "minimax"),
        ("hf:runs/qwen-sft/checkpoint-300/", "qwen"),
        ("hf:EleutherAI/gpt-neox-20b", ""),
        ("hf:EleutherAI/gpt-j-6b", ""),
        ("hf:runs/a", ""),
        ("hf:runs/graphite-phial", ""),
        ("base", ""),
        ("", ""),
    ],
)
def test_families(model: str, expected: str) -> None:
    assert families(model) == frozenset(expected.split())


def test_a_judge_of_the_policys_family_is_warned_of() -> None:
    judges = ["openai:gpt-4o", "openai:deepseek-r1-distill-qwen-7b"]
    warning = family_warning(judges, ["hf:runs/a", "hf:Qwen/Qwen3-4B"])
    assert warning is not None
    assert all(word in warning for word in (judges[1], "hf:Qwen/Qwen3-4B", "'qwen'"))
    assert family_warning(judges, ["smollm2", "hf:runs/a"]) is None
    assert family_warning(["openai:judge"], ["hf:runs/a"]) is None
    assert family_warning([], []) is None
