"""The method `hard`: one instruction written into the prompt, and one Python check that tells whether it was followed.

What the writer says is taken only where `check_acceptance` finds nothing against it; see there.
"""

import re
from collections.abc import Iterator
from random import Random

import orjson
from pydantic import Field, ValidationError

from schemas.base import Part
from schemas.criterion import Criterion
from schemas.jsonl import explain
from schemas.task import Message, Task
from stages.asking import UnreadableError
from stages.checks.judge_talk import AddressesJudge, addresses_judge
from stages.checks.sandbox import PythonChecks
from stages.checks.text import fold, words
from stages.seeds import derive
from stages.visible import one_line
from stages.writing.answers import last_object
from stages.writing.base import Draft, DraftError, Finding, Material
from stages.writing.check_acceptance import FEWEST_EXAMPLES, GATES, MOST_EXAMPLES, Proof, findings
from stages.writing.prompts import filled
from stages.writing.rewriting import is_hidden, other_language
from stages.writing.shown import conversation

BAD_INSTRUCTION = "bad_instruction"
"""What may be wrong with the words of an answer, as findings and counters name it."""
FEWEST_WORDS, MOST_WORDS = 3, 60
"""How long an instruction may be. Scripts without spaces count a word for each character, and three times as many."""
SUBJECTS = (
    "how long the response is, in words, sentences, lines or paragraphs",
    "how the response begins",
    "how the response ends",
    "a thing that has to be named, and how often or where",
    "words, letters or marks that are to be left out",
    "the layout: paragraphs, lists, headings or a table",
    "the order in which things are said",
    "numbers, dates or quantities in the response",
    "the length or the shape of single sentences",
    "capitals, emphasis or punctuation",
    "something said again, or nothing said twice",
    "questions, quotations or direct speech in the response",
    "the same thing done in every sentence, line or paragraph",
)
"""What instructions are about. Each prompt is given one of them, because writers left alone all ask for the same."""
_ID = re.compile(r"[a-z][a-z0-9_]{1,39}")
_FENCED = re.compile(r"\s*```(?:python|py)?[ \t]*\n(.*?)\n?```\s*", re.DOTALL)
_SPEAKS_OF_CHECKS = re.compile(
    r"\bscore\(|\btask\[|\b(?:rubric|grader|verdict|checker)s?\b|\b(?:pass|satisfy|fool|for) (?:the|this|our) check\b"
)


_EXAMPLES = {"type": "array", "items": {"type": "string"}, "minItems": FEWEST_EXAMPLES, "maxItems": MOST_EXAMPLES}
_FIELDS: dict[str, dict[str, object]] = {name: {"type": "string"} for name in ("id", "instruction", "python")}
_FIELDS |= {"positives": _EXAMPLES, "negatives": _EXAMPLES}
SCHEMA = orjson.dumps(
    {"type": "object", "properties": _FIELDS, "required": list(_FIELDS), "additionalProperties": False}
).decode()
"""The JSON Schema of an answer."""
KEYS = tuple(_FIELDS)


class HardAnswer(Part):
    """What the writer says: an instruction, its check, and responses that prove it."""

    id: str
    """Names the property; the criterion's id."""
    instruction: str
    """What the policy is asked to do, word for word."""
    python: str
    """Source of `score(response, task)`."""
    positives: tuple[str, ...] = Field(strict=False)
    """Responses that follow the instruction."""
    negatives: tuple[str, ...] = Field(strict=False)
    """Responses that do not."""


