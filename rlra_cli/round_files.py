"""Files of rounds: put in place whole, and linked where the file system can, so that they take no room twice."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from stages.train import MOMENTS


def heavy(model: Path, weights: bool = True) -> list[Path]:
    """Return what takes room in a model's folder: its weights, if wanted, and what the optimizer remembered."""
    return [*(model.glob("*.safetensors") if weights else ()), *model.glob(MOMENTS)]


def forget(file: Path) -> None:
    """Remove such a file, and the folder that was made for it alone, unless something else lies there."""
    file.unlink()
    if file.parent.name == Path(MOMENTS).parent.name:
        with suppress(OSError):  # a run that was killed while it saved left a partial file
            file.parent.rmdir()


def put(place: Path, content: bytes) -> None:
    """Write a file beside its place and rename it there."""
    partial = place.with_name(f"{place.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, place)


def link(file: Path, place: Path) -> None:
    """Let `place` be `file` too, or a copy of it."""
    place.unlink(missing_ok=True)
    try:
        place.hardlink_to(file)
    except OSError:  # a file system without links, or with folders of its own
        shutil.copy2(file, place)


def hand_over(model: Path, output: Path, keep: bool) -> None:
    """Let a run's folder hold the moments of the round whose model it takes, or none. Rounds that ended need none."""
    (output / MOMENTS).unlink(missing_ok=True)
    if keep and (model / MOMENTS).exists():
        (output / MOMENTS).parent.mkdir(exist_ok=True)
        link(model / MOMENTS, output / MOMENTS)
    for done in output.glob(f"round-*/model/{MOMENTS}"):
        forget(done)
