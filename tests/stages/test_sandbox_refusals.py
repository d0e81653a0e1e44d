"""Python from a rubric that is wrong or hostile: refused in time, with the reason on one line, whatever it does."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.checks.sandbox import LONGEST_SOURCE, PythonChecks, SandboxError, problems
from stages.checks.sandbox_workers import GRACE_S
from tests.stages.sandboxed import FINE, TASK, is_one_line, source

SHORT_S = 0.2
SLACK_S = 2.0
"""What a busy machine may add to the time of a run."""


@pytest.fixture(scope="module")
def hasty() -> Iterator[PythonChecks]:
    """Return checks that lose their patience soon."""
    with PythonChecks(timeout_s=SHORT_S, memory_mb=32, workers=2) as made:
        yield made


@pytest.fixture(scope="module")
def cramped() -> Iterator[PythonChecks]:
    """Return checks with little memory, and more time than is needed to fill it on a busy machine."""
    with PythonChecks(timeout_s=10, memory_mb=32, workers=2) as made:
        yield made


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "defines no function score(response, task)"),
        ("# nothing", "defines no function"),
        ("return True", "defines no function"),
        ("'''" + source("return 1"), "does not parse"),
        ("def rate(response, task):\n    return 1", "defines no function"),
        ("score = 1", "must take two arguments"),
        ("def score(): return 1", "must take two arguments"),
        ("def score(response): return 1", "must take two arguments"),
        ("def score(response, task, more): return 1", "must take two arguments"),
        ("def score(response, task=None): return 1", "must take two arguments"),
        ("def score(*all): return 1", "must take two arguments"),
        ("def score(response, task)\n    return 1", "does not parse: Expected `:`, found newline (line 1)"),
        ("x = 1\n\nx = (", "does not parse: unexpected EOF while parsing (line 3)"),
        ("x = 1\\", "does not parse"),
        ("\x00", "does not parse"),
        ("\ud800", "surrogates"),
        ("(" * 5000 + ")" * 5000, "does not parse: Source is too deeply nested"),
        ("x = " + "-" * 19_000 + "1", "too deeply nested"),
        ("#" * (LONGEST_SOURCE + 1), "20,001 characters; at most 20,000 are allowed"),
        (source("yield 1"), "lacks: yield expressions (line 2)"),
        (source("del task['meta']"), "lacks: the 'del' statement (line 2)"),
        ("class A(Exception):\n    pass", "lacks: class inheritance"),
        ("import numpy", "No module named 'numpy' (line 1); of the standard library"),
        ("\n\n1 / 0", "raised ZeroDivisionError: division by zero (line 3)"),
        ("open('/etc/passwd')", "the sandbox has no files, network or environment"),
        ("x = 'x' * 10 ** 10", "needed more than 32 MB of memory"),
        ("while True: pass", "took more than 0.2 s"),
    ],
)
def test_a_source_is_refused_with_the_reason(hasty: PythonChecks, text: str, why: str) -> None:
    with pytest.raises(SandboxError) as raised:
        hasty.compile(text)
    assert why in str(raised.value)
    assert is_one_line(str(raised.value))


def test_problems() -> None:
    assert problems(source("return 1")) == []
    assert problems("score = lambda response, task: 1") == []
    assert problems("def score(a, b, more=1): return 1") == []
    assert problems("x = ") == ["does not parse: Expected an expression (line 1)"]


SLOW, FAT, PRINTED = "took more than 0.2 s", "needed more than 32 MB of memory", "printed more than 1 MB"
NESTED = "x = [1]; y = [1]", "for i in range(40): x = [x, x]; y = [y, y]"
DEEP = "x = []", "for i in range(100000): x = [x]"
HOSTILE = {
    # Endless, and long in a single step.
    "loop": (SLOW, "while True: pass"),
    "loop that catches": (SLOW, "while True:", "    try:", "        while 1: pass", "    except BaseException: pass"),
    "loop in finally": (SLOW, "try:", "    while True: pass", "finally:", "    while True: pass"),
    "sum of a range": (SLOW, "return sum(range(10 ** 12))"),
    "endless iterator": (SLOW, "import itertools", "return max(itertools.count())"),
    "powers": (SLOW, "x = 7 ** (10 ** 5)", "while True: x = x * x if x < 1 << 50000000 else 7"),
    "modular power": (SLOW, "x = (1 << 2000000) - 1", "return pow(3, x, x)"),
    "gcd": (SLOW, "import math", "return math.gcd((1 << 30000000) - 1, (1 << 29999999) - 1)"),
    "factorial": (SLOW, "import math", "return math.factorial(10 ** 6)"),
    "comparison of nested lists": (SLOW, *NESTED, "return x == y"),
    "long text in a long list": (SLOW, "return ('a' * 10 ** 6 + 'b') in ['a' * 10 ** 6 + 'c'] * 100000"),
    "search again and again": (SLOW, "s = 'aab' * 100000", "while True: s.find('b' * 50)"),
    "upper": (SLOW, "s = 'a' * 8000000", "while True: s = s.upper()"),
    "key derivation": (SLOW, "import hashlib", "return hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10 ** 9)"),
    "decimal": (SLOW, "import decimal", "decimal.getcontext().prec = 10 ** 6", "return decimal.Decimal(2).sqrt()"),
    "print for ever": (PRINTED, "while True: print('x' * 100000)"),
    "eval": (SLOW, "return eval('[0 for i in range(10 ** 4) for j in range(10 ** 9) if j < 0]')"),
    # More memory than there is, at once and bit by bit.
    "text times": (FAT, "return len('x' * 10 ** 10)"),
    "text times beyond addresses": (FAT, "return len('x' * (1 << 60))"),
    "power": (FAT, "return 10 ** 10 ** 8"),
    "list of a range": (FAT, "return list(range(10 ** 9))"),
    "list grows": (FAT, "x = []", "while True: x.append('y' * 1000)"),
    "set grows": (FAT, "s = set(); i = 0", "while True: s.add(i); i += 1"),
    "sort": (FAT, "return sorted(range(10 ** 8, 0, -1))"),
    "replace": (FAT, "return len(('a' * 1000000).replace('a', 'b' * 1000000))"),
    "join": (FAT, "return len(('x' * 1000000).join(['y'] * 1000))"),
    "join of parts": (FAT, "return len(','.join(['x' * 1000000 for _ in range(10000)]))"),
    "split": (FAT, "return len(('a ' * 5000000).split())"),
    "format": (FAT, "return len(f'{1:>1000000000}')"),
    "precision": (FAT, "return len(f'{1.0:.1000000000f}')"),
    "zfill": (FAT, "return len('1'.zfill(10 ** 10))"),
    "expandtabs": (FAT, r"return len(('\t' * 1000).expandtabs(10 ** 8))"),
    "regular expression": (FAT, "import re", "return re.compile('|'.join(['a' * i for i in range(3000)]))"),
    "product": (FAT, "import itertools", "return list(itertools.product(range(100), repeat=6))"),
    "square root": (FAT, "import math", "return math.isqrt(1 << 100000000)"),
    "repr of nested lists": ("", "x = [1]", "for i in range(60): x = [x, x]", "return len(repr(x))"),
    "eval of long source": (FAT, "return eval('1' + '+1' * 3000000)"),
    "answer": (FAT, "return ['y' * 100] * 10000000"),
    # Deep.
    "recursion": ("RecursionError", "return score(response, task)"),
    "recursion in sort": ("RecursionError", "f = lambda x: sorted([1, 2], key=f)", "return f(1)"),
    "deep lists compared": ("RecursionError", *DEEP, "y = []", "for i in range(100000): y = [y]", "return x == y"),
    "deep lists copied": ("RecursionError", *DEEP, "import copy", "return copy.deepcopy(x)"),
    "deep lists as JSON": ("RecursionError", *DEEP, "import json", "return json.dumps(x)"),
    "deep JSON": ("recursion limit", "import json", "return json.loads('[' * 100000)"),
    "deep source": ("too deeply nested", "return eval('(' * 10000 + ')' * 10000)"),
    "deep pattern": ("too deeply nested", "import re", "return re.compile('(' * 5000 + ')' * 5000)"),
    "deep answer": ("", *DEEP, "return x"),
    "cyclic answer": ("value of type list", "x = []", "x.append(x)", "return x"),
    "exponential answer": ("", *NESTED, "return x"),
    # Outside.
    "file": ("Permission denied: '/etc/passwd' (line 2); the sandbox has", "return open('/etc/passwd').read()"),
    "file to write": ("Permission denied", "return open('/tmp/rlra-was-here', 'w').write('x')"),
    "path": ("Permission denied", "import pathlib", "return pathlib.Path('/etc/passwd').read_text()"),
    "folder": ("Permission denied", "import os", "return os.listdir('/')"),
    "file again and again": ("what is not there", "while True:", "    try: open('/x')", "    except Exception: pass"),
    "module again and again": ("what is not there", "while 1:", "    try: import x", "    except ImportError: pass"),
    "shell": ("AttributeError", "import os", "return os.system('true')"),
    "environment": ("no files, network or environment", "import os", "return os.environ['PATH']"),
    "variable": ("no files, network or environment", "import os", "return os.getenv('PATH')"),
    "entropy": ("no files, network or environment", "import os", "return os.urandom(1)"),
    "socket": ("No module named 'socket' (line 2)", "import socket"),
    "network": ("No module named 'urllib'", "import urllib.request"),
    "subprocess": ("No module named 'subprocess'", "import subprocess"),
    "foreign functions": ("No module named 'ctypes'", "import ctypes"),
    "our package": ("No module named 'stages'", "import stages.judge"),
    "subclasses": ("AttributeError", "return ().__class__.__bases__[0].__subclasses__()"),
    "globals of a function": ("AttributeError", "return (lambda: 0).__globals__"),
    "code of a function": ("AttributeError", "return score.__code__"),
    "builtins": ("NameError", "return __builtins__"),
    "import by name": ("NameError", "return __import__('os')"),
    "globals": ("NameError", "return globals()"),
    "input": ("NameError", "return input()"),
    "breakpoint": ("NameError", "breakpoint()"),
    "exit": ("NameError", "exit()"),
    "exit by hand": ("Internal error", "raise SystemExit(3)"),
    "interrupt by hand": ("KeyboardInterrupt", "raise KeyboardInterrupt"),
    # Words.
    "long words": ("raised ValueError: xxx", "raise ValueError('x' * 10 ** 6)"),
    "coloured words": ("raised ValueError: a ␛[31m b (line 2)", r"raise ValueError('a\n\x1b[31m b')"),
    "no words": ("raised ValueError (line 2)", "raise ValueError"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_gives_a_reason_and_we_go_on(
    hasty: PythonChecks, cramped: PythonChecks, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The reason, in time, on one line; nothing is printed; and the next check is answered."""
    why, *body = HOSTILE[name]
    begin = time.monotonic()
    with pytest.raises(SandboxError) as raised:
        (hasty if why in (SLOW, PRINTED, "") else cramped).score(source(*body), "", TASK)
    assert time.monotonic() - begin < SHORT_S + GRACE_S + SLACK_S
    assert why in str(raised.value)
    assert is_one_line(str(raised.value))
    assert hasty.score(FINE, "fine", TASK).met
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "pattern, text",
    [
        (r"(a+)+$", "'a' * 40 + 'b'"),
        (r"(a|aa)+$", "'a' * 5000 + 'b'"),
        (r"(a|aa)+\1$", "'a' * 60 + 'b'"),
        (r"^(?=(a+)+$)(a+)+\1b$", "'a' * 3000 + 'b'"),
        (r"(?=(a*)*)a*b", "'a' * 100000"),
        (r"(x+x+)+y", "'x' * 100000"),
        (r"(?i)(?:.*.*)*=x", "'a' * 30000"),
        (r"(a*)*(a*)*(a*)*\1\2\3b", "'a' * 200"),
        (r"(?<!a)(a?){50}a{50}(?!b)\1c", "'a' * 50"),
    ],
)
def test_a_pattern_may_take_long_but_not_for_ever(hasty: PythonChecks, pattern: str, text: str) -> None:
    begin = time.monotonic()
    try:
        hasty.score(source("import re", f"return re.search({pattern!r}, {text}) is None"), "", TASK)
    except SandboxError as error:
        assert "took more than" in str(error) or "Max" in str(error) or "limit" in str(error)
    assert time.monotonic() - begin < SHORT_S + GRACE_S + SLACK_S
    assert hasty.score(FINE, "fine", TASK).met


