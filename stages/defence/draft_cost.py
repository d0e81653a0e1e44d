"""What the whole draft would cost: good texts that any of its vetoes hits, not each veto by itself."""

from collections.abc import Callable, Sequence

from schemas.findings import Findings, Rate
from stages.defence.material import Voice
from stages.defence.proof import needed
from stages.defence.significance import rate

Finder = Callable[[Voice], bool]


def within(
    findings: Sequence[Findings], finders: Sequence[Finder], good: Sequence[Voice], bound: float
) -> tuple[list[Findings], Rate | None]:
    """Return the findings, of which so many stay proposed as the bound leaves room for, and what their vetoes hit.

    They are taken in their order, the surest first. One with which the vetoes as a whole would hit more of the good
    texts than `bound`, with the confidence of the bound where there are texts enough for it, is proposed no longer and
    says so. The rate is None where nothing is proposed.
    """
    kept: list[Findings] = []
    hit: set[int] = set()
    told: Rate | None = None
    for finding, finder in zip(findings, finders, strict=True):
        if finding.proposed:
            with_it = hit | {place for place, voice in enumerate(good) if finder(voice)}
            whole = rate(len(with_it), len(good))
            if told and _exceeds(whole, bound):
                finding = _left_out(finding, whole, bound)
            else:
                hit, told = with_it, whole
        kept.append(finding)
    return kept, told


def _exceeds(whole: Rate, bound: float) -> bool:
    return (whole.high if whole.n >= needed(bound) else whole.share) > bound


def _left_out(finding: Findings, whole: Rate, bound: float) -> Findings:
    said = f"{whole.hits} of {whole.n} good responses" if whole.n else "good responses"
    reason = f"together with the vetoes before it, it would hit {said}: the draft as a whole may go over {bound:.1%}"
    return finding.model_copy(update={"proposed": False, "criterion": None, "reason": reason})
