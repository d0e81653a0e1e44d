"""Limits per minute: never exceeded over any window, and no request waits for nothing."""

from hypothesis import given
from hypothesis import strategies as st

from stages.models.limits import WINDOW_S, Allowance, Forecast

gaps = st.floats(min_value=0, max_value=40, allow_nan=False)
amounts = st.integers(min_value=1, max_value=100)


@given(st.lists(st.tuples(gaps, amounts), max_size=60), st.integers(min_value=100, max_value=400))
def test_no_window_holds_more_than_the_limit_and_nobody_waits_for_nothing(
    asked: list[tuple[float, int]], limit: int
) -> None:
    allowance, spent, now = Allowance(limit), [], 0.0
    for gap, amount in asked:
        now += gap
        moment = allowance.free_at(now, amount)
        assert moment >= now
        if moment > now:
            just_before = sum(part for at, part in spent if at + WINDOW_S > (now + moment) / 2)
            assert just_before + amount > limit or moment - now < 1e-6
        now = moment
        allowance.spend(now, amount)
        spent.append((now, amount))
        assert sum(part for at, part in spent if at + WINDOW_S > now) <= limit


@given(st.lists(st.tuples(gaps, amounts, amounts, st.integers(0, 3)), max_size=60))
def test_what_is_corrected_counts_as_corrected(asked: list[tuple[float, int, int, int]]) -> None:
    """Each entry is corrected some requests later; whoever spends finds the window within its limit."""
    allowance, entries, now = Allowance(200), [], 0.0
    for gap, estimate, real, delay in asked:
        now = allowance.free_at(now + gap, estimate)
        entries.append((allowance.spend(now, estimate), real, delay))
        assert sum(entry.amount for entry, _, _ in entries if entry.moment + WINDOW_S > now) <= 200
        for place, (entry, true, wait) in enumerate(entries):
            if place + wait == len(entries) - 1:
                allowance.correct(entry, true)
    later = now + 1000
    assert allowance.free_at(later, 200) == later


def test_what_is_larger_than_the_limit_passes_alone() -> None:
    allowance = Allowance(10)
    allowance.spend(0, 3)
    assert allowance.free_at(1, 50) == WINDOW_S
    allowance.spend(WINDOW_S, 50)
    assert allowance.free_at(WINDOW_S + 1, 1) == 2 * WINDOW_S


def test_a_limit_of_0_is_none() -> None:
    allowance = Allowance(0)
    for _ in range(1000):
        allowance.spend(0, 1e9)
    assert allowance.free_at(0, 1e9) == 0


def test_a_forecast_without_experience_counts_the_whole_answer() -> None:
    assert Forecast().tokens(3000, 500) == 1500


@given(st.lists(st.tuples(st.integers(100, 5000), st.floats(0.15, 0.6), st.integers(1, 400)), min_size=1, max_size=50))
def test_a_forecast_is_no_less_than_what_the_like_took_just_before(seen: list[tuple[int, float, int]]) -> None:
    forecast = Forecast()
    for size, per_byte, answer in seen:
        tokens_in = round(size * per_byte)
        forecast.learn(size, tokens_in, answer)
        assert forecast.tokens(size, 400) >= (tokens_in + answer) * (1 - 1e-9)
        assert forecast.tokens(size, 1) <= forecast.tokens(size, 400)


def test_a_forecast_comes_down_to_what_requests_take() -> None:
    forecast = Forecast()
    for _ in range(300):
        forecast.learn(4000, 1000, 50)
    assert 1050 <= forecast.tokens(4000, 2000) <= 1060
    forecast.learn(4000, 0, 0)  # a server that counts nothing teaches nothing
    assert forecast.tokens(4000, 2000) >= 1050
