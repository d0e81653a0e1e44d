"""The options around a judge → a panel that votes: models, prompt, cache, purse."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import Field

from rlra_cli.models import opened_judges
from rlra_cli.options import EndpointOptions
from rlra_cli.stage_options import options_in
from schemas.base import Part
from schemas.errors import RlraError
from schemas.files import without_secrets
from schemas.jsonl import Source
from stages.judge import JudgeSpec

if TYPE_CHECKING:
    from schemas.prices import Prices
    from stages.accounts import Account
    from stages.judge import Method
    from stages.judge_prompt import PromptText
    from stages.voting import Panel

Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        envvar="RLRA_JUDGE",
        show_envvar=False,
        metavar="MODEL",
        help="The judge: openai:NAME (with --base-url, or as openai:NAME@URL), vllm:ID_OR_DIR, hf:ID_OR_DIR. "
        "Repeated, a panel. Checks need none.",
    ),
]


class PanelOptions(Part):
    """Who judges besides --model, what is kept, and what it may cost."""

    strong: str | None = None
    """A stronger judge, asked only where the others are unsure; its verdict then stands."""
    prompt: Path | None = None
    """A text file with slots, in place of the prompt that the method brings."""
    cache: Path | None = None
    """A database of verdicts, kept between runs and shared by processes: what it holds is not asked again."""
    prices: Path | None = None
    """A YAML file with prices, as {model: {in: 0.15, cached: 0.075, out: 0.6}} in USD per million tokens."""
    budget_usd: float = Field(default=0.0, ge=0)
    """Stop, resumably, before the models have cost more than this; 0 is no limit."""
    budget_tokens: int = Field(default=0, ge=0)
    """Stop, resumably, before the models have taken more tokens than this, in and out; 0 is no limit."""


@contextlib.contextmanager
def opened_panel(
    models: list[str],
    options: PanelOptions,
    endpoint: EndpointOptions,
    method: "Method" = "text",
    journal: Path | None = None,
) -> "Iterator[Panel]":
    """Open the panel, and close it at the end; without models it is empty, and checks need none.

    Votes are kept in `--cache`, else in `journal`, from which a run that was killed goes on. Raises RlraError for
    an unknown model, and options that need one.
    """
    from stages.voting import Panel

    if not models:
        if options != PanelOptions():
            raise RlraError(f"{_flag(options)} needs a model that judges")
        yield Panel()
        return
    prompt = read_prompt(options.prompt, method) if options.prompt else None
    kept = options.cache or journal
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(opened_judges([*models, *([options.strong] if options.strong else [])], endpoint))
        cache = None
        if kept:
            from stages.verdict_cache import VerdictCache

            cache = stack.enter_context(VerdictCache(kept))
        strong = opened[-1] if options.strong else None
        yield Panel(tuple(opened[: len(models)]), strong, prompt, cache, purse(options))


def _flag(options: PanelOptions) -> str:
    name = next(name for name, value in options if value != getattr(PanelOptions(), name))
    return f"--{name.replace('_', '-')}"


def read_prompt(path: Path, method: "Method") -> "PromptText":
    """Return the prompt in a file. Raises RlraError where it cannot be read, or cannot serve the method."""
    from stages.judge_prompt import load_prompt

    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RlraError(f"{path}: cannot read the prompt: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise RlraError(f"{path}: cannot read the prompt: not UTF-8 text") from None
    return load_prompt(text, str(path), method)


def purse(options: PanelOptions) -> "Account | None":
    """Return who pays, and stops where a budget ends; None without prices and budgets. Raises RlraError."""
    if not (options.prices or options.budget_usd or options.budget_tokens):
        return None
    if options.budget_usd and not options.prices:
        raise RlraError("--budget-usd needs --prices FILE")
    from stages.accounts import Account

    return Account(prices_of(options), options.budget_usd, options.budget_tokens)


def prices_of(options: PanelOptions) -> "Prices | None":
    """Return the prices that were given. Raises RlraError for a file that holds none."""
    from schemas.prices import load_prices

    return load_prices(options.prices) if options.prices else None


def judge_spec(given: str, seed: int) -> JudgeSpec:
    """Return how to judge: as a YAML file or the manifest of a judged file says, else as `rlra judge` does by itself.

    Raises RlraError for options that `rlra judge` does not have, and values that it does not take.
    """
    return options_in(given, "judge", JudgeSpec, {"seed": seed})


def journal_of(output: str, models: Sequence[str]) -> Path | None:
    """Return where the votes of a run that writes `output` are kept until it is complete; None for a pipe.

    Without --resume they stay as well: lines are then made anew, of what was answered, and only what failed is asked.
    A model in this process answers whole windows, and differently in smaller batches: of it nothing is kept.
    """
    is_kept = output != "-" and bool(models) and all(model.startswith("openai:") for model in models)
    return Path(output + ".partial.verdicts") if is_kept else None


def drop_journal(path: Path | None) -> None:
    """Remove a journal and what SQLite keeps beside it."""
    for name in ("", "-wal", "-shm") if path else ():
        Path(f"{path}{name}").unlink(missing_ok=True)


def decides(models: list[str], options: PanelOptions, endpoint: EndpointOptions) -> dict[str, object]:
    """Return what of the options decides a verdict, under their names."""
    return {
        "model": [without_secrets(model) for model in models],
        "strong": without_secrets(options.strong) if options.strong else None,
        "base_url": [without_secrets(url) for url in endpoint.base_url],
    }


def inputs_of(options: PanelOptions) -> dict[str, Source]:
    """Return the files that decide a verdict, by their roles."""
    return {"prompt": Source(str(options.prompt))} if options.prompt else {}
