"""What weakens verdicts with none of them being wrong: rewards that follow length, and judges of the policy's kin."""

import re
from collections.abc import Sequence
from math import atanh, sqrt

from schemas.judged import Judged

STRONG = 0.3
"""A correlation from which on length is worth a warning: Cohen's medium effect (Statistical Power Analysis, 1988)."""
FEWEST = 10
"""Degrees of freedom below which a correlation says nothing, however high it is."""
CERTAIN = 1.96
"""Standard errors that it must be away from 0, which leaves one warning in twenty runs to chance."""

_FAMILIES = {
    "qwen": r"qwen\d*|qwq|qvq",
    "llama": r"(?:meta)?llama\d*|tinyllama|vicuna|alpaca",
    "mistral": r"mi[sx]tral\d*|ministral\d*|magistral|devstral|codestral|pixtral|mathstral|zephyr",
    "gemma": r"(?:code|pali|t5|med|shield)?gemma\d*",
    "gemini": r"gemini\d*",
    "phi": r"phi\d*",
    "gpt": r"gpt\d*|chatgpt|o[134]|davinci",
    "claude": r"claude\d*",
    "deepseek": r"deepseek\d*",
    "smollm": r"smollm\d*",
    "glm": r"(?:chat)?glm\d*",
    "kimi": r"kimi\d*|moonlight",
    "yi": r"yi",
    "grok": r"grok\d*",
    "granite": r"granite\d*",
    "olmo": r"olmoe?\d*",
    "falcon": r"falcon\d*",
    "internlm": r"internlm\d*",
    "baichuan": r"baichuan\d*",
    "minicpm": r"minicpm[vo]?\d*",
    "minimax": r"minimax",
    "ernie": r"ernie\d*",
    "hunyuan": r"hunyuan",
    "jamba": r"jamba\d*",
    "pythia": r"pythia",
    "bloom": r"bloomz?",
    "exaone": r"exaone\d*",
    "nemotron": r"nemotron",
}
_WORD = {family: re.compile(pattern) for family, pattern in _FAMILIES.items()}
# Another maker's, with none of the family in them.
_NOT = re.compile(r"gpt-?(?:j|neox?)\b")
_URL = re.compile(r"@https?://.*$")


class LengthBias:
    """Whether longer responses were rewarded more, within groups; the same memory however many groups it sees.

    Only responses with a reward count, and their length is in characters, which every response has. Pearson's r is
    pooled over groups: both sides are taken as differences from the means of their own group, so that a prompt which
    calls for long answers and is easy shows no bias.
    """

    def __init__(self) -> None:
        """Begin without any group."""
        self.responses = self.groups = 0
        self._lengths = self._rewards = self._products = 0.0

    def see(self, group: Judged) -> None:
        """Take a group into account; one with fewer than two rewards says nothing."""
        pairs = [(len(each.text), each.reward) for each in group.responses if each.reward is not None]
        if len(pairs) < 2:
            return
        length = sum(one for one, _ in pairs) / len(pairs)
        reward = sum(other for _, other in pairs) / len(pairs)
        self.responses += len(pairs)
        self.groups += 1
        self._lengths += sum((one - length) ** 2 for one, _ in pairs)
        self._rewards += sum((other - reward) ** 2 for _, other in pairs)
        self._products += sum((one - length) * (other - reward) for one, other in pairs)

    @property
    def r(self) -> float | None:
        """The correlation; None where lengths or rewards do not vary within groups."""
        if not (self._lengths > 0 and self._rewards > 0):
            return None
        r = self._products / sqrt(self._lengths) / sqrt(self._rewards)
        return min(1.0, max(-1.0, r))

    def warning(self) -> str | None:
        """Return a warning where |r| is `STRONG` or more, and `CERTAIN` standard errors from 0; else None.

        Of fewer responses than leave `FEWEST` degrees of freedom nothing is said. The standard error is
        Fisher's, of atanh(r): with k groups of n responses in all, 1/√(n − k − 2).
        """
        r, free = self.r, self.responses - self.groups - 2
        if r is None or free < FEWEST or abs(r) < STRONG:
            return None
        if abs(r) < 1 and abs(atanh(r)) * sqrt(free) < CERTAIN:
            return None
        which = "longer" if r > 0 else "shorter"
        return (
            f"{which} responses have higher rewards: r = {r:+.2f} within groups, over {self.responses:,} responses in "
            f"{self.groups:,} groups; a policy that learns from them may learn length alone"
        )


def families(model: str) -> frozenset[str]:
    """Return the families that a model reference names, such as `qwen` and `deepseek` for a distilled model.

    It goes by words of the last part of the name, then of the whole, and knows nothing of a folder called `run-3`.
    """
    path = _NOT.sub(" ", _URL.sub("", model.partition(":")[2] or model).casefold().rstrip("/"))
    for text in (path.rpartition("/")[2], path):
        words = re.split(r"[^a-z0-9]+", text)
        if found := frozenset(name for name, word in _WORD.items() if any(map(word.fullmatch, words))):
            return found
    return frozenset()


def family_warning(judges: Sequence[str], policies: Sequence[str]) -> str | None:
    """Return a warning where a judge and a policy are of one family; None where none are, or nobody can tell.

    Judges favour what they might have written themselves (Panickssery et al. 2024, arXiv 2404.13076).
    """
    for judge in judges:
        for policy in policies:
            if shared := sorted(families(judge) & families(policy)):
                return (
                    f"the judge {judge} and the policy {policy} are both of the family '{shared[0]}': judges favour "
                    f"answers like their own; compare with a judge of another family"
                )
    return None
