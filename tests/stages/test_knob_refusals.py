"""`--set` refuses what would leave a secret behind, send data out, undo another option, or go unheard."""

import inspect
import re
from typing import Any

import pytest
from transformers import get_scheduler

from schemas.errors import RlraError
from stages.training.config import preflight
from stages.training.knobs import WITHOUT_KWARGS, checked
from tests.stages.staged_runs import EXACT, changed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hub_token", "hf_secret"),
        ("push_to_hub", True),
        ("hub_model_id", "me/secret"),
        ("trackio_space_id", "me/secret"),
        ("vllm_server_base_url", "http://me:secret@host:8000"),
        ("vllm_server_base_url", "http://host:8000?key=secret"),
    ],
)
def test_what_would_carry_a_secret_or_send_data_out_is_refused_with_a_reason(name: str, value: Any) -> None:
    with pytest.raises(RlraError) as caught:
        checked({name: value})
    said = f"{caught.value.message} {caught.value.hint}"
    assert name in said and "secret" not in said
    assert "uploaded" in said or "sent" in said or "manifest" in said


@pytest.mark.parametrize(
    ("options", "stale_safe", "said"),
    [
        ({"importance_sampling_level": "token"}, True, "--set importance_sampling_level: --stale-safe is one ratio"),
        ({"off_policy_mask_threshold": None}, True, "--set off_policy_mask_threshold: --stale-safe masks"),
        ({"lr_scheduler_kwargs": {"min_lr_rate": 0.1}}, False, "the scheduler constant_with_warmup takes none"),
        (
            {"lr_scheduler_kwargs": {"a": 1}, "lr_scheduler_type": "constant"},
            False,
            "the scheduler constant takes none",
        ),
        ({"importance_sampling_level": "token"}, False, ""),
        ({"importance_sampling_level": "sequence", "off_policy_mask_threshold": 0.25}, True, ""),
        ({"lr_scheduler_kwargs": {"min_lr_rate": 0.1}, "lr_scheduler_type": "cosine_with_min_lr"}, False, ""),
        ({"lr_scheduler_kwargs": {}}, False, ""),
    ],
)
def test_options_that_undo_others_or_are_not_heard_are_refused(
    options: dict[str, Any], stale_safe: bool, said: str
) -> None:
    spec = changed(EXACT, set=options, stale_safe=stale_safe)
    if not said:
        preflight(spec, online=False, alone=True)
        return
    with pytest.raises(RlraError, match=re.escape(said)) as caught:
        preflight(spec, online=False, alone=True)
    assert caught.value.hint


def test_schedulers_without_arguments_are_those_that_the_library_gives_none() -> None:
    source = inspect.getsource(get_scheduler)
    for name in WITHOUT_KWARGS:
        call = source.partition(f"name == SchedulerType.{name.upper()}:")[2].strip().splitlines()[0]
        assert call.startswith("return schedule_func(optimizer") and "specific_kwargs" not in call
