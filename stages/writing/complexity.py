"""How intricate a check in Python is, read off its syntax tree: never off a clock, so that every machine agrees."""

import ast
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stages.visible import one_line

LONGEST_CHECK = 4_000
"""Characters; what is longer is not parsed."""
MOST_NODES = 500
MOST_DECISIONS = 24
DEEPEST_BLOCKS = 5
DEEPEST_LOOPS = 3
LONGEST_LITERAL = 300
MOST_ELEMENTS = 60
MEMORISED_WORDS = 6
"""From so many words on, a text that stands in an example is the example and not the instruction."""
MOST_FRAGMENTS = 3
"""So many shorter texts, or lengths, that each tell one example from all others are no property of a response."""
_FRAGMENT_WORDS = 2
_SMALL = 20
"""Numbers up to here are what instructions count."""
_NO_PROPERTY = {
    "hashlib": "a digest says nothing about a text",
    "base64": "what is encoded cannot be read by a person",
    "random": "a verdict is not drawn",
}
_REFUSED_NAMES = frozenset(
    {
        "hash",
        "id",
        "globals",
        "locals",
        "vars",
        "print",
        "eval",
        "exec",
        "compile",
        "getattr",
        "setattr",
        "open",
        "input",
    }
)
_AT_THE_TOP = (ast.FunctionDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BLOCKS = (ast.FunctionDef, ast.For, ast.While, ast.If, ast.With, ast.Try, ast.Match)
_PARSING = threading.Lock()


class UnparsedError(Exception):
    """Why a source is no Python: one line."""


@dataclass(frozen=True)
class Complexity:
    """The measures of a source, each with a bound of its own."""

    nodes: int
    """Nodes of the tree."""
    decisions: int
    """Places where the way forks: branches, loops, conditions, `and` and `or`."""
    blocks: int
    """How deep statements stand in one another; the function itself is one."""
    loops: int
    """How deep loops and comprehensions stand in one another."""
    literal: int
    """Characters of the longest text that is written out."""
    elements: int
    """Elements of the largest list, set, tuple or dict that is written out."""


BOUNDS = {
    "nodes": (MOST_NODES, "nodes in its syntax tree"),
    "decisions": (MOST_DECISIONS, "branches, loops and conditions"),
    "blocks": (DEEPEST_BLOCKS, "blocks inside one another"),
    "loops": (DEEPEST_LOOPS, "loops inside one another"),
    "literal": (LONGEST_LITERAL, "characters in a text that is written out"),
    "elements": (MOST_ELEMENTS, "elements in a list that is written out"),
}


def parsed(source: str) -> ast.Module:
    """Return the syntax tree; nothing is run. Raises UnparsedError for what is too long, or no Python."""
    if len(source) > LONGEST_CHECK:
        raise UnparsedError(f"has {len(source):,} characters; at most {LONGEST_CHECK:,} are sensible")
    # Python warns of odd escapes while it parses, in words of the source, and to everybody's stderr.
    with _PARSING, warnings.catch_warnings(action="ignore"):
        try:
            return ast.parse(source)
        except SyntaxError as error:
            where = f" (line {error.lineno})" if error.lineno else ""
            raise UnparsedError(f"does not parse: {one_line(error.msg, 120)}{where}") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise UnparsedError(f"does not parse: {type(error).__name__}") from None


def measured(tree: ast.Module) -> Complexity:
    """Return the measures of a tree."""
    nodes = list(ast.walk(tree))
    texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return Complexity(
        nodes=len(nodes),
        decisions=sum(map(_decides, nodes)),
        blocks=_depth(tree, _BLOCKS),
        loops=_depth(tree, _LOOPS),
        literal=max((len(text) for text in texts if isinstance(text, str | bytes)), default=0),
        elements=max(map(_elements, nodes), default=0),
    )


def odd(tree: ast.Module) -> Iterator[str]:
    """Yield what is not sensible about a check: its shape, its size, what it reads. Nothing for a sensible one."""
    yield from _shape(tree)
    found = measured(tree)
    for name, (most, what) in BOUNDS.items():
        if (number := getattr(found, name)) > most:
            yield f"has {number:,} {what}; at most {most:,} are sensible"
    yield from _strange(tree)


def memorised(tree: ast.Module, examples: Sequence[str], said: str) -> str | None:
    """Return what in the source is there to know the examples again, and not to judge them; None where nothing is.

    That is a long text out of an example; several short ones, each out of an example of its own; or several numbers
    that are the lengths of examples. What stands in `said`, the prompt with its instruction, is no such text.
    """
    known, shown = _flat(said), [_flat(example) for example in examples]
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = {_flat(value) for value in values if isinstance(value, str)}
    copied = sorted(text for text in texts if len(text.split()) >= _FRAGMENT_WORDS and text not in known)
    if long := [text for text in copied if _is_long(text) and any(text in each for each in shown)]:
        return f"'{long[0]}'"
    telling = [text for text in copied if sum(text in each for each in shown) == 1]
    if len(telling) >= MOST_FRAGMENTS:
        return f"'{telling[0]}' and others"
    numbers = {value for value in values if isinstance(value, int) and value > _SMALL}
    lengths = {len(example.strip()) for example in examples} & numbers
    if len(lengths) >= MOST_FRAGMENTS:
        return f"the length {min(lengths)} and others"
    return None


def _is_long(text: str) -> bool:
    return len(text.split()) >= MEMORISED_WORDS


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())


def _shape(tree: ast.Module) -> Iterator[str]:
    if stray := next((node for node in tree.body if not isinstance(node, _AT_THE_TOP)), None):
        yield f"has more than imports, constants and functions at its top (line {stray.lineno})"
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "score"]
    if len(found) != 1:
        yield f"defines {len(found)} functions named score, not one"
    for function in found[:1]:
        arguments = [*function.args.posonlyargs, *function.args.args]
        if len(arguments) != 2:
            yield "score must take two arguments, score(response, task)"
        elif not _reads(function, arguments[0].arg):
            yield "score never looks at the response"


def _reads(function: ast.FunctionDef, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load) for node in ast.walk(function)
    )


def _strange(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in imported:
            if why := _NO_PROPERTY.get(name.split(".")[0]):
                yield f"imports {name}: {why}"
        if isinstance(node, ast.Name) and node.id in _REFUSED_NAMES:
            yield f"uses {node.id}(), which a check of a text has no use for"


def _decides(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return int(isinstance(node, ast.If | ast.IfExp | ast.For | ast.While | ast.ExceptHandler | ast.match_case))


def _elements(node: ast.AST) -> int:
    if isinstance(node, ast.Dict):
        return len(node.values)
    return len(node.elts) if isinstance(node, ast.List | ast.Set | ast.Tuple) else 0


def _depth(tree: ast.AST, kinds: tuple[type[ast.AST], ...]) -> int:
    """Return how many nodes of `kinds` stand in one another at most; a chain of `elif` is no depth."""
    deepest, left = 0, [(tree, 0)]
    while left:
        node, depth = left.pop()
        deepest = max(deepest, depth)
        for name, value in ast.iter_fields(node):
            children = [
                child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)
            ]
            chained = isinstance(node, ast.If) and name == "orelse" and [type(child) for child in children] == [ast.If]
            left += [(child, depth + (isinstance(child, kinds) and not chained)) for child in children]
    return deepest
