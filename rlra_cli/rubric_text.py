"""One rubric, to be read in a terminal: pure rendering."""

from collections.abc import Iterator, Sequence

from rich.console import ConsoleRenderable, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from rlra_cli.safe_text import as_json, grid, line, shown
from schemas.rubric import Criterion, Rubric

_INDENT = (0, 0, 0, 3)
_SCOPES = {"dataset": "a data set", "task": "a kind of task", "instance": "this prompt"}


def rubric_text(rubric: Rubric) -> RenderableType:
    """Return a rubric to be read: its people, each criterion's worth, text, check and tiers, the declared reward."""
    version = f"version {rubric.version}, {rubric.kind}, for {_SCOPES[rubric.scope]}"
    if rubric.inherits:
        version += f", after {rubric.inherits}"
    head = line(("rubric", "cyan"), (rubric.rubric, "bold"), (version, "dim"))
    people = [shown(text, "dim") for text in _people(rubric)]
    rows = grid(2)
    for depth, criterion in _nested(rubric.criteria):
        name = shown("  " * depth + criterion.id, "bold")
        rows.add_row(_worth(criterion), name, Group(*_meaning(criterion)))
    declared = rubric.reward.model_dump(mode="json", exclude_defaults=True)
    parts: list[ConsoleRenderable] = [*people, rows]
    if declared:
        parts.append(shown(f"reward: {as_json(declared)}", "dim"))
    return Group(head, *(Padding(part, _INDENT) for part in parts))


def _people(rubric: Rubric) -> Iterator[str]:
    """Yield who wrote it, and what people decided about it, where either is known."""
    if wrote := " by ".join(filter(None, (rubric.source, rubric.author))):
        yield f"written: {wrote}"
    if review := rubric.review:
        by = f" by {review.by}" if review.by else ""
        yield f"review: {review.state}{by}{f': {review.comment}' if review.comment else ''}"


def _nested(criteria: Sequence[Criterion], depth: int = 0) -> Iterator[tuple[int, Criterion]]:
    for criterion in criteria:
        yield depth, criterion
        yield from _nested(criterion.criteria, depth + 1)


def _worth(criterion: Criterion) -> Text:
    if criterion.veto:
        return Text("veto", style="red")
    if criterion.gate:
        return Text("gate", style="yellow")
    text = f"{criterion.weight:+g}".replace("-", "−")
    return Text(text, style="green" if criterion.weight > 0 else "red", justify="right")


def _meaning(criterion: Criterion) -> Iterator[Text]:
    if criterion.veto:
        yield Text(f"reward 0 {criterion.veto.replace('_', ' ')}", style="red")
    if criterion.gate:
        yield Text(f"its group is worth 0 {criterion.gate.replace('_', ' ')}", style="yellow")
    if criterion.criteria:
        yield Text(f"group of {len(criterion.criteria)}", style="dim")
    if criterion.text:
        yield shown(criterion.text)
    if criterion.python is not None:
        yield shown(criterion.python.strip(), "dim")
    if criterion.check_name and criterion.check is not None:
        arguments = criterion.check[criterion.check_name]
        partial = f", partial credit up to {criterion.partial:g}" if criterion.partial else ""
        yield shown(f"check {criterion.check_name} {as_json(arguments) if arguments else ''}{partial}".rstrip(), "dim")
    for index, tier in enumerate(criterion.tiers):
        yield shown(f"tier {index} = {tier.score:g}: {tier.text}", "dim")
