"""Arrows point downhill, `rlra_cli → stages → schemas`, and stages know nothing of the world around them."""

import ast
import re
import sys

import pytest

from tests.house.sources import PACKAGES, Module, modules

BELOW = {"rlra_cli": {"rlra_cli", "stages", "schemas"}, "stages": {"stages", "schemas"}, "schemas": {"schemas"}}
NOUNS_MAY_IMPORT = {"pydantic", "yaml", "orjson", "jsonlines", "zstandard", "fsspec"}
TABLES_MAY_IMPORT = {"pandera", "polars"}
MAY_READ_THE_ENVIRONMENT = {"stages/models/endpoint.py", "stages/models/embedded.py", "stages/models/pool.py"}
REFUSED_CALLS = {"eval", "exec", "__import__"}
REFUSED_MODULES = {"pickle", "dill", "marshal", "shelve", "cloudpickle"}


def each(*packages: str) -> pytest.MarkDecorator:
    """Run a test once for every module of the packages."""
    return pytest.mark.parametrize("module", modules(*packages), ids=lambda module: module.name)


@each()
def test_imports_go_downhill(module: Module) -> None:
    """A package imports itself and what lies below it, and says so in full."""
    for line, name in module.imports():
        top = name.split(".")[0]
        assert not name.startswith("."), f"{module.name}:{line}: a relative import"
        assert top not in PACKAGES or top in BELOW[module.package], f"{module.name}:{line}: imports {name}, uphill"


@each("schemas")
def test_nouns_import_little(module: Module) -> None:
    """`schemas` needs the standard library and six small packages; whole-table laws are in `tables` alone."""
    allowed = NOUNS_MAY_IMPORT | set(sys.stdlib_module_names) | {"schemas"}
    if module.name == "schemas/tables.py":
        allowed |= TABLES_MAY_IMPORT
    strangers = {name for _, name in module.imports() if name.split(".")[0] not in allowed}
    assert not strangers, f"{module.name} imports {strangers}"


@each("stages", "schemas")
def test_nothing_is_printed_below_the_door(module: Module) -> None:
    """Only `rlra_cli` speaks: a stage is a function of its arguments."""
    spoken = [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input")
    ]
    assert not spoken, f"{module.name}: speaks on lines {spoken}"


@each("stages", "schemas")
def test_the_environment_is_not_read(module: Module) -> None:
    """No stage depends on a variable of the environment; three model backends have to."""
    if module.name in MAY_READ_THE_ENVIRONMENT:
        pytest.skip("a model backend, which may")
    found = [n for n, line in enumerate(module.text.split("\n"), 1) if re.search(r"\bos\.(environ|getenv)\b", line)]
    assert not found, f"{module.name}: reads the environment on lines {found}"


@each("stages")
def test_no_global_random_state(module: Module) -> None:
    """Random numbers come from a seed that was handed in, never from a generator that everyone shares."""
    whole = {name for _, name in module.imports()} & {"random"}
    drawn = [
        f"{module.name}:{node.lineno}: {ast.unparse(node.func)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _shares(ast.unparse(node.func), "random" in whole)
    ]
    assert not drawn


def _shares(call: str, imports_random: bool) -> bool:
    if re.match(r"(np|numpy)\.random\.", call):
        return not re.match(r"(np|numpy)\.random\.(default_rng|Generator|PCG64|Philox)\b", call)
    seeded = re.match(r"random\.Random\b", call)
    return call.startswith("torch.manual_seed") or (imports_random and call.startswith("random.") and not seeded)


@each()
def test_nothing_that_was_written_elsewhere_is_run(module: Module) -> None:
    """No `eval`, `exec`, pickles, remote code, or YAML that can build objects."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else None
        where = f"{module.name}:{node.lineno}"
        assert name not in REFUSED_CALLS, f"{where}: calls {name}"
        assert not _allows_remote_code(node), f"{where}: trusts remote code"
        assert not _unsafe_yaml(node), f"{where}: YAML without SafeLoader"
    assert not {name for _, name in module.imports()} & REFUSED_MODULES, module.name


def _allows_remote_code(call: ast.Call) -> bool:
    return any(
        word.arg in ("trust_remote_code", "allow_pickle")
        and not (isinstance(word.value, ast.Constant) and word.value.value is False)
        for word in call.keywords
    )


def _unsafe_yaml(call: ast.Call) -> bool:
    if not (isinstance(call.func, ast.Attribute) and ast.unparse(call.func).startswith("yaml.")):
        return False
    if call.func.attr in ("safe_load", "safe_dump", "dump"):
        return False
    loaders = [ast.unparse(word.value) for word in call.keywords if word.arg == "Loader"]
    return call.func.attr.startswith(("load", "unsafe", "full", "compose", "parse")) and loaders != ["yaml.SafeLoader"]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("f(trust_remote_code=True)", True),
        ("f(trust_remote_code=flag)", True),
        ("f(trust_remote_code=False)", False),
        ("yaml.load(text)", True),
        ("yaml.load(text, Loader=yaml.Loader)", True),
        ("yaml.compose(text, Loader=yaml.SafeLoader)", False),
        ("yaml.unsafe_load(text)", True),
        ("yaml.safe_load(text)", False),
    ],
)
def test_the_rules_above_can_see(text: str, refused: bool) -> None:
    """The two finders tell the dangerous form from the safe one."""
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert (_allows_remote_code(call) or _unsafe_yaml(call)) is refused
