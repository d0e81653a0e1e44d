"""One token's probabilities, read as shares: the arithmetic by hand, and failures where they are none."""

from math import inf, log, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug import Response as Reply

from schemas.errors import RlraError
from schemas.rubric import Criterion, Rubric, Tier
from stages.asking import UnreadableError
from stages.judge import JudgeSpec, judge
from stages.judge_prompt import prompt_for, put
from stages.models.base import Completion
from stages.reading import CANNOT_TELL, UncertainError, labels, read_first_token, tokens
from tests.stages.judge_server import asked_for, chat_token, serving, under_judgement
from tests.stages.judging import group, model


def tiered(count: int) -> Criterion:
    """Return a criterion with so many levels."""
    return Criterion(id="level", text="Is warm.", tiers=tuple(Tier(score=n, text=f"Level {n}.") for n in range(count)))


LEAF = Criterion(id="leaf", text="Is warm.")
OPEN = Criterion(id="leaf", text="Is warm.", abstain="allowed")
LEVELS = tiered(4)


def said(*top: tuple[str, float]) -> Completion:
    """Return an answer with these probabilities of its first token."""
    return Completion(top[0][0] if top else "", "length", 1, top=tuple((token, log(chance)) for token, chance in top))


def test_what_stands_for_each_label() -> None:
    """One token each, worst first, as many as there are labels."""
    assert tokens(LEAF) == {"No": "not met", "Yes": "met"}
    assert tokens(OPEN) == {"No": "not met", "Yes": "met", "X": CANNOT_TELL}
    assert tokens(tiered(10)) == {str(n): str(n) for n in range(10)}
    for criterion in (LEAF, OPEN, LEVELS):
        assert tuple(tokens(criterion).values()) == labels(criterion)
    with pytest.raises(RlraError, match="criterion 'level' has 11 tiers"):
        tokens(tiered(11))
    with pytest.raises(RlraError, match="criterion 'level' has 11 tiers"):
        put(prompt_for("logprob"), [tiered(11)], (), "", 0)


def test_by_hand() -> None:
    """Forms of one answer are added up, other tokens are left out, and the rest is made to sum to 1."""
    found = read_first_token(
        said(("Yes", 0.4), (" yes", 0.1), ("No", 0.2), ("Ġno", 0.06), ("▁NO\n", 0.04), ("Yes.", 0.1), ("The", 0.05)),
        LEAF,
    )
    assert found.label == "met"
    assert found.mass == pytest.approx(0.8)
    assert found.shares == pytest.approx((0.3 / 0.8, 0.5 / 0.8))
    assert (found.criterion, found.reason, found.repaired) == ("leaf", "", False)


def test_levels_by_hand() -> None:
    """A level without probability has a share of 0; other digits are other tokens."""
    found = read_first_token(said(("2", 0.5), (" 3", 0.25), ("0", 0.15), ("22", 0.06), ("٢", 0.04)), LEVELS)
    assert (found.label, found.mass) == ("2", pytest.approx(0.9))
    assert found.shares == pytest.approx((0.15 / 0.9, 0, 0.5 / 0.9, 0.25 / 0.9))


def test_of_equals_the_worse_is_taken() -> None:
    """In whatever order the server tells them; and a score goes before an abstention."""
    assert read_first_token(said(("Yes", 0.5), ("No", 0.5)), LEAF).label == "not met"
    assert read_first_token(said(("3", 0.3), ("1", 0.3), ("2", 0.3)), LEVELS).label == "1"
    assert read_first_token(said(("X", 0.4), ("Yes", 0.4)), OPEN).label == "met"


def test_cannot_tell_counts_where_it_is_allowed_and_likeliest() -> None:
    """It is part of the mass, and never a share."""
    found = read_first_token(said(("x", 0.3), ("Yes", 0.29), ("X", 0.1), ("No", 0.25)), OPEN)
    assert (found.label, found.shares, found.mass) == (CANNOT_TELL, (), pytest.approx(0.94))
    below = read_first_token(said(("Yes", 0.45), ("X", 0.4), ("No", 0.05)), OPEN)
    assert (below.label, below.shares) == ("met", pytest.approx((0.1, 0.9)))
    with pytest.raises(UncertainError, match=r"0\.5 of the probability lies on the answers No, Yes, and 0\.6 is asked"):
        read_first_token(said(("Yes", 0.45), ("X", 0.4), ("No", 0.05)), LEAF, 0.6)
    assert read_first_token(said(("X", 1.0)), OPEN).label == CANNOT_TELL


def test_little_mass_is_a_failure_and_never_a_score() -> None:
    """The bar itself is enough; and where nothing lies on an answer, no bar is low enough."""
    low = said(("I", 0.6), ("Yes", 0.25), ("No", 0.125))
    with pytest.raises(UncertainError) as caught:
        read_first_token(low, LEAF)
    assert caught.value.kind == "uncertain"
    assert read_first_token(low, LEAF, 0.37).label == "met"
    assert read_first_token(said(("Yes", 0.5), ("I", 0.5)), LEAF, 0.5).label == "met"
    with pytest.raises(UncertainError):
        read_first_token(said(("I", 1.0)), LEAF, 0.0)


