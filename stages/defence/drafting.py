"""A defence rubric out of findings that stood the proof: a draft, for a person to accept."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.base import digest
from schemas.criterion import Criterion
from schemas.findings import Findings, Rate
from schemas.rubric import Rubric
from stages.visible import one_line

LONGEST_TEXT = 300
_SLUG = 40
EMPTY = "# rlra defend found nothing that it could propose a veto for. This file holds no rubric.\n"
"""What stands where an empty defence would stand: no rubric can be without a criterion."""
HEADING = """\
# Drafted by `rlra defend`. Read each criterion, and the evidence for it in the findings, before you use it: what it
# says of false positives holds for the good responses that it was given. Remove what you do not accept, and set
# `state` in `meta` to accepted. Then `rlra judge --rubrics FILE --add` vetoes what it finds.
"""


def name_of(kind: str, what: str, identity: Any) -> str:
    """Return an id that the same pattern always gets, and no other one: readable, then a digest."""
    said = what.partition("“")[2].partition("”")[0] or what
    slug = re.sub(r"[^a-z0-9]+", "-", said.casefold()).strip("-")[:_SLUG].strip("-")
    return "-".join(part for part in (kind.replace("_", "-"), slug, digest(identity)[:6]) if part)


def rubric_of(
    findings: Sequence[Findings], written: Mapping[str, str], writer: str, name: str, whole: Rate | None = None
) -> Rubric | None:
    """Return the rubric of what is proposed: a veto by its check, and by a model's words where a writer gave them.

    `whole` is what its checks hit together of the good responses. None where nothing is proposed and nothing was
    written.
    """
    criteria: list[Criterion] = []
    for finding in findings:
        if finding.proposed and finding.criterion:
            criteria.append(_checked(finding))
        if finding.id in written:
            criteria.append(_written(finding, written[finding.id], writer))
    if not criteria:
        return None
    return Rubric(
        rubric=name,
        title="Drafted vetoes against what over-rewarded responses share",
        kind="defence",
        source="hybrid" if written and any(c.check for c in criteria) else "llm" if written else "rlra defend",
        criteria=tuple(criteria),
        meta={"state": "draft", "made_by": "rlra defend", **({"false_positives": _said(whole)} if whole else {})},
    )


def _said(told: Rate) -> str:
    return f"{told.hits} of {told.n}, at most {told.high:.2%}"


def _checked(finding: Findings) -> Criterion:
    proof = finding.proof
    assert proof is not None  # what is proposed was proved
    told = proof.bounded
    evidence: dict[str, Any] = {"false_positives": _said(told)}
    if finding.found:
        seen = proof.held_out or finding.found
        evidence["over_rewarded"], evidence["others"] = round(seen.high, 4), round(seen.low, 4)
    return Criterion(
        id=finding.criterion or finding.id,
        text=one_line(f"{finding.what[:1].upper()}{finding.what[1:]}.", LONGEST_TEXT),
        check=finding.check,
        veto=finding.veto,
        meta={"state": "draft", "source": "rlra defend", "finding": finding.id, **evidence},
    )


def _written(finding: Findings, text: str, writer: str) -> Criterion:
    meta = {"state": "draft", "source": "llm", "author": one_line(writer, 80), "finding": finding.id, "proved": False}
    return Criterion(id=f"{finding.id}-judged", text=text, veto="if_met", meta=meta)
