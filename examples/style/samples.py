"""Print texts of two policies side by side: the largest gains, the largest losses, and some drawn by lot.

    python samples.py out/base.tone.jsonl out/trained.tone.jsonl -n 3 --seed 0

Of each group the answer in the middle of its rewards is shown, so that neither side shows its best one.
"""

import argparse
import random
from collections.abc import Mapping, Sequence

from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged, JudgedResponse
from stages.visible import visible


def middle(group: Judged) -> tuple[float, str]:
    """Return the mean reward of a group, and the text of the response in the middle; failed ones are left out."""
    scored: list[tuple[float, int, JudgedResponse]] = [
        (each.reward, number, each) for number, each in enumerate(group.responses) if each.reward is not None
    ]
    scored.sort(key=lambda row: row[:2])
    return sum(reward for reward, *_ in scored) / len(scored), scored[(len(scored) - 1) // 2][2].text


def pairs(before: str, after: str) -> list[tuple[Judged, Judged]]:
    """Return the groups of both files with a reward on both sides. Raises RlraError where there is none."""
    later = {group.id: group for group in Source(after).read(Judged)}
    both = [(group, later[group.id]) for group in Source(before).read(Judged) if group.id in later]
    found = [pair for pair in both if all(any(r.reward is not None for r in side.responses) for side in pair)]
    if not found:
        raise RlraError(f"{before} and {after} have no judged prompt in common")
    return found


def chosen(rows: Sequence[tuple[Judged, Judged]], number: int, seed: int) -> Mapping[str, list[tuple[Judged, Judged]]]:
    """Return by heading the pairs to show; no pair twice, and a gain or a loss only where there is one."""
    change = {old.id: middle(new)[0] - middle(old)[0] for old, new in rows}
    ranked = sorted(rows, key=lambda pair: (-change[pair[0].id], pair[0].id))
    gains = [pair for pair in ranked if change[pair[0].id] > 0][:number]
    losses = [pair for pair in reversed(ranked) if change[pair[0].id] < 0][:number]
    taken = {pair[0].id for pair in (*gains, *losses)}
    rest = [pair for pair in rows if pair[0].id not in taken]
    lot = random.Random(seed).sample(rest, min(number, len(rest)))
    return {"Largest gains": gains, "Largest losses": losses, "Drawn by lot from the others": lot}


def told(old: Judged, new: Judged) -> str:
    """Return one pair for a terminal, with what could command the terminal drawn instead."""
    sides = [_indented(f"{reward:.3f}  {text}") for reward, text in (middle(old), middle(new))]
    return "\n".join([visible(f"{old.id}: {' '.join(old.prompt.split())}"), *sides])


def _indented(text: str) -> str:
    return "\n".join(f"  {visible(row)}" for row in text.split("\n"))


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("-n", type=int, default=3, help="so many of each kind")
    parser.add_argument("--seed", type=int, default=0, help="what the lot is drawn by")
    given = parser.parse_args(words)
    try:
        shown = chosen(pairs(given.before, given.after), given.n, given.seed)
    except RlraError as error:
        parser.exit(1, f"samples: {visible(error.message)}\n")
    for heading, rows in shown.items():
        print(f"== {heading}: {len(rows)}")
        for old, new in rows:
            print(f"\n{told(old, new)}")
        print()


if __name__ == "__main__":
    main()
