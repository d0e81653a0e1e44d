"""The statistics of a record of agreement: which tables each is worked out from, and why one is undefined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.agreement import Figure
from stages import agreement
from stages.agreement import Draws, Estimate, Table, estimates
from stages.agreement.resampling import Array, Statistic
from stages.strata import Stratum, majority

if TYPE_CHECKING:
    from stages.eval_agreement import AgreementSpec

OF_ANSWERS: Mapping[str, Statistic] = {
    "accuracy": agreement.accuracy,
    "kappa": agreement.kappa,
    "kappa_linear": agreement.kappa_linear,
    "kappa_quadratic": agreement.kappa_quadratic,
}
OF_VALUES: Mapping[str, Statistic] = {
    "pearson": agreement.pearson,
    "spearman": agreement.spearman,
    "kendall": agreement.kendall,
}
ICC: Mapping[str, Statistic] = {"icc_2_1": agreement.icc_single, "icc_2_k": agreement.icc_average}
ERROR: Mapping[str, Statistic] = {"error": agreement.mean_error}

_NO_CATEGORIES = "numbers have no categories"
_NOTHING = {
    "accuracy": "no response has both an answer of the judge and a majority of people",
    "alpha": "no response has two labels",
    "icc": "no response was labelled by everybody",
    "ece": "no verdict has probabilities (method logprob)",
    "error_positive": "no criterion speaks for a response",
    "error_negative": "no criterion speaks against a response",
}
_CONSTANT = {
    "kappa": "all answers are equal: chance leaves no room for disagreement",
    "alpha": "all labels are equal: chance leaves no room for disagreement",
    "icc": "all labels are equal, or raters differ more than responses do",
    "length": "all errors, or all lengths, are equal",
    "position": "all errors, or all positions, are equal",
}


def figures(strata: Sequence[Stratum], spec: "AgreementSpec") -> dict[str, Any]:
    """Return `judge`, `each`, `people` and `bias`, every statistic by name, and how many responses are `tied`."""
    clusters = 1 + max((int(s.clusters.max()) for s in strata), default=-1)
    draws = Draws(clusters, spec.resamples, spec.seed, spec.level)
    saying = Saying(
        spec.resamples,
        whole=bool(strata) and all(s.tiers < 0 for s in strata),
        nothing="" if strata else "the judge has no verdict on what was labelled",
    )
    several = any(len(s.raters) > 1 for s in strata)
    lacking = "no response has labels of two people" if several else "only one person labelled"
    of_people = replace(saying, nothing=saying.nothing or lacking)
    each = _pairs([pair for s in strata for pair in s.against_each()], draws)
    return {
        "judge": saying.figures(_judge(strata, draws)),
        "each": saying.figures(each),
        "people": of_people.figures(_people(strata, draws)),
        "bias": saying.figures(_bias(strata, draws)),
        "tied": sum(_tied(s) for s in strata),
    }


def _judge(strata: Sequence[Stratum], draws: Draws) -> dict[str, Estimate]:
    return {
        **_pairs([s.against_people() for s in strata], draws),
        **_reliability(strata, draws, [(s.judge_answers, s.judge_values) for s in strata]),
        **estimates([s.calibration() for s in strata], {"ece": agreement.calibration_error}, draws),
    }


def _people(strata: Sequence[Stratum], draws: Draws) -> dict[str, Estimate]:
    nobody = [(np.empty((len(s.places), 0)),) * 2 for s in strata]
    return {
        **_pairs([pair for s in strata for pair in s.between_people()], draws),
        **_reliability(strata, draws, nobody),
    }


def _pairs(pairs: Sequence[tuple[Table, Table]], draws: Draws) -> dict[str, Estimate]:
    """Return the statistics of two: of answers from the first table of each pair, of values from the second."""
    return {
        **estimates([answers for answers, _ in pairs], OF_ANSWERS, draws),
        **estimates([values for _, values in pairs], OF_VALUES, draws),
    }


def _reliability(strata: Sequence[Stratum], draws: Draws, judges: Sequence[tuple[Array, Array]]) -> dict[str, Estimate]:
    """Return the statistics of any number of raters: people, and the judge where there is a column of its own."""
    answers = [np.column_stack([s.answers, judge]) for s, (judge, _) in zip(strata, judges, strict=True)]
    values = [np.column_stack([s.values, judge]) for s, (_, judge) in zip(strata, judges, strict=True)]
    graded = [s.with_two(values[n] if s.tiers < 0 else answers[n]) for n, s in enumerate(strata)]
    named = [s.with_two(answers[n]) for n, s in enumerate(strata)]
    several = [n for n in range(len(strata)) if values[n].shape[1] > 1]
    return {
        **estimates(named, {"alpha_nominal": agreement.alpha_nominal}, draws),
        **estimates(graded, {"alpha_ordinal": agreement.alpha_ordinal}, draws),
        **estimates(
            [s.with_two(values[n]) for n, s in enumerate(strata)], {"alpha_interval": agreement.alpha_interval}, draws
        ),
        **estimates([strata[n].table(values[n]) for n in several], ICC, draws),
    }


def _bias(strata: Sequence[Stratum], draws: Draws) -> dict[str, Estimate]:
    errors = [s.errors() for s in strata]
    signs = [np.array([question.sign for question in s.questions]) for s in strata]
    both = list(zip(strata, errors, strict=True))
    pooled = {
        "error": [s.table(error) for s, error in both],
        "error_positive": [s.table(e, at=sign > 0) for (s, e), sign in zip(both, signs, strict=True)],
        "error_negative": [s.table(e, at=sign < 0) for (s, e), sign in zip(both, signs, strict=True)],
    }
    lengths = [s.table(e, np.array([float(len(q.text)) for q in s.questions])) for s, e in both]
    positions = [s.table(e, np.array([float(place.response) for place in s.places])) for s, e in both]
    return {
        **{name: estimates(tables, ERROR, draws)["error"] for name, tables in pooled.items()},
        "length": estimates(lengths, {"r": agreement.pearson}, draws)["r"],
        "position": estimates(positions, {"r": agreement.pearson}, draws)["r"],
    }


def _tied(one: Stratum) -> int:
    return int(np.isnan(majority(one.answers)).sum()) if one.tiers >= 0 else 0


@dataclass(frozen=True)
class Saying:
    """How estimates become figures, with words where a value or an interval is missing."""

    resamples: int
    whole: bool
    """Whether all labels are numbers."""
    nothing: str
    """Why there are no rows, where that has one reason for every statistic."""

    def figures(self, found: Mapping[str, Estimate]) -> dict[str, Figure]:
        """Return the figures by name."""
        return {name: self._figure(name, each) for name, each in found.items()}

    def _figure(self, name: str, found: Estimate) -> Figure:
        why = ""
        if found.value is None:
            why = self._undefined(name, found)
        elif found.low is None:
            share = f"undefined in {found.undefined} of {self.resamples} resamples"
            why = "labels of one prompt have no interval" if found.clusters < 2 else f"{share}: no interval"
        elif found.low == found.high:
            why = "no resample differs: an interval without width says nothing about other prompts"
        return Figure(
            value=found.value,
            low=found.low,
            high=found.high,
            n=found.rows,
            prompts=found.clusters,
            undefined=found.undefined,
            why=why,
        )

    def _undefined(self, name: str, found: Estimate) -> str:
        family = name.partition("_")[0] if name not in _NOTHING else name
        if self.whole and (name in OF_ANSWERS or name in ("alpha_nominal", "ece")):
            return _NO_CATEGORIES
        if not found.rows:
            return self.nothing or _NOTHING.get("accuracy" if family == "kappa" else family, "nothing to compare")
        if found.rows == 1 and family not in ("accuracy", "kappa", "alpha"):
            return "one response: two or more are needed"
        return _CONSTANT.get(family, "one side gives every response the same value")
