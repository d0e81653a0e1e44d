"""Regular expressions: counted, refused where they are wrong, and stopped where they run long."""

import time

import pytest

from schemas.errors import RlraError
from stages.checks.base import bind
from stages.checks.regexes import SECONDS
from tests.stages.checking import met, run


def test_matches_are_counted() -> None:
    assert met("regex_match", "x1 x2", pattern=r"x\d")
    assert met("regex_match", "x1 x2", pattern=r"x\d", exactly=2)
    assert run("regex_match", "x1", pattern=r"x\d", at_least=4).closeness == 0.25
    assert met("regex_match", "X1", pattern="x") is False
    assert met("regex_match", "Über, naïve", pattern=r"\b\w+\b", exactly=2), "letters of all scripts"
    assert met("regex_match", "word", pattern="^(?!.*no).*$"), "lookaround is allowed"


@pytest.mark.parametrize(
    ("flag", "pattern", "text"),
    [
        ("ignorecase", "MOSS", "moss"),
        ("multiline", "^b$", "a\nb"),
        ("dotall", "a.b", "a\nb"),
        ("verbose", "a b # c", "ab"),
    ],
)
def test_flags(flag: str, pattern: str, text: str) -> None:
    assert met("regex_match", text, pattern=pattern) is False
    assert met("regex_match", text, pattern=pattern, flags=[flag])


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("(a", "no regular expression"),
        ("[z-a]", "no regular expression"),
        ("(" * 5_00 + ")" * 5_00, "no regular expression"),
        (r"\p{Nope}", "no regular expression"),
        ("a" * 3_000, "2000"),
        ("(?:(?:a{1000}){1000}){1000}", "multiply to more than 100,000"),
        ("a{1000000000}", "multiply to more than 100,000"),
        ("(?R)?a", "must not call itself"),
        ("(a(?1)?b)", "must not call itself"),
        ("", "pattern"),
    ],
)
def test_bad_patterns_are_refused_at_once(pattern: str, what: str) -> None:
    start = time.process_time()
    with pytest.raises(RlraError, match=what):
        bind({"regex_match": {"pattern": pattern}})
    assert time.process_time() - start < 1


def test_a_wrong_flag_or_amount_is_refused() -> None:
    for args in ({"flags": ["x"]}, {"exactly": 1, "at_least": 1}):
        with pytest.raises(RlraError):
            bind({"regex_match": {"pattern": "a", **args}})


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*a){20}b", "(?:a?){30}a{30}c"])
def test_a_pattern_that_backtracks_without_end_is_stopped(pattern: str) -> None:
    start = time.process_time()
    outcome = run("regex_match", "a" * 5_000 + "!", pattern=pattern)
    assert outcome.met is None
    assert outcome.reason == f"the search for the pattern was stopped after {SECONDS:g} s"
    assert time.process_time() - start < 2 * SECONDS + 1
    assert met("regex_match", "aaa!", pattern="(a+)+$") is False, "a short text is judged"
