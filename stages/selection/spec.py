"""The options of `select-data`."""

import re
from math import inf
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.base import Part
from stages.selection.statistics import CRITERION, NAMES

UNKNOWN = "und"
"""What ISO 639-2 calls a text of which nobody can tell the language."""
OF_ANSWERS = ("keep", "statistic", "pass_at", "quantile", "keep_pool", "min_scored", "flat", "spread_at_least",
              "most_vetoed", "most_cut_off", "score_field")  # fmt: skip
"""The options that look at answers or rewards."""
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
BAND = re.compile(rf"({_NUMBER})?:({_NUMBER})?", re.IGNORECASE | re.ASCII)


class SelectDataSpec(Part):
    """Which prompts stay."""

    keep: str = ":"
    """LOW:HIGH, the band that the statistic must lie in, ends included, such as 0.2:0.8; an end that is left out is
    no limit, and without --keep neither is."""
    statistic: str = "mean"
    """Of a group's rewards: mean, median, max, min, spread (standard deviation), pass_rate, or criterion:ID."""
    pass_at: float = 1.0
    """A response passes with this reward or a higher one."""
    quantile: bool = False
    """LOW and HIGH are quantiles of the statistic over the whole file, or over each pool, not values."""
    by: str = ""
    """The field that names a line's pool, such as meta.topic, or `rubric`; each pool has its own band."""
    keep_pool: tuple[str, ...] = ()
    """NAME=LOW:HIGH, the band of one pool; repeatable."""
    min_scored: int = Field(default=2, ge=1)
    """Groups with fewer scored responses are dropped."""
    flat: bool = False
    """Keep groups whose rewards are all equal; they teach a policy nothing."""
    spread_at_least: float = Field(default=0.0, ge=0)
    """Drop groups whose rewards have a smaller standard deviation."""
    most_vetoed: float = Field(default=1.0, ge=0, le=1)
    """Drop groups of which a larger share of the scored responses is vetoed, and always those that are as a whole."""
    most_cut_off: float = Field(default=1.0, ge=0, le=1)
    """Drop groups of which a larger share of the responses was cut off."""
    longest_prompt: int = Field(default=0, ge=0)
    """Drop longer prompts, in characters; 0 is no limit."""
    language: tuple[str, ...] = ()
    """Keep prompts in this language, such as en; repeatable."""
    ngram: int = Field(default=13, ge=1)
    """So many words in a row that a prompt shares with a file of --decontaminate make it contaminated."""
    near_duplicates: float = Field(default=0.0, ge=0, le=1)
    """Drop prompts that are at least so similar to an earlier one that stays, such as 0.8; 0 is off."""
    balance: str = ""
    """The field whose values share the budget, such as meta.topic."""
    mix: tuple[str, ...] = ()
    """NAME=SHARE, the part of the budget for one value of --balance; repeatable. The others share the rest equally."""
    budget: int = Field(default=0, ge=0)
    """Keep at most so many; 0 is no limit."""
    choose: Literal["middle", "random", "diverse"] = "middle"
    """Which stay within the budget: the nearest to the middle of the band, any, or some of every kind of prompt."""
    seed: int = 0
    """What --choose random and diverse are drawn by; the order of the lines plays no part."""
    tasks: bool = False
    """Read `task/1` lines, before anything is sampled for them: prompts alone decide."""
    score_field: str = ""
    """Read any JSONL: the field with a score, or a list of them, null where there is none; dots lead inside."""
    id_field: str = "id"
    """With --score-field: the field with the id."""
    prompt_field: str = "prompt"
    """With --score-field: the field with the prompt, text or messages; needed by what looks at prompts alone."""

    @field_validator("keep")
    @classmethod
    def _is_a_band(cls, text: str) -> str:
        band(text)
        return text

    @field_validator("keep_pool")
    @classmethod
    def _are_bands(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for text in given:
            band(named(text)[1])
        return given

    @field_validator("language")
    @classmethod
    def _are_languages(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        if codes:
            from stages.checks.languages import NAMES as LANGUAGES  # takes long to load

            if unknown := [code for code in codes if code not in LANGUAGES and code != UNKNOWN]:
                raise ValueError(f"'{unknown[0]}' is none of the codes {' '.join(LANGUAGES)} and {UNKNOWN}")
        return codes

    @field_validator("statistic")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in NAMES and not (name.startswith(CRITERION) and name != CRITERION):
            raise ValueError(f"'{name}' is none of {', '.join(NAMES)} and {CRITERION}ID")
        return name

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        self.shares()
        if self.keep_pool and not self.by:
            raise ValueError("--keep-pool goes with --by")
        if self.balance and not self.budget:
            raise ValueError("--balance goes with --budget")
        if self.choose != "middle" and not self.budget:
            raise ValueError("--choose goes with --budget")
        if self.mix and not self.balance:
            raise ValueError("--mix goes with --balance")
        if self.score_field and self.statistic.startswith(CRITERION):
            raise ValueError("a criterion's mean needs judged lines, and --score-field has none")
        if self.score_field and min(self.most_vetoed, self.most_cut_off) < 1:
            raise ValueError("--most-vetoed and --most-cut-off need judged lines, and --score-field has none")
        if self.tasks:
            self._decide_by_prompts()
        return self

    def _decide_by_prompts(self) -> None:
        """Raise ValueError for the first option that asks for what a task does not have."""
        for name in OF_ANSWERS:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"--{name.replace('_', '-')} is about answers, and --tasks reads lines without any")
        if self.budget and self.choose == "middle":
            raise ValueError("--tasks has no band, and --budget no middle to choose by: say --choose random or diverse")

    def shares(self) -> dict[str, float]:
        """Return the target mix. Raises ValueError for shares that are none, or sum to more than 1."""
        shares: dict[str, float] = {}
        for text in self.mix:
            name, share = named(text)
            if not re.fullmatch(r"\d+\.?\d*|\.\d+", share, re.ASCII):
                raise ValueError(f"in --mix '{text}', SHARE must be a number from 0 to 1")
            shares[name] = float(share)
        if sum(shares.values()) > 1 + 1e-9:
            raise ValueError(f"the shares of --mix sum to {sum(shares.values()):g}, more than 1")
        return shares

    def bands(self) -> dict[str, tuple[float, float]]:
        """Return the bands of --keep-pool."""
        return {name: band(text) for name, text in map(named, self.keep_pool)}

    @property
    def decides_alone(self) -> bool:
        """Whether each line is decided as it is read; bare scores are not, since it is faster for all at a time."""
        return not (self.quantile or self.budget or self.near_duplicates or self.keep_pool or self.score_field)


def band(text: str) -> tuple[float, float]:
    """Return the two ends of `LOW:HIGH`. Raises ValueError for anything else."""
    match = BAND.fullmatch(text)
    if not match:
        raise ValueError(f"'{text}' is not LOW:HIGH, such as 0.2:0.8")
    ends = float(match[1] or -inf), float(match[2] or inf)
    if ends[0] > ends[1]:
        raise ValueError(f"in '{text}', LOW is above HIGH")
    return ends


def named(text: str) -> tuple[str, str]:
    """Return the two sides of `NAME=VALUE`; a name may hold `=` itself. Raises ValueError for anything else."""
    name, equals, value = text.rpartition("=")
    if not equals:
        raise ValueError(f"'{text}' is not NAME=VALUE")
    return name, value
