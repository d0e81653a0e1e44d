"""Several devices for `rlra train`: the same command line, run by `accelerate launch` on several devices or nodes."""

import contextlib
import importlib.util
import io
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rlra_cli import processes
from schemas.errors import RlraError
from schemas.yaml_file import nearest
from stages.train import TrainSpec

INTERRUPTED = 130


def launcher_of(config: str, flags: Sequence[str], source: str, ranks: int, spec: TrainSpec) -> list[str]:
    """Return the command that runs this process's command line under accelerate, empty where nothing is to be started.

    `config` is a file, or names one of those that TRL ships; `flags` are accelerate's own. The precision is that of
    `spec`, whatever the file says. Raises RlraError where accelerate would refuse them, or something is missing.
    """
    if flags and not config:
        raise RlraError("--accelerate-arg goes with --accelerate")
    if not config or processes.started():
        return []
    if odd := [flag for flag in flags if not re.fullmatch(r"(--)?\w[\w-]*(=.*)?", flag)]:
        raise RlraError(f"--accelerate-arg: '{odd[0]}' is not NAME=VALUE")
    if source == "-" or ranks:
        which = "--processes" if ranks else "stdin"
        raise RlraError(f"--accelerate does not go with {which}", hint="give a file, and num_processes to accelerate")
    command = [*_flags(config, flags, spec.bf16), "--module", "rlra_cli.main", *sys.argv[1:]]
    _refuse_what_cannot_run(config, *_read(config, command), spec)
    return [sys.executable, "-m", "rlra_cli.accelerate_launch", *command]


def parts_optimizer(config: str, flags: Sequence[str]) -> bool:
    """Return whether the processes that `config` and `flags` start hold the optimizer's state in parts.

    Raises RlraError where accelerate would refuse them.
    """
    if not config:
        return False
    args, _ = _read(config, [*_flags(config, flags, bf16=False), "--module", "rlra_cli.main"])
    return bool(args.use_deepspeed or args.use_fsdp)


def _flags(config: str, flags: Sequence[str], bf16: bool) -> list[str]:
    own = ["--config_file", str(_config_file(config)), f"--mixed_precision={'bf16' if bf16 else 'no'}"]
    return [*own, *(f"--{flag.lstrip('-')}" for flag in flags)]


def _config_file(config: str) -> Path:
    shipped = {path.stem: path for path in _shipped().glob("*.yaml")}
    if config in shipped:
        return shipped[config]
    if not Path(config).is_file():
        raise RlraError(f"--accelerate {config}: no such file", hint=nearest(config, shipped))
    return Path(config)


def _shipped() -> Path:
    """Return where TRL keeps its configurations, without importing it."""
    found = importlib.util.find_spec("trl")
    if found is None or found.origin is None or importlib.util.find_spec("accelerate") is None:
        raise RlraError("--accelerate: trl and accelerate are not installed", hint="pip install rlra")
    return Path(found.origin).parent / "accelerate_configs"


def _read(config: str, command: Sequence[str]) -> tuple[Any, str]:
    """Let accelerate read its flags and the file as it will when it launches, and return them with the kind of run.

    Raises RlraError with what it says.
    """
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            args = launch_command_parser().parse_args(command)
    except SystemExit:
        why = (said.getvalue().strip() or "this starts no run").splitlines()[-1].rpartition("error: ")[2]
        raise RlraError(f"--accelerate-arg: {why}", hint="see `accelerate launch --help`") from None
    try:
        args, read, _ = _validate_launch_command(args)
        return args, str(getattr(read.distributed_type, "value", ""))
    except Exception as error:  # the file is the user's: whatever it makes PyYAML, an enum or a dataclass raise
        raise RlraError(f"--accelerate {config}: {error}", hint="`accelerate config` writes such a file") from None


def _refuse_what_cannot_run(config: str, args: Any, kind: str, spec: TrainSpec) -> None:
    """Raise RlraError where accelerate would start something else than `args`, of flags and file, say, or fail late."""
    if args.use_deepspeed and importlib.util.find_spec("deepspeed") is None:
        raise RlraError(f"--accelerate {config}: deepspeed is not installed", hint="pip install 'rlra[deepspeed]'")
    if spec.keep_optimizer and (args.use_deepspeed or args.use_fsdp):
        raise RlraError(
            f"--keep-optimizer does not go with --accelerate {config}: every process holds a part of the moments",
            hint="leave it out, or use multi_gpu",
        )
    if spec.lora_rank and (args.use_fsdp or args.zero_stage == 3):
        raise RlraError(
            f"--lora-rank does not go with --accelerate {config}: a LoRA over weights in parts cannot be merged",
            hint="use multi_gpu or zero2",
        )
    if args.use_fsdp and not has_gpu():
        raise RlraError(
            f"--accelerate {config}: without a GPU, accelerate leaves FSDP out and every process holds all weights",
            hint="use --processes, which does just that",
        )
    if kind == "MULTI_CPU" and args.num_processes > 1 and not args.mpirun_hostfile:
        raise RlraError(
            f"--accelerate {config}: without mpirun, accelerate starts a single process for MULTI_CPU",
            hint="for several on one machine say `distributed_type: MULTI_GPU` and `use_cpu: true`",
        )


def has_gpu() -> bool:
    """Return whether training would run on a GPU here."""
    import torch

    return torch.cuda.is_available()


def main() -> None:
    """Be `accelerate launch`, but end with the process that started this one, and with the exit code of a bad rank."""
    processes.stand_between()
    from accelerate.commands import launch
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    try:
        launch.main()
    except ChildFailedError as error:  # the rank has said why
        sys.exit(max(error.get_first_failure()[1].exitcode, 1))
    except subprocess.CalledProcessError as error:
        sys.exit(max(error.returncode, 1))
    except SignalException:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
