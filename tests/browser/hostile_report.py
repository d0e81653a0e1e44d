"""A report in which every text tries to act."""

from schemas.judged import Judged, Usage, Verdict, Vote
from schemas.report import Gate
from schemas.task import Message
from schemas.train_log import TrainLog
from stages.eval import EvalSpec, evaluate
from stages.provenance import Origin
from stages.reports.compared import Compared
from stages.reports.examples import show
from stages.reports.html import Training, render
from stages.training.parting import Held, Parting
from tests.judged_lines import LIES, RUBRIC, RUDE, SHORT, TONE, answer, group

ACTS = (
    "</style></title></svg></pre></details><script>window.ran=1;alert(1)</script>"
    '<img src=x onerror="window.ran=1;alert(2)">'
    "<svg onload=alert(3)><iframe srcdoc='<script>parent.ran=1</script>'></iframe><a href=javascript:alert(4)>go</a>"
    "<style>body{display:none}</style><base href=//evil.example>"
    "<meta http-equiv=refresh content='0;url=//evil.example'>"
    '" onmouseover="window.ran=1" style="position:fixed{{ 7*7 }}\x1b[31m\x00\u202e&amp;\'`--><!-- ]]> '
)
LONG = "unbroken" * 60


def nasty(name: str) -> str:
    """Return a text that says where it stands, and then tries to act."""
    return f"[{name}]{ACTS}{LONG}"


FIELDS = [
    "label", "other", "axis", "model", "revision", "engine", "template", "judge", "rubric-name", "prompt", "response",
    "earlier", "reason", "error", "criterion", "says", "bar", "metric", "event", "origin-path", "stage", "version",
    "command", "missing", "role", "why", "count", "typed",
]  # fmt: skip
"""Every text that somebody else may have written."""


def hostile_page() -> str:
    """Return the page of a report of two axes, a training run and a chain, all of whose texts are hostile."""
    comparisons = [_compared("", better=True), _compared(nasty("axis"), better=False)]
    metrics = {f"met/{nasty('metric')}": 0.1, "reward": 0.2}
    logs = [TrainLog(id=f"{n}", step=n, seconds=1, metrics=metrics) for n in (1, 2)]
    logs.append(TrainLog(id="e", step=2, seconds=1, event=f"alarm: {nasty('event')}"))
    failed = _line(nasty("id"), good=False, failed=True)
    held = [Held(1, 0.2, {"p": 0.5, "q": 0.7})]
    training = Training(logs, held, Parting(0, 1, 0.2, 0.4, 2), [(failed, show(failed, 0))])
    selected = Origin("t", "/w/t", 1, stage="select-data", counts=_DROPPED)
    return render(comparisons, training, [_origin(), selected], nasty("typed"))


_DROPPED = {f"dropped_{nasty('count')}": 4, "records": 2}


def _origin() -> Origin:
    return Origin(
        name=nasty("name"), path=f"/w/{nasty('origin-path')}", stage=nasty("stage"), version=nasty("version"),
        command=nasty("command"), inputs=("/w/t", nasty("missing")), roles=(nasty("role"), nasty("role")),
        sha256=nasty("digest"), records=3, started=nasty("started"), seconds=2.0, counts={nasty("key"): 1, "calls": 2},
        state="changed", why=nasty("why"), is_sound=False,
    )  # fmt: skip


def _compared(axis: str, better: bool) -> Compared:
    before = [_line(f"p{n}-{nasty('id')}", good=not better) for n in range(3)]
    after = [_line(f"p{n}-{nasty('id')}", good=better, failed=n == 2) for n in range(3)]
    report = evaluate(before, after, (nasty("label"), nasty("other")), EvalSpec(resamples=20), axis=axis)
    gates = (Gate(measure="reward", bar=nasty("bar"), passed=False),)
    named = [change.model_copy(update={"name": nasty("criterion")}) for change in report.criteria]
    told = [change.model_copy(update={"says": nasty("says")}) for change in report.measures]
    changed = report.model_copy(update={"gates": gates, "criteria": tuple(named), "measures": tuple(told)})
    return Compared(changed, before, after)


def _line(name: str, good: bool, failed: bool = False) -> Judged:
    made = answer(nasty("response"), *((2, 1, 0, 0) if good else (0, 0, 1, 0)), reason=nasty("reason"))
    broken = answer("", "failed", "failed", "failed", "failed", finish="failed", reason=nasty("reason"))
    response, verdicts = broken if failed else made
    turns = (Message(role="assistant", content=nasty("earlier")), Message(role="user", content=nasty("earlier")))
    response = response.model_copy(update={"earlier": turns, "error": nasty("error") if failed else None})
    verdicts = {name: _by(verdict) for name, verdict in verdicts.items()}
    line = group(name, (response, verdicts), prompt=nasty("prompt"))
    policy = line.policy.model_copy(update={key: nasty(key) for key in ("model", "revision", "engine", "template")})
    rubric = RUBRIC.model_copy(update={"rubric": nasty("rubric-name"), "criteria": (TONE, SHORT, LIES, RUDE)})
    usage = Usage(calls=3, tokens_in=5, tokens_out=7)
    return line.model_copy(update={"policy": policy, "rubric": rubric, "usage": usage})


def _by(verdict: Verdict) -> Verdict:
    votes = [Vote(judge=nasty("judge"), key="k", status="scored", label=nasty("vote")) for _ in range(2)]
    return verdict.model_copy(update={"judge": nasty("judge"), "votes": tuple(votes), "disagreement": 0.5})
