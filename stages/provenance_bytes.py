"""What lies at a path now: its digest, and the manifest beside it, each read once."""

import glob
import hashlib
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import RlraError
from schemas.files import is_remote, reached, shown, tried
from schemas.jsonl import Source
from schemas.manifest import Manifest, path_for, read_manifest, spec_digest
from schemas.parts import MANIFEST

RUBRICS, EXPORTED = (".yaml", ".yml"), "exported.jsonl.gz"


@dataclass(frozen=True)
class Seen:
    """What lies at a path."""

    is_there: bool = False
    sha256: str = ""
    records: int | None = None
    why: str = ""
    """Why it could not be read."""
    other: str = ""
    """Of a folder with rubrics in YAML: the digest of their names and contents, which an import of it says; of a
    manifest, which gives its options to another command, that of these."""

    def has(self, sha256: str) -> bool:
        """Return whether this is a digest of what lies there."""
        return self.is_there and sha256 in (self.sha256, self.other)


class Bytes:
    """Digests and manifests by their paths; the largest file is read in pieces, and none twice."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bool], Seen] = {}
        self._manifests: dict[str, Manifest | RlraError | None] = {}

    def of(self, path: str, is_model: bool = False) -> Seen:
        """Return what lies at `path`; of a model the digest is that of its weights."""
        key = (path, is_model)
        if key not in self._seen:
            self._seen[key] = _weights(path) if is_model else _lines(path)
        return self._seen[key]

    def manifest(self, path: str) -> Manifest | None:
        """Return the manifest beside, or in, what lies at `path`. Raises RlraError for one that cannot be read."""
        if path not in self._manifests:
            self._manifests[path] = _manifest(path)
        found = self._manifests[path]
        if isinstance(found, RlraError):
            raise found
        return found

    def made(self, path: str) -> str | None:
        """Return the digest that the manifest of `path` has; None without a readable manifest."""
        try:
            manifest = self.manifest(path)
        except RlraError:
            return None
        return manifest.recipe.sha256 if manifest else None

    def is_known(self, path: str) -> bool:
        """Return whether something lies at `path`, or did: a manifest is left."""
        return self.is_there(path) or self.made(path) is not None

    def is_there(self, path: str) -> bool:
        """Return whether a file, a folder or what a pattern matches lies at `path`. Pipes and devices do not count."""
        if is_remote(path):
            return _is_at(path)
        place = Path(path)
        return place.is_file() or place.is_dir() or bool(glob.has_magic(path) and glob.glob(path))  # noqa: PTH207


def is_model(path: str) -> bool:
    """Return whether a folder here holds a model, or what is left of one: its weights may have been removed."""
    folder = Path(path)
    return not is_remote(path) and folder.is_dir() and (any(folder.glob("*.safetensors")) or _is_config(folder))


def _is_config(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def _manifest(path: str) -> Manifest | RlraError | None:
    try:
        if is_remote(path):
            place = f"{path}{MANIFEST}" if path.endswith("/") else f"{path}.manifest.json"
            return read_manifest(place) if _is_at(place) else None
        beside = path_for(Path(path))
        return read_manifest(beside) if beside.is_file() else None
    except RlraError as error:
        return error


def _is_at(url: str) -> bool:
    try:
        system, place = reached(url)
        return bool(tried(url, lambda: system.exists(place)))
    except RlraError:
        return False


def _weights(path: str) -> Seen:
    from stages.models.embedded import weights_digest

    try:
        return Seen(True, weights_digest(Path(path)))
    except (RlraError, OSError) as error:
        return Seen(False, why="holds no weights" if Path(path).is_dir() else str(error))


def _lines(path: str) -> Seen:
    rubrics = _rubrics(Path(path)) if not is_remote(path) and Path(path).is_dir() else ""
    try:
        sha256, records = Source(path).fingerprint()
        return Seen(True, sha256, records, other=rubrics or _options(path))
    except (RlraError, OSError) as error:
        said = error.message if isinstance(error, RlraError) else str(error.strerror or error)
        return Seen(bool(rubrics), rubrics, None, said.removeprefix(f"{shown(path)}: "))


def _options(path: str) -> str:
    """Return the digest of the options in a manifest; empty of what is none."""
    try:
        return spec_digest(path) if path.endswith("manifest.json") else ""
    except RlraError:
        return ""


def _rubrics(folder: Path) -> str:
    """Return the digest of the rubrics in a folder, as `rlra rubrics import` has it; empty where there are none."""
    files = sorted(file for file in folder.rglob("*") if file.suffix in RUBRICS)
    total = hashlib.sha256()
    for file in (*files, *filter(Path.exists, [folder / EXPORTED])):
        total.update(hashlib.sha256(file.relative_to(folder).as_posix().encode()).digest())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest() if files else ""
