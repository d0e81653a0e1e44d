"""The pages of `rlra eval`: HTML to look at, Markdown for a pull request, LaTeX for a paper."""

import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlra_cli import option_files
from rlra_cli.eval_judges import anchored
from rlra_cli.whole_files import put_whole, refuse_no_files
from schemas.files import without_secrets
from schemas.jsonl import Source

if TYPE_CHECKING:
    from stages.provenance import Origin
    from stages.reports.agreeing import Agreeing
    from stages.reports.compared import Compared
    from stages.reports.html import Training

Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a self-contained page with plots, examples and provenance."),
]
Markdown = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write the tables as Markdown, for a pull request.")
]
Latex = Annotated[
    Path | None, typer.Option("--latex", metavar="FILE", help="Write the tables as LaTeX, for a paper (booktabs).")
]


@dataclass(frozen=True)
class Pages:
    """Which pages are to be written, and where."""

    html: Path | None
    markdown: Path | None
    latex: Path | None

    def __post_init__(self) -> None:
        """Raise RlraError for what is no file."""
        refuse_no_files(self.files)

    @property
    def files(self) -> list[Path]:
        """Those that are written."""
        return [page for page in (self.html, self.markdown, self.latex) if page]

    def write(
        self,
        compared: "Sequence[Compared]",
        training: "Training | None",
        sources: Iterable[Source],
        held: "Sequence[Agreeing]" = (),
    ) -> None:
        """Write the pages of all comparisons; HTML also says from where the files of `sources` come.

        `held` is how far judges agree with people.
        """
        reports = [each.report for each in compared]
        if self.html:
            from stages.reports.html import render

            known = origins_of(sources)
            put_whole(self.html, render(compared, training, known, _command(), [*held, *anchored(known)]))
        if self.markdown:
            from stages.reports.agreeing import sentences
            from stages.reports.markdown import markdown

            put_whole(self.markdown, markdown(reports, _command()) + sentences(held))
        if self.latex:
            from stages.reports.latex import latex

            put_whole(self.latex, latex(reports, _command()))


def _command() -> str:
    return shlex.join(["rlra", *(without_secrets(word) for word in sys.argv[1:])])


def origins_of(sources: Iterable[Source]) -> "list[Origin]":
    """Return from what the files that are read, and those of this command's options, were made; each origin once.

    Those that no command made are among them. Pipes are not: what came through them lies nowhere.
    """
    from stages.provenance import origins
    from stages.provenance_bytes import Bytes

    known, read = Bytes(), [*(each.path for each in sources), *option_files.paths().values()]
    there = [path for path in read if path != "-" and known.is_there(path)]
    return origins(*there) if there else []
