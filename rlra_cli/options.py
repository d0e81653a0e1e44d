"""Options spelled once: a command's flags derive from the fields of its specs, their help from the docstrings."""

import ast
import functools
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin

import typer
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from typer.models import OptionInfo

from rlra_cli import option_files
from schemas.base import Part
from schemas.errors import RlraError
from schemas.shards import Shard, parse_shard

SpecT = TypeVar("SpecT", bound=Part)

FOUND = {"revision", "block", "base", "reference"}
"""What a recipe says besides options: found when the run began."""

Output = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where the records go; `-` is stdout.")]


class ReaderGoneError(Exception):
    """The reader of our pipe went away, as `head` does when it has enough."""


class RunOptions(Part):
    """What every command offers; none of it changes a byte of the output."""

    quiet: bool = False
    """Say nothing on stderr but errors."""
    summary: Path | None = None
    """Write the counts of the summary to this file, as JSON."""


class MapOptions(RunOptions):
    """What commands that map lines to lines offer."""

    resume: bool = True
    """Go on from a `.partial` file that an interrupted run left behind."""
    max_failures: str = "10%"
    """How many responses may fail before the run counts as failed (exit 3): a number or a share."""

    @field_validator("max_failures")
    @classmethod
    def _number_or_share(cls, text: str) -> str:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?%?", text, re.ASCII):
            raise ValueError(f"'{text}' is neither a number nor a share such as 10%")
        return text


class PlaceOptions(Part):
    """Where the work is done, when it leaves this process; no line depends on it."""

    shard: str = ""
    """Do only the I-th of N shares of the lines, as 2/5; `rlra merge` puts the N files together."""
    engine: Literal["local", "ray"] = "local"
    """Where: in this process and its workers, or in actors of a Ray cluster (needs `pip install 'rlra[ray]'`). To
    `-o FOLDER/`, or a folder by URL as s3://…, the actors write part by part, for `rlra merge FOLDER/`."""
    actors: int = Field(default=0, ge=0)
    """With --engine ray: how many actors, each with the model and with the limits of requests for itself; 0 is one per
    core of the cluster, or per GPU."""
    ray_address: str = ""
    """With --engine ray: the cluster to join, or `auto` for this machine's; without it, one is started. Its nodes need
    rlra, the model, and the keys: RLRA_API_KEY in their environment, or the file of --key-file."""

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if self.engine == "local" and (self.actors or self.ray_address):
            raise ValueError("--actors and --ray-address go with --engine ray")
        return self

    @field_validator("shard")
    @classmethod
    def _one_of_several(cls, text: str) -> str:
        if text:
            parse_shard(text, 1)
        return text

    def share(self, block: int) -> Shard | None:
        """Return the share of the lines that was asked for, dealt out in blocks of so many; None is all of them."""
        return parse_shard(self.shard, block) if self.shard else None


class ModelOptions(Part):
    """Which policy, and how it is run."""

    model: tuple[str, ...] = ("smollm2",)
    """The policy: `smollm2` (embedded), `hf:ID_OR_DIR`, `vllm:ID_OR_DIR`, or `openai:NAME` with --base-url. Repeated,
    each as NAME=MODEL or MODEL, one after the other samples, into the files NAME.jsonl of the folder --output."""
    processes: int = Field(default=0, ge=0)
    """Worker processes; 0 is one per core, or one where there is a GPU. Changes no answer."""
    batch_size: int = Field(default=64, ge=1)
    """Responses sampled together by one worker."""
    dtype: str = "auto"
    """Number format of the weights: float32, bfloat16, or auto: bfloat16 on a GPU or a CPU that computes in it (its
    flags name avx512_bf16, amx_bf16 or bf16), but float32 on other CPUs and at temperature 0."""


class EndpointOptions(Part):
    """Where OpenAI-compatible servers are, and how hard they may be asked."""

    base_url: tuple[str, ...] = ()
    """Base URL of the server, such as http://localhost:8000/v1; repeated, the least busy of several is asked."""
    key_file: Path | None = None
    """A file with the API key; otherwise RLRA_API_KEY or OPENAI_API_KEY. RLRA_API_KEY_<HOST> goes before both."""
    concurrency: int = Field(default=16, ge=1)
    """Requests in flight at a time, for each base URL."""
    requests_per_minute: int = Field(default=0, ge=0)
    """The most requests that a base URL gets in a minute; 0 is no limit."""
    tokens_per_minute: int = Field(default=0, ge=0)
    """The most tokens, in and out, that a base URL is asked for in a minute; 0 is no limit."""
    timeout_s: float = Field(default=120.0, gt=0)
    """Seconds until a request counts as lost."""
    retries: int = Field(default=4, ge=0)
    """How often a lost request is sent again."""


