"""`rlra eval pairwise`."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import Field

from rlra_cli import ui
from rlra_cli.options import EndpointOptions, MapOptions, Output, RunOptions
from rlra_cli.run import Job, run_map, run_stream
from schemas.base import Part
from schemas.errors import RlraError
from schemas.jsonl import Source
from schemas.judged import Judged
from schemas.pairs import Matchup, Pair
from schemas.rollouts import Rollouts
from stages.eval_pairwise import PairwiseSpec, RatingSpec, judge_pairs, matchups, slim

if TYPE_CHECKING:
    from stages.pairwise_ratings import Game

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="LABEL=FILE...",
        help="Two or more files of `rollouts/1` or `judged/1` lines on the same prompts; or one of `pairs/1` lines, to "
        "rate again without a model.",
    ),
]
JudgeModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        envvar="RLRA_JUDGE",
        show_envvar=False,
        metavar="MODEL",
        help="The judge: openai:NAME (with --base-url, or as openai:NAME@URL), vllm:ID_OR_DIR, hf:ID_OR_DIR.",
    ),
]
RatingsFile = Annotated[
    str | None, typer.Option("--ratings", metavar="FILE", help="Write the ratings to this file, as a `ratings/1` line.")
]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FILE",
        help="A database of verdicts, kept between runs and shared by processes: what it holds is not asked again.",
    ),
]


class CostOptions(Part):
    """What comparing may cost."""

    prices: Path | None = None
    """A YAML file with prices, as {model: {in: 0.15, cached: 0.075, out: 0.6}} in USD per million tokens."""
    budget_usd: float = Field(default=0.0, ge=0)
    """Stop, resumably, before the model has cost more than this; 0 is no limit."""
    budget_tokens: int = Field(default=0, ge=0)
    """Stop, resumably, before the model has taken more tokens than this, in and out; 0 is no limit."""


def eval_pairwise(
    files: Files,
    spec: PairwiseSpec,
    costs: CostOptions,
    endpoint: EndpointOptions,
    options: MapOptions,
    output: Output = "-",
    model: JudgeModel = None,
    ratings: RatingsFile = None,
    cache: Cache = None,
) -> None:
    """Let a judge compare responses two by two, and rate whose they are.

    \b
    rlra eval pairwise A=a.jsonl B=b.jsonl --model openai:NAME --base-url URL -o pairs.jsonl

    For every prompt and every two labels the judge is asked twice, each response standing first once. Who is
    preferred both times wins; a preference that turns with the order is a tie; a verdict that failed is no outcome,
    never a tie. Lines with a rubric are compared by its criteria, without their weights. The table on stderr gives
    Bradley–Terry ratings, in which a tie is half a win, with intervals over prompts, and how much the judge goes by
    order and by length. Given a file of pairs, as in `rlra eval pairwise pairs.jsonl`, it rates them again and
    asks nobody; the ratings then go to --output. See single pairs with `rlra show`; compare rewards with `rlra eval`.
    """
    if len(files) == 1:
        return _rate_again(Source(files[0]), spec, options, _only(ratings, output))
    sources = labelled(files)
    if model is None:
        raise RlraError("a judge is needed to compare", hint="add --model openai:NAME --base-url URL")
    from stages.biases import family_warning
    from stages.pairwise_ratings import refuse_stranger

    refuse_stranger(spec.anchor, sources)
    groups = {label: [slim(line, spec) for line in source.read(Rollouts, Judged)] for label, source in sources.items()}
    waiting = matchups(groups, spec)
    job = Job("eval pairwise", {**_decides(spec), **_asked(model, endpoint)}, output, options, sources)
    games = _compare(job, waiting, spec, (model, endpoint), (cache, costs))
    if warning := family_warning([model], sorted({each for one in games for each in one.models})):
        ui.say(f"eval pairwise: warning: {warning}", options.quiet)
    # What the run took is said and written already.
    silent = RunOptions(quiet=options.quiet)
    rated = _rating_job(spec, ratings or "-", silent, {"pairs": Source(output)} if output != "-" else sources)
    _rate(games, spec, rated, write=ratings is not None)
    return None


def labelled(words: list[str]) -> dict[str, Source]:
    """Return the files by their labels: `LABEL=FILE`, or a file's own name without its ending. Raises RlraError."""
    sources: dict[str, Source] = {}
    for word in words:
        label, equals, path = word.partition("=")
        if not (equals and label) or Path(word).exists():
            label, path = Path(word).stem, word
        if "/" in label or label in sources:
            why = "holds a '/'" if "/" in label else "is given twice"
            raise RlraError(f"the label '{label}' {why}", hint="name the files, as in A=one.jsonl B=other.jsonl")
        sources[label] = Source(path)
    if sum(source.path == "-" for source in sources.values()) > 1:
        raise RlraError("stdin can be read only once: name one of the files")
    return sources


