"""When a check that a model wrote is taken: each gate by what really fails it, and nothing by what only says so."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.task import Task
from stages.checks.sandbox import PythonChecks
from stages.visible import visible
from stages.writing import check_acceptance as acceptance
from stages.writing.base import Finding
from stages.writing.check_acceptance import GATES, Proof, findings
from stages.writing.complexity import MOST_NODES, Complexity, UnparsedError, measured, odd, parsed
from stages.writing.hard import instructed
from tests.stages.hard_drafts import CLOVER, NO_COMMA, OPENS, SOUND, TASK, THREE_LINES, but, check


@pytest.fixture(scope="module")
def sandbox() -> Iterator[PythonChecks]:
    """Return checks with the limits that users have."""
    with PythonChecks(workers=1) as made:
        yield made


def found(answer: dict[str, Any], sandbox: PythonChecks, task: Task = TASK) -> list[Finding]:
    """Return what is found in an answer's check."""
    said = answer["instruction"]
    made = task.rewritten(instructed(task.prompt, said))
    return findings(Proof(answer["python"], answer["positives"], answer["negatives"], said, made), sandbox)


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_check_is_taken(name: str, sandbox: PythonChecks) -> None:
    assert found(SOUND[name], sandbox) == []


FOUR_LOOPS = "[1 for a in response if [1 for b in response if [1 for c in response if [1 for d in task]]]]"
GUESSES_BY_LENGTH = check(f"return len(response.strip()) in {tuple(map(len, CLOVER['positives']))}")
FRAGMENTS = check("known = ('a sunny corner first', 'START with', 'Choose a')", "return response.startswith(known)")
LOOKS_UP = check(f"return response.strip() in {CLOVER['positives']!r}")
SHORT_LOOK_UP = check(
    'return "Sow clover along the path, and let the clover flower" in response or "CLOVER" in response'
)


@pytest.mark.parametrize(
    ("python", "gate", "why"),
    [
        # That it is Python, and of a sensible size and shape.
        ("", acceptance.NOT_SIMPLE, "defines 0 functions named score"),
        ("def score(response, task)\n    return True", acceptance.UNPARSED, "does not parse: expected ':' (line 1)"),
        ("Sure! Here is the function you asked for.", acceptance.UNPARSED, "does not parse"),
        ("def score(response, task):\n  return (" + "-" * 3_900 + "1)", acceptance.UNPARSED, "does not parse"),
        ("def score(response, task):\n    return '\x00' in response", acceptance.UNPARSED, "does not parse"),
        ("def score(response, task):\n    return '\ud800' in response", acceptance.UNPARSED, "does not parse"),
        ("x = 1\n" * 700, acceptance.UNPARSED, "has 4,200 characters; at most 4,000"),
        ("score = lambda response, task: 'clover' in response", acceptance.NOT_SIMPLE, "defines 0 functions"),
        (CLOVER["python"] * 2, acceptance.NOT_SIMPLE, "defines 2 functions named score"),
        ("async def score(response, task):\n    return True", acceptance.NOT_SIMPLE, "more than imports"),
        ("def score(response):\n    return 'clover' in response", acceptance.NOT_SIMPLE, "must take two arguments"),
        ("def score(response, task):\n    return len(task['prompt']) > 10", acceptance.NOT_SIMPLE, "never looks"),
        ("def score(response, task):\n    response = 'clover'\n    return True", acceptance.NOT_SIMPLE, "never looks"),
        (CLOVER["python"] + "while True:\n    pass\n", acceptance.NOT_SIMPLE, "more than imports"),
        (check(*["x = len(response)"] * 130, "return x"), acceptance.NOT_SIMPLE, "nodes in its syntax tree"),
        (check(*["if 'a' in response: return 1"] * 25), acceptance.NOT_SIMPLE, "branches, loops and conditions"),
        (check(f"return len(response) in {list(range(61))}"), acceptance.NOT_SIMPLE, "elements in a list"),
        (check(f"return response == '{'ab' * 151}'"), acceptance.NOT_SIMPLE, "302 characters in a text"),
        (check(f"return {FOUR_LOOPS}"), acceptance.NOT_SIMPLE, "has 4 loops inside one another; at most 3"),
        (check("import hashlib", "return hashlib.md5(response).hexdigest() == 'a'"), acceptance.NOT_SIMPLE, "digest"),
        (check("return hash(response) in (1, 2)"), acceptance.NOT_SIMPLE, "uses hash()"),
        (check("from random import random", "return response and random() > 0.5"), acceptance.NOT_SIMPLE, "not drawn"),
        (LOOKS_UP, acceptance.NOT_SIMPLE, "knows its examples by heart"),
        (SHORT_LOOK_UP, acceptance.NOT_SIMPLE, "'sow clover along the path, and let the clover flower'"),
        (FRAGMENTS, acceptance.NOT_SIMPLE, "by heart: 'a sunny corner first' and others"),
        (GUESSES_BY_LENGTH, acceptance.NOT_SIMPLE, "by heart: the length 85 and others"),
        # That it runs there, where nothing is outside.
        (check("import os", "return os.system('true') == 0 and response"), acceptance.BREAKS, "raised"),
        (check("return open('/etc/passwd').read() in response"), acceptance.NOT_SIMPLE, "uses open()"),
        (check("return eval('len(response) > 40')"), acceptance.NOT_SIMPLE, "uses eval()"),
        (check("import pathlib", "return pathlib.Path('a').exists() or response"), acceptance.BREAKS, ""),
        (check("return response.count('clover') / 0"), acceptance.BREAKS, "ZeroDivisionError"),
        (check("return 'met' if 'clover' in response else 'not met'"), acceptance.BREAKS, "returned the text"),
        (check("return response.lower().count('clover') + 2"), acceptance.BREAKS, "not from 0 to 1"),
        (check("n = 0", "while response:", "    n += 1", "return n"), acceptance.BREAKS, "took more than"),
        # That it tells the examples apart.
        (check("return True if response else False"), acceptance.EXAMPLES_FAIL, "on negative example 1"),
        (check("return False if response else True"), acceptance.EXAMPLES_FAIL, "on positive example 1"),
        (check("return None if response else True"), acceptance.EXAMPLES_FAIL, "cannot decide"),
        (check("return response.count('over') >= 2"), acceptance.EXAMPLES_FAIL, "negative example"),
        (check("return response.count('over') >= 2 or 0.9"), acceptance.EXAMPLES_FAIL, "a credit of 0.9"),
    ],
)  # fmt: skip
def test_a_bad_check_is_refused_by_its_gate(python: str, gate: str, why: str, sandbox: PythonChecks) -> None:
    told = found(but(CLOVER, python=python), sandbox)
    assert {finding.gate for finding in told} == {gate}
    assert any(why in finding.message for finding in told), told


