"""How a writer is asked: prompt files with slots, and the texts of others set apart in them as data."""

from functools import cache
from importlib.resources import files
from string import Template

from stages.excerpts import fitted, shown


@cache
def _template(name: str) -> Template:
    return Template(files("stages").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8"))


def filled(name: str, **slots: str) -> str:
    """Return the prompt file `name` with its slots filled; what a slot holds is not looked into again."""
    return _template(name).substitute(slots).strip()


def set_apart(mark: str, name: str, text: str, longest: int) -> str:
    """Return a text between two lines with the mark; of a longer one head and tail, and how much is left out."""
    return f"{mark} {name} begins\n{shown(fitted(text, longest, 'head-tail') or '', mark)}\n{mark} {name} ends"
