"""Where the things lie that an artifact was made from, which its manifest calls by name and digest."""

import os
import posixpath
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from schemas.errors import RlraError
from schemas.files import is_remote
from schemas.manifest import Manifest, path_for, read_manifest
from stages.provenance_bytes import Bytes, is_model
from stages.provenance_uses import BESIDE, OUTPUTS, Use, argv_of, folder_of, name_of, outputs_of, paths_in, typed_in

HERE = "file://"
MANIFESTS = "*.manifest.json"
IN_A_RUN = ("train_log.jsonl", "judged.jsonl", "model.safetensors", "config.json")
"""What `rlra train` leaves in a folder beside the manifest, which speaks of the weights alone."""


def whole(path: str) -> str:
    """Return a path that does not depend on the folder that one is in; a URL of another machine as it is."""
    path = path.removeprefix(HERE)
    return path if is_remote(path) else os.path.abspath(path)  # noqa: PTH100 (a link stays where it is)


def joined(folder: str, path: str) -> str:
    """Return what `path` means in `folder`."""
    path = path.removeprefix(HERE)
    if is_remote(path) or Path(path).is_absolute():
        return path
    scheme, _, place = folder.rpartition("://")
    together = posixpath.normpath(posixpath.join(place, path))
    return f"{scheme}://{together}" if scheme else together


def folder_with_manifest(artifact: str) -> str:
    """Return the folder in which the manifest of an artifact lies."""
    if is_remote(artifact):
        return artifact if artifact.endswith("/") else artifact.rpartition("/")[0]
    return artifact if Path(artifact).is_dir() else str(Path(artifact).parent)


def folders_of(artifact: str, manifest: Manifest) -> list[str]:
    """Return the folders that a manifest's places may be seen from: where it lies, or where links lead to it.

    A link to a folder may be older than what is in there (`out` to another disk) or younger (`chosen` to a round's
    model). It tells which: from the right one, the folder in which the command was typed leads back to the artifact.
    """
    folder = folder_with_manifest(artifact)
    if is_remote(artifact):
        return [folder]
    both = list(dict.fromkeys((folder, str(path_for(Path(artifact)).resolve().parent))))
    return [each for each in both if _leads_back(each, manifest)] or both


def _leads_back(folder: str, manifest: Manifest) -> bool:
    recorded = manifest.run.get("cwd")
    if not isinstance(recorded, str):
        return False
    made = [joined(joined(folder, recorded), word) for word in outputs_of(argv_of(manifest), (*OUTPUTS, *BESIDE))]
    return any(folder == str(Path(each).parent) or Path(folder).is_relative_to(each) for each in made)


def typed_at(artifact: str, manifest: Manifest) -> str | None:
    """Return the folder in which the command was typed that made an artifact, as far as it can be known."""
    recorded = manifest.run.get("cwd")
    if isinstance(recorded, str) and not is_remote(artifact):
        return joined(folders_of(artifact, manifest)[0], recorded)
    found = typed_in(artifact, argv_of(manifest))
    return found[0] if found else None


def places_of(uses: Sequence[Use], artifact: str, manifest: Manifest, known: Bytes) -> list[str | None]:
    """Return where each of the uses lies, and None for what cannot be found.

    That is where the manifest says, relative to itself; else a file of the name among those that the command line
    names, and in the folders around; what has the right digest goes first, also under another name beside it.
    """
    tiers = [list(_tiers(use, artifact, manifest)) for use in uses]
    exact = [
        next((path for path in chain.from_iterable(each) if _is_it(path, use, known)), None)
        for each, use in _both(tiers, uses)
    ]
    taken = {path for path in exact if path}
    return [_place(use, each, artifact, taken, known) for each, use in _both(tiers, uses)]


def _both(tiers: list[list[list[str]]], uses: Sequence[Use]) -> Iterator[tuple[list[list[str]], Use]]:
    return zip(tiers, uses, strict=True)


