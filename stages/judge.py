"""`rlra judge`: give every response a verdict on every criterion, and a reward."""

from collections import Counter
from collections.abc import Container, Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError, field_validator

from schemas.base import Part
from schemas.errors import RlraError
from schemas.jsonl import explain
from schemas.judged import Judged, JudgedResponse, Thought, Usage, Verdict
from schemas.reward import RewardSpec
from schemas.rollouts import Response, Rollouts
from schemas.rubric import Rubric, join
from schemas.task import Task
from stages.models.base import Model

if TYPE_CHECKING:
    from stages.estimate import Asking
    from stages.voting import Panel


Method = Literal["text", "json", "logprob"]


class JudgeSpec(Part):
    """How responses are judged."""

    seed: int = 0
    """Decides every random number of the judge."""
    method: Method = "text"
    """How verdicts are asked for: reasons and verdicts in plain text, in JSON, or one token's log-probabilities."""
    temperature: float = Field(default=0.0, ge=0)
    """The judge's sampling temperature; 0 is greedy."""
    max_tokens: int = Field(default=1024, ge=1)
    """The longest answer of the judge, in tokens; one answer covers all criteria of a call."""
    attempts: int = Field(default=3, ge=1)
    """How often a question is put to the judge until its answer can be read."""
    criteria_per_call: str = "32"
    """The most criteria that one call to the judge asks about: a number, or `all`. With `logprob` always 1."""
    panel: Literal["majority", "mean", "minimum", "unanimous"] = "majority"
    """How several votes become a verdict."""
    repeats: int = Field(default=1, ge=1)
    """How often each judge votes, with seeds of its own; needs a temperature above 0."""
    permutations: int = Field(default=1, ge=1)
    """In how many balanced orders of criteria and tiers each judge votes."""
    quorum: int = Field(default=0, ge=0)
    """How many votes suffice where others fail; 0 is all of them."""
    unsure: float = Field(default=0.5, ge=0, le=1)
    """With --strong: a verdict whose margin is below this is put to the stronger judge."""
    least_mass: float = Field(default=0.5, ge=0, le=1)
    """With `logprob`: how much probability must lie on allowed answers; with less, the verdict fails."""
    longest: int = Field(default=100_000, ge=1)
    """The longest response that is judged whole, in characters."""
    overlong: Literal["fail", "head-tail"] = "fail"
    """What becomes of longer ones: no verdict, or head and tail are shown and the judge is told what is missing."""
    short_circuit: bool = False
    """Ask no model about a response that a check's veto has decided."""
    only_failed: bool = False
    """On a judged file: ask again only what failed, and let every other verdict stand as it is."""
    window: int = Field(default=32, ge=1)
    """Groups judged at a time by a model that runs in this process."""

    @field_validator("criteria_per_call", mode="before")
    @classmethod
    def _number_or_all(cls, given: str | int) -> str:
        text = str(given)
        if text != "all" and not (text.isascii() and text.isdigit() and int(text) > 0):
            raise ValueError(f"'{text}' is neither a number from 1 nor `all`")
        return text

    @property
    def per_call(self) -> int | None:
        """The most criteria of one call; None is all of a round."""
        if self.method == "logprob":
            return 1
        return None if self.criteria_per_call == "all" else int(self.criteria_per_call)


def judge(
    groups: Iterable[Rollouts],
    spec: JudgeSpec,
    judges: "Panel | Model | None",
    rubrics: Sequence[Rubric] = (),
    add: bool = False,
    counts: Counter[str] | None = None,
) -> Generator[Judged, None, None]:
    """Yield every group with verdicts and rewards, in order; only what is under way is in memory.

    `judges` is a panel, or one model. `rubrics` replace a line's own rubric, or join it with `add`. Groups may
    be judged already: a stored vote whose key still matches is kept, and checks run anew. What failed
    is a `failed` verdict, never a score. `counts` gains `reused`, `cached`, `escalated` and what `Asker` counts.
    Raises RlraError, before anyone is asked about the line, for a line without a rubric, rubrics
    that cannot be joined, an unknown check, and criteria that need a model when there is none.
    """
    from stages.case import Case
    from stages.judging import Bench
    from stages.streaming import flow
    from stages.voting import Panel

    panel = judges if isinstance(judges, Panel) else Panel(() if judges is None else (judges,))
    bench = Bench(spec, panel, counts if counts is not None else Counter())

    def cases() -> Iterator[Case]:
        for group in groups:
            case = Case(group, rubric_of(group, rubrics, add))
            bench.accept(case.rubric)
            yield case

    try:
        if rubrics and not add and not any(rubric.applies_to for rubric in rubrics):
            _joined(rubrics, "--rubrics")
        for rubric in () if add else rubrics:
            bench.accept(rubric)
        for case in flow(cases(), bench.judge, bench.limit, bench.weigh, bench.together, bench.close):
            thoughts = [case.thoughts_of(row) for row in case.rows]
            yield judged(case.group, case.rubric, case.rows, thoughts, case.usage())
    finally:
        bench.programs.close()


