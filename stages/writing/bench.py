"""The gates that need a judge: drafts tried on responses, as they are and in other words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from schemas.base import digest
from schemas.rollouts import Response
from schemas.rubric import Rubric
from stages.asking import Asker, Failure
from stages.judging import Bench
from stages.models.base import Completion, Request
from stages.reading.thoughts import answer
from stages.seeds import derive
from stages.writing import reworded
from stages.writing.base import Finding, Material
from stages.writing.criteria import REWORDED
from stages.writing.spec import WritingSpec
from stages.writing.trying import (
    Discriminates,
    ReproducesLabel,
    StableUnderParaphrase,
    Trial,
    UnjudgedError,
    is_labelled,
    tried,
)

Probes = Callable[[str], Sequence[Response]]
"""Returns responses to the prompt of an id; none where there are none."""
UNJUDGED, NOT_REWORDED = "unjudged", "not_reworded"
REASONS = (Discriminates.reason, ReproducesLabel.reason, StableUnderParaphrase.reason)
"""The counters of these gates, in their order."""


class UntriedError(Exception):
    """Why a draft could not be tried, as `class: what`. It is not taken, and there is nothing to mend."""


def no_probes(name: str) -> Sequence[Response]:
    """Return no response."""
    return ()


@dataclass(frozen=True)
class ProbeBench:
    """Holds drafts against what a judge says by them."""

    bench: Bench
    spec: WritingSpec
    probes: Probes = no_probes

    async def hold(self, rubric: Rubric, given: Material, asker: Asker, seed: int) -> tuple[list[str], list[Finding]]:
        """Return the gates that ran, and what they have against the rubric.

        None runs where there are fewer than two responses. Raises UntriedError where the judge failed or the writer
        cannot say its criteria in other words, and what the models raise.
        """
        responses, worth = self._shown(given)
        if len(responses) < 2:
            return [], []
        trial = await self._tried(given, rubric, responses)
        spread, labels = Discriminates(self.spec.least_spread), ReproducesLabel(self.spec.least_agreement)
        ran, findings = [spread.reason], [Finding(spread.reason, said) for said in spread.findings(trial)]
        if is_labelled(worth):
            ran.append(labels.reason)
            findings += [Finding(labels.reason, said) for said in labels.findings(trial, worth)]
        if findings or not self.spec.paraphrase or not any(leaf.needs_judge for leaf in rubric.leaves):
            return ran, findings
        other = await self._tried(given, await self._reworded(rubric, given, asker, seed), responses)
        stable = StableUnderParaphrase(self.spec.least_stability)
        return [*ran, stable.reason], [Finding(stable.reason, said) for said in stable.findings(trial, other)]

    def _shown(self, given: Material) -> tuple[list[Response], list[float | None]]:
        """Return what the draft is tried on, and what that is worth: of the line's own responses, and probes."""
        own = [(given.responses[place], given.worth[place] if given.worth else None) for place in self._chosen(given)]
        others = [response for response in self.probes(given.id) if _is_said(response)][: self.spec.probes]
        shown = [*own, *((response, None) for response in others)]
        return [response for response, _ in shown], [worth for _, worth in shown]

    def _chosen(self, given: Material) -> list[int]:
        """Return the places of the line's own responses that are tried: where they are ranked, from best to worst."""
        places = [place for place, response in enumerate(given.responses) if _is_said(response)]
        ranks = {place: worth for place, worth in enumerate(given.worth) if worth is not None}
        if known := sorted((place for place in places if place in ranks), key=lambda place: -ranks[place]):
            places = known
        count = min(self.spec.probes, len(places))
        return [places[number * (len(places) - 1) // max(1, count - 1)] for number in range(count)]

    async def _tried(self, given: Material, rubric: Rubric, responses: Sequence[Response]) -> Trial:
        try:
            return await tried(self.bench, given.task, rubric, responses)
        except UnjudgedError as error:
            raise UntriedError(f"{UNJUDGED}: {error}") from None

    async def _reworded(self, rubric: Rubric, given: Material, asker: Asker, seed: int) -> Rubric:
        messages = reworded.question(rubric)
        own = derive(seed, "reword", given.id, digest(messages[0].content))
        request = Request(messages, own, self.spec.temperature, self.spec.max_tokens, REWORDED)
        said = (await asker.put(request, partial(_read, rubric=rubric))).value
        if isinstance(said, Failure):
            raise UntriedError(f"{NOT_REWORDED}: {said}")
        return said


def _read(completion: Completion, rubric: Rubric) -> Rubric:
    return reworded.read(answer(completion), rubric)


def _is_said(response: Response) -> bool:
    return response.finish != "failed" and bool(response.text.strip())