def _decides(spec: PairwiseSpec) -> dict[str, object]:
    """Return what decides the pairs: everything but how they are rated."""
    return spec.model_dump(mode="json", exclude=set(RatingSpec.model_fields) - {"seed"})


def _asked(model: str, endpoint: EndpointOptions) -> dict[str, object]:
    from rlra_cli.models import recorded

    name, urls = recorded(model, endpoint)
    return {"model": name, "base_url": urls}


def _compare(
    job: Job,
    waiting: Iterator[Matchup],
    spec: PairwiseSpec,
    judge: tuple[str, EndpointOptions],
    saving: tuple[Path | None, CostOptions],
) -> "list[Game]":
    """Write the pairs, and return what ratings need of them. A run that was killed goes on from its journal."""
    from rlra_cli.judge_panel import PanelOptions, drop_journal, journal_of, purse
    from rlra_cli.judge_work import taken
    from rlra_cli.models import opened_judge
    from stages.pairwise_ratings import Game, game
    from stages.verdict_cache import VerdictCache
    from stages.voting import Panel

    games: list[Game] = []

    def tally(pair: Pair) -> Counter[str]:
        games.append(game(pair))
        return _tally(pair)

    cache, costs = saving
    payer = purse(PanelOptions(**dict(costs)))
    journal = None if cache else journal_of(job.output, [judge[0]])
    with contextlib.ExitStack() as stack:
        asked = stack.enter_context(opened_judge(*judge))
        assert asked is not None  # a reference was given
        kept = cache or journal
        votes = stack.enter_context(VerdictCache(kept)) if kept else None

        def stage(left: Iterator[Matchup]) -> Iterator[Pair]:
            yield from judge_pairs(left, spec, asked, job.counts, votes, payer)

        job.spending = partial(taken, Panel((asked,), purse=payer))
        # A model of batches answers the same only in the same batches: those of whole windows.
        run_map(job, waiting, stage, Pair, tally, 1 if hasattr(asked, "answer") else spec.window)
    drop_journal(journal)
    return games


def _tally(pair: Pair) -> Counter[str]:
    counts = Counter(
        responses=2,
        failed=2 * (pair.winner is None),
        ties=pair.winner == "tie",
        inconsistent=pair.consistent is False,
    )
    counts.update(f"failed_verdicts:{order.failure}" for order in pair.orders if order.failure)
    return counts


def _only(ratings: str | None, output: str) -> str:
    """Return where ratings go that are all there is to write. Raises RlraError for two places."""
    if ratings is not None and output != "-":
        raise RlraError("pairs that are rated again give ratings alone", hint="say --output or --ratings, not both")
    return ratings or output


def _rate_again(source: Source, spec: RatingSpec, options: RunOptions, output: str) -> None:
    from stages.pairwise_ratings import game

    job = _rating_job(spec, output, options, {"pairs": source})
    _rate([game(pair) for pair in source.read(Pair)], spec, job)


def _rating_job(spec: RatingSpec, output: str, options: RunOptions, inputs: dict[str, Source]) -> Job:
    decides = {name: getattr(spec, name) for name in RatingSpec.model_fields}
    return Job("eval pairwise", decides, output, options, inputs)


def _rate(games: "list[Game]", spec: RatingSpec, job: Job, write: bool = True) -> None:
    """Print the ratings, and write them if there is a place for them."""

    from rlra_cli.ratings_text import rendered
    from stages.pairwise_ratings import ratings

    found = ratings(games, spec)
    if not job.options.quiet:
        console = ui.console(110)
        for part in rendered(found):
            console.print(part)
    if write:
        job.counts.update(pairs=found.pairs, failed=sum(met.failed for met in found.meetings))
        run_stream(job, [found])
