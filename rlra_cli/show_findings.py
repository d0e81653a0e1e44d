"""One finding of `rlra defend`, to be read in a terminal: pure rendering, nothing is printed here."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from rlra_cli.defend_text import AGAINST, findings_table
from rlra_cli.safe_text import as_json, grid, line, shown
from schemas.findings import Contrast, Example, Exploited, Findings, Interval, Onset
from stages.reports.reading import figure, signed
from stages.visible import one_line

_LONGEST = 400


def told(finding: Findings) -> RenderableType:
    """Return a finding with its evidence, what it does on other texts, whether it is proposed, and examples."""
    title = line((finding.id, "bold"), (finding.schema_tag(), "dim"))
    rows = grid(1)
    for name, what in _rows(finding):
        rows.add_row(Text(name, style="dim"), what)
    table = [findings_table([finding])] if finding.found and finding.proof else [shown(finding.what)]
    return Group(Rule(title, align="left", style="dim"), *table, Text(), rows)


def _rows(finding: Findings) -> Iterator[tuple[str, Text]]:
    if finding.check is not None:
        yield "check", shown(f"{as_json(finding.check)}, veto {finding.veto}")
    for name, seen in (("found", finding.found), ("held out", finding.proof and finding.proof.held_out)):
        if seen:
            yield name, _contrast(seen)
    for each in finding.exploited:
        yield "exploited", _exploited(each)
    for member in finding.members:
        yield "also", shown(f"{member.what}: {member.high:.0%} against {member.low:.0%}")
    if finding.onset:
        yield "onset", _onset(finding.onset)
    for example in finding.examples:
        yield from _example(example)
    if finding.found:
        yield "veto", _verdict(finding)
    if finding.meta:
        yield "meta", shown(as_json(finding.meta), "dim")


def _contrast(seen: Contrast) -> Text:
    lift = f"lift {figure(seen.lift)}, " if seen.lift is not None else ""
    counted = f"more often on {seen.more:,} of {seen.prompts:,} prompts and less often on {seen.less:,}"
    return shown(
        f"{seen.high:.1%} against {seen.low:.1%} of {AGAINST[seen.against]}: {lift}"
        f"log odds {_interval(seen.log_odds)}, p {seen.p:.2g}, {counted}"
    )


def _exploited(each: Exploited) -> Text:
    return shown(f"{each.criterion}: {_interval(each.rise)} higher with it, on {each.prompts:,} prompts")


def _interval(found: Interval) -> str:
    return f"{signed(found.value)} ({signed(found.low)} to {signed(found.high)})"


def _onset(onset: Onset) -> Text:
    sure = "" if onset.p is None else f", p {onset.p:.2g}"
    if onset.step is None:
        return shown(f"none: {onset.why}{sure}")
    return shown(f"step {onset.step}: {figure(onset.before)} before, {figure(onset.after)} from then on{sure}")


def _example(example: Example) -> Iterator[tuple[str, Text]]:
    yield "example", shown(one_line(example.prompt, _LONGEST), "cyan")
    yield "with it", _response(example.has, example.has_from, example.has_reward)
    if example.lacks_from:
        yield "without", _response(example.lacks, example.lacks_from, example.lacks_reward)


def _response(text: str, place: str, reward: float | None) -> Text:
    said = "no reward" if reward is None else f"reward {figure(reward)}"
    return line((f"{one_line(text, _LONGEST)}", ""), (f"{place}, {said}", "dim"))


def _verdict(finding: Findings) -> Text:
    if finding.proposed:
        return line(("proposed", "green"), (f"as {finding.criterion}", ""))
    return shown(f"not proposed: {finding.reason}", "dim")
