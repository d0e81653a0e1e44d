"""What `--accelerate-arg` says counts as what the file says: what cannot run is refused before anything starts."""

import importlib.util

import pytest

from rlra_cli import accelerate_launch
from rlra_cli.accelerate_launch import launcher_of
from schemas.errors import RlraError
from tests.stages.staged_runs import EXACT, changed


@pytest.mark.parametrize(
    ("config", "flags", "gpu", "said"),
    [
        ("fsdp2", (), False, "without a GPU, accelerate leaves FSDP out"),
        ("multi_gpu", ("use_fsdp",), False, "without a GPU, accelerate leaves FSDP out"),
        ("multi_gpu", ("use_deepspeed",), True, "deepspeed is not installed"),
        ("multi_gpu", ("use_fsdp",), True, "--lora-rank does not go with"),
        ("multi_gpu", ("multi_gpu", "num_processes=1"), True, "at least 2 processes"),
        ("multi_gpu", ("gpu_ids=0",), True, "Less than two GPU ids"),
    ],
)
def test_flags_are_refused_as_the_file_is(
    config: str, flags: tuple[str, ...], gpu: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "deepspeed" else real(name))
    monkeypatch.setattr(accelerate_launch, "has_gpu", lambda: gpu)
    with pytest.raises(RlraError, match=said):
        launcher_of(config, flags, "judged.jsonl", 0, changed(EXACT, lora_rank=4 if "lora" in said else 0))


def test_a_flag_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: real("yaml" if name == "deepspeed" else name))
    assert launcher_of("zero2", ("zero_stage=2",), "judged.jsonl", 0, changed(EXACT, lora_rank=4))
    with pytest.raises(RlraError, match="--lora-rank does not go with"):
        launcher_of("zero2", ("zero_stage=3",), "judged.jsonl", 0, changed(EXACT, lora_rank=4))
