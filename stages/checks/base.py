"""What a programmatic check is: a named function of a response, with a schema for its arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from schemas.base import Part
from schemas.errors import RlraError
from schemas.jsonl import explain, first_problem
from schemas.task import Task
from schemas.yaml_file import nearest

ArgsT = TypeVar("ArgsT", bound=Part)


@dataclass(frozen=True)
class Outcome:
    """What a check found in one response."""

    met: bool | None
    """None: the check abstains, because it cannot decide."""
    reason: str
    """What was counted or found, in a few words."""
    closeness: float | None = None
    """For a failure, how close it was (0 to 1), where that has a meaning."""
    score: float | None = None
    """The credit (0 to 1) that a check gives itself where it grades; None: 1 when met, 0 when not."""


@dataclass(frozen=True)
class Check(Generic[ArgsT]):
    """One entry of the registry."""

    name: str
    arguments: type[ArgsT]
    """The schema of the arguments. Its docstring is the one-line description; a method `said(self) -> str` of its
    own gives the line with the arguments in it."""
    run: Callable[[str, ArgsT, Task], Outcome]
    """Judges one response text. Never raises for any text."""
    passes: tuple[dict[str, Any], str]
    """Arguments and a response that meets the check, run as a test."""
    fails: tuple[dict[str, Any], str]
    """Arguments and a response that does not, run as a test."""


REGISTRY: dict[str, Check[Any]] = {}


def register(check: Check[Any]) -> None:
    """Add a check to the registry. Raises ValueError for a name that is taken."""
    if check.name in REGISTRY:
        raise ValueError(f"two checks are named {check.name}")
    REGISTRY[check.name] = check


def bind(check: dict[str, dict[str, Any]]) -> Callable[[str, Task], Outcome]:
    """Return the declared check, `{name: {arguments}}`, as a function of a response and its task.

    Raises RlraError for an unknown name (naming the nearest known one) or wrong arguments.
    """
    (name,) = check
    arguments = bound_arguments(check)
    found = REGISTRY[name]
    return lambda text, task: found.run(text, arguments, task)


def bound_arguments(check: dict[str, dict[str, Any]]) -> Part:
    """Return the arguments of the declared check, validated. Raises as `bind` does."""
    import difflib

    ((name, given),) = check.items()
    found = REGISTRY.get(name)
    if found is None:
        near = difflib.get_close_matches(name, REGISTRY, n=1)
        all_of_them = "docs/checks.md and `rlra rubrics schema` have all of them"
        hint = f"did you mean '{near[0]}'? {all_of_them}" if near else all_of_them
        raise RlraError(f"there is no check named '{name}'", hint=hint)
    try:
        arguments: Part = found.arguments.model_validate(given)
    except ValidationError as error:
        first = first_problem(error)
        unknown = first["type"] == "extra_forbidden" and len(first["loc"]) == 1
        hint = nearest(str(first["loc"][0]), found.arguments.model_fields) if unknown else ""
        raise RlraError(f"check {name}: {explain(error)}", hint=hint) from None
    return arguments


def described(check: dict[str, dict[str, Any]]) -> str:
    """Return what the declared check asks for, as one line that can be put into a prompt. Raises as `bind` does."""
    arguments = bound_arguments(check)
    said = getattr(arguments, "said", None)
    return str(said()) if said else str(type(arguments).__doc__).strip().split("\n")[0]