@pytest.mark.parametrize("odd", [nan, inf, -inf, 0.1, 5.0])
def test_what_is_no_log_probability_is_unreadable(odd: float) -> None:
    """Even where it is not on an answer."""
    with pytest.raises(UnreadableError, match="a log-probability of its first token is") as caught:
        read_first_token(Completion("Yes", "stop", 1, top=(("Yes", -0.1), ("the", odd))), LEAF)
    assert caught.value.kind == "unreadable"


@pytest.mark.parametrize("top", [None, ()])
def test_no_probabilities_are_unreadable(top: tuple[tuple[str, float], ...] | None) -> None:
    """As from a server that does not know the option, whatever the text says."""
    with pytest.raises(UnreadableError, match="without the probabilities"):
        read_first_token(Completion("Yes", "stop", 1, top=top), LEAF)


def test_more_than_everything_is_unreadable() -> None:
    """Rounding is not: what a server rounds may be a little above 1."""
    with pytest.raises(UnreadableError, match="add up to more than 1"):
        read_first_token(said(("Yes", 0.9), ("No", 0.2)), LEAF)
    found = read_first_token(Completion("Yes", "stop", 1, top=(("Yes", 1e-6), ("No", -9999.0))), LEAF)
    assert (found.mass, found.shares) == (1.0, (0.0, 1.0))


chances = st.lists(
    st.tuples(
        st.sampled_from(["0", "1", " 2", "3", "4", "a", "Ġ1", "▁", "", "\n3", "1 2", "x", "X"]), st.integers(0, 50)
    ),
    min_size=1,
    max_size=20,
).map(lambda pairs: tuple((token, count / max(1, sum(n for _, n in pairs))) for token, count in pairs))


@settings(deadline=None)
@given(chances, st.floats(0, 1), st.booleans())
def test_shares_are_a_distribution_whose_likeliest_is_the_label(
    top: tuple[tuple[str, float], ...], least: float, abstains: bool
) -> None:
    """Against a plain sum over the tokens; or a failure, exactly where the mass is too small."""
    criterion = LEVELS.model_copy(update={"abstain": "allowed" if abstains else None})
    answers = "0123x" if abstains else "0123"
    sums = {a: sum(c for t, c in top if t.strip().lstrip("▁Ġ").casefold() == a) for a in answers}
    completion = Completion("", "length", 1, top=tuple((t, log(c) if c else -9999.0) for t, c in top))
    mass = sum(sums.values())
    if abs(mass - least) < 1e-9:
        return
    try:
        found = read_first_token(completion, criterion, least)
    except UncertainError:
        assert mass < least or mass == 0
        return
    assert mass > least
    assert found.mass == pytest.approx(mass)
    if found.label == CANNOT_TELL:
        assert sums["x"] >= max(sums[a] for a in "0123") - 1e-12
        return
    assert sum(found.shares) == pytest.approx(1)
    assert found.shares == pytest.approx([sums[a] / sum(sums[b] for b in "0123") for a in "0123"])
    assert found.shares.index(max(found.shares)) == int(found.label)


def test_from_the_server_to_the_line() -> None:
    """One call per criterion and response; expectations where the mass suffices, and failures where it does not."""
    chances = {
        ("leaf", "warm"): {"Yes": 0.75, "No": 0.25},
        ("leaf", "odd"): {"I": 0.7, "Yes": 0.2},
        ("level", "warm"): {"3": 0.5, " 3": 0.25, "1": 0.25},
        ("level", "odd"): {"0": 0.9},
    }

    def reply(payload: dict[str, Any], number: int) -> Reply:
        prompt = payload["messages"][0]["content"]
        (name,), _ = asked_for(prompt)
        return chat_token(chances[name, under_judgement(prompt)])

    line = group("p", "warm", "odd", rubric=Rubric(rubric="r", criteria=(LEAF, LEVELS)))
    with serving(reply) as server:
        (done,) = judge([line], JudgeSpec(method="logprob"), model(server))
        assert server.calls == 4
    warm, odd = ({verdict.criterion: verdict for verdict in response.verdicts} for response in done.responses)
    assert (warm["leaf"].score, warm["leaf"].shares) == (pytest.approx(0.75), pytest.approx((0.25, 0.75)))
    assert (warm["level"].score, warm["level"].mass) == (pytest.approx(0.25 * 1 + 0.75 * 3), pytest.approx(1))
    assert (odd["leaf"].status, odd["leaf"].failure, odd["leaf"].score) == ("failed", "uncertain", None)
    assert (odd["level"].score, odd["level"].mass) == (0.0, pytest.approx(0.9))
    assert done.responses[1].reward is None
