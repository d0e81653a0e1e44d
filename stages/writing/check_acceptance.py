"""When a check that a model wrote is taken: it parses, is no riddle, runs, and judges texts of a known verdict rightly.

Nothing here believes the writer. Its examples are evidence only because the check, which it wrote as well, has to tell
them apart while it refuses texts that no honest check would take: nothing at all, and the request said back. What the
examples cannot show, such as a check that asks for something else than its instruction, is for a person to see: they
are kept beside the check.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.task import Task
from stages.checks.base import Outcome
from stages.checks.sandbox import PythonChecks, SandboxError
from stages.checks.text import folded_words, has_word
from stages.visible import one_line
from stages.writing.base import Finding
from stages.writing.complexity import UnparsedError, memorised, odd, parsed

UNPARSED = "check_unparsed"
NOT_SIMPLE = "check_not_simple"
BREAKS = "check_breaks"
EXAMPLES_FAIL = "check_fails_examples"
TAKES_DEGENERATE = "check_takes_degenerate"
NOT_STURDY = "check_not_sturdy"
GATES = (UNPARSED, NOT_SIMPLE, BREAKS, EXAMPLES_FAIL, TAKES_DEGENERATE, NOT_STURDY)
"""What may be wrong with a check, as findings and counters name it."""
FEWEST_EXAMPLES = 3
MOST_EXAMPLES = 8
LONGEST_EXAMPLE = 4_000
MOST_CREDIT = 0.5
"""A text that does not follow the instruction may earn so much for being close."""
LONG_TEXT = 20_000
"""Characters of the longest text that a check is tried on: an answer of some 5,000 tokens."""
_QUOTED = 60
_ODD_TEXTS = ("a", "...", "?!", "🙂", "12", "- \n- \n", "春眠不觉晓，处处闻啼鸟。", '"', "```\n", "{}")
"""Texts without a sentence, a word or a letter, on which careless code divides by nothing."""


@dataclass(frozen=True)
class Proof:
    """A check with the texts that it has to judge as the writer says."""

    source: str
    positives: Sequence[str]
    """Responses that follow the instruction."""
    negatives: Sequence[str]
    """Responses that do not."""
    instruction: str
    task: Task
    """The task as the policy will see it: its prompt holds the instruction."""


def findings(proof: Proof, sandbox: PythonChecks) -> list[Finding]:
    """Return why the check is not taken: nothing where it is.

    Gates stand in an order in which the later ones make no sense where an earlier one failed, so that only the
    findings of the first failing one are told. The check runs in the sandbox alone.
    """
    for gate in (_parses, _runs, _has_examples, _examples_hold, _refuses_degenerate, _is_sturdy):
        if found := list(gate(proof, sandbox)):
            return found
    return []


def degenerate(task: Task, instruction: str) -> dict[str, str]:
    """Return texts that follow no instruction, by what they are: nothing, and the request said back."""
    return {
        "an empty response": "",
        "white space": " \n\t\n",
        "the instruction said back": instruction,
        "the prompt said back": task.prompt,
    }


def _parses(proof: Proof, sandbox: PythonChecks) -> Iterator[Finding]:
    try:
        tree = parsed(proof.source)
    except UnparsedError as error:
        yield Finding(UNPARSED, f"the check {error}")
        return
    yield from (Finding(NOT_SIMPLE, f"the check {message}") for message in odd(tree))
    examples = [*proof.positives, *proof.negatives]
    if copied := memorised(tree, examples, f"{proof.instruction}\n{proof.task.prompt}"):
        yield Finding(NOT_SIMPLE, f"the check knows its examples by heart: {one_line(copied, _QUOTED)}")


def _has_examples(proof: Proof, sandbox: PythonChecks) -> Iterator[Finding]:
    for name, texts in (("positive", proof.positives), ("negative", proof.negatives)):
        if not FEWEST_EXAMPLES <= len(texts) <= MOST_EXAMPLES:
            yield Finding(
                EXAMPLES_FAIL, f"there are {len(texts)} {name} examples, not {FEWEST_EXAMPLES} to {MOST_EXAMPLES}"
            )
        if any(len(text) > LONGEST_EXAMPLE for text in texts):
            yield Finding(EXAMPLES_FAIL, f"a {name} example has more than {LONGEST_EXAMPLE:,} characters")
        if not all(map(has_word, texts)):
            yield Finding(EXAMPLES_FAIL, f"a {name} example has no word")
    echoes = {_bare(text) for text in degenerate(proof.task, proof.instruction).values()}
    if any(_bare(text) in echoes for text in proof.positives):
        yield Finding(EXAMPLES_FAIL, "a positive example says the instruction or the prompt back")
    for name, texts in (("positive", proof.positives), ("negative", proof.negatives)):
        # Layout may be what is asked for, so that texts are told apart by all but the white space around them.
        if len({text.strip() for text in texts}) < len(texts):
            yield Finding(EXAMPLES_FAIL, f"two {name} examples are the same text")
    if {text.strip() for text in proof.positives} & {text.strip() for text in proof.negatives}:
        yield Finding(EXAMPLES_FAIL, "one text stands among the positive examples and among the negative ones")


def _runs(proof: Proof, sandbox: PythonChecks) -> Iterator[Finding]:
    try:
        sandbox.compile(proof.source)
    except SandboxError as error:
        yield Finding(BREAKS, f"the check {error}")


def _examples_hold(proof: Proof, sandbox: PythonChecks) -> Iterator[Finding]:
    for name, texts, met in (("positive", proof.positives, True), ("negative", proof.negatives, False)):
        for number, text in enumerate(texts, start=1):
            what = f"{name} example {number}, '{one_line(text[:200], _QUOTED)}',"
            if wrong := _misjudged(proof, sandbox, text, met):
                yield Finding(BREAKS if wrong.broke else EXAMPLES_FAIL, f"on {what} the check {wrong.how}")
                if wrong.broke:  # it may have taken all its time, and would on the next text
                    return


def _refuses_degenerate(proof: Proof, sandbox: PythonChecks) -> Iterator[Finding]:
    for what, text in degenerate(proof.task, proof.instruction).items():
        if wrong := _misjudged(proof, sandbox, text, met=False):
            yield Finding(BREAKS if wrong.broke else TAKES_DEGENERATE, f"on {what} the check {wrong.how}")
            if wrong.broke:
                return


def _is_sturdy(proof: Proof, sandbox: PythonChecks) -> Iterator[Finding]:
    """Find a verdict that hangs on white space around a text, and texts on which the check breaks."""
    for text, met in ((proof.positives[0], True), (proof.negatives[0], False)):
        if wrong := _misjudged(proof, sandbox, f"\n{text.strip()}\n", met):
            yield Finding(NOT_STURDY, f"with a line break before and after an example the check {wrong.how}")
    whole = " ".join([*proof.positives, *proof.negatives])
    for text in (*_ODD_TEXTS, (whole * (LONG_TEXT // len(whole) + 1))[:LONG_TEXT]):
        try:
            sandbox.score(proof.source, text, proof.task)
        except SandboxError as error:
            yield Finding(NOT_STURDY, f"on a text such as '{one_line(text[:200], 20)}' the check {error}")
            return


@dataclass(frozen=True)
class _Wrong:
    """What a check did that it should not have done."""

    how: str
    broke: bool = False


def _misjudged(proof: Proof, sandbox: PythonChecks, text: str, met: bool) -> _Wrong | None:
    try:
        outcome = sandbox.score(proof.source, text, proof.task)
    except SandboxError as error:
        return _Wrong(str(error), broke=True)
    if outcome.met is met and (met or _credit(outcome) <= MOST_CREDIT):
        return None
    wanted = "met" if met else "not met"
    found = "cannot decide" if outcome.met is None else "says met" if outcome.met else "says not met"
    close = f" with a credit of {_credit(outcome):g}" if outcome.met is False and not met else ""
    return _Wrong(f"{found}{close}, not {wanted}: {one_line(outcome.reason, _QUOTED)}")


def _credit(outcome: Outcome) -> float:
    return outcome.score or 0.0


def _bare(text: str) -> str:
    return " ".join(folded_words(text))
