"""Reports as Markdown for a pull request: short tables that GitHub draws, in which no label can act."""

import re
from collections.abc import Sequence

from schemas.report import Change, Report
from stages.reports.overview import Cell, Overview, Row, bar, overview
from stages.reports.reading import MOST_Q, cautions_of_all, figure, interval, is_doubtful, probability, reading, signed
from stages.visible import one_line

LONGEST = 60
"""Characters of a label or name."""
MOST_NAMES = 8
"""Criteria that are named as better, or as worse, and cautions; the rest is counted."""
LONGEST_CAUTION = 300
"""Characters of a caution."""
_SIGNS = {"better": "✓", "worse": "✗", "changed": "~", "unclear": "–", "same": "="}
_PLAIN = re.compile(r"[A-Za-z0-9≥≤][A-Za-z0-9 ≥≤−_.,:=+/()-]*")


def markdown(reports: Sequence[Report], command: str = "") -> str:
    """Return the main changes of all reports as one table, and the criteria that changed as lines below it.

    `command` is what made it. Labels, names and ids are shown as code, in which no Markdown, HTML, mention or link is
    read. Raises ValueError without a report.
    """
    if not reports:
        raise ValueError("a table needs a report")
    found = overview(reports)
    parts = [_headline(found), _table(found), _legend(found, reports[0]), _cautions(reports), *map(_criteria, reports)]
    made = [f"Made by {code(command, 2_000)}"] if command else []
    return "\n\n".join(filter(None, [*parts, *made])) + "\n"


def code(text: str, longest: int = LONGEST) -> str:
    """Return any text as a span of code on one line, which means nothing but itself, also inside a table."""
    flat = one_line(text, longest)
    if _PLAIN.fullmatch(flat) and flat == flat.strip():
        return f"`{flat}`"
    # A backtick or a pipe cannot be written inside a span of code of a table; a reference to it can be, in HTML.
    return f"<code>{''.join(c if c.isalnum() or c == ' ' else f'&#{ord(c)};' for c in flat)}</code>"


def _headline(found: Overview) -> str:
    names = ", ".join(code(label) for label in found.policies)
    first = code(found.first) if found.first else "the first policy of each axis"
    gates = found.gates
    passed = sum(gate.passed for gate in gates)
    told = f" — {'✅' if passed == len(gates) else '❌'} {passed} of {len(gates)} gates passed" if gates else ""
    return f"### {first} → {names}{told}"


def _table(found: Overview) -> str:
    head = ["measure", code(found.first) if found.first else "first", *map(code, found.policies)]
    rows = [[_name(row), figure(row.before), *map(_cell, row.cells)] for row in found.rows]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _name(row: Row) -> str:
    return f"{code(row.axis)} {code(row.measure)}" if row.axis else code(row.measure)


def _cell(cell: Cell) -> str:
    gates = "".join(f"<br>{'✅' if gate.passed else '❌'} gate {code(bar(gate))}" for gate in cell.gates)
    change = cell.change
    if change is None:
        return f"–{gates}"
    sure = f", q {probability(change.q).replace('<', '&lt;')}" if change.q is not None else ""
    told = f"{_SIGNS[reading(change)]} **{signed(change.change)}**{'?' if is_doubtful(change) else ''}"
    origin = f"<br>from {figure(cell.before)}, {change.prompts:,} prompts" if cell.before is not None else ""
    return f"{figure(change.after)} {told}<br>({interval(change)}{sure}){origin}{gates}"


def _legend(found: Overview, report: Report) -> str:
    signs = ", ".join(f"{sign} {name}" for name, sign in _SIGNS.items())
    doubt = f"; ? where q is above {MOST_Q}" if found.has_doubtful else ""
    level = f"{report.level * 100:g}%"
    return f"<sub>{signs}{doubt}; in brackets the {level} bootstrap interval of the change over prompts.</sub>"


def _cautions(reports: Sequence[Report]) -> str:
    told = cautions_of_all(reports)
    more = f"\n- and {len(told) - MOST_NAMES} more" if len(told) > MOST_NAMES else ""
    lines = "\n".join(f"- ⚠ {code(said, LONGEST_CAUTION)}" for said in told[:MOST_NAMES])
    return f"{lines}{more}"


def _criteria(report: Report) -> str:
    known = {name: [c for c in report.criteria if reading(c) == name] for name in ("better", "worse")}
    told = [f"{_SIGNS[name]} {name}: {_named(changes)}" for name, changes in known.items() if changes]
    where = f"{code(report.axis)}, " if report.axis else ""
    return f"Criteria of {where}{code(report.after.label)}: {'; '.join(told)}." if told else ""


def _named(changes: Sequence[Change]) -> str:
    most = sorted(changes, key=lambda change: -abs(change.change))
    names = [f"{code(change.name)} {signed(change.change)}" for change in most[:MOST_NAMES]]
    return ", ".join(names) + (f" and {len(most) - MOST_NAMES} more" if len(most) > MOST_NAMES else "")
