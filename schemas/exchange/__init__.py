"""Other people's rubric formats, in and out: one small module for each, and the table of them all."""

from typing import Any

from schemas.errors import RlraError
from schemas.exchange import folder
from schemas.exchange.autorubric import AUTORUBRIC
from schemas.exchange.base import Entry, Format, Loss, Outgoing
from schemas.exchange.healthbench import HEALTHBENCH
from schemas.exchange.heartbench import HEARTBENCH
from schemas.exchange.ifeval import IFBENCH, IFEVAL
from schemas.exchange.rar import OUMI, RAR
from schemas.exchange.rewardkit import REWARDKIT
from schemas.exchange.verifiers import VERIFIERS
from schemas.exchange.writingbench import WRITINGBENCH
from schemas.yaml_file import nearest

__all__ = ["FORMATS", "Entry", "Format", "Loss", "Outgoing", "format_named", "guessed"]

FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        HEALTHBENCH,
        RAR,
        OUMI,
        WRITINGBENCH,
        HEARTBENCH,
        AUTORUBRIC,
        REWARDKIT,
        VERIFIERS,
        IFEVAL,
        IFBENCH,
    )
}


def format_named(name: str, option: str) -> Format:
    """Return the format called `name`. Raises RlraError that lists the known ones."""
    if name not in FORMATS:
        known = f"known formats: {', '.join(FORMATS)}, {folder.NAME}"
        near = nearest(name, FORMATS)
        raise RlraError(f"{option}: there is no format '{name}'", hint=f"{near} {known}" if "?" in near else known)
    return FORMATS[name]


def guessed(data: Any) -> Format | None:
    """Return the format that an entry looks like, if any."""
    return next((form for form in FORMATS.values() if form.looks(data)), None)
