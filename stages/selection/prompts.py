"""What a prompt can be that drops it: predicates of texts, which name their own counters as those of rows do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:  # what looks at words takes long to load
    from stages.selection.contamination import Contamination

Numbered = Iterable[tuple[int, str]]


class OfPrompt(Protocol):
    """Something that a prompt may be by itself."""

    @property
    def reason(self) -> str:
        """Its counter."""

    def holds(self, text: str) -> dict[str, Any] | None:
        """Return what tells that it is so, None where it is not."""


@dataclass(frozen=True)
class Contaminated:
    """It shares a run of words with a prompt of the evaluation."""

    evaluation: "Contamination"
    reason: ClassVar[str] = "contaminated"

    def holds(self, text: str) -> dict[str, Any] | None:
        """Return the words, None where there are none."""
        words = self.evaluation.found(text)
        return None if words is None else {"words": words}


@dataclass(frozen=True)
class OtherLanguage:
    """It is in none of the wanted languages."""

    wanted: tuple[str, ...]
    reason: ClassVar[str] = "other_language"

    def holds(self, text: str) -> dict[str, Any] | None:
        """Return its language, None where that is wanted."""
        from stages.selection.languages import language

        code = language(text)
        return None if code in self.wanted else {"language": code}


@dataclass(frozen=True)
class NearDuplicate:
    """It nearly repeats an earlier prompt that stays."""

    similarity: float
    reason: ClassVar[str] = "near_duplicate"

    def among(self, texts: Numbered) -> dict[int, tuple[int, float]]:
        """Return which texts do, each with the earlier one and their similarity."""
        from stages.selection.near_duplicates import near_duplicates

        return near_duplicates(texts, self.similarity)


REASONS = (Contaminated.reason, OtherLanguage.reason, NearDuplicate.reason)
