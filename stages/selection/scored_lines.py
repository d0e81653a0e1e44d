"""Any JSON lines with an id and a score, as selection reads them."""

from typing import Any

from schemas.errors import RlraError
from schemas.jsonl import loads
from stages.selection.entry import Entry
from stages.selection.fields import at, is_there, label
from stages.selection.rows import NAN, Row
from stages.selection.spec import SelectDataSpec
from stages.selection.statistics import spread, statistic


class ScoredLines:
    """Reads lines of any shape that have an id and a score."""

    def __init__(self, spec: SelectDataSpec) -> None:
        self._spec = spec
        paths = (spec.id_field, spec.score_field, spec.by, spec.balance, spec.prompt_field)
        self._id, self._score, self._pool, self._kind, self._prompt = (
            tuple(path.split(".")) if path else () for path in paths
        )

    def data(self, entry: Entry) -> dict[str, Any]:
        """Return the line as plain data."""
        return loads(entry.line, entry.where)

    def row(self, entry: Entry) -> Row:
        """Return what selection needs to know of the line."""
        data = self.data(entry)
        score = at(data, self._score)
        pool = label(at(data, self._pool)) if self._pool else ""
        kind = label(at(data, self._kind)) if self._kind else ""
        characters = len(self._said(data, entry)) if self._spec.longest_prompt else 0
        if type(score) is float or type(score) is int or type(score) is bool:
            return Row(self._name(data, entry), pool, kind, self._one(score), NAN, NAN, NAN, NAN, NAN, NAN, characters)
        if score is None and not is_there(data, self._score):
            raise RlraError(
                f"{entry.where}: {self._spec.score_field}: there is no such field",
                hint="name the field of the score with --score-field; null is a score that could not be had",
            )
        rewards, answered = self._several(score, entry)
        measured = statistic(rewards, self._spec.statistic, self._spec.pass_at) if rewards else NAN
        return Row(
            id=self._name(data, entry),
            pool=pool,
            kind=kind,
            value=measured,
            range=max(rewards) - min(rewards) if rewards else NAN,
            spread=spread(rewards) if rewards else NAN,
            scored=len(rewards),
            answered=answered,
            vetoed=NAN,
            cut_off=NAN,
            characters=characters,
        )

    def _one(self, score: float) -> float:
        if self._spec.statistic == "pass_rate":
            return float(score >= self._spec.pass_at)
        return NAN if self._spec.statistic == "spread" else float(score)

    def _several(self, score: Any, entry: Entry) -> tuple[list[float], float]:
        """Return the scores that are there, and how many there could be: of a lone null nobody knows."""
        if score is None:
            return [], NAN
        given = score if isinstance(score, list) else [score]
        for place, one in enumerate(given):
            if one is not None and not isinstance(one, int | float):
                index = f"[{place}]" if isinstance(score, list) else ""
                raise RlraError(
                    f"{entry.where}: {self._spec.score_field}{index}: a number or null is needed, "
                    f"found {type(one).__name__}"
                )
        return [float(one) for one in given if one is not None], len(given)

    def _name(self, data: dict[str, Any], entry: Entry) -> str:
        name = at(data, self._id)
        if type(name) is int or (isinstance(name, str) and name):
            return str(name)
        raise RlraError(
            f"{entry.where}: {self._spec.id_field}: an id is needed, a text or a whole number",
            hint="name its field with --id-field",
        )

    def text(self, entry: Entry) -> str:
        """Return the turns of the user."""
        return self._said(self.data(entry), entry)

    def _said(self, data: dict[str, Any], entry: Entry) -> str:
        prompt = at(data, self._prompt)
        if prompt is None:
            prompt = data.get("messages")
        if isinstance(prompt, list) and all(isinstance(turn, dict) for turn in prompt):
            prompt = "\n".join(str(turn.get("content")) for turn in prompt if turn.get("role") == "user")
        if not isinstance(prompt, str):
            raise RlraError(
                f"{entry.where}: {self._spec.prompt_field}: a prompt is needed, text or messages",
                hint="name its field with --prompt-field",
            )
        return prompt