def _place(use: Use, tiers: list[list[str]], artifact: str, taken: set[str], known: Bytes) -> str | None:
    if use.name == "-":
        return _renamed(use, artifact, known)
    for number, tier in enumerate(tiers):
        there = [path for path in dict.fromkeys(tier) if path != artifact and _may_be(path, use, known)]
        if found := next((path for path in there if _is_it(path, use, known)), None):
            return found
        if number == len(tiers) - 1 and (found := _renamed(use, artifact, known)):
            return found
        if free := [path for path in there if path not in taken]:
            return free[0]
    return None


def _may_be(path: str, use: Use, known: Bytes) -> bool:
    return is_model(path) or known.made(path) is not None if use.is_model else known.is_known(path)


def _is_it(path: str, use: Use, known: Bytes) -> bool:
    """Return whether what lies, or lay, at a path has the digest that was used."""
    if not use.sha256 or not _may_be(path, use, known):
        return False
    seen = known.of(path, use.is_model)
    return seen.has(use.sha256) if seen.is_there else known.made(path) == use.sha256


def _renamed(use: Use, artifact: str, known: Bytes) -> str | None:
    """Return a file beside the artifact whose manifest has the digest, whatever it is called now."""
    return None if use.is_model else same_beside(artifact, use.sha256, known)


def same_beside(path: str, sha256: str, known: Bytes) -> str | None:
    """Return another file in the folder of `path` that has this digest, and a manifest that says so."""
    folder = folder_with_manifest(path)
    for manifest in [] if is_remote(folder) or not sha256 else sorted(Path(folder).glob(MANIFESTS)):
        other = str(manifest).removesuffix(".manifest.json")
        if other != path and known.made(other) == sha256 and known.of(other).has(sha256):
            return other
    return None


def meant(use: Use, artifact: str, manifest: Manifest) -> str:
    """Return where something lay that lies nowhere now, as far as the manifest tells."""
    tiers = list(_tiers(use, artifact, manifest))
    at = typed_at(artifact, manifest) or folder_with_manifest(artifact)
    certain = [path for tier in tiers[:-1] for path in tier if path != artifact]
    return certain[0] if certain else joined(at, folder_of(use.name))


def _tiers(use: Use, artifact: str, manifest: Manifest) -> Iterator[list[str]]:
    """Yield the places to look at, the most certain first: what lies there is it, even if it has changed."""
    folder, argv = folder_with_manifest(artifact), argv_of(manifest)
    recorded = manifest.run.get("inputs")
    if isinstance(recorded, dict) and isinstance(path := recorded.get(use.role), str):
        yield [joined(each, path) for each in folders_of(artifact, manifest)]
    own = folder_of(use.name)
    name = name_of(own)
    words = [word for word in (*paths_in(argv), *([own] if use.is_model else [])) if name_of(word) == name]
    typed, at = typed_in(artifact, argv), typed_at(artifact, manifest)
    at_typed = [joined(at, word) for word in words] if at else []
    if typed and typed[1]:
        yield at_typed
    around = [joined(folder, name), *at_typed]
    for above in _above(folder):
        around += [joined(above, word) for word in (*words, name)]
    if use.role.count(".") > 1:  # a template, beside the rubric that inherits from it
        around += [joined(joined(at or folder, str(Path(word).parent)), name) for word in paths_in(argv)]
    yield around


def _above(folder: str) -> Iterator[str]:
    if not is_remote(folder):
        yield from map(str, (Path(folder), *Path(folder).parents))


def made_beside(path: str, known: Bytes) -> str | None:
    """Return the artifact whose command also wrote the file at `path`, which has no manifest of its own.

    In the folder of a training that is its log, and what it judged; else what a command line in the same folder
    names, such as `--html`.
    """
    if is_remote(path):
        return None
    folder = Path(path).parent
    if is_model(str(folder)) and known.made(str(folder)) and Path(path).name in IN_A_RUN:
        return str(folder)
    for manifest in sorted(folder.glob(MANIFESTS)):
        artifact = str(manifest).removesuffix(".manifest.json")
        try:
            read = read_manifest(manifest)
        except RlraError:
            continue
        at = typed_at(artifact, read)
        if at and path in [joined(at, word) for word in outputs_of(argv_of(read), BESIDE)]:
            return artifact
    return None
