"""One small file of every kind, written out by hand, and how each command is called on its own kind."""

from dataclasses import dataclass
from typing import Any

from werkzeug import Response

from tests.running import Runner, lines
from tests.stages.judge_server import chat

NAMES = ("sea", "garden", "clock")
META = {"topic": "é\u2028ü", "deep": {"list": [1, 2.5, None, True]}, "big": 2**63, "empty": {}}
ODD = "One\u2028two\u2029three\x85four\x0bfive 🦉 \u0000 \ufeff end."
"""A text with every separator that some line splitters take for the end of a line."""
CHECKED = {"id": "short", "check": {"word_count": {"at_most": 6}}, "partial": 0.5}
RUBRIC = {"rubric": "brief", "criteria": [CHECKED]}
RUBRIC_YAML = """\
rubric: brief
criteria:
  - id: short
    check: {word_count: {at_most: 6}}
    partial: 0.5
"""
POLICY = {
    "model": "by-hand",
    "revision": "r",
    "template": "t",
    "engine": "e",
    "dtype": "float32",
    "sampling": {"temperature": 1, "max_tokens": 9},
    "seed": 3,
}
TOKENS = {"ids": "AQAAAA==", "logprobs": "AACAvw=="}
ANSWERS = ("Waves come and go.", "Waves come and go, all day and all night, without an end.")


def prompt(name: str, **more: Any) -> dict[str, Any]:
    """Return a prompt as users have it."""
    return {"id": name, "prompt": f"Describe the {name}.", **more}


def task(name: str, **more: Any) -> dict[str, Any]:
    """Return a `task/1` line."""
    return {
        "schema": "task/1",
        "id": name,
        "messages": [{"role": "user", "content": f"Describe the {name}."}],
        **more,
    }


def rollouts(name: str, answers: tuple[str, ...] = ANSWERS, **more: Any) -> dict[str, Any]:
    """Return a `rollouts/1` line with the given answers."""
    responses = [{"text": text, "finish": "stop", "length": len(text.split())} for text in answers]
    return {**task(name), "schema": "rollouts/1", "policy": POLICY, "responses": responses, **more}


def judged(name: str, rewards: tuple[float | None, ...] = (1.0, 0.25), **more: Any) -> dict[str, Any]:
    """Return a `judged/1` line with the given rewards; a missing one is that of a failed verdict."""
    responses = [
        {
            "text": text,
            "finish": "stop",
            "length": 1,
            "tokens": TOKENS,
            "verdicts": [_verdict(reward)],
            "reward": reward,
        }
        for text, reward in zip(ANSWERS * len(rewards), rewards, strict=False)
    ]
    return {
        **task(name),
        "schema": "judged/1",
        "rubric": RUBRIC,
        "policy": POLICY,
        "prompt_tokens": TOKENS["ids"],
        "responses": responses,
        **more,
    }


def _verdict(reward: float | None) -> dict[str, Any]:
    said = {"criterion": "short", "judge": "check", "key": "k"}
    if reward is None:
        return {**said, "status": "failed", "score": None}
    return {**said, "status": "scored", "score": float(reward == 1.0), "closeness": reward / 2}


MAKE = {"prompt": prompt, "task": task, "rollouts": rollouts, "judged": judged}
OF_ANOTHER_KIND = {"task": "judged", "rollouts": "task", "judged": "rollouts"}


def lay_out(runner: Runner) -> None:
    """Write `KIND.jsonl` for every kind, `rubric.yaml`, and a folder that passes for a model until it is loaded."""
    for kind, make in MAKE.items():
        runner.write(f"{kind}.jsonl", lines(*map(make, NAMES)))
    runner.write("rubric.yaml", RUBRIC_YAML)
    (runner.folder / "model").mkdir()
    runner.write("model/config.json", "{}")
    runner.write("model/model.safetensors", b"no weights")


@dataclass(frozen=True)
class Reader:
    """How a command is called on a file."""

    command: str
    kind: str
    """The kind of line that it reads."""
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.command

    def words(self, file: str) -> list[str]:
        """Return the command line that reads `file`."""
        named = f"before={file}" if self.command == "eval" else file
        return [*self.command.split(), named, *self.more]


UNREACHABLE = "http://127.0.0.1:9/v1"
"""Nothing listens there: what is refused before a model is asked never notices."""

READERS = (
    Reader("generate-rubrics", "task", ("--seed", "1")),
    Reader("rollout", "task", ("--model", "openai:m", "--base-url", UNREACHABLE)),
    Reader("judge", "rollouts", ("--rubrics", "rubric.yaml")),
    Reader("select-data", "judged", ("--keep", "0:1")),
    Reader("train", "judged", ("-o", "run", "--model", "hf:model", "--processes", "1", "--allow-stale")),
    Reader("eval", "judged", ("after=judged.jsonl", "--resamples", "50")),
    Reader("validate", "judged"),
    Reader("show", "judged", ("-n", "9")),
    Reader("diff", "judged", ("judged.jsonl",)),
    Reader("stats", "judged"),
    Reader("defend", "judged", ("--seed", "1")),
    Reader("rubrics ablate", "judged", ("--resamples", "50")),
)
READER = {reader.command: reader for reader in READERS}
OFFLINE_WRITERS = tuple(READER[name] for name in ("generate-rubrics", "judge", "select-data"))
"""Commands that write records and need no model."""


def reply(payload: dict[str, Any], number: int) -> Response:
    """Answer as a policy does: by what was asked, and by the seed."""
    return chat(f"{payload['messages'][-1]['content']} Indeed, {payload['seed'] % 97} times, {ODD}")


def sampled(url: str, *more: str) -> tuple[str, ...]:
    """Return the options with which `rollout` samples from the server at `url`."""
    return ("--model", "openai:m", "--base-url", url, "--group-size", "2", "--retries", "0", *more)
