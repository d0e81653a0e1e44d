"""The language of a prompt."""

from stages.checks.language import SURE, likelihoods
from stages.selection.spec import UNKNOWN


def language(text: str) -> str:
    """Return the ISO 639-1 code of the language that a text is likely to be in; `UNKNOWN` where none is likely enough.

    Fenced code and addresses have no language, and too few letters do not tell theirs.
    """
    likely = likelihoods(text)
    best = max(likely, key=likely.__getitem__, default=UNKNOWN)
    return best if likely.get(best, 0.0) >= SURE else UNKNOWN
