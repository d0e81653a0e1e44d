"""`rlra` as its users run it: in a process of its own, with an environment of its own."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

RLRA = str(Path(sys.executable).with_name("rlra"))
PATIENCE_S = 240
UNCACHED = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Where files may not grow, Python would leave broken `.pyc` files behind."""


@dataclass(frozen=True)
class Done:
    """What a process left behind."""

    code: int
    out: bytes
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Stdout as records."""
        return records(self.out)


def records(content: bytes) -> list[dict[str, Any]]:
    """Return the lines of an artifact as plain data; lines end at newlines and nowhere else."""
    return [orjson.loads(line) for line in content.split(b"\n") if line]


def lines(*data: Mapping[str, Any]) -> bytes:
    """Return plain data as the lines of an artifact."""
    return b"".join(orjson.dumps(each) + b"\n" for each in data)


def environment(**more: str) -> dict[str, str]:
    """Return the environment without any variable that rlra reads, and with `more`.

    One thread each, as tests themselves have: sums are the same bits, and two cores do not wait for each other.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RLRA_", "OPENAI_", "PYTHON"))}
    return {**kept, "COLUMNS": "100", "HF_HUB_OFFLINE": "1", "NO_COLOR": "1", "OMP_NUM_THREADS": "1", **more}


@dataclass(frozen=True)
class Runner:
    """Runs `rlra` in one folder."""

    folder: Path

    def __call__(
        self,
        *arguments: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        largest_file: int | None = None,
    ) -> Done:
        """Run `rlra ARGUMENTS` to its end, where no file may grow beyond `largest_file` bytes."""
        done = subprocess.run(
            [RLRA, *arguments],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=environment(**(env or {}), **({} if largest_file is None else UNCACHED)),
            timeout=PATIENCE_S,
            preexec_fn=_limit(largest_file),
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def inside(self, *arguments: str) -> Done:
        """Run `rlra ARGUMENTS` in this process: for what is neither about processes nor about signals."""
        from tests.inside import run_inside

        code, out, err = run_inside(self.folder, arguments, environment())
        return Done(code, out, err.decode())

    def shell(self, pipeline: str, **env: str) -> Done:
        """Run a pipeline in bash, where `rlra` is ours; its code is that of the first command that failed."""
        path = f"{Path(RLRA).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", pipeline],
            capture_output=True,
            cwd=self.folder,
            env=environment(PATH=path, **env),
            timeout=PATIENCE_S * 3,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `rlra ARGUMENTS`, with pipes on all three sides."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [RLRA, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, cwd=self.folder, env=environment()
        )

    def write(self, name: str, content: bytes | str) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def read(self, name: str) -> bytes:
        """Return the content of a file in the folder."""
        return (self.folder / name).read_bytes()

    def names(self) -> set[str]:
        """Return the names of the files in the folder."""
        return {path.name for path in self.folder.iterdir()}


def _limit(largest_file: int | None) -> Callable[[], None] | None:
    if largest_file is None:
        return None
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Return as soon as `holds()`; fail when it does not within a minute."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


def interrupt(process: subprocess.Popen[bytes]) -> Done:
    """Send SIGTERM and return what the process left behind."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE_S)
    return Done(process.returncode, out, err.decode())
