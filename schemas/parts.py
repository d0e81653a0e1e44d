"""A folder, here or far away, in which an artifact lies in parts; each of them is whole, or not there."""

import re
from pathlib import Path

from schemas.errors import RlraError
from schemas.files import is_remote, opened, reached, shown, tried

PART = re.compile(r"part-([0-9]{8})-[0-9a-f]{16}\.jsonl")
"""The place of a part in the artifact, and a digest of what it was made from."""
MANIFEST = "manifest.json"
"""Lies in a folder that is complete."""


def is_folder(path: str) -> bool:
    """Return whether `path` means a folder of parts: it ends in `/`, is a URL, or a folder that exists."""
    return path.endswith("/") or is_remote(path) or Path(path).is_dir()


class PartFolder:
    """The files of such a folder. It may be sent to another process."""

    def __init__(self, path: str) -> None:
        """Take a URL or a path; nothing is looked at yet."""
        self.path = (path if is_remote(path) else str(Path(path).absolute())).rstrip("/") + "/"

    def at(self, name: str) -> str:
        """Return the URL or path of a file in the folder."""
        return self.path + name

    def names(self) -> list[str]:
        """Return the names of the parts, in their order. Raises RlraError as everything here does."""
        system, root = reached(self.path)
        found = tried(self.path, lambda: system.ls(root, detail=False) if system.exists(root) else [])
        return sorted(name for path in found if PART.fullmatch(name := path.rpartition("/")[2]))

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None where there is none."""
        system, place = reached(self.at(name))
        if not tried(self.path, lambda: system.exists(place)):
            return None
        with opened(self.at(name)) as stream:
            return stream.read()

    def write(self, name: str, content: bytes) -> None:
        """Write a file beside its place, and move it there when it is whole."""
        system, place = reached(self.at(name))

        def step() -> None:
            system.makedirs(place.rpartition("/")[0], exist_ok=True)
            with system.open(f"{place}.partial", "wb") as stream:
                stream.write(content)
            system.mv(f"{place}.partial", place)

        tried(self.at(name), step)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        system, place = reached(self.at(name))
        tried(self.at(name), lambda: system.rm(place) if system.exists(place) else None)


def parts_in_order(folder: PartFolder) -> list[str]:
    """Return the names of the parts of a whole artifact. Raises RlraError where one is missing or there twice."""
    names = folder.names()
    for number, name in enumerate(names):
        if int(name[5:13]) != number:
            is_twice = int(name[5:13]) < number
            what = f"{name}: another part has this place" if is_twice else f"part {number:08d} is missing"
            raise RlraError(f"{shown(folder.path)}{what}", hint="the command that made the folder makes it whole again")
    return names
