"""`--set KEY=VALUE`: every option of TRL's GRPOConfig is either set by name, and has its effect, or is rlra's own."""

import inspect
import json
import math
import re
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from trl import GRPOConfig

from rlra_cli.options import expand
from rlra_cli.train import train
from schemas.errors import RlraError
from schemas.judged import Judged
from stages.models.weights import weights_of
from stages.train import Batches, TrainSpec
from stages.training.config import grpo_config, preflight
from stages.training.knobs import OWNED, SAMPLING, WORDS, checked
from stages.training.log import StepLog
from stages.training.save import save_policy
from tests.stages.staged_runs import EXACT, Run, changed
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

KNOWN: dict[str, Field[Any]] = {field.name: field for field in fields(GRPOConfig) if field.init}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def groups(folder: Path) -> list[Judged]:
    return sampled(folder, 6)


def refusal(given: dict[str, Any]) -> RlraError:
    with pytest.raises(RlraError) as caught:
        checked(given)
    return caught.value


# Names.


def default_of(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


@pytest.mark.parametrize("name", sorted(set(KNOWN) - set(OWNED)))
def test_an_option_that_is_not_ours_takes_its_own_default(name: str) -> None:
    value = default_of(KNOWN[name])
    assert checked({name: value}) == {name: value}


@pytest.mark.parametrize("name", sorted(OWNED))
def test_an_option_that_is_ours_is_refused_with_what_to_do_instead(name: str) -> None:
    assert name in KNOWN
    error = refusal({name: default_of(KNOWN[name])})
    assert "rlra sets this itself" in error.message and name in error.message
    flags = re.findall(r"--(?:no-)?([a-z0-9-]+)", OWNED[name])
    known = inspect.signature(expand(train)).parameters
    assert {flag.replace("-", "_") for flag in flags} <= set(known)


def test_what_rlra_passes_to_trl_by_itself_is_ours_or_a_default_for_this_machine(tmp_path: Path) -> None:
    source = inspect.getsource(grpo_config)
    passed = set(re.findall(r'^        "(\w+)":', source, re.MULTILINE))
    assert {"learning_rate", "bf16"} <= passed <= set(KNOWN)
    machine = {"use_cpu", "gradient_checkpointing", "dataloader_pin_memory", "ddp_find_unused_parameters"}
    assert passed - set(OWNED) == {*machine, "lr_scheduler_type"}


def test_options_of_sampling_and_late_words_are_trls() -> None:
    assert set(KNOWN) >= SAMPLING
    assert set(KNOWN) >= set(WORDS)
    for name, words in WORDS.items():
        assert KNOWN[name].default in words


@given(st.sampled_from(sorted(set(KNOWN) - set(OWNED))), st.integers(0, 40), st.sampled_from("xq7"))
def test_a_slip_of_the_pen_is_told_the_name_that_was_meant(name: str, place: int, letter: str) -> None:
    slip = name[: place % len(name)] + letter + name[place % len(name) :]
    error = refusal({slip: 1})
    assert slip in error.message
    assert error.hint is not None and error.hint.startswith(("did you mean", "known:"))


def test_the_nearest_name_is_named() -> None:
    assert refusal({"lr_schedule_type": "cosine"}).hint == "did you mean 'lr_scheduler_type'?"


# Values.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tf32", "yes"),
        ("torch_compile", 1),
        ("torch_compile", "true"),
        ("weight_decay", "0.1"),
        ("weight_decay", True),
        ("adam_beta1", None),
        ("dataloader_num_workers", 1.5),
        ("lr_scheduler_type", 3),
        ("lr_scheduler_kwargs", [1]),
        ("importance_sampling_level", "sentence"),
        ("vllm_mode", "colocated"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: Any) -> None:
    error = refusal({name: value})
    assert name in error.message and error.exit_code == 1


@given(st.dictionaries(st.sampled_from(["weight_decay", "adam_beta2", "epsilon"]), st.floats(0, 1) | st.integers(0, 9)))
def test_numbers_go_through_unchanged_whether_whole_or_not(given: dict[str, float]) -> None:
    assert checked(given) == given


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), VALUES, max_size=4))
def test_a_mapping_and_its_words_say_the_same(mapping: dict[str, Any]) -> None:
    words = tuple(f"{key}={json.dumps(value)}" for key, value in mapping.items())
    assert TrainSpec.model_validate({"set": words}).set == TrainSpec(set=mapping).set == mapping


def test_a_value_that_is_no_json_is_text() -> None:
    words = ("optim=sgd", "run_name=a=b c", "hub_strategy=", "log_level=NaN", "use_cpu=true", "epsilon=3e-1")
    expected = {"optim": "sgd", "run_name": "a=b c", "hub_strategy": "", "log_level": "NaN"}
    assert TrainSpec.model_validate({"set": words}).set == {**expected, "use_cpu": True, "epsilon": 0.3}


@pytest.mark.parametrize("words", [("optim",), ("=sgd",), ("",), ("optim=a", "optim=b")])
def test_words_that_say_nothing_or_say_it_twice_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match=r"is not KEY=VALUE|is given twice"):
        TrainSpec.model_validate({"set": words})


