"""Where drafts are written: ask, read, hold against the gates, let the writer mend once, take or reject."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from schemas.base import digest
from schemas.jsonl import explain
from schemas.rubric import Rubric
from schemas.task import Message, Task
from stages.asking import QUOTED_CHARACTERS, Asker, Failure, Reply
from stages.models.base import Completion, Request
from stages.reading.thoughts import answer
from stages.seeds import derive
from stages.streaming import begun
from stages.visible import one_line
from stages.writing import rewriting
from stages.writing.accounts import Account, as_meta, as_texts, without_rejection
from stages.writing.base import Draft, DraftError, Finding, Material, Method, NothingToShowError
from stages.writing.bench import ProbeBench, UntriedError
from stages.writing.criteria import INVALID
from stages.writing.gates import Gate, held_back
from stages.writing.merging import merged
from stages.writing.prompts import filled
from stages.writing.spec import WritingSpec

_MOST_FINDINGS = 20
_LONGEST_PROBLEM = 300
Readable = Draft | DraftError


@dataclass(frozen=True)
class Written:
    """What came of one line."""

    task: Task
    """The task, with its new rubric where a draft was taken, else as it came."""
    accepted: bool
    accounts: tuple[Account, ...]
    """What became of each writer's draft."""


@dataclass(frozen=True)
class _Held:
    """A draft as a rubric, and what the gates have against it."""

    draft: Draft | None
    findings: list[Finding]
    ran: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Desk:
    """Writes a rubric for one line at a time; keeps nothing between lines."""

    method: Method
    spec: WritingSpec
    seed: int
    writers: Sequence[Asker]
    gates: Sequence[Gate]
    """What needs no judge, in order."""
    bench: ProbeBench | None = None
    """What needs one."""
    rewrites: bool = False
    """Whether prompts are rewritten to fit their new rubrics, by the first writer whose draft was taken."""

    async def write(self, given: Material) -> Written:
        """Return the line with its rubric, or why it got none. Raises what the models raise, never for an answer."""
        asked = [begun(_Turn(self, given, number, asker).take()) for number, asker in enumerate(self.writers)]
        ended = await asyncio.gather(*asked)
        accounts = tuple(account for account, _ in ended)
        taken = [(asker, draft) for asker, (_, draft) in zip(self.writers, ended, strict=True) if draft]
        if not taken:
            return Written(given.task, False, accounts)
        draft = self._joint(given.task, [draft for _, draft in taken])
        own = {criterion.text for criterion in draft.criteria}
        names = [asker.model.reference for asker, each in taken if own & {c.text for c in each.criteria}]
        rubric = self.rubric_of(draft, given.task, names).model_copy(
            update={"meta": as_meta(self.method.name, accounts)}
        )
        task = given.task.model_copy(update={"rubric": rubric, "meta": without_rejection(given.task.meta)})
        if draft.prompt is not None:
            task = task.rewritten(draft.prompt)
        return Written(await self._rewritten(task, taken[0][0]), True, accounts)

    def rubric_of(self, draft: Draft, task: Task, writers: Sequence[str]) -> Rubric:
        """Return the draft as the rubric of a task. Raises ValidationError for criteria that do not go together."""
        return Rubric(
            rubric=f"{self.method.name}.{digest([task.id, task.prompt])}",
            scope=self.spec.scope,
            kind=draft.kind,
            source="llm",
            author=", ".join(writers),
            criteria=draft.criteria,
        )

    def _joint(self, task: Task, drafts: Sequence[Draft]) -> Draft:
        """Return one draft of several; where drafts change the prompt, which only one of them can, the first."""
        first = drafts[0]
        if len(drafts) == 1 or first.prompt is not None:
            return first
        own = [draft.criteria for draft in drafts if draft.prompt is None and draft.kind == first.kind]
        return Draft(
            merged(own, lambda criteria: bool(self.held(Draft(criteria, first.kind), task).findings)), first.kind
        )

    def held(self, draft: Draft, task: Task) -> _Held:
        """Return what the gates that need no judge have against a draft."""
        try:
            rubric = self.rubric_of(draft, task, ())
        except ValidationError as error:
            said = one_line(explain(error).removeprefix("line: "), _LONGEST_PROBLEM)
            return _Held(draft, [Finding(INVALID, said)], [*self.method.gates, INVALID])
        findings = held_back(rubric, task, self.gates)
        broken = any(finding.gate == INVALID for finding in findings)
        held = (INVALID,) if broken else tuple(gate.reason for gate in self.gates)
        return _Held(draft, findings, [*self.method.gates, *held])

    async def _rewritten(self, task: Task, asker: Asker) -> Task:
        """Return the task with a prompt that fits its rubric, where that is wanted and its guards let it pass."""
        if not self.rewrites or task.rubric is None:
            return task
        spec = self.spec
        made = await rewriting.rewrite(task, asker, self.seed, spec.temperature, spec.max_tokens)
        rubric = task.rubric.model_copy(update={"meta": {**task.rubric.meta, "rewriting": made.outcome}})
        return made.task.model_copy(update={"rubric": rubric})


