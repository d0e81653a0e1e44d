"""What a veto would cost: how often a pattern stands in texts that deserve no veto."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log

import numpy as np

from schemas.findings import Contrast, Proof, Rate
from stages.defence.clusters import Suspect
from stages.defence.habits import KNOWN_TEXTS, known_hits
from stages.defence.material import Voice
from stages.defence.parts import Halves, Lead
from stages.defence.patterns import Measured
from stages.defence.significance import CONFIDENCE, rate

MOST_FORMS = 8
"""Forms of a finding that are tried on good texts."""
MOST_OF_IT = 0.6
"""The share of what the form that was tested finds that others must find to be tried."""
LEAST_KEPT = 0.5
"""The share of what the clearest form finds on held-out prompts that another form must still find."""
UNSAID = "no check can say it: it needs a criterion that a model judges"
BY_LENGTH = "good responses are as long as they are asked to be: give length a price in the rubric, not a veto"


@dataclass(frozen=True)
class Tried:
    """A form of a finding, with its proof."""

    suspect: Suspect
    proof: Proof
    reason: str
    """Why it is not proposed; empty where it is."""


def needed(bound: float) -> int:
    """Return how many good texts, none of them hit, it takes to bound the false-positive rate."""
    return ceil(log(1 - CONFIDENCE) / log(1 - bound)) if 0 < bound < 1 else 1


def good_voices(good: Sequence[Voice], everyone: Sequence[Voice]) -> list[Voice]:
    """Return the good responses and the references of the lines themselves, each text once."""
    references = [
        Voice(v.task.reference, v.task, v.unit, v.line, -1, None)
        for v in {voice.line: voice for voice in everyone}.values()
        if v.task.reference and v.task.reference.strip()
    ]
    return list({(voice.unit, voice.text): voice for voice in [*good, *references]}.values())


def tried(lead: Lead, parts: Halves, good: Sequence[Voice], bound: float, seed: int) -> Tried:
    """Return the first form of a finding that may become a veto, else the clearest one with what speaks against it."""
    forms = _most_telling(lead)
    if not forms:
        proof = Proof(held_out=lead.held, good=_hits(lead.forms[0], good))
        return Tried(lead.forms[0], proof, BY_LENGTH if lead.forms[0].pattern.kind == "length" else UNSAID)
    first: Tried | None = None
    for form in forms:
        held = lead.held if form is forms[0] and form is lead.forms[0] else _held(form, parts, seed)
        found = _judged(form, lead, held, parts, good, bound)
        if not found.reason:
            return found
        first = first or found
    assert first is not None
    return first


def _most_telling(lead: Lead) -> list[Suspect]:
    """Return the forms that a veto can say and that find most of what is found, the one that was tested first.

    Then come those that the others have least; of equals the longest.
    """
    bar = MOST_OF_IT * lead.forms[0].contrast.high
    forms = [form for form in lead.forms if _is_sayable(form) and form.contrast.high >= bar]
    rest = [form for form in forms if form is not lead.forms[0]]
    rest.sort(key=lambda form: (round(form.contrast.low, 2), -len(form.pattern.what), form.pattern.what))
    return [*(form for form in forms if form is lead.forms[0]), *rest][:MOST_FORMS]


def _is_sayable(form: Suspect) -> bool:
    return form.pattern.check is not None and form.pattern.kind != "length"


def _held(form: Suspect, parts: Halves, seed: int) -> Contrast | None:
    if not parts.splits:
        return None
    voices, sides = parts.part(held=True)
    own = next(one for one in sides if one.against == form.contrast.against)
    return Measured(voices, own, seed).weighed(form.pattern.placed(voices))


def _judged(
    form: Suspect, lead: Lead, held: Contrast | None, parts: Halves, good: Sequence[Voice], bound: float
) -> Tried:
    hits = _hits(form, good)
    stand_ins = None
    if hits.n < needed(bound):
        texts = list({(v.unit, v.text): v for v in [*good, *_low(form, parts)]}.values())
        stand_ins = _hits(form, texts)
    proof = Proof(held_out=held, good=hits, stand_ins=stand_ins)
    return Tried(form, proof, _against(proof, lead, bound) or _against_known(form, bound))


def _hits(form: Suspect, texts: Sequence[Voice]) -> Rate:
    has = form.pattern.finder()
    return rate(sum(map(has, texts)), len(texts))


def _low(form: Suspect, parts: Halves) -> list[Voice]:
    """Return the responses on the low side that the pattern was not found on; all of them where none were held out."""
    side = next(one for one in parts.sides if one.against == form.contrast.against)
    chosen = side.low & parts.is_held if parts.splits else side.low
    return [parts.everyone[place] for place in np.flatnonzero(chosen).tolist()]


def _against_known(form: Suspect, bound: float) -> str:
    """Return that good answers to other requests have it too often: those that were given may all be of one kind."""
    hits = known_hits(form.pattern.check)
    if hits is None or hits <= bound * KNOWN_TEXTS:
        return ""
    return f"{hits} of {KNOWN_TEXTS:,} good answers to requests of many kinds have it too, over {bound:.1%}"


def _against(proof: Proof, lead: Lead, bound: float) -> str:
    """Return why a form is not to be proposed; nothing where it may be."""
    kept, clearest = proof.held_out, lead.held
    if kept and clearest and kept.high < LEAST_KEPT * clearest.high:
        return "it finds too little on the prompts that were held out"
    told = proof.bounded
    whose = "good and low-scoring responses" if proof.stand_ins else "good responses"
    if told.n < needed(bound):
        return (
            f"{told.n} texts to prove it on are too few to bound false positives at {bound:.1%}, {needed(bound)} are "
            "needed: give good responses with --good"
        )
    if told.high > bound:
        return f"{told.hits} of {told.n} {whose} have it too: false positives may be {told.high:.1%}, over {bound:.1%}"
    if proof.good.share > bound:
        return f"{proof.good.hits} of {proof.good.n} good responses have it too, over {bound:.1%}"
    return ""