def expand(function: Callable[..., None]) -> Callable[..., None]:
    """Return `function` with each spec parameter replaced by one option per field, for typer.

    Values come from the flag, else the variable `RLRA_<FIELD>`, else the file given with
    `--spec`, else the field's default. Raises RlraError for values that the spec refuses.
    """
    specs: dict[str, type[Part]] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if isinstance(parameter.annotation, type) and issubclass(parameter.annotation, Part):
            specs[parameter.name] = parameter.annotation
            parameters += _options(parameter.annotation)
        else:
            _name_variable(parameter)
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    parameters.append(
        inspect.Parameter("spec_file", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_SpecFile)
    )

    @functools.wraps(function)
    def command(**values: Any) -> None:
        option_files.note({**values, "spec": values.pop("spec_file")})
        built = {name: _build(spec, values) for name, spec in specs.items()}
        try:
            function(**values, **built)
        except BrokenPipeError:  # click would make exit code 1 of it
            raise ReaderGoneError from None

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _name_variable(parameter: inspect.Parameter) -> None:
    """Give an option that is no field of a spec its environment variable, like all others."""
    for info in getattr(parameter.annotation, "__metadata__", ()):
        if isinstance(info, OptionInfo) and info.envvar is None:
            info.envvar, info.show_envvar = f"RLRA_{parameter.name.upper()}", False


def _build(spec: type[SpecT], values: dict[str, Any]) -> SpecT:
    given = {name: values.pop(name) for name in spec.model_fields}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    try:
        return spec.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        where = f"--{name.replace('_', '-')}: " if name else ""
        raise RlraError(f"{where}{first['msg'].removeprefix('Value error, ')}") from None


def _options(spec: type[Part]) -> Iterator[inspect.Parameter]:
    help_of = docstrings(spec)
    for name, field in spec.model_fields.items():
        kind, default = _plain(field)
        flag = f"--{name.replace('_', '-')}"
        flags = [f"{flag}/--no-{flag[2:]}"] if kind is bool and field.default is True else [flag]
        option = typer.Option(*flags, envvar=f"RLRA_{name.upper()}", show_envvar=False, help=help_of.get(name))
        annotation = Annotated[kind, option]  # type: ignore[valid-type]
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _plain(field: FieldInfo) -> tuple[Any, Any]:
    """Return the type that typer knows for a field, and its default: `tuple[str, ...]` is a repeated option.

    So is a mapping: each KEY=VALUE is one entry.
    """
    kind: Any = field.annotation
    if get_origin(kind) is dict:
        return list[str], []
    if get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis:
        return GenericAlias(list, (get_args(kind)[0],)), list(field.default)
    return kind, field.default


def docstrings(spec: type[BaseModel]) -> dict[str, str]:
    """Return the text below each field of `spec` and of the specs that it extends."""
    found: dict[str, str] = {}
    for owner in reversed([base for base in spec.__mro__ if issubclass(base, Part) and base is not Part]):
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for field, text in pairwise(statements):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
                found[field.target.id] = inspect.cleandoc(ast.literal_eval(text.value))
    return found


def load_spec(context: typer.Context, path: Path | None) -> Path | None:
    """Make the values in a spec file, or in another run's manifest, the defaults of the command.

    Raises RlraError for keys that the command does not know, naming the nearest one.
    """
    if path is None:
        return None
    from schemas.yaml_file import load_yaml, nearest

    values = load_yaml(path).value
    if isinstance(values, dict) and "manifest" in values and "recipe" in values:
        values = {key: value for key, value in values["recipe"]["spec"].items() if key not in FOUND}
    if not isinstance(values, dict):
        raise RlraError(f"{path}: a mapping of option names to values is needed")
    known = {str(p.name): getattr(p, "multiple", False) for p in context.command.params if p.name != "spec_file"}
    for key in values:
        if key not in known:
            raise RlraError(f"{path}: {key}: {context.command.name} has no such option", hint=nearest(str(key), known))
    context.default_map = {
        key: _listed(value) if known[key] else _worded(value) for key, value in values.items() if value is not None
    }
    return path


def _worded(value: Any) -> Any:
    """Return a value as a command line says it: options of another command, as a manifest has them, are one text."""
    return json.dumps(value) if isinstance(value, dict) else value


def _listed(value: Any) -> Any:
    """Return the values of a repeated option: a single text would be read letter by letter."""
    if isinstance(value, dict):
        return [f"{name}={json.dumps(entry)}" for name, entry in value.items()]
    return ([value] if value else []) if isinstance(value, str) else value


_SpecFile = Annotated[
    Path | None,
    typer.Option(
        "--spec",
        is_eager=True,
        callback=load_spec,
        metavar="FILE",
        help="Options from a YAML file or another run's manifest; flags override.",
    ),
]