@dataclass(frozen=True)
class _Turn:
    """One writer at one line."""

    desk: Desk
    given: Material
    number: int
    """Which writer it is: two of them ask nothing with the same seed."""
    asker: Asker

    async def take(self) -> tuple[Account, Draft | None]:
        """Return what became of the writer's draft, and the draft where it is taken."""
        account = Account(writer=self.asker.model.reference)
        try:
            messages = self.desk.method.question(self.given)
        except NothingToShowError as error:
            return account.model_copy(update={"failure": f"nothing to show: {error}"}), None
        reply = await self._put(messages)
        if isinstance(reply.value, Failure):
            return account.model_copy(update={"failure": str(reply.value)}), None
        held, failure = await self._held(reply.value)
        account = account.model_copy(
            update={"ran": tuple(held.ran), "first": as_texts(held.findings), "failure": failure}
        )
        if failure or not held.findings:
            return account, None if failure else held.draft
        return await self._mended(account, messages, reply, held.findings)

    async def _mended(
        self, account: Account, messages: tuple[Message, ...], reply: Reply[Readable], findings: Sequence[Finding]
    ) -> tuple[Account, Draft | None]:
        """Return what becomes of the draft once its writer has seen what is wrong with it."""
        again = await self._put((*messages, *_complaint(reply.completion, findings)))
        if isinstance(again.value, Failure):
            # What counts is what was wrong with the draft: there is one.
            return account, None
        held, failure = await self._held(again.value)
        changed = {"ran": tuple(held.ran), "again": as_texts(held.findings), "failure": failure}
        account = account.model_copy(update=changed)
        return account, held.draft if account.accepted else None

    async def _put(self, messages: tuple[Message, ...]) -> Reply[Readable]:
        desk, spec = self.desk, self.desk.spec
        seed = derive(desk.seed, "write", self.given.id, self.number, digest([turn.content for turn in messages]))
        request = Request(messages, seed, spec.temperature, spec.max_tokens, desk.method.schema)
        return await self.asker.put(request, self._read)

    def _read(self, completion: Completion) -> Readable:
        try:
            return self.desk.method.read(answer(completion), self.given)
        except DraftError as error:  # it is there: to be mended, and not asked for as if it could not be read
            return error

    async def _held(self, said: Readable) -> tuple[_Held, str]:
        """Return what all gates have against an answer; and what kept the judge from saying so, or ""."""
        if isinstance(said, DraftError):
            return _Held(None, list(said.findings), self._ran(said)), ""
        held, bench = self.desk.held(said, self.given.task), self.desk.bench
        # Responses to the prompt as it was say nothing about a draft that changes it.
        if held.findings or bench is None or said.prompt is not None:
            return held, ""
        rubric = self.desk.rubric_of(said, self.given.task, ())
        try:
            ran, findings = await bench.hold(rubric, self.given, self.asker, self.desk.seed)
        except UntriedError as error:
            return held, str(error)
        return _Held(said, findings, [*held.ran, *ran]), ""

    def _ran(self, said: DraftError) -> list[str]:
        """Return the gates that the method held an unusable draft against: its own up to the first that objected."""
        own = self.desk.method.gates
        failed = list(dict.fromkeys(finding.gate for finding in said.findings))
        return [*own[: own.index(failed[0])], *failed] if failed[0] in own else failed


def _complaint(completion: Completion | None, findings: Sequence[Finding]) -> tuple[Message, Message]:
    """Return the draft as a turn of the writer, and what is wrong with it as the next one."""
    said = answer(completion)[-QUOTED_CHARACTERS:] if completion else ""
    listed = "\n".join(f"- {finding.message}" for finding in findings[:_MOST_FINDINGS])
    return Message(role="assistant", content=said), Message(
        role="user", content=filled("write_repair", findings=listed)
    )
