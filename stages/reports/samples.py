"""Responses of a run from its beginning, its middle and its end."""

from collections.abc import Callable, Iterable, Sequence

from schemas.judged import Judged
from stages.reports.examples import Shown, show, typical


def over_time(read: Callable[[], Iterable[Judged]]) -> list[tuple[Judged, Shown]]:
    """Return up to three groups of a run's judged lines, each with the response whose reward is nearest to its mean.

    `read` gives the lines in the order of the steps, and is called twice. All three are of one prompt where a
    prompt came up over more than half of the run: then they show what changed, and not what was asked. None where
    all are of one policy, as in the file that a single staged run learns from: nothing changes there.
    """
    places = _places([line.id.rsplit("@", 1)[0] for line in read()])
    chosen = [line for place, line in enumerate(read()) if place in places]
    changing = len({line.policy.revision for line in chosen}) > 1
    return [(line, show(line, typical(line))) for line in chosen if changing]


def _places(prompts: Sequence[str]) -> set[int]:
    """Return where the first, the middle and the last line stand, of one prompt if one spans enough of the run."""
    if not prompts:
        return set()
    by_prompt: dict[str, list[int]] = {}
    for place, prompt in enumerate(prompts):
        by_prompt.setdefault(prompt, []).append(place)
    widest: Sequence[int] = max(by_prompt.values(), key=lambda found: (found[-1] - found[0], len(found)))
    if widest[-1] - widest[0] <= len(prompts) / 2:
        widest = range(len(prompts))
    return {widest[0], widest[len(widest) // 2], widest[-1]}
