"""What `rlra eval` is told of how far judges agree with people: files of `rlra eval agreement`, and manifests."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from schemas.agreement import Agreement
from schemas.errors import RlraError
from schemas.jsonl import Source, parse
from schemas.manifest import path_for, read_manifest

if TYPE_CHECKING:
    from stages.provenance import Origin
    from stages.reports.agreeing import Agreeing

AgreementFiles = Annotated[
    list[str],
    typer.Option(
        "--agreement",
        metavar="FILE",
        help="What `rlra eval agreement` wrote of a judge against people, for the pages; may be repeated.",
    ),
]


def agreements(files: Sequence[str], has_page: bool) -> "list[Agreeing]":
    """Return what the files say, the line about all first.

    Raises RlraError for a file of another kind or without a line, and where no page shows it.
    """
    from stages.reports.agreeing import Agreeing

    if files and not has_page:
        raise RlraError("--agreement goes with --html and --markdown")
    found = []
    for path in files:
        source = Source(path)
        lines = sorted(source.read(Agreement), key=lambda line: line.about != "overall")
        if not lines:
            raise RlraError(f"{source.name}: has no line", hint="`rlra eval agreement` writes such a file")
        found.append(Agreeing(source.name, tuple(lines)))
    return found


def anchored(origins: Iterable["Origin"]) -> "list[Agreeing]":
    """Return what the manifests of judged files among the origins say of the anchors that their judges were held to.

    What cannot be read there is left out, as from a manifest that says nothing of it.
    """
    from stages.reports.agreeing import Agreeing

    found = []
    for origin in origins:
        manifest = path_for(Path(origin.path))
        if origin.stage == "judge" and manifest.is_file():
            with suppress(RlraError):
                said = read_manifest(manifest).run.get("anchors", {})
                found.append(
                    Agreeing(f"anchors of {origin.name}", (parse(orjson.dumps(said), Agreement, origin.name),))
                )
    return found
