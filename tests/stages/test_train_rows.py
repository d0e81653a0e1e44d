"""The rows of a staged run: every response is in them once an epoch, in whole groups, whatever the sizes."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.rollouts import unpack
from stages.train import Batches, online_batches, staged_batches
from stages.training.staged import FILLER, rows
from stages.training.trl_private import COLUMNS, StagedTrainer
from tests.stages import staged_runs
from tests.stages.staged_runs import EXACT, Run, changed, scored
from tests.stages.training_groups import sampled

folder, groups = staged_runs.folder, staged_runs.groups


def ids_of(row: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...], float]:
    return tuple(row["prompt_ids"]), tuple(row["response_ids"]), row["advantage"]


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    ("prompts", "micro", "keep"), [(4, 4, 0), (4, 3, 0), (3, 5, 3), (1, 4, 0), (9, 7, 2), (2, 64, 0)]
)
def test_no_row_vanishes_whatever_the_sizes(
    groups: list[Judged], prompts: int, micro: int, keep: int, processes: int
) -> None:
    spec = changed(EXACT, prompts_per_step=prompts, micro_batch=micro, responses_per_prompt=keep, epochs=2)
    work = scored(groups, spec)
    batches = staged_batches(spec, max(len(one.responses) for one in work), processes)
    found = rows(work, spec, batches, processes)
    assert batches.micro <= micro
    assert batches.rows == batches.micro * batches.accumulation * processes
    assert batches.rows % 2 == 0
    assert len(found) == batches.rows * -(-len(work) // prompts) * 2
    real = [ids_of(row) for row in found if row["response_ids"]]
    expected = [
        (
            tuple(unpack(one.group.prompt_tokens or "", "i")),
            tuple(unpack(response.tokens.ids, "i") if response.tokens else []),
            advantage,
        )
        for one in work
        for response, advantage in zip(one.responses, one.advantages, strict=True)
    ]
    assert sorted(real) == sorted(expected * 2)
    assert all(row == FILLER for row in found if not row["response_ids"])
    assert all(set(row) == set(COLUMNS) for row in found)


def test_every_step_holds_whole_groups_and_every_epoch_has_its_own_order(groups: list[Judged]) -> None:
    spec = changed(EXACT, prompts_per_step=2, epochs=2)
    batches = staged_batches(spec, 4, 1)
    found = rows(scored(groups), spec, batches, 1)
    steps = [found[start : start + batches.rows] for start in range(0, len(found), batches.rows)]
    assert [Counter(row["prompt"] for row in step if row["prompt"]).most_common() for step in steps]
    assert all(set(Counter(row["prompt"] for row in step if row["prompt"]).values()) == {4} for step in steps)
    orders = [[{row["prompt"] for row in step} for step in part] for part in (steps[:3], steps[3:])]
    assert orders[0] != orders[1]
    assert rows(scored(groups), changed(spec, seed=1), batches, 1) != found


def test_processes_get_like_shares_of_a_step(groups: list[Judged]) -> None:
    spec = changed(EXACT, prompts_per_step=6, micro_batch=3)
    batches = staged_batches(spec, 4, 2)
    step = rows(scored(groups), spec, batches, 2)
    shares = [step[: len(step) // 2], step[len(step) // 2 :]]
    work = [sum(len(row["prompt_ids"]) + len(row["response_ids"]) for row in share) for share in shares]
    assert abs(work[0] - work[1]) < 0.1 * sum(work)


def test_the_trainer_sees_every_row_of_a_file_that_does_not_divide(
    groups: list[Judged], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []
    real = StagedTrainer._compute_loss

    def spy(self: Any, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        for ids, mask in zip(inputs["completion_ids"], inputs["completion_mask"], strict=True):
            seen.append(tuple(ids[mask.bool()].tolist()))
        return real(self, model, inputs)

    monkeypatch.setattr(StagedTrainer, "_compute_loss", spy)
    run = Run(groups[:5], folder, changed(EXACT, prompts_per_step=2, micro_batch=3), tmp_path)
    assert run.trainer.state.global_step == 3
    expected = [tuple(unpack(r.tokens.ids, "i") if r.tokens else []) for group in groups[:5] for r in group.responses]
    assert sorted(ids for ids in seen if ids) == sorted(expected)


def test_a_group_with_a_failed_response_trains_as_if_it_had_never_been(folder: Path, tmp_path: Path) -> None:
    fresh = sampled(folder, 3)
    whole = [fresh[0], *(group.model_copy(update={"responses": group.responses[:3]}) for group in fresh[1:])]
    failed = fresh[0].responses[0].model_copy(update={"reward": None})
    holed = [fresh[0], *(g.model_copy(update={"responses": (*g.responses[:3], failed)}) for g in fresh[1:])]
    a, b = (Run(given, folder, EXACT, tmp_path / name) for name, given in (("a", whole), ("b", holed)))
    assert a.measured("loss") == b.measured("loss")
    assert a.measured("grad_norm") == b.measured("grad_norm")


def test_batches_are_derived_for_every_size() -> None:
    for prompts in range(1, 7):
        for responses in range(1, 6):
            for micro in (1, 2, 3, 8):
                for processes in (1, 2, 3):
                    spec = changed(EXACT, prompts_per_step=prompts, micro_batch=micro)
                    b = staged_batches(spec, responses, processes)
                    assert b.rows >= prompts * responses
                    assert b.rows == b.micro * b.accumulation * processes
                    assert b.rows % 2 == 0
                    assert b.rows - prompts * responses < 2 * b.micro * processes


def test_online_batches_keep_groups_whole() -> None:
    spec = changed(EXACT, prompts_per_step=6, group_size=4, micro_batch=5)
    assert online_batches(spec, 2) == Batches(4, 3, 24)
    with pytest.raises(RlraError, match="cannot be shared whole by 4 processes") as caught:
        online_batches(spec, 4)
    assert caught.value.hint == "use --prompts-per-step 8, or --processes 1"
