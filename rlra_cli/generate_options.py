"""The options of writers: who writes, who tries drafts, on what, and where the rest goes."""

from pathlib import Path
from typing import Annotated

import typer

from schemas.base import Part

Template = Annotated[
    Path | None,
    typer.Option(
        "--template", metavar="FILE", help="A rubric in YAML that every task gets, or gets besides its constraints."
    ),
]
PromptsFile = Annotated[
    str,
    typer.Argument(
        metavar="PROMPTS",
        help="JSONL with `prompt` or `messages`, CSV, Parquet, or hf:NAME[:split]. For `contrast`, `judged/1` lines or "
        "pairs with `chosen` and `rejected`; for `failures`, `rollouts/1` or `judged/1` lines.",
    ),
]
# No field of a spec: by `reference` alone, a recipe means something else.
Reference = Annotated[bool, typer.Option("--reference", help="Show writers the line's reference answer.")]


class WriterOptions(Part):
    """Who writes rubrics and who tries them, and the files beside the prompts."""

    writer: tuple[str, ...] = ()
    """The model that writes: openai:NAME (with --base-url, or as openai:NAME@URL), vllm:ID_OR_DIR, hf:ID_OR_DIR,
    smollm2. Repeated, the criteria of all are merged into one rubric."""
    judge: tuple[str, ...] = ()
    """The model that tries drafts on responses; repeated, a panel. Without one, the gates that need it do not run."""
    judge_options: str = ""
    """How it judges: options of `rlra judge` in a YAML file, or the manifest of a judged file."""
    rewrite: bool = False
    """Rewrite prompts to fit their rubrics, where no guard objects; the originals are kept in `rewritten_from`."""
    bank: tuple[str, ...] = ()
    """Rubrics in YAML, JSONL or a folder whose criteria are not to be written again; may be repeated."""
    probe: str | None = None
    """`rollouts/1` lines, found by the ids of the prompts, that drafts are tried on."""
    labels: Path | None = None
    """With `contrast` and rollouts: people's labels of whole responses, CSV or JSONL."""
    rejects: Path | None = None
    """Where lines go whose drafts were rejected, with the reasons."""
