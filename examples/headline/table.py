"""Print the headline's table: each seed's model against the untrained one on IFEval, and the mean of the seeds.

    python table.py base out-0 out-1 out-2

Changes are in percentage points, paired by prompt, with 95 % bootstrap intervals over prompts. That of the mean is over
prompts, each of which brings all of its seeds, and says nothing of other seeds: every seed has its line above it.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.report import Report
from stages.agreement.ratios import Array, Sides, interval

TRAINED = frozenset(
    (
        "punctuation:no_comma",
        "length_constraints:number_words",
        "length_constraints:number_sentences",
        "length_constraints:number_paragraphs",
        "keywords:forbidden_words",
        "keywords:existence",
        "detectable_format:title",
        "detectable_format:number_highlighted_sections",
        "detectable_content:number_placeholders",
    )
)
"""Kinds of instructions that training asks for, in words of its own."""
ECHOED = frozenset(
    (
        "keywords:existence",
        "detectable_content:postscript",
        "detectable_content:number_placeholders",
        "detectable_format:constrained_response",
        "detectable_format:title",
        "detectable_format:number_highlighted_sections",
        "detectable_format:multiple_sections",
        "detectable_format:number_bullet_lists",
        "combination:two_responses",
        "combination:repeat_prompt",
        "startend:end_checker",
        "startend:quotation",
    )
)
"""Kinds that are met by marks and phrases alone, which mostly stand in the prompt itself."""
GROUPS: dict[str, Callable[[str], bool]] = {
    "instructions": lambda kind: True,
    "echoing cannot satisfy": lambda kind: kind not in ECHOED,
    "echoing can satisfy": lambda kind: kind in ECHOED,
    "trained kinds": lambda kind: kind in TRAINED,
    "untrained kinds": lambda kind: kind not in TRAINED,
}
RESAMPLES, SEED, LEVEL = 10_000, 0, 0.95
GUARDS = {"guard": "reference_loglik", "rounds": "on_topic"}
"""What each file of reports is asked."""


def outcomes(path: Path) -> dict[str, list[tuple[str, bool]]]:
    """Return, by prompt, the kind of each instruction and whether it is met. Raises RlraError as reading does.

    A prompt without an answer, or with a verdict that failed, is left out: it was not failed by the model.
    """
    found = {}
    for line in Source(str(path)).read(Judged):
        response = line.responses[0]
        asked = zip(line.rubric.leaves if line.rubric else (), response.verdicts, strict=True)
        said = [(next(iter(leaf.check)), verdict.score) for leaf, verdict in asked if leaf.check and leaf.is_weighed]
        if response.finish != "failed" and all(score is not None for _, score in said):
            found[line.id] = [(kind, score == 1) for kind, score in said]
    return found


def parts(answers: dict[str, list[tuple[str, bool]]], prompts: list[str]) -> dict[str, Array]:
    """Return, by measure, what each prompt adds to the numerator and to the denominator."""
    rows = [answers[name] for name in prompts]
    made = {"prompts": np.array([(100.0 * all(met for _, met in row), 1.0) for row in rows])}
    for name, belongs in GROUPS.items():
        mine = [[met for kind, met in row if belongs(kind)] for row in rows]
        made[name] = np.array([(100.0 * sum(row), float(len(row))) for row in mine])
    return made


def told(name: str, measure: str, sides: Sides) -> str:
    """Return one line of the table."""
    old, new = sides.ratios
    found = interval(sides, RESAMPLES, SEED, LEVEL)
    change = f"{found[0]:+6.1f} ({found[1]:+.1f} to {found[2]:+.1f})" if found else "–"
    return f"{name:<10}{measure:<26}{old:7.1f}{new:8.1f}  {change}"


def guards(folder: Path) -> Iterable[str]:
    """Yield a line for each guard of the round that was chosen, on held-out prompts."""
    chosen = (folder / "chosen").resolve().parent.name
    for file, wanted in GUARDS.items():
        for report in Source(str(folder / f"{file}.jsonl")).read(Report):
            for change in (*report.measures, *report.criteria):
                if (report.after.label, change.name) == (chosen, wanted):
                    said = f"{change.change:+.3f} ({change.low:+.3f} to {change.high:+.3f})"
                    yield f"{folder.name:<10}{change.name:<26}{change.before:7.3f}{change.after:8.3f}  {said}, {chosen}"


def main(base: Path, folders: list[Path]) -> None:
    """Print the table."""
    untrained = outcomes(base / "ifeval" / "base.judged.jsonl")
    trained = [outcomes(folder / "ifeval" / "trained.judged.jsonl") for folder in folders]
    prompts = sorted(set(untrained).intersection(*trained))
    before, after = parts(untrained, prompts), [parts(seed, prompts) for seed in trained]
    print(f"{len(prompts)} prompts, {len(set(untrained).union(*trained)) - len(prompts)} left out")
    print(f"{'':<10}{'IFEval, strict, %':<26}{'base':>7}{'trained':>8}  change")
    for measure, old in before.items():
        for folder, seed in zip(folders, after, strict=True):
            print(told(folder.name, measure, Sides(old, seed[measure])))
        if len(folders) > 1:
            pooled = sum(seed[measure] for seed in after)
            print(told("mean", measure, Sides(old, pooled / len(after))))
    print(f"\n{'':<10}{'held out':<26}{'base':>7}{'trained':>8}  change")
    for folder in folders:
        print("\n".join(guards(folder)))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python table.py BASE OUT…")
    try:
        main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
    except RlraError as error:
        sys.exit(f"table: {error}")