@pytest.mark.parametrize("options", [{"epsilon": math.inf}, {"lr_scheduler_kwargs": {"a": math.nan}}])
def test_numbers_that_a_manifest_cannot_hold_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="no numbers of JSON"):
        TrainSpec(set=options)


# What is refused before weights are loaded.


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lr_scheduler_type": "cosinus"}, "cosinus is not a valid SchedulerType"),
        ({"optim": "adamm"}, "adamm is not a valid OptimizerNames"),
        ({"fp16": True}, "At most one of fp16 and bf16"),
        ({"vllm_importance_sampling_clip_min": 5.0}, "must be less than"),
    ],
)
def test_what_trl_itself_refuses_is_one_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RlraError, match=said) as caught:
        preflight(changed(EXACT, set=options, bf16=True), online=True, alone=True)
    assert next(iter(options)) in caught.value.message and "\n" not in caught.value.message


def test_options_of_sampling_go_with_online_alone() -> None:
    for name in ("top_p", "vllm_mode", "mask_truncated_completions"):
        spec = changed(EXACT, set={name: KNOWN[name].default})
        preflight(spec, online=True, alone=False)
        with pytest.raises(RlraError, match="goes with --online"):
            preflight(spec, online=False, alone=False)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("use_vllm", True, "pip install 'rlra[vllm]'"),
        ("optim", "paged_adamw_8bit", "pip install bitsandbytes"),
        ("optim", "rmsprop_bnb", "pip install bitsandbytes"),
    ],
)
def test_a_package_that_an_option_needs_is_asked_for_before_weights_are_loaded(
    name: str, value: Any, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    error = refusal({name: value})
    assert "is not installed" in error.message and error.hint == hint
    assert checked({"use_vllm": False, "optim": "adamw_torch_8bit"})


# What they do.


def test_optimizer_scheduler_weight_decay_and_clipping_take_effect(
    groups: list[Judged], folder: Path, tmp_path: Path
) -> None:
    options = {"optim": "sgd", "lr_scheduler_type": "cosine", "weight_decay": 0.25, "epsilon": 0.05}
    run = Run(groups, folder, changed(EXACT, prompts_per_step=1, warmup_steps=2, set=options), tmp_path)
    optimizer = run.trainer.optimizer.optimizer
    assert type(optimizer).__name__ == "SGD"
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.25, 0.0}
    assert run.trainer.epsilon_low == 0.05
    rates = run.measured("learning_rate")
    assert rates[:3] == pytest.approx([0.0, 5e-4, 1e-3])
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[5] < 0.5e-3


def test_weight_decay_pulls_the_weights_towards_zero(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    def norm(decay: float) -> float:
        spec = changed(EXACT, learning_rate=1e-2, set={"weight_decay": decay})
        model = Run(groups, folder, spec, tmp_path / str(decay)).trainer.model
        return sum(float(weight.detach().norm()) ** 2 for weight in model.parameters() if weight.dim() > 1)

    assert norm(5.0) < 0.95 * norm(0.0)


def test_passes_of_a_step_follow_from_the_micro_batch(groups: list[Judged], folder: Path, tmp_path: Path) -> None:
    small, large = (Run(groups, folder, changed(EXACT, micro_batch=micro), tmp_path / str(micro)) for micro in (2, 12))
    assert small.trainer.args.gradient_accumulation_steps == 6
    assert large.trainer.args.gradient_accumulation_steps == 1
    assert small.measured("loss")[0] == pytest.approx(large.measured("loss")[0], abs=1e-6)
    assert small.measured("grad_norm")[0] == pytest.approx(large.measured("grad_norm")[0], rel=1e-5)


class KilledError(Exception):
    """Ends a run where a signal would."""


def test_resume_is_exact_with_a_cosine_schedule_and_weight_decay(
    groups: list[Judged], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"lr_scheduler_type": "cosine", "optim": "adamw_torch", "weight_decay": 0.1}
    spec = changed(EXACT, prompts_per_step=1, save_every=1, warmup_steps=1, set=options)
    whole = Run(groups, folder, spec, tmp_path / "whole")
    logged = StepLog.on_log

    def killed(self: Any, args: Any, state: Any, *others: Any, **more: Any) -> None:
        logged(self, args, state, *others, **more)
        if state.global_step == 4:
            raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(StepLog, "on_log", killed)
        Run(groups, folder, spec, tmp_path / "again")
    again = Run(groups, folder, spec, tmp_path / "again")
    assert again.log[0].step == 4
    assert again.measured("learning_rate") == whole.measured("learning_rate")[3:]
    for name, run in (("a", whole), ("b", again)):
        save_policy(run.trainer, tmp_path / name)
    assert weights_of(f"hf:{tmp_path / 'a'}")[1] == weights_of(f"hf:{tmp_path / 'b'}")[1]


def test_the_options_of_set_go_before_what_rlra_would_choose(tmp_path: Path) -> None:
    spec = changed(EXACT, stale_safe=True, set={"off_policy_mask_threshold": 0.25, "save_on_each_node": True})
    config = grpo_config(spec, Batches(2, 1, 2), tmp_path, num_generations=2)
    assert (config.off_policy_mask_threshold, config.save_on_each_node) == (0.25, True)
