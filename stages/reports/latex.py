"""Reports as a LaTeX table for a paper, of booktabs alone, in which no label can act."""

import unicodedata
from collections.abc import Sequence
from itertools import groupby

from schemas.report import Change, Report
from stages.reports.overview import Overview, Row, overview
from stages.reports.reading import cautions_of_all, figure, probability, signed
from stages.visible import one_line

LONGEST = 60
"""Characters of a label or name."""
_WORDS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",
    "`": r"{\char96}",
    "'": r"{\char39}",
    # At the beginning of a row the first two would belong to the `\\` before it, and dashes in a row become one.
    "[": "{[}",
    "*": "{*}",
    "-": "{-}",
    "→": r"$\rightarrow$",
    "…": r"\dots{}",
    "–": "--",
    "−": "$-$",
    "·": r"$\cdot$",
} | {c: f"\\{c}" for c in "{}$&#_%"}
_HEAD = r"\begin{tabular}{lllrrlrr}"


def latex(reports: Sequence[Report], command: str = "") -> str:
    """Return the main changes of all reports as a table environment, which needs `booktabs` and nothing else.

    `command` is what made it; it stands in a comment, and so does what keeps the figures from being taken at face
    value. Letters beyond ASCII stay where pdfLaTeX knows them, which is those of Latin 1; others are written as their
    code point, such as `U+4E2D`. Raises ValueError without a report.
    """
    if not reports:
        raise ValueError("a table needs a report")
    found = overview(reports)
    made = [f"% Made by: {one_line(command, 4_000)}"] if command else []
    cautions = [f"% Caution: {one_line(said, 4_000)}" for said in cautions_of_all(reports)]
    lines = [
        *made,
        *cautions,
        r"% Needs \usepackage{booktabs}.",
        r"\begin{table}",
        r"\centering",
        _caption(found, reports[0]),
    ]
    return "\n".join([*lines, *_tabular(found), r"\end{table}"]) + "\n"


def escaped(text: str, longest: int = LONGEST) -> str:
    """Return any text on one line as LaTeX that prints it and does nothing else."""
    return "".join(map(_escaped, one_line(text, longest)))


def _escaped(character: str) -> str:
    if character in _WORDS:
        return _WORDS[character]
    if " " <= character <= "~" or _is_known(character):
        return character
    return f"U+{ord(character):04X}"


def _is_known(character: str) -> bool:
    """Return whether pdfLaTeX draws a letter in its first font: one of Latin 1 that is a plain one with an accent."""
    if not "À" <= character <= "ÿ":
        return False
    base = unicodedata.normalize("NFD", character)
    return len(base) > 1 or character in "ÆØßæø"


def _caption(found: Overview, report: Report) -> str:
    names = ", ".join(escaped(label) for label in found.policies)
    first = escaped(found.first) if found.first else "the first policy of each axis"
    return (
        rf"\caption{{{names} compared with {first}: means over prompts, and the change with its "
        rf"{report.level * 100:g}\% bootstrap interval over prompts; $q$ is corrected for all that was compared.}}"
    )


def _tabular(found: Overview) -> list[str]:
    head = r"Axis & Measure & Policy & Before & After & Change & $q$ & Prompts \\"
    lines = [_HEAD, r"\toprule", head]
    for _, rows in groupby(found.rows, key=lambda row: row.axis):
        lines += [r"\midrule", *(line for row in rows for line in _lines(found, row))]
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _lines(found: Overview, row: Row) -> list[str]:
    told = [(label, cell.change) for label, cell in zip(found.policies, row.cells, strict=True) if cell.change]
    return [" & ".join(_cells(row, label, change)) + r" \\" for label, change in told]


def _cells(row: Row, label: str, change: Change) -> list[str]:
    ends = rf"[{_number(signed(change.low))},\,{_number(signed(change.high))}]"
    return [
        escaped(row.axis) or "--",
        escaped(row.measure),
        escaped(label),
        f"${_number(figure(change.before))}$",
        f"${_number(figure(change.after))}$",
        rf"${_number(signed(change.change))}$ ${ends}$",
        "--" if change.q is None else f"${probability(change.q)}$",
        f"{change.prompts}",
    ]


def _number(text: str) -> str:
    return text.replace("−", "-").replace(",", "{,}")