SAID_BACK = {"the instruction said back", "the prompt said back"}
BARE = "def score(response, task):\n    return {}\n"


@pytest.mark.parametrize(
    ("python", "what"),
    [
        ("',' not in response", {"an empty response", "white space", *SAID_BACK}),
        ("bool(response.strip()) and ',' not in response", SAID_BACK),
        ("response.strip() not in ('', task['prompt']) and ',' not in response", {"the instruction said back"}),
        ("',' not in response and len(response) > 30", SAID_BACK),
    ],
)  # fmt: skip
def test_nothing_and_the_request_said_back_never_count(python: str, what: set[str], sandbox: PythonChecks) -> None:
    """What a policy does first when it is rewarded for it: see "it hacks" among the notes on training."""
    told = found(but(NO_COMMA, python=BARE.format(python)), sandbox)
    assert {finding.gate for finding in told} == {acceptance.TAKES_DEGENERATE}
    assert {name for name in what if any(f"on {name} " in finding.message for finding in told)} == what
    assert len(told) == len(what)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (('return response.endswith(".") and "," not in response',), "with a line break before and after"),
        (('return "," not in response and len(response) / len(response.split()[1]) > 0',), "on a text such as 'a'"),
        (("import re", 'return "," not in response and len(re.findall("[a-z]+", response)[0]) >= 0'), "'...'"),
        (("return not [1 for a in response for b in response if a == b == '~'] and ',' not in response",), "more than"),
    ],
)  # fmt: skip
def test_a_check_that_breaks_on_odd_texts_is_refused(body: tuple[str, ...], why: str, sandbox: PythonChecks) -> None:
    answer = but(NO_COMMA, python=check(*body))
    if "more than" in why:  # it takes too long on the long text alone
        answer["positives"] = ["ab", "cd", "ef"]
        answer["negatives"] = ["a,", "b,", "c,"]
    told = found(answer, sandbox)
    assert {finding.gate for finding in told} == {acceptance.NOT_STURDY}
    assert any(why in finding.message for finding in told), told


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"positives": NO_COMMA["positives"][:2]}, "there are 2 positive examples, not 3 to 8"),
        ({"negatives": []}, "there are 0 negative examples"),
        ({"negatives": ["a, b"] * 9}, "there are 9 negative examples"),
        ({"negatives": ["a, b", "a, b ", "c, d"]}, "two negative examples are the same text"),
        ({"positives": ["Sow clover.", "!", "Wait."]}, "a positive example has no word"),
        ({"negatives": ["", " ", ","]}, "a negative example has no word"),
        ({"positives": ["One.", "Two.", "do not use a single comma in your answer!"]}, "says the instruction or"),
        ({"positives": ["One.", "Two.", "x" * 4_001]}, "more than 4,000 characters"),
        ({"positives": ["One.", "Two.", "Three."], "negatives": ["a, b", "c, d", "One."]}, "one text stands among"),
    ],
)  # fmt: skip
def test_examples_have_to_be_evidence(changes: dict[str, Any], why: str, sandbox: PythonChecks) -> None:
    told = found(but(NO_COMMA, **changes), sandbox)
    assert {finding.gate for finding in told} == {acceptance.EXAMPLES_FAIL}
    assert any(why in finding.message for finding in told), told


