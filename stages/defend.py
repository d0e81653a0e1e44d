"""Find what over-rewarded responses share, prove it on others, and draft vetoes against it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import Field

from schemas.base import Own, Part
from schemas.criterion import ID_PATTERN

if TYPE_CHECKING:
    from schemas.findings import Findings, Onset
    from schemas.rubric import Rubric
    from stages.defence.material import Voice
    from stages.defence.parts import Halves, Lead
    from stages.defence.together import Finder

MOST_MEMBERS = 12


class DefendSpec(Part):
    """How sure a finding must be, and what a veto may cost."""

    false_discoveries: float = Field(default=0.1, gt=0, lt=1)
    """The share of false findings among all that is put up with (Benjamini and Hochberg's correction)."""
    max_false_positives: float = Field(default=0.02, gt=0, lt=1)
    """Propose no veto whose false-positive rate on good responses may be above this, with 95 % confidence."""
    onset_level: float = Field(default=0.01, gt=0, lt=1)
    """Tell an onset where a run without any change would show one as clear no more often than this."""
    rubric: str = Field(default="defence", pattern=ID_PATTERN)
    """The id of the drafted rubric."""
    seed: Own[int] = 0
    """Decides which prompts are held out, and what is drawn for intervals and permutations."""


@dataclass(frozen=True)
class Material:
    """What the search is given."""

    voices: "Sequence[Voice]"
    earlier: "Sequence[Voice]" = ()
    good: "Sequence[Voice]" = ()
    gold: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Another judge's reward by (prompt, text)."""
    training: Mapping[int, float] = field(default_factory=dict)
    """The training reward by step, where a log tells it."""


@dataclass(frozen=True)
class Defence:
    """What came of it."""

    findings: "list[Findings]"
    rubric: "Rubric | None"
    """The draft; None where there is nothing to propose."""
    held_out: int
    """Prompts that were held out."""


Writer = Callable[["Sequence[Findings]"], "Mapping[str, object]"]
"""Gives a sentence for some findings, or why not, by their ids."""


def defend(material: Material, spec: DefendSpec, writer: Writer | None = None, author: str = "") -> Defence:
    """Return findings, the surest first, and the rubric that is proposed.

    A pattern is found on one half of the prompts and tested on the other one. What stands there, corrected for all that
    were tested, is a finding; a finding becomes a veto where a check can say it and good responses hardly ever have it.
    """
    from stages.defence.contrasts import sides_of
    from stages.defence.drafting import rubric_of
    from stages.defence.parts import halves
    from stages.defence.proof import good_voices
    from stages.defence.search import search
    from stages.defence.together import Texts, drafted

    everyone, sides = sides_of(material.voices, material.earlier, material.gold)
    parts = halves(everyone, sides, spec.seed)
    good = good_voices(material.good, everyone)
    found = [_finding(lead, parts, good, material, spec) for lead in search(parts, good, spec)]
    found = list({finding.id: (finding, finder) for finding, finder in reversed(found)}.values())[::-1]
    texts = Texts(material.voices, good, spec.max_false_positives, spec.seed)
    findings, whole = drafted(*_columns(found), texts)
    said = writer(_to_write(findings)) if writer else {}
    findings = [_told(finding, said) for finding in findings]
    sentences = {name: text for name, text in said.items() if isinstance(text, str)}
    rubric = rubric_of(findings, sentences, author, spec.rubric, whole)
    if gap := _gap(material, spec):
        findings.append(gap)
    held = {voice.unit for voice, is_held in zip(everyone, parts.is_held, strict=True) if is_held}
    return Defence(findings, rubric, len(held))


def _to_write(findings: "Sequence[Findings]") -> "list[Findings]":
    """Return the findings that words may help: what good responses have too is no hack in other words either."""
    return [f for f in findings if f.proposed or (f.check is None and not f.lead)]


def _told(finding: "Findings", said: Mapping[str, object]) -> "Findings":
    if finding.id not in said:
        return finding
    text = said[finding.id]
    key = "written" if isinstance(text, str) else "not_written"
    return finding.model_copy(update={"meta": {**finding.meta, key: str(text)}})


def _columns(found: "Sequence[tuple[Findings, Finder]]") -> "tuple[list[Findings], list[Finder]]":
    return [finding for finding, _ in found], [finder for _, finder in found]


def _finding(
    lead: "Lead", parts: "Halves", good: "Sequence[Voice]", material: Material, spec: DefendSpec
) -> "tuple[Findings, Finder]":
    """Return a finding, and what tells whether a response has its pattern."""
    from schemas.findings import Findings, Member
    from stages.defence.drafting import name_of
    from stages.defence.evidence import examples, exploited
    from stages.defence.proof import tried

    found = tried(lead, parts, good, spec.max_false_positives, spec.seed)
    reason = found.reason if lead.is_sure else _unsure(lead, spec)
    pattern = found.suspect.pattern
    finder = pattern.finder()
    has = [finder(voice) for voice in parts.everyone]
    own = has[: len(material.voices)]
    name = name_of(pattern.kind, pattern.what, [pattern.check, pattern.veto, pattern.what])
    others = [form for form in lead.forms if form is not found.suspect][:MOST_MEMBERS]
    made = Findings(
        id=name,
        kind=pattern.kind,
        what=pattern.what,
        check=pattern.check,
        veto=pattern.veto,
        found=found.suspect.contrast,
        q=lead.q,
        tested=lead.tested,
        proof=found.proof,
        exploited=exploited(own, material.voices, spec.seed),
        members=tuple(
            Member(what=o.pattern.what, check=o.pattern.check, high=o.contrast.high, low=o.contrast.low) for o in others
        ),
        examples=examples(found.suspect, has, parts),
        onset=_onset(material.voices, own, spec),
        proposed=not reason,
        criterion=name if not reason else None,
        reason=reason,
        lead=not lead.is_sure,
    )
    return made, finder


def _unsure(lead: "Lead", spec: DefendSpec) -> str:
    return f"a lead and no finding: it may be chance (q {lead.q:.2g}, over {spec.false_discoveries:g})"


def _onset(voices: "Sequence[Voice]", has: Sequence[bool], spec: DefendSpec) -> "Onset | None":
    from stages.defence.onset import cells, onset

    told = [(voice.step, voice.unit, float(it_has)) for voice, it_has in zip(voices, has, strict=True)]
    if len({step for step, _, _ in told if step is not None}) < 2:
        return None
    return onset(cells(told), spec.onset_level, spec.seed)


def _gap(material: Material, spec: DefendSpec) -> "Findings | None":
    """Return where quality fell while the reward rose, by a gold judge where there is one; None without steps."""
    from schemas.findings import Findings
    from stages.defence.onset import gap

    told = gap(material.voices, material.gold, material.training, spec.onset_level, spec.seed)
    if told is None:
        return None
    by = "the gold judge's reward" if material.gold else "cheap signals of quality"
    return Findings(
        id="gap", kind="gap", what=f"{by} fell while the training reward rose", onset=told, reason="it is no pattern"
    )