def test_a_response_that_does_not_fit_is_no_verdict(hasty: PythonChecks) -> None:
    for text, why in (("x" * 40_000_000, FAT), ("\ud800", "could not be run: UnicodeEncodeError")):
        with pytest.raises(SandboxError, match=why):
            hasty.score(FINE, text, TASK)
    assert hasty.score(FINE, "fine", TASK).met


def test_a_field_of_the_user_may_be_anything(hasty: PythonChecks) -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    cycle: dict[str, object] = {}
    cycle["cycle"] = cycle
    for meta in ({"x": deep}, {"x": 10**5000}, {"x": float("nan")}, {"x": b"x"}, {"x": (1, {2})}):
        assert hasty.score(FINE, "fine", TASK.model_copy(update={"meta": meta})).met
    for odd in (cycle, {"x": object()}, {"x": "\ud800"}):
        with pytest.raises(SandboxError, match="could not be run"):
            hasty.score(FINE, "fine", TASK.model_copy(update={"meta": odd}))
    assert hasty.score(FINE, "fine", TASK).met


WORDS = """
def score response task ( ) [ ] { } : , . ; = == != < > + - * ** / // % @ & | ^ ~ := -> ... 0 1 2 99 1e9 'a' "b" f'{x}'
f"{1!r:>{3}}" b'' r'\\' \'\'\' if else elif for in while return lambda try except finally raise with as class import
from global nonlocal pass break continue not and or is None True False async await yield del assert match case type
x y len range str int list dict set sorted print re json math __class__ __init__ self é \\ #
"""
TOKENS = (*WORDS.split(), "\n", "\n    ", "\n        ", " ", "\t", "\x0c", "\ufeff", "\x00")
WHOLE = [
    source("return len(response) > 2"),
    FINE,
    source(*NESTED),
    source("import re", r"return re.sub('a', r'\1', 'b')"),
]


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """Draw a whole source with a few spans dropped, doubled or filled with tokens."""
    text = draw(st.sampled_from(WHOLE))
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        end = min(end, at + 8)
        filling = draw(st.sampled_from(["", text[at:end] * 2, *TOKENS]))
        text = text[:at] + filling + text[end:]
    return text


soups = st.lists(st.sampled_from(TOKENS), max_size=30).map(" ".join)
any_source = st.one_of(mutants(), soups, st.text(max_size=60), st.tuples(soups, soups).map("\nx = (".join))


@settings(max_examples=1200, deadline=None)
@given(any_source)
def test_malformed_sources_are_refused_and_nothing_more(hasty: PythonChecks, text: str) -> None:
    """A SandboxError on one line, or a verdict."""
    for attempt in (lambda: hasty.compile(text), lambda: hasty.score(text, "fine", TASK)):
        try:
            attempt()
        except SandboxError as error:
            assert is_one_line(str(error))