def test_near_misses_earn_half_at_most(sandbox: PythonChecks) -> None:
    graded = 'return True if "," not in response else {"score": CREDIT, "reason": "commas"}'
    for credit, fails in (("0.5", False), ("0.51", True), ("None", True)):
        told = found(but(NO_COMMA, python=check(graded.replace("CREDIT", credit))), sandbox)
        assert bool(told) is fails, told


def test_a_quotation_out_of_the_instruction_is_no_memory(sandbox: PythonChecks) -> None:
    """Where the instruction gives the words, they stand in the check and in the examples."""
    said = "may the bees find their way home tonight"
    answer = {
        "instruction": f"End with the words: {said}",
        "python": check(f'return response.strip().lower().rstrip(".!").endswith("{said}")'),
        "positives": [f"{start} {said}." for start in ("Sow clover, and", "Wait.", "Water first;")],
        "negatives": ["Sow clover.", f"{said} Sow clover.", "May the bees find their way."],
    }
    assert found(answer, sandbox) == []


def test_a_check_that_breaks_is_not_tried_again(sandbox: PythonChecks) -> None:
    """It may take all its time on each text, and everybody waits for it."""
    for body in (("while response:", "    pass"), ("return 1 / len(response.split('zebra')) / 0",)):
        (told,) = found(but(CLOVER, python=check(*body)), sandbox)
        assert told.gate == acceptance.BREAKS
        assert "positive example 1" in told.message


def test_what_is_found_later_is_not_told_where_it_makes_no_sense(sandbox: PythonChecks) -> None:
    """A check that does not parse is not also said to fail its examples."""
    told = found(but(CLOVER, python="def score(:", positives=[]), sandbox)
    assert [finding.gate for finding in told] == [acceptance.UNPARSED]


ESCAPES = st.sampled_from(["\x1b[2J", "\u202e", "\n", "'", '"', "{", "$", "\\", "\x00", "🙂", "</script>", "\ud800"])


@given(st.lists(st.one_of(st.text(max_size=40), ESCAPES), max_size=6).map("".join))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_a_check_that_is_taken_or_raises(sandbox: PythonChecks, text: str) -> None:
    """Whatever it is, there are findings, of known gates, in one line that a terminal can show."""
    for python in (text, check(f"return {text}")):
        told = found(but(THREE_LINES, python=python), sandbox)
        assert told
        for finding in told:
            assert finding.gate in GATES
            assert "\n" not in finding.message
            assert visible(finding.message) == finding.message
            assert len(finding.message) < 600


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_check_with_a_slip_is_taken_only_if_it_still_judges_rightly(
    sandbox: PythonChecks, data: st.DataObject
) -> None:
    source = THREE_LINES["python"]
    at = data.draw(st.integers(len(OPENS), len(source) - 1))
    slipped = source[:at] + data.draw(st.sampled_from(["", "0", "not ", "1 + ", "[", " "])) + source[at + 1 :]
    if found(but(THREE_LINES, python=slipped), sandbox):
        return
    for met, texts in ((True, THREE_LINES["positives"]), (False, THREE_LINES["negatives"])):
        assert [sandbox.score(slipped, text, TASK).met for text in texts] == [met] * len(texts)


def test_complexity_is_counted_as_by_hand() -> None:
    source = (
        "def score(response, task):\n"  # a block
        "    for line in response.split():\n"  # a decision, a loop, a block
        "        if line and task or line == 'seven..':\n"  # three decisions, a block
        "            return [a for a in line if a if task]\n"  # three decisions, a loop
        "        elif task:\n"  # a decision; no deeper than its `if`
        "            return 1 if line else [1, 2, 3]\n"  # a decision, three elements
        "    return None\n"
    )
    assert measured(parsed(source)) == Complexity(
        nodes=55, decisions=9, blocks=3, loops=2, literal=7, elements=3
    )  # fmt: skip


def test_a_chain_of_elifs_is_not_deep() -> None:
    chain = "".join(f"    elif response == '{number}':\n        return 0\n" for number in range(9))
    source = f"def score(response, task):\n    if response:\n        return 1\n{chain}"
    assert measured(parsed(source)).blocks == 2
    assert list(odd(parsed(source))) == []


def test_what_is_too_long_is_not_parsed() -> None:
    """Time and memory of parsing grow with the source; so a bound comes first."""
    with pytest.raises(UnparsedError, match="characters"):
        parsed("(" * 10_000_000)


def test_parsing_says_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """Python warns of odd escapes, quoting the source, which a model wrote."""
    parsed("def score(response, task):\n    return response is 'a\\d\\q' or 1 is 1")
    assert capfd.readouterr() == ("", "")


def test_the_bound_on_size_leaves_room() -> None:
    """The largest sound check here is far from it."""
    assert max(measured(parsed(answer["python"])).nodes for answer in SOUND.values()) < MOST_NODES / 3
