"""Single checks that decide nothing, that pay for a fault, or that ask for other than their text says."""

import re
from collections.abc import Iterator

from stages.checks.amount import Amount
from stages.checks.regexes import RegexMatch
from stages.checks.text import fold
from stages.lint.base import Hit, Rule, Subject, register
from stages.lint.vocabulary import listed

FAULTS = listed(
    """
    addresses_judge copies_prompt copies_reference echoes_example echoes_prompt opening_praise repetition
    self_evaluation talks_about_instruction truncated unasked_format
    """
)
"""Checks that are met by a fault."""
ABSENCES = listed(
    """
    forbidden_words no_commas no_exclamations keywords:forbidden_words punctuation:no_comma format:no_bullets_bullets
    format:no_whitespace words:no_consecutive
    """
)
"""Checks that are met where what they are named for is missing."""
_NEVER_NONE = frozenset(("word_count", "sentence_count", "paragraph_count"))
"""What every response that says anything has at least one of."""
_SPELLED = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER = re.compile(rf"(?<![\w.,/#-])(?:\d[\d,]*|{'|'.join(_SPELLED)})(?![\w/]|[.,]\d)")

_STRICT = re.compile(r"\b(?:fewer|less|more|under|over|below|above)\b")
"""Words by which 100 in a text is 99 or 101 in a check."""


def idle(subject: Subject) -> Iterator[Hit]:
    """Find checks that every response meets, or none."""
    for node in subject.checked:
        arguments, name = subject.arguments[node.criterion.id], node.criterion.check_name
        if isinstance(arguments, Amount) and (why := _decided(arguments, name or "")):
            yield Hit(node.at("check"), node.criterion.id, why)


def _decided(amount: Amount, name: str) -> str | None:
    least, most = amount.at_least or 0, amount.at_most
    if amount.exactly is None and most is None and least == 0:
        return "at least 0 is met by every response"
    if name in _NEVER_NONE and 0 in (amount.exactly, most):
        return "no response that says anything has none"
    if isinstance(amount, RegexMatch) and amount.exactly is None and most is None and least <= 1 and amount.count(""):
        return "the pattern matches an empty text, so every response meets it"
    return None


def rewarded_fault_checks(subject: Subject) -> Iterator[Hit]:
    """Find checks that are met by a fault, where being met is for the better."""
    for node in subject.checked:
        if node.wanted and node.criterion.check_name in FAULTS:
            message = f"`{node.criterion.check_name}` is met by the fault, and being met raises the reward"
            yield Hit(node.at("check"), node.criterion.id, message)


def penalised_absence_checks(subject: Subject) -> Iterator[Hit]:
    """Find checks that are met where something is missing, where being met is for the worse."""
    for node in subject.checked:
        if node.wanted is False and node.criterion.check_name in ABSENCES:
            message = f"`{node.criterion.check_name}` is met where it is missing, and being met lowers the reward"
            yield Hit(node.at("check"), node.criterion.id, message)


def text_against_check(subject: Subject) -> Iterator[Hit]:
    """Find texts that name numbers, of which none is one that the check counts to."""
    for node in subject.checked:
        arguments = subject.arguments[node.criterion.id]
        if not isinstance(arguments, Amount) or not node.criterion.text:
            continue
        said = [_number(word) for word in _NUMBER.findall(fold(node.criterion.text))]
        asked = [n for n in (arguments.at_least, arguments.at_most, arguments.exactly) if n is not None]
        slack = 1 if _STRICT.search(fold(node.criterion.text)) else 0
        if said and not any(abs(number - bound) <= slack for number in said for bound in asked):
            message = f"the text says {', '.join(map(str, said))}, and the check {arguments.describe()}"
            yield Hit(node.at("text"), node.criterion.id, message)


def _number(word: str) -> int:
    return _SPELLED.index(word) if word in _SPELLED else int(word.replace(",", ""))


register(
    Rule(
        code="L402",
        name="idle-check",
        severity="warning",
        says="A check is met by every response, or by none.",
        why="It adds the same to every reward, and nothing to learn from.",
        advice="give it a bound that some responses miss",
        bad="""
- id: answers
  check: {on_topic: {}}
- id: headings
  check: {heading_count: {at_least: 0}}
""",
        better="""
- id: answers
  check: {on_topic: {}}
- id: headings
  check: {heading_count: {at_most: 3}}
""",
        find=idle,
    )
)
register(
    Rule(
        code="L404",
        name="rewarded-fault-check",
        severity="error",
        says="A check that is met by a fault has a positive weight, or `veto: unless_met`.",
        why="Checks such as `repetition` are met where the fault is there. The policy is paid for it.",
        advice="give it a negative weight, or `veto: if_met`",
        bad="""
- id: answers
  check: {on_topic: {}}
- id: no_repetition
  check: {repetition: {}}
""",
        better="""
- id: answers
  check: {on_topic: {}}
- id: repetition
  check: {repetition: {}}
  veto: if_met
""",
        find=rewarded_fault_checks,
    )
)
register(
    Rule(
        code="L405",
        name="text-against-check",
        severity="warning",
        says="The text of a criterion names another number than its check.",
        why="The check decides, and reports show the text: readers are told what was not judged.",
        advice="let the text say what the check counts",
        bad="""
- id: short
  text: Has at most 100 words.
  check: {word_count: {at_most: 150}}
""",
        better="""
- id: short
  text: Has at most 150 words.
  check: {word_count: {at_most: 150}}
""",
        find=text_against_check,
    )
)
register(
    Rule(
        code="L406",
        name="penalised-absence-check",
        severity="warning",
        says="A check that is met where something is missing has a negative weight, or `veto: if_met`.",
        why="`forbidden_words` is met by responses without the words: they pay, and those that say the words do not.",
        advice="give it a positive weight, or `veto: unless_met`, and say in the text what is wanted",
        bad="""
- id: answers
  check: {on_topic: {}}
  weight: 2
- id: makes_excuses
  check: {forbidden_words: {words: [but, however]}}
  weight: -1
""",
        better="""
- id: answers
  check: {on_topic: {}}
  weight: 2
- id: no_excuses
  check: {forbidden_words: {words: [but, however]}}
""",
        find=penalised_absence_checks,
    )
)
