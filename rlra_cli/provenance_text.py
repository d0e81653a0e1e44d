"""The chain that led to an artifact, to be read."""

from collections.abc import Iterator, Sequence

from rich.padding import Padding
from rich.text import Text

from rlra_cli.safe_text import shown
from rlra_cli.ui import span
from schemas.provenance import Provenance
from stages.provenance import Origin
from stages.visible import one_line

MARKS = {
    "holds": ("✓", "green"),
    "stale": ("~", "yellow"),
    "changed": ("✗", "red"),
    "missing": ("?", "red"),
    "no manifest": ("·", "dim"),
}
LONGEST_COMMAND, NAMES = 400, 6


def told(chain: Sequence[Origin]) -> Iterator[Text | Padding]:
    """Yield some lines for each file, outputs first: its state, who made it when, the command, and from what.

    Files that one command made, and of which nothing bad is to be said, stand together.
    """
    names = _names(chain)
    seen: set[tuple[str, str]] = set()
    for origin in chain:
        key = (origin.folder, origin.command)
        if origin.command and key in seen and origin.is_sound and origin.depth:
            continue
        alike = [each for each in chain if each.is_sound and each is not origin and (each.folder, each.command) == key]
        others = [each for each in alike if each.depth] if origin.command and key not in seen else []
        yield from _block(origin, others, names, with_command=key not in seen)
        seen.add(key)


def recorded(lines: Sequence[Provenance]) -> Iterator[Text | Padding]:
    """Yield the same for lines that were kept."""
    same = [name for name in Provenance.model_fields if name in Origin.__dataclass_fields__ and name != "inputs"]
    yield from told(
        [
            Origin(
                **{name: getattr(line, name) for name in same},
                path=line.id,
                is_sound=line.sound,
                roles=tuple(line.inputs),
                inputs=tuple(line.inputs.values()),
            )
            for line in lines
        ]
    )


def _block(
    origin: Origin, others: Sequence[Origin], names: dict[str, str], with_command: bool
) -> Iterator[Text | Padding]:
    mark, style = MARKS[origin.state]
    style = "dim" if origin.is_sound and origin.state != "holds" else style
    block = Text.assemble((mark, style), " ", shown(_line(origin.path), "bold"))
    if others:
        block.append(f" and {len(others)} more of its command", "dim")
    for fact in _facts(origin):
        block.append(" · ", "dim").append(shown(fact))
    yield block
    if origin.command and with_command:
        folder = "" if origin.folder in ("", ".") else f"in {origin.folder}: "
        yield _below(shown(_line(folder + origin.command), "dim"))
    if from_what := _from(origin, others, names):
        yield _below(Text("from ", "dim").append(shown(from_what)))
    if origin.why:
        yield _below(shown(f"{origin.state}: {_line(origin.why)}", style))


def _below(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 4), expand=False)


def _line(text: str) -> str:
    return one_line(text, LONGEST_COMMAND)


def _facts(origin: Origin) -> Iterator[str]:
    if origin.stage:
        yield f"rlra {origin.stage}"
    if origin.records is not None:
        yield f"{origin.records:,} lines"
    if origin.started:
        yield origin.started.replace("T", " ")[:16]
    if origin.seconds is not None:
        yield span(origin.seconds) if origin.seconds >= 1 else f"{origin.seconds:g} s"


def _from(origin: Origin, others: Sequence[Origin], names: dict[str, str]) -> str:
    """Return what a command read that it had not made itself, by name."""
    own = {each.path for each in (origin, *others)}
    paths = dict.fromkeys(path for each in (origin, *others) for path in each.inputs if path not in own)
    found = [names.get(path, path) for path in paths]
    more = f" and {len(found) - NAMES} more" if len(found) > NAMES else ""
    return ", ".join(_line(name) for name in found[:NAMES]) + more


def _names(chain: Sequence[Origin]) -> dict[str, str]:
    """Return what each path is called: its last name where no other file of the chain has it."""
    ends = [origin.name for origin in chain]
    return {each.path: each.name if ends.count(each.name) == 1 and each.name != "-" else each.path for each in chain}
