"""One prompt's life, to be read in a terminal: pure rendering, nothing is printed here.

Every text of a user or a model goes through `shown` into `rich.text.Text`: it is never markup, and
its control characters are drawn. Signs carry the meaning, so that it reads the same without colour.
"""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from rlra_cli.rubric_text import rubric_text
from rlra_cli.safe_text import as_json, grid, line, shown
from schemas.judged import Judged, JudgedResponse, Thought
from schemas.rollouts import Response, Rollouts
from schemas.rubric import Rubric
from schemas.task import Task
from stages.reports.marks import LEGEND, SIGNS, Tone, mark, votes_text
from stages.reports.reading import figure

STYLES: dict[Tone, str] = {"good": "green", "bad": "red", "between": "yellow", "absent": "dim", "failed": "bold yellow"}
_BAR = 10
_INDENT = (0, 0, 0, 3)
_LONGEST_THOUGHT, _LONGEST_BEFORE = 1_000, 300


def life(record: Task | Rollouts | Judged) -> RenderableType:
    """Return one prompt with everything that has happened to it so far, in the order of the file.

    Its conversation and rubric; for rollouts also the responses; when judged also rewards and every
    verdict with its reason. A missing reward is shown as `! no reward`, never as a number.
    """
    parts: list[RenderableType] = [_title(record), _conversation(record)]
    if record.rubric:
        parts += [Text(), rubric_text(record.rubric)]
    if isinstance(record, Rollouts):
        parts += [Text(), _summary(record), *_responses(record)]
    if isinstance(record, Judged):
        parts += [Text(), Text(LEGEND, style="dim")]
    return Group(*parts)


def _title(record: Task) -> Rule:
    return Rule(line((record.id, "bold"), (record.schema_tag(), "dim")), align="left", style="dim")


def _conversation(task: Task) -> Table:
    rows = grid(1)
    for message in task.messages:
        rows.add_row(Text(message.role, style="cyan"), shown(message.content))
    for follow_up in task.follow_ups:
        rows.add_row(Text("user, then", style="cyan"), shown(follow_up))
    for name, text in (("before rewriting", task.rewritten_from), ("reference", task.reference)):
        if text is not None:
            rows.add_row(Text(name, style="dim"), shown(text, "dim"))
    if task.meta:
        rows.add_row(Text("meta", style="dim"), shown(as_json(task.meta), "dim"))
    return rows


def _summary(group: Rollouts) -> Text:
    policy = group.policy
    count = len(group.responses)
    drawn = f", temperature {policy.sampling.temperature:g}" if policy.sampling else ""
    parts = [
        (f"{count} response" + ("" if count == 1 else "s"), "cyan"),
        (f"by {policy.model} ({policy.revision or 'no revision'}){drawn}", "dim"),
    ]
    if isinstance(group, Judged):
        parts.append((_spread(group.responses), ""))
        parts.append((_left_out(group), "yellow"))
    return line(*parts)


def _spread(responses: Sequence[JudgedResponse]) -> str:
    rewards = [response.reward for response in responses if response.reward is not None]
    missing = len(responses) - len(rewards)
    if not rewards:
        return "no rewards"
    text = f"rewards {figure(min(rewards))} to {figure(max(rewards))}, mean {figure(sum(rewards) / len(rewards))}"
    return text + (f", {missing} without one" if missing else "")


def _left_out(group: Judged) -> str:
    verdicts = (verdict for response in group.responses for verdict in response.verdicts)
    names = dict.fromkeys(verdict.criterion for verdict in verdicts if verdict.status == "abstained")
    return f"left out of all rewards, because a judge abstained: {', '.join(names)}" if names else ""


def _responses(group: Rollouts) -> Iterator[RenderableType]:
    for index, response in enumerate(group.responses, start=1):
        yield Text()
        yield _response_title(index, response, group)
        yield from (Padding(text, _INDENT) for text in _led_to(response))
        yield Padding(_answer(response), _INDENT)
        if isinstance(response, JudgedResponse) and group.rubric:
            yield Padding(_verdicts(group.rubric, response), _INDENT)
            yield from (Padding(_thought(thought), _INDENT) for thought in response.thoughts)


def _response_title(index: int, response: Response, group: Rollouts) -> Text:
    finish = {"stop": "", "length": "cut off", "failed": "failed"}[response.finish]
    parts = [(f"#{index}", "bold")]
    if isinstance(response, JudgedResponse):
        bounded = bool(group.rubric and group.rubric.reward.bounded)
        parts += _reward(response, bounded)
    return line(*parts, (f"{response.length} tokens", "dim"), (finish, "yellow"))


def _reward(response: JudgedResponse, bounded: bool) -> list[tuple[str, str]]:
    if response.reward is None:
        failed = sum(verdict.status == "failed" for verdict in response.verdicts)
        why = f"verdicts that failed: {failed}" if failed else "nothing left to score"
        return [(f"! no reward, {why}", STYLES["failed"])]
    full = round(_BAR * min(1.0, max(0.0, response.reward)))
    bar = "█" * full + "░" * (_BAR - full) if bounded else ""
    style = "red" if response.vetoed_by else ""
    parts = [(f"reward {figure(response.reward)}", f"bold {style}".strip()), (bar, style or "green")]
    return parts + [(f"✗ vetoed by {', '.join(response.vetoed_by)}", "red")] * bool(response.vetoed_by)


def _answer(response: Response) -> Text:
    if response.finish == "failed":
        return shown(f"! no answer: {response.error}", STYLES["failed"])
    return shown(response.text) if response.text else Text("(empty)", style="dim")


def _led_to(response: Response) -> Iterator[Text]:
    """Yield the turns and the thinking before an answer, folded short."""
    for message, cut_off in response.led_to:
        yield shown(f"{message.role}{' (cut off)' * cut_off}: {_folded(message.content)}", "dim")
    if response.thinking:
        yield shown(f"thought: {_folded(response.thinking)}", "dim italic")


def _thought(thought: Thought) -> Text:
    return shown(f"{thought.judge} thought: {_folded(thought.text, _LONGEST_THOUGHT)}", "dim italic")


def _folded(text: str, longest: int = _LONGEST_BEFORE) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _verdicts(rubric: Rubric, response: JudgedResponse) -> Table:
    rows = grid(3)
    for criterion, verdict in zip(rubric.leaves, response.verdicts, strict=True):
        found = mark(rubric, criterion, verdict)
        style = STYLES[found.tone]
        rows.add_row(
            Text(SIGNS[found.tone], style=style),
            shown(criterion.id),
            Text(found.words, style=style),
            shown("\n".join(filter(None, (verdict.reason, votes_text(verdict)))), "dim"),
        )
    return rows