def askings(
    groups: Iterable[Rollouts],
    spec: JudgeSpec,
    panel: "Panel",
    rubrics: Sequence[Rubric] = (),
    add: bool = False,
    counts: Counter[str] | None = None,
) -> Iterator["Asking"]:
    """Yield every call that judging would make, and make none of them.

    Checks are run, gates that a model judges are taken to stand open, and the stronger judge is left out. `counts`
    gains `reused` and `cached`. Raises RlraError as `judge` does.
    """
    from stages.case import Case
    from stages.estimate import Asking
    from stages.judging import Bench

    bench = Bench(spec, panel, counts if counts is not None else Counter())
    try:
        for group in groups:
            case = Case(group, rubric_of(group, rubrics, add))
            bench.accept(case.rubric)
            for question in {question.once: question for question in bench.unanswered(case)}.values():
                yield Asking(question.seat.judge, question.request, len(question.keys))
    finally:
        bench.programs.close()


def rescore(groups: Iterable[Judged], reward: RewardSpec) -> Iterator[Judged]:
    """Yield every group with the rewards that `reward` makes of its stored verdicts, in order; nobody is asked.

    Raises RlraError naming the line where `reward` does not fit its rubric.
    """
    for group in groups:
        assert group.rubric is not None  # a judged line is refused without one
        try:
            rubric = Rubric.model_validate({**_fields(group.rubric, Rubric), "reward": reward})
        except ValidationError as error:
            what = explain(error).removeprefix("line: ")
            raise RlraError(f"{group.id}: the reward does not fit its rubric: {what}") from None
        rows = [{v.criterion: v for v in response.verdicts} for response in group.responses]
        yield judged(group, rubric, rows, [response.thoughts for response in group.responses], group.usage)


def rubric_of(group: Task, rubrics: Sequence[Rubric] = (), add: bool = False) -> Rubric:
    """Return the rubric that `group` is judged against: of `rubrics` those that apply to it. Raises RlraError.

    With `add`, a rubric whose criteria the line's own holds already does not join a second time.
    """
    own = group.rubric
    fit = [rubric for rubric in rubrics if rubric.applies({"id": group.id, "meta": group.meta})]
    if own is not None and (add or not rubrics):
        return _joined([own, *(r for r in fit if not all(c in own.criteria for c in r.criteria))], group.id)
    if not rubrics:
        raise RlraError(f"{group.id}: the line has no rubric", hint="give one with --rubrics FILE")
    if not fit:
        raise RlraError(f"{group.id}: none of the rubrics applies to this line", hint="see their `applies_to`")
    return _joined(fit, group.id)


def _joined(rubrics: Sequence[Rubric], where: str) -> Rubric:
    try:
        return join(list(rubrics))
    except ValueError as error:
        what = explain(error) if isinstance(error, ValidationError) else str(error)
        raise RlraError(
            f"{where}: the rubrics cannot be joined: {what}", hint="without --add, --rubrics replaces"
        ) from None


def judged(
    group: Rollouts,
    rubric: Rubric,
    rows: Sequence[dict[str, Verdict]],
    thoughts: Sequence[tuple[Thought, ...]] = (),
    usage: Usage | None = None,
) -> Judged:
    """Return `group` with one row of verdicts per response, by criterion id, and the rewards that follow."""
    from stages.scoring import score_group

    ordered = [tuple(row[criterion.id] for criterion in rubric.leaves) for row in rows]
    scored = zip(group.responses, ordered, score_group(rubric, ordered), thoughts or [()] * len(rows), strict=True)
    responses = tuple(
        JudgedResponse(**_fields(response, Response), verdicts=row, reward=reward, vetoed_by=vetoed_by, thoughts=said)
        for response, row, (reward, vetoed_by), said in scored
    )
    kept = _fields(group, Rollouts, {"tag", "rubric", "responses"})
    return Judged(**kept, rubric=rubric, responses=responses, usage=usage)


def _fields(record: Part, kind: type[Part], without: Container[str] = ()) -> dict[str, Any]:
    return {name: getattr(record, name) for name in kind.model_fields if name not in without}
