"""What `stats` says of judged lines is what polars and scipy say of them."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr

from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.stats import Stats
from stages.measures import is_best, level, rubric_of
from stages.stats_criteria import FEWEST
from tests.house.sources import ROOT
from tests.stages.stats_figures import drawn, figures

READY = [str(ROOT / "examples" / "quickstart" / "ready" / f"{name}.judged.jsonl") for name in ("base", "trained")]


def table(lines: Sequence[Judged]) -> pl.DataFrame:
    """Return one row per response: its group, reward, tokens, and the level under each criterion, null for none."""
    rows = []
    for number, line in enumerate(lines):
        for response in line.responses:
            row: dict[str, Any] = {"group": number, "reward": response.reward, "length": float(response.length)}
            for criterion, verdict in zip(rubric_of(line).leaves, response.verdicts, strict=True):
                row[criterion.id], row[f"{criterion.id} best"] = level(criterion, verdict), is_best(criterion, verdict)
            rows.append(row)
    names = sorted(dict.fromkeys(name for row in rows for name in row), key=lambda name: name.endswith(" best"))
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64), infer_schema_length=None)


def criteria_of(frame: pl.DataFrame) -> list[str]:
    """Return the names of the columns with levels."""
    return [name for name in frame.columns[3:] if not name.endswith(" best")]


def almost(value: Any) -> Any:
    """Return a value that equals what arithmetic in another order gives."""
    return value if value is None else pytest.approx(value, abs=1e-9)


def check_rewards(found: Stats, frame: pl.DataFrame) -> None:
    """The figures of rewards and lengths are polars' and scipy's."""
    assert found.rewards is not None
    rewards, scored = found.rewards, frame.drop_nulls("reward")
    assert rewards.unrewarded == len(frame) - len(scored)
    assert rewards.all is not None and rewards.histogram is not None and found.length is not None
    for spread, column in ((rewards.all, scored["reward"]), (found.length, frame["length"])):
        assert (spread.n, spread.min, spread.max) == (len(column), column.min(), column.max())
        assert (spread.mean, spread.sd) == (almost(column.mean()), almost(column.std(ddof=0)))
        quantiles = (spread.p05, spread.p25, spread.p50, spread.p75, spread.p95)
        wanted = [column.quantile(share, "linear") for share in (0.05, 0.25, 0.5, 0.75, 0.95)]
        assert quantiles == pytest.approx(wanted, abs=1e-9)
    several = scored.group_by("group").agg(
        pl.len().alias("n"),
        pl.col("reward").std(ddof=0).alias("sd"),
        (pl.col("reward").max() - pl.col("reward").min()).alias("reach"),
    )
    several = several.filter(pl.col("n") > 1)
    assert (rewards.spread.n if rewards.spread else 0) == len(several)
    assert (rewards.spread and rewards.spread.mean) == almost(several["sd"].mean())
    assert rewards.flat == almost((several["reach"] < 1e-9).mean())
    check_length(found, scored)


def check_length(found: Stats, scored: pl.DataFrame) -> None:
    """Reward against length is as scipy has it, in all and group by group."""
    assert found.rewards is not None
    against = found.rewards.length
    assert against.n == len(scored)
    assert against.pearson == almost(pearsonr(scored["reward"], scored["length"])[0])
    assert against.spearman == almost(spearmanr(scored["reward"], scored["length"])[0])
    within = [
        pearsonr(part["reward"], part["length"])[0]
        for part in scored.partition_by("group")
        if len(part) > 2 and part["reward"].n_unique() > 1 and part["length"].n_unique() > 1
    ]
    assert against.groups == len(within)
    assert against.within == almost(np.mean(within) if within else None)


def check_criteria(found: Stats, frame: pl.DataFrame) -> None:
    """The figures of criteria, and of every two of them, are polars' and scipy's."""
    assert [each.criterion for each in found.criteria] == criteria_of(frame)
    for each in found.criteria:
        column = frame[each.criterion]
        assert each.scored == len(column) - column.null_count()
        if each.scored == 0:
            assert each.state == "never scored" and each.mean is each.sd is each.top is None
            continue
        assert (each.mean, each.sd) == (almost(column.mean()), almost(column.std(ddof=0)))
        best = frame[f"{each.criterion} best"]
        assert (each.top, each.bottom) == (almost(best.mean()), almost((column == 0).mean()))
        parts = frame.drop_nulls(each.criterion).group_by("group").agg(pl.len(), pl.col(each.criterion).std(ddof=0))
        assert each.within == almost(parts.filter(pl.col("len") > 1)[each.criterion].mean())
    check_pairs(found, frame)


def check_pairs(found: Stats, frame: pl.DataFrame) -> None:
    """Every two criteria with enough responses that both vary on are there, and no others, the strongest first."""
    wanted = {}
    for pair in combinations(criteria_of(frame), 2):
        both = frame.drop_nulls(pair)
        if len(both) >= FEWEST and all(both[name].n_unique() > 1 for name in pair):
            wanted[pair] = (len(both), almost(pearsonr(both[pair[0]], both[pair[1]])[0]))
    assert {pair.criteria: (pair.n, pair.pearson) for pair in found.correlations} == wanted
    strengths = [abs(pair.pearson) for pair in found.correlations]
    assert strengths == sorted(strengths, reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_other_libraries(seed: int) -> None:
    lines = drawn(seed, 60, 4)
    found = figures(lines, "meta.topic")
    assert [each.pool for each in found] == [None, "a", "b"]
    for each, some in zip(found, (lines, lines[::2], lines[1::2]), strict=True):
        frame = table(some)
        assert (each.prompts, each.responses) == (len(some), len(frame))
        check_rewards(each, frame)
        check_criteria(each, frame)


@pytest.mark.parametrize("file", READY)
def test_figures_of_a_real_file(file: str) -> None:
    lines = list(Source(file).read(Judged))
    found, frame = figures(lines)[0], table(lines)
    assert found.prompts == 100 and found.policies == {lines[0].policy.model: 100}
    check_rewards(found, frame)
    check_criteria(found, frame)
    finished = [response.finish for line in lines for response in line.responses]
    assert found.truncated == finished.count("length") / len(finished)
