"""Python from a rubric: what it is given, what it may answer, and that every call stands alone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from stages.checks.base import Outcome
from stages.checks.sandbox import PythonChecks, SandboxError
from tests.stages.sandboxed import TASK, is_one_line, source


@pytest.fixture(scope="module")
def checks() -> Iterator[PythonChecks]:
    """Return checks with the limits that users have."""
    with PythonChecks(workers=2) as made:
        yield made


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ("True", Outcome(True, "score() returned True")),
        ("False", Outcome(False, "score() returned False")),
        ("None", Outcome(None, "score() returned None")),
        ("1", Outcome(True, "score() returned 1", score=1.0)),
        ("1.0", Outcome(True, "score() returned 1", score=1.0)),
        ("0", Outcome(False, "score() returned 0", score=0.0)),
        ("-0.0", Outcome(False, "score() returned 0", score=0.0)),
        ("3 / 4", Outcome(False, "score() returned 0.75", score=0.75)),
        ("{'score': True}", Outcome(True, "score() returned True")),
        ("{'score': None, 'reason': ''}", Outcome(None, "score() returned None")),
        ("{'score': False, 'reason': 'no tree'}", Outcome(False, "no tree")),
        ("{'score': 0.5, 'reason': 'half a tree'}", Outcome(False, "half a tree", score=0.5)),
        ("{'score': None, 'reason': 'no idea'}", Outcome(None, "no idea")),
        (r"{'score': 1, 'reason': 'a \x1b[31m\nand \u202e b'}", Outcome(True, "a ␛[31m and ⟨U+202E⟩ b", score=1.0)),
    ],
)  # fmt: skip
def test_an_answer_is_an_outcome(checks: PythonChecks, value: str, outcome: Outcome) -> None:
    assert checks.score(source(f"return {value}"), "", TASK) == outcome


def test_a_long_reason_is_cut(checks: PythonChecks) -> None:
    reason = checks.score(source("return {'score': True, 'reason': 'word ' * 100000}"), "", TASK).reason
    assert 200 < len(reason) <= 300
    assert reason.endswith("…")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("'score: 10'", "the text 'score: 10'"),
        ("'yes\\n\\x1b[2J' * 10000", "the text 'yes ␛"),
        ("1.5", "returned 1.5, which is not from 0 to 1"),
        ("-1", "not from 0 to 1"),
        ("2", "not from 0 to 1"),
        ("10 ** 5000", "not from 0 to 1"),
        ("float('nan')", "returned nan"),
        ("float('inf')", "returned inf"),
        ("[True]", "a value of type list"),
        ("(1, 'reason')", "a value of type tuple"),
        ("b'1'", "a value of type bytes"),
        ("1j", "a value of type complex"),
        ("lambda: 1", "not True, False, None or a number"),
        ("{}", "other keys"),
        ("{'score': 1, 'why': 'x'}", "other keys"),
        ("{1: 2}", "other keys"),
        ("{'score': 2, 'reason': 'x'}", "not from 0 to 1"),
        ("{'score': '1'}", "the text '1'"),
        ("{'score': {'score': 1}}", "a value of type dict"),
        ("{'score': 1, 'reason': 7}", "a value of type int"),
    ],
)
def test_anything_else_is_no_verdict(checks: PythonChecks, value: str, why: str) -> None:
    with pytest.raises(SandboxError) as raised:
        checks.score(source(f"return {value}"), "", TASK)
    assert why in str(raised.value)
    assert is_one_line(str(raised.value))


def test_the_task_is_handed_over(checks: PythonChecks) -> None:
    text = source(
        "turns = [(turn['role'], turn['content']) for turn in task['messages']]",
        "assert turns == [('user', 'Hello?'), ('assistant', 'Yes?'), ('user', 'Name a tree.')]",
        "assert task['prompt'] == 'Name a tree.' and task['reference'] == 'An oak.'",
        "assert task['meta']['nested'] == {'deep': [1, 2.5, None, True]}",
        "assert sorted(task) == ['messages', 'meta', 'prompt', 'reference']",
        "return any([word in response.lower() for word in task['meta']['words']])",
    )
    checks.compile(text)
    assert checks.score(text, "An Elm 🌳", TASK).met
    assert not checks.score(text, "", TASK).met


@pytest.mark.parametrize(
    "line",
    [
        "import re; return re.findall(r'(?i)\\b\\w+é', 'Café olé') == ['Café', 'olé']",
        "import json; return json.loads('{\"a\": [1, null]}') == {'a': [1, None]}",
        "import math; return math.isclose(math.sqrt(2) ** 2, 2)",
        "import collections; return collections.Counter('aab').most_common(1) == [('a', 2)]",
        "import itertools, functools; return functools.reduce(lambda a, b: a + b, itertools.chain([1], [2])) == 3",
        "import unicodedata; return unicodedata.name('é') == 'LATIN SMALL LETTER E WITH ACUTE'",
        "import re, json, math, collections, itertools, functools, datetime, unicodedata, random; return True",
        "import decimal, csv, tomllib, hashlib, base64, copy, dataclasses, typing; return True",
        "return f\"{12345:,} {0.5:.1%} {'a':^5}|\" == '12,345 50.0%   a  |'",
        "return '%d %s' % (3, 'x') == '3 x' and '{:>3}|{a}'.format(1, a=2) == '  1|2'",
        "return sorted(['b', 'A'], key=lambda word: word.lower()) == ['A', 'b'] and max([1, 2], key=lambda x: -x) == 1",
        "return {k: v for k, v in zip('ab', [1, 2])} == {'a': 1, 'b': 2} and [x for x in range(4) if x % 2] == [1, 3]",
        "return 'abc'[::-1] == 'cba' and 'Straße'.casefold() == 'strasse' and 'a b'.title().split() == ['A', 'B']",
        "a, *b = [1, 2, 3]; return (c := b) == [2, 3] and c[-1] == 3",
    ],
)
def test_what_the_docstring_promises(checks: PythonChecks, line: str) -> None:
    assert checks.score(source(line), "", TASK).met


def test_more_of_what_the_docstring_promises(checks: PythonChecks) -> None:
    text = "\n".join(
        (
            "from dataclasses import dataclass",
            "@dataclass",
            "class Pair:\n    left: int\n    right: int",
            "class Tally:\n    def __init__(self):\n        self.n = 0\n    def add(self):\n        self.n += 1",
            "def outer():",
            "    tally = Tally()",
            "    def inner():\n        tally.add()\n        return tally.n",
            "    return inner",
            "def score(response, task):",
            "    count = outer()",
            "    count()",
            "    try:\n        int('x')\n    except ValueError as error:\n        said = str(error)",
            "    match Pair(count(), 3):",
            "        case Pair(left=2, right=right):\n            return right == 3 and 'invalid literal' in said",
            "    return False",
        )
    )
    checks.compile(text)
    assert checks.score(text, "", TASK).met


def test_what_is_printed_goes_nowhere(checks: PythonChecks, capfd: pytest.CaptureFixture[str]) -> None:
    text = source("import sys", "print('x' * 100000)", "print('oops', file=sys.stderr)", "return True")
    checks.compile("print('at the top')\n" + text)
    assert checks.score(text, "", TASK).met
    assert capfd.readouterr() == ("", "")


def test_every_call_starts_afresh(checks: PythonChecks) -> None:
    """What one call leaves behind, in a global or in the task, the next does not find."""
    text = "seen = []\n" + source("seen.append(1)", "task['meta']['words'].append('x')", "return 1 / len(seen)")
    for _ in range(3):
        assert checks.score(text, "", TASK).score == 1.0
    assert TASK.meta["words"] == ["oak", "elm"]


def test_the_same_text_has_the_same_verdict(checks: PythonChecks) -> None:
    """No clock, no entropy, no addresses and no order of sets in which two processes differ."""
    text = source(
        "import time, random, datetime",
        "time.sleep(1000)",
        "parts = [time.time(), time.perf_counter(), time.process_time(), datetime.datetime.now(), random.random()]",
        "parts += [random.Random().random(), id(parts), hash('abc'), hash((1, 'x')), set(response.split()), score]",
        "return {'score': True, 'reason': str(parts)}",
    )
    reason = checks.score(text, "the quick brown fox jumps", TASK).reason
    assert "946684800.0" in reason
    with PythonChecks(workers=1) as others:
        assert {others.score(text, "the quick brown fox jumps", TASK).reason for _ in range(3)} == {reason}


def test_threads_share_the_pool(checks: PythonChecks) -> None:
    """Each gets its own answers, while others run into their limits."""
    text = source("return {'score': len(response) / 1000, 'reason': response[:9]}")

    def work(thread: int) -> list[Outcome]:
        if thread == 3:
            for body in (["while True: pass"], ["return 'x' * 10 ** 10"], ["raise ValueError"]):
                with pytest.raises(SandboxError):
                    checks.score(source(*body), "", TASK)
        return [checks.score(text, f"{thread} {i} ".ljust(thread * 50 + i), TASK) for i in range(10, 50)]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(work, range(8)))
    for thread, outcomes in enumerate(found):
        assert [outcome.reason.split() for outcome in outcomes] == [[str(thread), str(i)] for i in range(10, 50)]
        assert [outcome.score for outcome in outcomes] == [(thread * 50 + i) / 1000 for i in range(10, 50)]
