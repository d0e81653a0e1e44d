"""`rlra train --accelerate`: the run is accelerate's to start, and its result that of `--processes`."""

import importlib.util
from pathlib import Path

import psutil
import pytest
import yaml
from accelerate import FullyShardedDataParallelPlugin
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils import patch_environment
from accelerate.utils.launch import prepare_multi_gpu_env

from rlra_cli import processes
from rlra_cli.accelerate_launch import launcher_of, parts_optimizer
from schemas.errors import RlraError
from schemas.jsonl import to_line
from stages.models.weights import weights_of
from tests.running import PATIENCE_S, Runner, interrupt, wait_until
from tests.stages.staged_runs import EXACT, changed
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

TWO = {"distributed_type": "MULTI_GPU", "use_cpu": True, "num_processes": 2, "mixed_precision": "no"}
"""Two processes on one CPU: for MULTI_CPU, accelerate starts several by mpirun alone."""
TRAIN = ("train", "judged.jsonl", "--model", "hf:tiny", "--no-bf16", "--learning-rate", "1e-3", "--max-kl", "1e9")
TRAIN += ("--prompts-per-step", "2", "--micro-batch", "3", "--min-ess", "0", "--max-clip", "1", "--save-every", "0")
UNDER = ("--accelerate", "two.yaml", "--accelerate-arg", "main_process_port=0")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    runner = Runner(tmp_path_factory.mktemp("work"))
    folder = tiny_model(runner.folder / "tiny")
    runner.write("judged.jsonl", b"".join(map(to_line, sampled(folder, 4))))
    runner.write("two.yaml", yaml.safe_dump(TWO))
    return runner


def digest_of(folder: Path) -> str:
    return weights_of(f"hf:{folder}")[1]


def test_accelerate_ends_with_the_weights_of_two_processes(run: Runner) -> None:
    done = run.inside(*TRAIN, "-o", "under", *UNDER)
    assert done.code == 0, done.err
    assert done.out == b""
    assert done.err.count("groups can be learned from") == 1
    assert done.err.count("train: step 1: loss") == 1
    plain = run.inside(*TRAIN, "-o", "plain", "--processes", "2")
    assert plain.code == 0, plain.err
    assert digest_of(run.folder / "under") == digest_of(run.folder / "plain") != digest_of(run.folder / "tiny")
    assert (run.folder / "under" / "manifest.json").exists()


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGKILL"])
def test_no_process_outlives_the_command(ending: str, run: Runner) -> None:
    parent = run.start(*TRAIN, "-o", ending, *UNDER, "--epochs", "300")
    log = run.folder / ending / "train_log.jsonl"
    wait_until(lambda: log.exists() and log.stat().st_size > 0, "the first step")
    tree = psutil.Process(parent.pid).children(recursive=True)
    assert len(tree) >= 3  # accelerate and two ranks
    if ending == "SIGTERM":
        ended = interrupt(parent)
        assert ended.code == 130
        assert "Traceback" not in ended.err
    else:
        parent.kill()
        parent.communicate(timeout=PATIENCE_S)
    _, left = psutil.wait_procs(tree, timeout=20)
    for process in left:
        process.kill()
    assert left == []
    assert not (run.folder / ending / "manifest.json").exists()


# What is refused before anything starts.


def with_deepspeed(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """Let deepspeed be found, or not, whatever is installed."""
    real = importlib.util.find_spec
    answer = real("yaml") if there else None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: answer if name == "deepspeed" else real(name))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["rlra", "train", "judged.jsonl", "--accelerate", "x"])
    monkeypatch.setattr("rlra_cli.accelerate_launch.has_gpu", lambda: True)
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(TWO))
    return tmp_path


