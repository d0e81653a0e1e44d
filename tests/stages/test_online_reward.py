"""The one reward of an online run: what `rlra judge` says of the same responses, and what is kept of it."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug import Response as Reply

from schemas.judged import Judged
from schemas.rollouts import Policy
from schemas.rubric import Criterion, Rubric
from schemas.task import Task
from schemas.train_log import TrainLog
from stages.judge import JudgeSpec, judge
from stages.train import TrainSpec
from stages.training.breaker import JudgeFailedError, JudgeLimits
from stages.training.online import Judging, RubricReward, train_online
from stages.voting import Panel
from tests.stages.judge_server import JudgeServer, error, serving, under_judgement
from tests.stages.judging import model, saying
from tests.stages.training_groups import tasks
from tests.tiny_model import tiny_model

KIND = Criterion(id="kind", text="Is kind.")
SHORT = Criterion(id="short", check={"word_count": {"at_most": 2}}, partial=0.5)
ASKED = Rubric(rubric="asked", criteria=(KIND, SHORT))
CHECKED = Rubric(rubric="checked", criteria=(SHORT,))
POLICY = Policy(model="hf:x", revision="abc", template="t", engine="trl", dtype="float32", seed=3)
END, PAD = 7, 0
TEXTS = ("Dear friend.", "Go away, you.", "Yes.", "No, never, not at all.")


def reward_of(server: JudgeServer, kept: list[Judged], limits: JudgeLimits | None = None) -> RubricReward:
    judging = Judging(JudgeSpec(), Panel((model(server, retries=0),)), limits or JudgeLimits(), [ASKED])
    reward = RubricReward(tasks(2), judging, TrainSpec(), POLICY, kept.append)
    args = SimpleNamespace(temperature=0.7, max_completion_length=4, top_p=0.9, top_k=None, repetition_penalty=1.0)
    tokenizer = SimpleNamespace(pad_token_id=PAD)
    follower: list[Any] = []
    trainer = SimpleNamespace(args=args, eos_token_ids=[END], processing_class=tokenizer, add_callback=follower.append)
    reward.follow(trainer)
    return reward


def called(reward: RubricReward, step: int = 4) -> tuple[list[float | None], dict[str, float]]:
    """Return the rewards and metrics of a step of two groups of four."""
    metrics: dict[str, float] = {}
    ids = [[1, 2, END], [1, 2, 3, 4], [1, 2, 3, END], []]
    found = reward(
        completions=[[{"role": "assistant", "content": text}] for text in TEXTS] * 2,
        completion_ids=ids * 2,
        task=["t00"] * 4 + ["t01"] * 4,
        log_metric=metrics.__setitem__,
        trainer_state=SimpleNamespace(global_step=step),
    )
    return found, metrics


def kind(name: str, text: str) -> str:
    return "met" if text.startswith(("Dear", "Yes")) else "not met"


def test_the_rewards_are_those_of_rlra_judge_and_its_line_is_kept() -> None:
    kept: list[Judged] = []
    with serving(saying(kind)) as server:
        rewards, metrics = called(reward_of(server, kept))
        again = list(judge(kept, JudgeSpec(), Panel((model(server),)), [ASKED]))
        assert server.calls == 8, "`rlra judge` asked again"
    assert again == kept
    assert rewards == [response.reward for group in kept for response in group.responses]
    close = [response.verdicts[1].closeness for response in kept[0].responses]
    assert close == [None, 0.75, None, 0.5]
    assert rewards[:4] == pytest.approx([1.0, 0.5 * 0.75 / 2, 1.0, 0.5 * 0.5 / 2])
    assert [group.id for group in kept] == ["t00@000005", "t01@000005"]
    assert metrics["judge_failed"] == 0.0 and metrics["met/kind"] == 0.5 and metrics["met/short"] == 0.5
    assert metrics["seconds/judging"] > 0


def test_what_is_kept_says_how_it_was_sampled() -> None:
    kept: list[Judged] = []
    with serving(saying(kind)) as server:
        called(reward_of(server, kept))
    policy = kept[0].policy
    assert policy.revision == "abc+4"
    assert policy.sampling is not None
    assert (policy.sampling.temperature, policy.sampling.max_tokens) == (0.7, 4)
    assert policy.sampling.unfit == ("top_p 0.9",)
    assert [r.finish for r in kept[0].responses] == ["stop", "length", "stop", "length"]
    assert [r.length for r in kept[0].responses] == [3, 4, 4, 0]
    assert all(r.tokens is None for r in kept[0].responses)


def test_a_failed_judgement_is_no_reward_and_no_zero() -> None:
    kept: list[Judged] = []

    def reply(payload: dict[str, Any], number: int) -> Reply:
        text = under_judgement(payload["messages"][0]["content"])
        return error(400) if text.startswith("Yes") else saying(kind)(payload, number)

    with serving(reply) as server:
        rewards, metrics = called(reward_of(server, kept))
    assert [reward is None for reward in rewards] == [False, False, True, False] * 2
    assert metrics["judge_failed"] == 0.25
    assert metrics["met/kind"] == pytest.approx(1 / 3)


def test_a_dead_judge_ends_the_run_with_what_it_said() -> None:
    kept: list[Judged] = []
    said = r"answers no request: .*no such model"
    with (
        serving(lambda payload, number: error(404, "no such model")) as server,
        pytest.raises(JudgeFailedError, match=said) as stopped,
    ):
        called(reward_of(server, kept))
    assert stopped.value.exit_code == 3


def test_a_run_of_two_kinds_has_both_in_every_step_each_with_its_own_reward(tmp_path: Path) -> None:
    folder, kept, log = tiny_model(tmp_path / "tiny"), list[Judged](), list[TrainLog]()
    rubrics = [CHECKED, CHECKED, CHECKED, ASKED, ASKED, ASKED]
    mixed = [task.model_copy(update={"rubric": own}) for task, own in zip(tasks(6), rubrics, strict=True)]
    spec = TrainSpec(
        steps=2,
        group_size=3,
        prompts_per_step=3,
        max_tokens=8,
        bf16=False,
        learning_rate=1e-3,
        save_every=0,
        mix={"verifiable": 1, "judged": 2},
    )
    with serving(saying(lambda name, text: "met" if len(text) % 2 else "not met")) as server:
        judging = Judging(JudgeSpec(), Panel((model(server),)), JudgeLimits())
        reward = RubricReward(mixed, judging, spec, POLICY, kept.append)
        train_online(mixed, str(folder), spec, reward, tmp_path / "checkpoints", 1, log.append)
        assert server.calls == 2 * 2 * 3
    own: Mapping[str, Task] = {task.id: task for task in mixed}
    for number, line in enumerate(log):
        step = kept[3 * number : 3 * number + 3]
        assert Counter(len(group.responses[0].verdicts) for group in step) == {1: 1, 2: 2}
        assert all(group.rubric == own[group.id.partition("@")[0]].rubric for group in step)
        for kind_, criteria in (("verifiable", 1), ("judged", 2)):
            rewards = [r.reward for g in step for r in g.responses if len(r.verdicts) == criteria]
            assert line.metrics[f"reward/{kind_}"] == pytest.approx(sum(filter(None, rewards)) / len(rewards))
        assert line.metrics["reward"] == pytest.approx(
            (line.metrics["reward/verifiable"] + 2 * line.metrics["reward/judged"]) / 3, abs=1e-6
        )
