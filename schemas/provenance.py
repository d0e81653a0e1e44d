"""`provenance/1`: one file or model of the chain that led to an artifact."""

from typing import Any, ClassVar, Literal

from schemas.base import Own, Record


class Provenance(Record):
    """What is known of one file or model: who made it, from what, how to make it again, and whether it holds."""

    KIND: ClassVar[str] = "provenance"

    name: str
    """The file's name without its folder; of a model that is no folder, its reference."""
    depth: int = 0
    """The most steps there are between it and what was asked for; that itself has 0."""
    state: Literal["holds", "stale", "changed", "missing", "no manifest"]
    """`holds`: it is what its manifest tells of, and what it was made from still is what it was. `stale`: something
    before it is another by now. `changed`: it is not what its manifest tells of, or not what was read. `missing`: it is
    not found. `no manifest`: a source, or a file that nothing tells of."""
    why: str = ""
    """The reason for the state."""
    sound: bool = True
    """Whether nothing speaks against it; `--check` wants that of all."""
    stage: str = ""
    """The command that made it."""
    version: str = ""
    """The version of rlra that made it."""
    command: str = ""
    """The command line that made it, quoted for a shell."""
    folder: str = ""
    """Where that was typed, as far as it can be known."""
    spec: dict[str, Own[Any]] = {}
    """Every option that decided its bytes."""
    inputs: dict[str, str] = {}
    """The ids of what it was made from, by role."""
    sha256: str = ""
    """Of its decompressed bytes; of a model the digest of its weights."""
    records: int | None = None
    """Its lines."""
    started: str = ""
    """When its making began, in UTC."""
    seconds: float | None = None
    """How long its making took."""
    counts: dict[str, Own[Any]] = {}
    """What was counted as it was made: responses, failures, tokens, calls, cost."""
