"""The chain from artifacts back to what nobody made with rlra: its links, found once each."""

from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import RlraError
from schemas.files import files_of, is_remote, shown
from schemas.manifest import Manifest
from stages.provenance_bytes import Bytes, Seen, is_model
from stages.provenance_places import joined, made_beside, meant, places_of, same_beside, typed_at, whole
from stages.provenance_rounds import run_of
from stages.provenance_uses import FOLDERS, Use, folder_of, name_of, uses_of

STDIN = "stdin of "
"""How the path of what came through a pipe begins."""
RUN = "run"
"""As what a round's file has the run that it belongs to."""
HUB_PARTS = 2
"""A hub calls models OWNER/NAME."""


@dataclass
class Link:
    """A file or model of the chain."""

    path: str
    """Names it in the chain; where it lies, if it is a place at all."""
    name: str
    is_place: bool = True
    """Whether it lies somewhere: what came through a pipe, and a served model, do not."""
    is_model: bool = False
    seen: Seen = field(default_factory=Seen)
    manifest: Manifest | None = None
    trouble: str = ""
    """Why its manifest cannot be read."""
    note: str = ""
    """What is to be said of what is no place, or has no manifest of its own."""
    made_of: list[tuple[str, Use]] = field(default_factory=list)
    """The paths of what it was made from, and as what."""
    used_by: list[tuple[str, Use]] = field(default_factory=list)
    """The paths of what was made from it."""
    depth: int = 0
    """The most steps to what was asked for."""
    is_asked: bool = False
    """Whether it was asked for itself."""

    @property
    def is_for_its_command(self) -> bool:
        """Whether it is a run that stands in the chain of its rounds alone: for its command, not for its weights."""
        return not self.is_asked and bool(self.used_by) and all(use.role == RUN for _, use in self.used_by)


class Chain:
    """All that led to some artifacts, by path."""

    def __init__(self, paths: list[str]) -> None:
        """Follow the manifests. Raises RlraError where nothing lies at a path, or its manifest cannot be read."""
        self.known = Bytes()
        self.links: dict[str, Link] = {}
        waiting = [self._asked_for(path) for path in dict.fromkeys(map(whole, paths))]
        while waiting:
            before = len(self.links)
            self._follow(waiting.pop(0))
            waiting += list(self.links.values())[before:]
        self._cut_circles()
        self._measure()

    def _asked_for(self, path: str) -> Link:
        if path.endswith("/-") or not self.known.is_known(path):
            raise RlraError(f"{shown(path)}: no such file or directory", hint="name a file that an rlra command made")
        link = self._link(path, is_model(path))
        if link.trouble:
            raise RlraError(link.trouble)
        self.links[link.path] = link
        link.is_asked = True
        return link

    def _link(self, path: str, model: bool, name: str = "") -> Link:
        link = Link(path, name or name_of(path), is_model=model, seen=self.known.of(path, model))
        try:
            link.manifest = self.known.manifest(path)
        except RlraError as error:
            link.trouble = "" if model else error.message  # a model of a hub may have a file of this name
        return link

    def _follow(self, link: Link) -> None:
        """Find what a link was made from, and tie it to that."""
        if link.manifest is None:
            self._follow_without(link)
            return
        uses = uses_of(link.manifest)
        for use, path in zip(uses, places_of(uses, link.path, link.manifest, self.known), strict=True):
            used = self._link(path, use.is_model) if path else self._nowhere(use, link, link.manifest)
            self._tie(link, used, use)
        if run := run_of(link.path, link.manifest):
            self._tie(link, self._link(run, True), Use(RUN, name_of(run), is_model=True))

    def _tie(self, link: Link, used: Link, use: Use) -> None:
        link.made_of.append((used.path, use))
        self.links.setdefault(used.path, used).used_by.append((link.path, use))

    def _follow_without(self, link: Link) -> None:
        """Tie a file to the run that also wrote it, and a folder or pattern to its files; a source is the end."""
        if link.is_model or not link.seen.is_there:
            return
        if not is_remote(link.path) and (made := made_beside(link.path, self.known)):
            link.note = f"written by the command that made {name_of(made)}, whose manifest has no digest of it"
            self._tie(link, self._link(made, is_model(made)), Use("beside", name_of(made)))
            return
        if link.seen.sha256 and (same := same_beside(link.path, link.seen.sha256, self.known)):
            link.note = f"the same bytes as {name_of(same)}"
            self._tie(link, self._link(same, False), Use("copy", name_of(same), link.seen.sha256))
            return
        files = files_of(link.path) if link.seen.records is not None else [link.path]
        if files == [link.path]:
            return
        link.note = f"{len(files)} files"
        for number, file in enumerate(files):
            self._tie(link, self._link(whole(file), False), Use(f"file.{number}", name_of(file)))

    def _nowhere(self, use: Use, link: Link, manifest: Manifest) -> Link:
        """Return the link of what lies nowhere that is known."""
        name = shown(use.name)
        if use.name == "-":
            return Link(f"{STDIN}{link.path}", "-", False, note="came through a pipe")
        if not use.is_model and not use.sha256 and use.role.partition(".")[0] != "shard":
            return Link(name, name, False, note="a data set by its name, whose content is not known here")
        if use.is_model and not _was_folder(use, link.path, manifest):
            return Link(name, name, False, True, note="a model that is no folder here; its weights are not looked at")
        place = meant(use, link.path, manifest)
        return Link(place, name_of(place), is_model=use.is_model)

    def _cut_circles(self) -> None:
        """Let nothing be made from itself: a manifest that somebody wrote may say so."""
        done: set[str] = set()
        for start in list(self.links):
            path, stack = {start}, [(start, iter(list(self.links[start].made_of)))]
            while stack and start not in done:
                at, left = stack[-1]
                step = next(left, None)
                if step is None:
                    stack.pop()
                    path.discard(at)
                    done.add(at)
                elif step[0] in path:
                    self.links[at].made_of.remove(step)
                    self.links[at].note = f"its manifest says that it was made from {name_of(step[0])}: a circle"
                elif step[0] not in done:
                    path.add(step[0])
                    stack.append((step[0], iter(list(self.links[step[0]].made_of))))

    def sources_first(self) -> list[Link]:
        """Return the links, each behind all that it was made from."""
        return sorted(self.links.values(), key=lambda link: -link.depth)

    def _measure(self) -> None:
        left = dict.fromkeys(self.links, 0)
        for link in self.links.values():
            for path, _ in link.made_of:
                left[path] += 1
        ready = [path for path, count in left.items() if not count]
        while ready:
            link = self.links[ready.pop()]
            for path, _ in link.made_of:
                self.links[path].depth = max(self.links[path].depth, link.depth + 1)
                left[path] -= 1
                if not left[path]:
                    ready.append(path)


def _was_folder(use: Use, artifact: str, manifest: Manifest) -> bool:
    """Return whether a reference meant a folder, which is gone: one that was recorded, or that no hub would have."""
    if not use.name.startswith(FOLDERS):
        return False
    recorded, parts = manifest.run.get("inputs"), Path(folder_of(use.name)).parts
    if isinstance(recorded, dict):
        return use.role in recorded or Path(*parts).is_absolute()
    at = typed_at(artifact, manifest)
    return len(parts) != HUB_PARTS or bool(at and Path(joined(at, parts[0])).is_dir())
