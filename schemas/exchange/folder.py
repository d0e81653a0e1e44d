"""A rubric as a YAML file that a person edits, and what the file is called."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from schemas.rubric import Rubric
from schemas.task import Message

NAME = "folder"
"""What the format is called on the command line."""
LONGEST_NAME = 60
WIDTH = 100
_BREAKS = re.compile("[\r\x85\u2028\u2029]")
_HIDDEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufff9-\ufffb\U000e0000-\U000e007f]")
"""What an editor shows nothing of, or writes the rest of the line backwards for."""


class _Dumper(yaml.SafeDumper):
    """Plain data as people write it: texts of several lines in blocks, nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out where it stands: aliases are refused when a rubric is read."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Unescaped, the other breaks of lines would be read back as newlines or spaces.
    style = '"' if _BREAKS.search(text) or _HIDDEN.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def yaml_of(rubric: Rubric, messages: Sequence[Message] = ()) -> str:
    """Return a rubric as YAML, with the conversation that it is for above it, as comments.

    Left out are the history of its review, which nobody writes by hand, and the template whose criteria it holds
    already.
    """
    without: Any = {"inherits": True, "review": {"history"}}
    data = rubric.model_dump(mode="json", exclude_defaults=True, exclude=without)
    above = "".join(f"# {line}\n" for message in messages for line in _lines(message))
    said = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=WIDTH)
    said = _HIDDEN.sub(lambda found: f"\\U{ord(found[0]):08X}", said)  # all of them stand in double quotes
    return f"{above}\n{said}" if above else said


def _lines(message: Message) -> list[str]:
    """Return a message as lines that a comment can hold, what cannot be seen left out."""
    lines = f"{message.role}: {message.content}".splitlines()
    return ["".join(filter(str.isprintable, line)) for line in lines]


def file_name(number: int, name: str) -> str:
    """Return what the file of the rubric on line `number`, from 1, is called: safe in any folder, in the same order."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:LONGEST_NAME].strip("._")
    return f"{number:05d}-{safe}.yaml" if safe else f"{number:05d}.yaml"
