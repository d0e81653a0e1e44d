"""The recipe for GPUs, as far as a CPU can tell: rlra takes every printed command, and the sums are right."""

import functools
import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest
import torch
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from peft import get_peft_model
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen3MoeConfig

from rlra_cli import accelerate_launch
from rlra_cli.main import build, chosen_of, joined
from rlra_cli.options import ModelOptions
from schemas.prices import load_prices
from stages.suites import SUITES
from stages.train import TrainSpec
from stages.training.config import lora_config
from tests.running import environment

HOME = Path(__file__).parents[2] / "examples" / "gpu"
PROFILES = ("7b-1gpu", "7b-8gpu", "30b-8gpu")
USERS = {"pool.jsonl", "soft.jsonl", "ifeval.jsonl", "heldout.jsonl", "ifbench.jsonl", "writing.jsonl"}
POOLS = ("ROUNDS=2", "SOFT_POOL=soft.jsonl", "IFBENCH=ifbench.jsonl", "WRITING=writing.jsonl")
WRITES = {"-o", "--rejects", "--plot", "--html", "--markdown", "--findings", "--cache", ">"}
Options = TypeVar("Options")
each = pytest.mark.parametrize("profile", PROFILES)


@dataclass(frozen=True)
class Called:
    """What a command line came to: the command's name, and what its function would have been called with."""

    name: str
    words: Sequence[str]
    given: Mapping[str, Any]


def make(*said: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in environment().items() if not name.startswith("MAKE")}
    return subprocess.run(["make", "-C", str(HOME), *said], env=kept, capture_output=True, text=True, timeout=60)


@cache
def plan(*said: str) -> tuple[str, ...]:
    """Return the lines of the dry run, those that were broken in two joined again."""
    done = make("plan", "OUT=out", *said)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.replace("\\\n", " ").splitlines()
    return tuple(line for line in lines if not line.startswith("make"))


