"""What models cost: a small YAML file that the user keeps."""

from collections.abc import Mapping
from pathlib import Path

import orjson
from pydantic import Field, ValidationError

from schemas.base import Part
from schemas.errors import RlraError
from schemas.jsonl import explain, first_problem, location_of
from schemas.yaml_file import load_yaml, nearest

SHAPE = "a file of prices is a mapping, such as `gpt-4o-mini: {in: 0.15, cached: 0.075, out: 0.60}`"
KEYS = ("in", "cached", "out")
MILLION = 1_000_000


class Price(Part):
    """What a model costs, in USD per million tokens."""

    tokens_in: float = Field(alias="in", ge=0)
    """A million tokens of prompts."""
    tokens_out: float = Field(alias="out", ge=0)
    """A million tokens of answers, thinking included."""
    tokens_cached: float | None = Field(default=None, alias="cached", ge=0)
    """A million tokens of prompts that the provider had in its prefix cache; without it, they cost like the others."""

    def of(self, tokens_in: float, tokens_out: float, cached: float = 0) -> float:
        """Return the USD for prompts and answers; `cached` are those of `tokens_in` that came out of a cache."""
        for_cached = self.tokens_in if self.tokens_cached is None else self.tokens_cached
        usd = (tokens_in - cached) * self.tokens_in + cached * for_cached + tokens_out * self.tokens_out
        return usd / MILLION


Prices = Mapping[str, Price]
"""By the name of the model, with or without its backend: `gpt-4o-mini` or `openai:gpt-4o-mini`."""


def load_prices(path: Path) -> Prices:
    """Return the prices in a YAML file. Raises RlraError as `file:line: model.key: what`."""
    loaded = load_yaml(path)
    if not isinstance(loaded.value, dict):
        raise RlraError(f"{path}:1: {SHAPE}")
    found: dict[str, Price] = {}
    for name, value in loaded.value.items():
        if not isinstance(value, dict):
            raise RlraError(f"{loaded.where((name,))}: {name}: {SHAPE}")
        try:
            found[name] = Price.model_validate_json(orjson.dumps(value))
        except ValidationError as error:
            problem = first_problem(error)
            hint = nearest(str(problem["loc"][-1]), KEYS) if problem["type"] == "extra_forbidden" else None
            where = loaded.where((name, *location_of(problem)))
            raise RlraError(f"{where}: {name}.{explain(error)}", hint=hint) from None
    return found


def price_of(prices: Prices, model: str) -> Price:
    """Return the price of a model by its reference, such as `openai:NAME`, or by its name. Raises RlraError."""
    name = model.partition(":")[2]
    found = prices.get(model) or prices.get(name)
    if found is None:
        raise RlraError(
            f"the prices do not say what '{model}' costs",
            hint=f"add a line `{orjson.dumps(name or model).decode()}: {{in: …, out: …}}` (USD per million tokens)",
        )
    return found
