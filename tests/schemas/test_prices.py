"""Prices out of a YAML file: what is wrong is said with file, line and key."""

from pathlib import Path

import pytest

from schemas.errors import RlraError
from schemas.prices import Price, load_prices, price_of

GOOD = """\
# USD per million tokens
gpt-4o-mini: {in: 0.15, cached: 0.075, out: 0.60}
"openai:local/judge": {in: 0, out: 0}
qwen:
  in: 1
  out: 4
"""


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_prices_are_per_million_tokens(tmp_path: Path) -> None:
    prices = load_prices(_file(tmp_path, GOOD))
    mini = prices["gpt-4o-mini"]
    assert mini == Price(**{"in": 0.15, "cached": 0.075, "out": 0.6})
    assert mini.of(1_000_000, 0) == 0.15
    assert mini.of(0, 1_000_000) == 0.6
    assert mini.of(2_000_000, 1_000_000, cached=1_000_000) == pytest.approx(0.15 + 0.075 + 0.6)
    assert prices["qwen"].of(10, 10, cached=10) == pytest.approx(50e-6), "without a price of their own, as the others"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a: {in: 1, out: 2}\nb: {in: 1, output: 2}\n", "F:2: b.output: unknown field (and 1 more)", "'out'"),
        ("a:\n  in: 1\n  out: 2\n  cache: 1\n", "F:4: a.cache: unknown field", "'cached'"),
        ("a: {in: 1}\n", "F:1: a.out: Field required", ""),
        ("a: {in: 1, out: -2}\n", "F:1: a.out: Input should be greater than or equal to 0", ""),
        ("a: {in: '1', out: 2}\n", "F:1: a.in: Input should be a valid number", ""),
        ("a: {in: .inf, out: 2}\n", "F:1: a.in: .inf is no number", ""),
        ("a: {in: 1, out: null}\n", "F:1: a.out: Input should be a valid number", ""),
        ("\na: 3\n", "F:2: a: a file of prices is a mapping", ""),
        ("- a\n", "F:1: a file of prices is a mapping", ""),
        ("a: {in: 1, out: 1}\na: {in: 2, out: 1}\n", "F:2: 'a' stands here a second time", ""),
        ("", "F: the file is empty", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, message: str, hint: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(RlraError) as caught:
        load_prices(path)
    assert caught.value.message.replace(str(path), "F").startswith(message)
    assert hint in (caught.value.hint or "")


def test_a_model_is_found_by_its_reference_and_then_by_its_name(tmp_path: Path) -> None:
    prices = load_prices(_file(tmp_path, GOOD + '"openai:qwen": {in: 7, out: 7}\n'))
    assert price_of(prices, "openai:gpt-4o-mini") is price_of(prices, "gpt-4o-mini") is prices["gpt-4o-mini"]
    assert price_of(prices, "openai:qwen").tokens_in == 7
    assert price_of(prices, "vllm:qwen").tokens_in == 1
    assert price_of(prices, "openai:local/judge").of(1, 1) == 0


@pytest.mark.parametrize("model", ["openai:other", "other", "openai:gpt-4o-mini:extra", "", "openai:"])
def test_a_model_without_a_price_is_an_error(tmp_path: Path, model: str) -> None:
    prices = load_prices(_file(tmp_path, GOOD))
    with pytest.raises(RlraError, match="do not say what") as caught:
        price_of(prices, model)
    assert f"'{model}'" in caught.value.message and "USD per million" in (caught.value.hint or "")