def commands(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the words of every rlra command, without what the shell takes of them."""
    for line in lines:
        words = shlex.split(line)
        while words and re.fullmatch(r"\w+=\S*", words[0]):
            words = words[1:]
        if words and words[0] == "rlra":
            yield words[1:]


def called(words: list[str]) -> Called:
    """Let rlra read a command line as it does, files of `--spec` and all specs' laws included, and do nothing."""
    words = joined(words)
    name = chosen_of(words)
    assert name
    spelled = name.replace("-", "_").replace(" ", "_")
    module = importlib.import_module(f"rlra_cli.{spelled}")
    found: list[dict[str, Any]] = []

    @functools.wraps(getattr(module, spelled))
    def taken(**given: Any) -> None:
        found.append(given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, spelled, taken)
        patch.chdir(HOME)
        assert not build(name)(words, standalone_mode=False, prog_name="rlra")
    assert len(found) == 1, words
    return Called(name, words, found[0])


@cache
def read(profile: str) -> tuple[Called, ...]:
    """Return all commands of a profile as rlra reads them."""
    return tuple(called(words) for words in commands(plan(f"PROFILE={profile}", *POOLS)))


@pytest.fixture
def everything(profile: str) -> tuple[Called, ...]:
    return read(profile)


@each
def test_every_printed_command_is_one_that_rlra_takes(profile: str, everything: tuple[Called, ...]) -> None:
    """All lines are rlra's or a few of the shell's, and each stage goes through the steps in their order."""
    shell = re.compile(r"(?:# NOT RUN|mkdir -p |awk |test -e |grep -q |cp |CUDA_VISIBLE_DEVICES=\d rlra |rlra )")
    lines = plan(f"PROFILE={profile}", *POOLS)
    assert lines[0].startswith("# NOT RUN")
    assert [line for line in lines if not shell.match(line)] == []
    order = [each.name for each in everything if each.name != "rollout"]
    selected = ["merge", "judge", "select-data"]
    stage_1 = ["generate-rubrics", *selected, *[*selected, "train"] * 2]
    stage_2 = ["generate-rubrics", "merge", "defend", "judge", "select-data", *[*selected, "train"] * 2]
    assert order == [*stage_1, *stage_2, *["eval suite"] * 3, "eval", "provenance"]


@each
def test_no_step_reads_what_no_step_before_it_wrote(profile: str) -> None:
    """Nor a file of the recipe that is not there; what is left are the user's own."""
    made: set[str] = set()
    for line in plan(f"PROFILE={profile}", *POOLS)[1:]:
        words = [word for word in shlex.split(line) if word not in ("{", "}", "||", ";")]
        for before, word in zip(["", *words], words, strict=False):
            path = re.sub(r"^(?:\w[\w.-]*=)?(?:vllm:|hf:)?", "", word)
            if before in WRITES or (words[0] == "cp" and word == words[-1]):
                made.add(path)
            elif path.startswith("out/") and words[0] not in ("mkdir", "grep"):
                assert any(path == one or path.startswith(f"{one}/") for one in made), line
            elif path.endswith((".yaml", ".jsonl")) and not path.startswith("out/") and words[0] != "grep":
                assert path in USERS or (HOME / path).is_file(), line


@each
def test_each_gpu_samples_its_share(profile: str, everything: tuple[Called, ...]) -> None:
    gpus = int(profile[-4])
    lines = [line for line in plan(f"PROFILE={profile}", *POOLS) if "rlra rollout" in line]
    shares = [f"CUDA_VISIBLE_DEVICES={n} rlra rollout" for n in range(gpus)] * 6
    assert [line[: len(share)] for line, share in zip(lines, shares, strict=True)] == shares
    sampling = [each.given for each in everything if each.name == "rollout"]
    assert [each["place"].shard for each in sampling] == [f"{n + 1}/{gpus}" for n in range(gpus)] * 6
    for given in sampling:
        assert given["spec"].temperature == 1 and given["spec"].tokens and given["spec"].group_size == 8
        assert part(given, ModelOptions).dtype == "bfloat16"
        assert given["spec"].template_arg == (("enable_thinking=false",) if "30b" in profile else ())


@each
def test_training_is_what_trl_and_accelerate_take(
    profile: str, everything: tuple[Called, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GRPOConfig takes the options, and accelerate the file; each round begins with the model of the one before."""
    monkeypatch.chdir(HOME)
    trained = [each for each in everything if each.name == "train"]
    begins = [each.words[each.words.index("--model") + 1] for each in trained]
    ends = [f"hf:{each.words[each.words.index('-o') + 1]}" for each in trained]
    assert begins[1:] == ends[:-1] and begins[0].startswith("hf:Qwen/")
    spec = trained[0].given["spec"]
    assert isinstance(spec, TrainSpec) and all(each.given["spec"] == spec for each in trained)
    grpo(spec)
    config = next(value.accelerate for value in trained[0].given.values() if hasattr(value, "accelerate"))
    assert bool(config) == profile.endswith("8gpu")
    if config:
        assert launched(str(config), spec, monkeypatch).num_processes == 8


def part(given: Mapping[str, Any], kind: type[Options]) -> Options:
    """Return the options of one kind."""
    return next(value for value in given.values() if isinstance(value, kind))


def grpo(spec: TrainSpec) -> None:
    """Let TRL refuse what it would refuse."""
    from stages.train import Batches
    from stages.training.config import grpo_config

    grpo_config(spec, Batches(2, 1, 2), Path(), num_generations=2, use_cpu=True)


def launched(config: str, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let accelerate read a file as it would on a machine with GPUs and deepspeed."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: real("yaml" if name == "deepspeed" else name))
    monkeypatch.setattr(accelerate_launch, "has_gpu", lambda: True)
    monkeypatch.setattr("sys.argv", ["rlra", "train", "kept.jsonl"])
    command = accelerate_launch.launcher_of(config, (), "kept.jsonl", 0, spec)
    args, _, _ = _validate_launch_command(launch_command_parser().parse_args(command[3:]))
    return args


@pytest.mark.parametrize(
    ("name", "stage", "offload"), [("zero2", 2, "none"), ("zero3", 3, "none"), ("zero3-offload", 3, "cpu")]
)
def test_accelerate_reads_the_files_as_what_their_names_say(
    name: str, stage: int, offload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = launched(str(HOME / "accelerate" / f"{name}.yaml"), TrainSpec(), monkeypatch)
    assert args.use_deepspeed and (args.zero_stage, args.num_processes) == (stage, 8)
    assert args.offload_optimizer_device == offload and args.mixed_precision == "bf16"


@each
def test_suites_and_their_gate_are_known(profile: str, everything: tuple[Called, ...]) -> None:
    suites = [each.given["names"] for each in everything if each.name == "eval suite"]
    assert suites == [["ifeval", "tone", "diversity", "safety", "ifbench", "writing"]] * 3
    (gates,) = (each.given["gate"] for each in everything if each.name == "eval")
    axis, _, measure = gates[0].partition(">=")[0].partition(".")
    assert measure in {each.name for each in SUITES[axis].measures}


def test_the_bill_and_what_is_missing_are_told(tmp_path: Path) -> None:
    """`make estimate` asks nobody; a file that the user has to bring, and a profile that is none, are one sentence."""
    (tmp_path / "prices.yaml").write_text("judge: {in: 0.15, out: 0.6}\n")
    load_prices(tmp_path / "prices.yaml")
    done = make("-n", "estimate", "OUT=out", f"PRICES={tmp_path}/prices.yaml")
    last = list(commands(done.stdout.replace("\\\n", " ").splitlines()))[-1]
    given = called(last).given
    assert given["estimate"] is True
    missing = make("pool.jsonl")
    assert missing.returncode == 2 and missing.stderr.startswith("pool.jsonl is missing: name your file")
    unknown = make("plan", "PROFILE=30b-1gpu")
    assert unknown.returncode == 2 and "there are 7b-1gpu 7b-8gpu 30b-8gpu" in unknown.stderr


# The arithmetic.


@cache
def resources() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_resources", HOME / "resources.py")
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    return made


def built(size: str) -> Any:
    """Return the model as transformers builds it from the same shape, without memory for its weights."""
    shape = resources().SHAPES[size]
    said = {
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "vocab_size": shape.vocabulary,
        "tie_word_embeddings": False,
    }
    if shape.experts:
        moe = {"num_experts": shape.experts, "num_experts_per_tok": shape.active, "moe_intermediate_size": shape.inner}
        config: Any = Qwen3MoeConfig(**(said | moe | {"head_dim": shape.head}))
    else:
        config = Qwen2Config(**said, intermediate_size=shape.inner)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


@pytest.mark.parametrize("size", ["7b", "30b"])
def test_weights_are_counted_as_transformers_and_peft_count_them(size: str) -> None:
    shape, model = resources().SHAPES[size], built(size)
    assert shape.all == sum(weight.numel() for weight in model.parameters())
    with torch.device("meta"):
        adapted: Any = get_peft_model(model, lora_config(TrainSpec(lora_rank=64)))
    trained = sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)
    assert shape.adapter(64) == trained


def test_the_paper_s_base_is_what_its_name_says() -> None:
    """30 billion weights, 3 billion of which a token meets."""
    shape = resources().SHAPES["30b"]
    assert (round(shape.all / 1e9, 1), round(shape.used / 1e9, 1)) == (30.5, 3.4)
    assert shape.kv_token == 96 * 1024


def test_each_profile_fits_and_the_one_that_is_not_offered_does_not() -> None:
    tell = resources()
    for profile in PROFILES:
        rows = dict(tell.table(profile))
        together = float(rows["training, one GPU: together"].split()[0])
        assert 30 < together < 80
        assert float(rows["sampling, one GPU: room for keys and values"].split()[0]) > 4
    whole = tell.SHAPES["30b"]
    assert tell.static_bytes(whole, 1, "lora", 64) > 122e9
    assert tell.static_bytes(whole, 8, "zero3") == pytest.approx(16 * 30.532e9 / 8 + 4 * 0.623e9, rel=1e-3)
    assert tell.static_bytes(whole, 8, "offload") < 20e9
    assert tell.static_bytes(tell.SHAPES["7b"], 1, "zero2") > 85.5e9  # all weights on one GPU: no


@each
def test_what_a_profile_takes_is_printed(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    resources().main([profile])
    said = capsys.readouterr().out
    assert said.startswith(f"{profile}, by arithmetic, not run") and "tokens of the judge" in said
