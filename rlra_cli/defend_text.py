"""Findings, for a terminal: pure rendering."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from schemas.findings import Contrast, Findings
from stages.defend import Defence
from stages.visible import one_line

_LONGEST = 70
_MOST_ROWS = 25
AGAINST = {
    "group": "low rewards of the group",
    "earlier": "the earlier policy",
    "late": "the beginning of the run",
    "gold": "low rewards, where gold is low",
    "quality": "low rewards, where quality is low",
}
"""What responses are compared with, in words."""


def findings_table(findings: Sequence[Findings]) -> Table:
    """Return a row for each pattern, the surest first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("what over-rewarded responses share", overflow="fold", ratio=3)
    table.add_column("against", overflow="fold", ratio=2)
    for name in ("high", "low", "q", "good texts"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("veto", overflow="fold", ratio=3)
    patterns = [finding for finding in findings if finding.found]
    for finding in patterns[:_MOST_ROWS]:
        table.add_row(*_cells(finding))
    if len(patterns) > _MOST_ROWS:
        table.add_row(Text(f"and {len(patterns) - _MOST_ROWS} more", style="dim"))
    return table


def _cells(finding: Findings) -> list[Text]:
    assert finding.found and finding.proof  # a pattern has both
    seen = finding.proof.held_out or finding.found
    good = finding.proof.bounded
    verdict = Text("proposed", style="green") if finding.proposed else Text(one_line(finding.reason, 200), style="dim")
    return [
        Text(one_line(finding.what, _LONGEST)),
        Text(AGAINST[seen.against]),
        *map(Text, _sides(seen)),
        Text("" if finding.q is None else f"{finding.q:.2g}"),
        Text(f"{good.hits} of {good.n}"),
        verdict,
    ]


def _sides(seen: Contrast) -> tuple[str, str]:
    """Return how much of it is on either side: a share, or how often in 1,000 words."""
    if seen.rates:
        return f"{seen.rates[0]:.1f}‰", f"{seen.rates[1]:.1f}‰"
    return f"{seen.high:.0%}", f"{seen.low:.0%}"


def remarks(found: Defence) -> list[str]:
    """Return what else is to be said: how it was tested, when it began, and that nothing was found."""
    patterns = [finding for finding in found.findings if finding.kind != "gap" and not finding.lead]
    leads = [finding for finding in found.findings if finding.lead]
    said = []
    if not patterns:
        said.append("nothing was found that over-rewarded responses share")
    elif found.rubric is None:
        said.append("nothing is proposed: the defence is empty")
    if leads:
        said.append(f"leads that may be chance: {len(leads)}; more prompts would confirm them or clear them away")
    if patterns and found.held_out == 0:
        said.append("there are too few prompts to hold any out: findings are tested on all, and nothing is confirmed")
    for finding in found.findings:
        if finding.onset and finding.onset.step is not None:
            said.append(f"{one_line(finding.what, _LONGEST)}: since step {finding.onset.step}")
        elif finding.onset and finding.kind == "gap":
            said.append(f"no onset by reward against quality: {finding.onset.why}")
    return said
