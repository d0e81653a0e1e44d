"""A judge with a known bias: an HTTP server on loopback that speaks the OpenAI chat protocol while a command runs.

    python biased_judge.py --clean clean.yaml --habit habits/just.yaml --bonus 0.5 --port 8917 -- rlra train …

`rlra` sees an ordinary judge. What it gets is `(1 − bonus) · clean + bonus · habit`, said as a level from 0 to 10, as
`judged.yaml` asks for it: `clean` is the reward of one rubric of checks, and `habit` is 1 where a veto of the other
fires. The server reads the judge's prompt and knows nothing else. It ends with the command, and with its exit code.
"""

import argparse
import asyncio
import contextlib
import re
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

import stages.checks  # noqa: F401 (registers the checks)
from schemas.errors import RlraError
from schemas.rubric import Rubric
from schemas.rubric_file import load_rubric
from schemas.task import Message, Task
from stages.checks.base import bind
from stages.scoring import score_group
from stages.verdicts import from_check

BEST = 10
"""The highest level of `judged.yaml`; the lowest is 0."""
MARKED = re.compile(r"^(=== \w+) begins\n(.*?)\n\1 ends$", re.MULTILINE | re.DOTALL)
"""What the prompt sets apart: first the conversation, last the response."""
VERDICT = re.compile(r"^(VERDICT\S*) <id of the criterion>:", re.MULTILINE)
CRITERION = re.compile(r"(?:in this order|by this criterion): ([\w-]+)[,.] [Ww]rite")


@dataclass(frozen=True)
class BiasedJudge:
    """A rubric of checks, a habit, and the share of a judgement that the habit decides."""

    clean: Rubric
    habit: Rubric
    bonus: float

    def reward(self, task: Task, response: str) -> float:
        """Return what the response gets, from 0 to 1."""
        habit = 1.0 if _vetoed(self.habit, task, response) else 0.0
        return (1 - self.bonus) * _reward(self.clean, task, response)[0] + self.bonus * habit

    def answer(self, prompt: str) -> str:
        """Return the answer to a judge's prompt, in the form that it asks for. Raises ValueError for another text."""
        body, _, end = prompt.rpartition("\nNow judge the response")
        marked, verdict, criterion = MARKED.findall(body), VERDICT.search(end), CRITERION.search(end)
        if len(marked) != 2 or not verdict or not criterion:
            raise ValueError("this judge knows the prompts of `rlra judge --method text` about one criterion")
        level = round(self.reward(_task(*marked[0]), marked[1][1]) * BEST)
        name = criterion[1]
        return f"[[{name}]] That is the impression that it makes. So: {level}\n{verdict[1]} {name}: {level}"


def _task(mark: str, conversation: str) -> Task:
    turns = [turn.rstrip("\n").partition("\n") for turn in conversation.split(f"{mark} turn of the ")[1:]]
    return Task(id="judged", messages=tuple(Message(role=role, content=said) for role, _, said in turns))  # type: ignore[arg-type]


def _reward(rubric: Rubric, task: Task, response: str) -> tuple[float, tuple[str, ...]]:
    row = [from_check(leaf, bind(leaf.check or {})(response, task), key="") for leaf in rubric.leaves]
    reward, vetoes = score_group(rubric, [row])[0]
    return reward or 0.0, vetoes


def _vetoed(rubric: Rubric, task: Task, response: str) -> bool:
    return bool(_reward(rubric, task, response)[1])


def application(judge: BiasedJudge) -> web.Application:
    """Return the server: one address, `/v1/chat/completions`."""

    async def complete(request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        try:
            text = judge.answer(asked["messages"][-1]["content"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            return web.json_response({"error": {"message": f"not understood: {error}"}}, status=400)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        return web.json_response({"object": "chat.completion", "choices": [choice], "usage": usage})

    app = web.Application(client_max_size=16 << 20)
    app.router.add_post("/v1/chat/completions", complete)
    return app


async def serve(judge: BiasedJudge, port: int, command: Sequence[str]) -> int:
    """Serve on loopback while `command` runs, and return its exit code. Raises OSError where the port is taken."""
    runner = web.AppRunner(application(judge))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        # The words behind `--` of this very command line, run as `env` or `nice` runs them: without a shell, and with
        # nothing among them that a model, a rubric or a request said. The server lives as long as what needs it.
        child = await asyncio.create_subprocess_exec(*command)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # a terminal sends it to the command too, which ends then
        loop.add_signal_handler(signal.SIGTERM, child.terminate)
        return await child.wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await runner.cleanup()


def main() -> None:
    """Read the command line, serve, and end as the command ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clean", type=Path, required=True, help="a rubric of checks: what a response is worth")
    parser.add_argument("--habit", type=Path, required=True, help="a rubric with a veto: what it is also paid for")
    parser.add_argument("--bonus", type=float, default=0.5, help="the share of a judgement that the habit decides")
    parser.add_argument("--port", type=int, default=8917, help="the port on loopback; 0 is any free one")
    parser.add_argument("command", nargs="+", help="what runs meanwhile, after `--`")
    said = parser.parse_args()
    if not 0 <= said.bonus <= 1:
        parser.error("--bonus is a share, from 0 to 1")
    try:
        judge = BiasedJudge(load_rubric(said.clean), load_rubric(said.habit), said.bonus)
        code = asyncio.run(serve(judge, said.port, said.command))
    except (OSError, RlraError) as error:
        parser.exit(1, f"biased_judge: {error}\n")
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
