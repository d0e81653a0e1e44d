"""Findings of the linter to be read in a terminal: by file, then what each code means."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from rlra_cli import ui
from rlra_cli.safe_text import shown
from stages.lint.base import REGISTRY, Rule
from stages.lint.linter import Finding
from stages.visible import one_line

STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_LONGEST = 400
_MOST_LINES = 8


def report(findings: Sequence[Finding]) -> None:
    """Print the findings to stdout, one a line under its file, and what each code found means. Nothing for none."""
    console = ui.console(stdout=True)
    for line in lines(findings):
        console.print(line, soft_wrap=True)


def lines(findings: Sequence[Finding]) -> Iterator[Text]:
    """Yield what `report` prints, line by line; `findings` are sorted by file."""
    wide = max((len(str(finding.line)) for finding in findings), default=0)
    for file, group in groupby(findings, key=lambda finding: finding.file):
        yield shown(file, "bold")
        yield from (_line(finding, wide) for finding in group)
        yield Text()
    for code in sorted({finding.code for finding in findings}):
        yield from _meaning(REGISTRY[code])


def _line(finding: Finding, wide: int) -> Text:
    rule = REGISTRY[finding.code]
    bank = not finding.file.endswith((".yaml", ".yml"))
    named = "/".join(part for part in (finding.rubric if bank else "", finding.criterion) if part)
    message = one_line(f"{named}: {finding.message}" if named else finding.message, _LONGEST)
    start = Text.assemble((f"  {finding.line:>{wide}}  ", "dim"), (f"{rule.severity:<7}", STYLES[rule.severity]))
    return start.append(f"  {rule.code} {rule.name}  ").append(shown(message))


def _meaning(rule: Rule) -> Iterator[Text]:
    yield Text.assemble((f"{rule.code} {rule.name}", STYLES[rule.severity]), f": {rule.why}")
    stop = "" if rule.advice.endswith('."') else "."
    yield Text(f"  Instead: {rule.advice}{stop} For example:")
    example = rule.better.strip("\n").split("\n")
    yield from (Text(f"    {line}", style="dim") for line in example[:_MOST_LINES])
    if len(example) > _MOST_LINES:
        yield Text("    …", style="dim")
    yield Text()