class Hard:
    """Writes one instruction and its check for each prompt. To be closed, for the sandbox's workers."""

    name = "hard"
    schema = SCHEMA
    gates = (BAD_INSTRUCTION, *GATES)

    def __init__(self, seed: int, sandbox: PythonChecks | None = None) -> None:
        """`seed` draws what the instruction of each prompt is about; the check runs in `sandbox`."""
        self._seed = seed
        self._sandbox = sandbox or PythonChecks()

    def question(self, given: Material) -> tuple[Message, ...]:
        """Return what the writer is asked; the same for the same material."""
        mark, shown = conversation(given.task)
        about = subject(self._seed, given.task)
        return (Message(role="user", content=filled("write_hard", mark=mark, conversation=shown, subject=about)),)

    def read(self, text: str, given: Material) -> Draft:
        """Return the draft in an answer: one criterion with a check that was proved in the sandbox, and the prompt.

        Raises UnreadableError for an answer without a JSON object as asked for, and DraftError with all that is wrong
        with one.
        """
        try:
            answer = HardAnswer.model_validate(last_object(text, KEYS))
        except ValidationError as error:
            raise UnreadableError(one_line(f"its JSON object is not as asked for: {explain(error)}", 300)) from None
        if found := objections(answer, given.task, self._sandbox):
            raise DraftError(*found)
        prompt = instructed(given.task.prompt, answer.instruction.strip())
        return Draft((criterion_of(answer),), "hard", prompt)

    def close(self) -> None:
        """End the sandbox's workers."""
        self._sandbox.close()


def subject(seed: int, task: Task) -> str:
    """Return what the instruction of a task is to be about: drawn for each prompt, and equal for equal ids."""
    return Random(derive(seed, task.id, "hard")).choice(SUBJECTS)


def instructed(prompt: str, instruction: str) -> str:
    """Return the prompt with the instruction behind it, set apart by a blank line."""
    return f"{prompt.rstrip()}\n\n{instruction}"


def criterion_of(answer: HardAnswer) -> Criterion:
    """Return the criterion with its check, beside which the examples that prove it are kept."""
    examples = {"met": list(answer.positives), "not_met": list(answer.negatives)}
    said = answer.instruction.strip()
    return Criterion(id=answer.id, text=said, python=source_of(answer), meta={"examples": examples})


def source_of(answer: HardAnswer) -> str:
    """Return the source, without the fence that some writers put around it."""
    fenced = _FENCED.fullmatch(answer.python)
    return f"{(fenced[1] if fenced else answer.python).strip()}\n"


def objections(answer: HardAnswer, task: Task, sandbox: PythonChecks) -> list[Finding]:
    """Return why the answer is not taken: nothing where it is. Never raises for an answer.

    `task` is as it was before. Runs the check in the sandbox some thirty times, in the calling thread.
    """
    if found := [*_unfit(answer, task)]:
        return found
    said = answer.instruction.strip()
    made = task.rewritten(instructed(task.prompt, said))
    return findings(Proof(source_of(answer), answer.positives, answer.negatives, said, made), sandbox)


def _unfit(answer: HardAnswer, task: Task) -> Iterator[Finding]:
    """Yield what is wrong with the words of an answer, before its check is looked at."""
    if not _ID.fullmatch(answer.id):
        yield Finding(BAD_INSTRUCTION, "the id is not of small letters, digits and _, beginning with a letter")
    if any(is_hidden(text) for text in (answer.instruction, answer.python, *answer.positives, *answer.negatives)):
        yield Finding(BAD_INSTRUCTION, "there are characters in it that cannot be seen or written")
        return
    said = answer.instruction.strip()
    count = len(words(said)) / (1 if said.isascii() else 3)
    if set("\r\n") & set(said) or len(words(said)) < FEWEST_WORDS or count > MOST_WORDS:
        yield Finding(BAD_INSTRUCTION, f"the instruction is not one line of {FEWEST_WORDS} to {MOST_WORDS} words")
    if " ".join(fold(said).split()) in " ".join(fold(task.prompt).split()):
        yield Finding(BAD_INSTRUCTION, "the request says the instruction already")
    if _SPEAKS_OF_CHECKS.search(fold(said)) or addresses_judge(said, AddressesJudge(), task).met:
        yield Finding(BAD_INSTRUCTION, "the instruction speaks of checks or to whoever grades, not of the response")
    if other_language(task.prompt, said):
        yield Finding(BAD_INSTRUCTION, "the instruction is in another language than the request")