@pytest.mark.parametrize(
    ("content", "flags", "said"),
    [
        ("distributed_type: NOWHERE", (), "NOWHERE"),
        ("num_processes: 2", (), "distributed_type"),
        ("distributed_type: MULTI_GPU\nnum_procs: 2", (), "num_procs"),
        ("- a\n- b", (), "--accelerate own.yaml: "),
        ("compute_environment: AMAZON_SAGEMAKER\ndistributed_type: 'NO'", (), "--accelerate own.yaml: "),
        ("{", (), "--accelerate own.yaml: "),
        ("distributed_type: MULTI_CPU\nnum_processes: 2", (), "accelerate starts a single process for MULTI_CPU"),
        ("distributed_type: DEEPSPEED\nnum_processes: 2", (), "deepspeed is not installed"),
        (yaml.safe_dump(TWO), ("num_procs=2",), "unrecognized arguments: --num_procs=2"),
        (yaml.safe_dump(TWO), ("--num_processes=two",), "invalid int value: 'two'"),
        (yaml.safe_dump(TWO), ("help",), "this starts no run"),
    ],
)
def test_what_accelerate_could_not_launch_is_one_sentence(
    content: str, flags: tuple[str, ...], said: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_deepspeed(monkeypatch, False)
    (here / "own.yaml").write_text(content)
    with pytest.raises(RlraError) as caught:
        launcher_of("own.yaml", flags, "judged.jsonl", 0, EXACT)
    assert said in caught.value.message and caught.value.message.startswith("--accelerate")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("config", "flags", "source", "ranks", "said"),
    [
        ("zer2", (), "judged.jsonl", 0, "--accelerate zer2: no such file"),
        ("two.yaml", (), "-", 0, "does not go with stdin"),
        ("two.yaml", (), "judged.jsonl", 2, "does not go with --processes"),
        ("", ("num_processes=2",), "judged.jsonl", 0, "--accelerate-arg goes with --accelerate"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    config: str, flags: tuple[str, ...], source: str, ranks: int, said: str, here: Path
) -> None:
    with pytest.raises(RlraError, match=said):
        launcher_of(config, flags, source, ranks, EXACT)


@pytest.mark.parametrize(("name", "whole"), [("multi_gpu", True), ("zero2", True), ("zero3", False), ("fsdp2", False)])
def test_a_lora_goes_with_weights_that_are_whole_on_every_device(
    name: str, whole: bool, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_deepspeed(monkeypatch, True)
    if whole:
        assert launcher_of(name, (), "judged.jsonl", 0, changed(EXACT, lora_rank=4))
    else:
        with pytest.raises(RlraError, match="--lora-rank does not go with"):
            launcher_of(name, (), "judged.jsonl", 0, changed(EXACT, lora_rank=4))


def test_nothing_is_refused_into_a_folder(run: Runner) -> None:
    done = run.inside(*TRAIN, "-o", "nothing", "--accelerate", "zer2")
    assert done.code == 1
    assert "did you mean 'zero2'?" in done.err and "Traceback" not in done.err
    assert not (run.folder / "nothing").exists()


# What is started.


def test_a_part_of_a_run_starts_no_other(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert launcher_of("", (), "judged.jsonl", 0, EXACT) == []
    assert launcher_of("two.yaml", (), "judged.jsonl", 0, EXACT) != []
    for variable in (processes.RANK, processes.STARTER):
        with monkeypatch.context() as patch:
            patch.setenv(variable, "0")
            assert launcher_of("two.yaml", (), "judged.jsonl", 0, EXACT) == []


SHIPPED = {
    "multi_gpu": "multi_gpu",
    "zero1": "use_deepspeed",
    "zero2": "use_deepspeed",
    "zero3": "use_deepspeed",
    "fsdp1": "use_fsdp",
    "fsdp2": "use_fsdp",
}


@pytest.mark.parametrize("name", SHIPPED)
def test_accelerate_reads_each_configuration_that_trl_ships_as_what_its_name_says(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_deepspeed(monkeypatch, True)
    command = launcher_of(name, ("num_processes=4", "--num_machines=2", "machine_rank=1"), "judged.jsonl", 0, EXACT)
    args, _, _ = _validate_launch_command(launch_command_parser().parse_args(command[3:]))
    assert getattr(args, SHIPPED[name]) is True
    assert (args.num_processes, args.num_machines, args.machine_rank) == (4, 2, 1)
    assert args.module and args.training_script == "rlra_cli.main"
    assert args.mixed_precision == "no"  # as the options of the run say
    assert args.training_script_args == ["train", "judged.jsonl", "--accelerate", "x"]


@pytest.mark.parametrize(
    ("name", "parts"), [("", False), ("multi_gpu", False), *((n, True) for n in SHIPPED if n != "multi_gpu")]
)
def test_moments_are_kept_where_no_process_has_but_a_part_of_them(
    name: str, parts: bool, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounds ask; who says --keep-optimizer is told."""
    with_deepspeed(monkeypatch, True)
    assert parts_optimizer(name, ()) is parts
    if parts:
        with pytest.raises(RlraError, match="--keep-optimizer does not go with"):
            launcher_of(name, (), "judged.jsonl", 0, changed(EXACT, keep_optimizer=True))
    else:
        launcher_of(name, (), "judged.jsonl", 0, changed(EXACT, keep_optimizer=True))


def test_the_plugin_takes_what_the_fsdp2_configuration_says(here: Path) -> None:
    """That of fsdp1 wants a GPU, and deepspeed's wants deepspeed."""
    command = launcher_of("fsdp2", ("main_process_port=0",), "judged.jsonl", 0, EXACT)
    args, _, _ = _validate_launch_command(launch_command_parser().parse_args(command[3:]))
    with patch_environment(**prepare_multi_gpu_env(args)):
        plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2
    assert plugin.state_dict_type.name == "FULL_STATE_DICT"
