"""What becomes of an online run when something breaks: the table of docs/training.md, row by row.

Every run is the command line of `rlra train` with a real judge on loopback, in a process of its own where that one is
ended from outside or shares the work. Where a run can go on, it ends with the weights, bit by bit, and the verdicts of
one that nothing disturbed.
"""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from werkzeug import Response

from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.train_log import TrainLog
from stages.models.weights import weights_of
from tests.running import PATIENCE_S, Done, Runner, interrupt, wait_until
from tests.stages.judge_server import JudgeServer, chat, error, serving, under_judgement, verdicts
from tests.stages.training_groups import tasks

STEPS, PER_STEP, GROUP = 4, 2, 4
CALLS = PER_STEP * GROUP
"""Questions of one step."""
RUBRIC = "rubric: asked\ncriteria:\n- {id: kind, text: Is kind.}\n- {id: short, check: {word_count: {at_most: 2}}}\n"
WORDS = ["train", "--online", "tasks.jsonl", "--model", "hf:tiny", "--rubrics", "asked.yaml", "--judge", "openai:j"]
WORDS += ["--steps", str(STEPS), "--group-size", str(GROUP), "--prompts-per-step", str(PER_STEP), "--max-tokens", "12"]
WORDS += ["--no-bf16", "--learning-rate", "1e-3", "--save-every", "1"]
Reply = Callable[[dict[str, Any], int], Response]


def well(payload: dict[str, Any], number: int) -> Response:
    prompt = payload["messages"][0]["content"]
    return chat(verdicts(prompt, lambda name: "met" if len(under_judgement(prompt)) % 2 else "not met"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Runner:
    run = Runner(tmp_path_factory.mktemp("faults"))
    (run.folder / "tiny").symlink_to(tiny)
    run.write("tasks.jsonl", b"".join(map(to_line, tasks(5))))
    run.write("asked.yaml", RUBRIC)
    return run


def train(run: Runner, server: JudgeServer, name: str, *more: str) -> Done:
    return told(run.inside(*words(server, name, *more)))


def told(done: Done) -> Done:
    assert "Traceback" not in done.err, done.err
    assert done.out == b""
    return done


def words(server: JudgeServer, name: str, *more: str) -> list[str]:
    retries = [] if "--retries" in more else ["--retries", "0"]
    ranks = [] if "--processes" in more else ["--processes", "1"]
    return [*WORDS, "-o", name, "--base-url", server.url, *retries, *ranks, *more]


@pytest.fixture(scope="module")
def whole(folder: Runner) -> Path:
    """Train once, undisturbed, in a process of its own."""
    with serving(well) as server:
        done = told(folder(*words(server, "whole")))
    assert done.code == 0, done.err
    return folder.folder / "whole"


def weights(folder: Path) -> str:
    return weights_of(f"hf:{folder}")[1]


def log_of(folder: Path) -> list[TrainLog]:
    return list(Source(str(folder / "train_log.jsonl")).read(TrainLog))


def judged(folder: Path) -> list[Judged]:
    return list(Source(str(folder / "judged.jsonl")).read(Judged))


def checkpoints(folder: Path) -> set[str]:
    return {path.parent.name for path in (folder / "checkpoints").glob("*/trainer_state.json")}


def ends_as(folder: Path, whole: Path) -> None:
    """Assert that a run ended as the undisturbed one."""
    assert (folder / "judged.jsonl").read_bytes() == (whole / "judged.jsonl").read_bytes()
    assert [line.metrics.get("num_tokens") for line in log_of(folder)] == [
        line.metrics.get("num_tokens") for line in log_of(whole)
    ]
    assert weights(folder) == weights(whole)
    assert (folder / "manifest.json").exists() and not (folder / "checkpoints").exists()


@contextmanager
def stuck(reply: Reply, at: int) -> Iterator[tuple[JudgeServer, threading.Event]]:
    """Serve `reply`, but keep the question number `at` and all later ones without an answer; tell when it came."""
    reached, over = threading.Event(), threading.Event()

    def slow(payload: dict[str, Any], number: int) -> Response:
        if number >= at:
            reached.set()
            over.wait(PATIENCE_S)
        return reply(payload, number)

    with serving(slow) as server:
        try:
            yield server, reached
        finally:
            over.set()


def test_an_undisturbed_run_leaves_its_verdicts_as_a_file_that_other_commands_read(whole: Path, folder: Runner) -> None:
    groups = judged(whole)
    assert [group.id.partition("@")[2] for group in groups] == [f"{1 + n // PER_STEP:06d}" for n in range(len(groups))]
    assert len(groups) == STEPS * PER_STEP
    for group in groups:
        step = int(group.id[-6:])
        assert group.policy.model == "hf:tiny"
        assert group.policy.revision == f"{weights(folder.folder / 'tiny')}+{step - 1}"
        for response in group.responses:
            assert (response.finish == "stop") <= (response.length <= 12)
            assert (response.finish == "length") <= (response.length == 12)
    assert {response.finish for group in groups for response in group.responses} == {"stop", "length"}
    for line in log_of(whole)[:-1]:
        own = [r.reward for g in groups if int(g.id[-6:]) == line.step for r in g.responses]
        assert line.metrics["reward"] == pytest.approx(sum(own) / len(own), abs=1e-6)  # type: ignore[arg-type]
        assert line.metrics["seconds/judging"] > 0 and line.metrics["seconds/sampling"] > 0
    shown = folder.inside("stats", "whole/judged.jsonl")
    assert shown.code == 0, shown.err
    folder.write("other.yaml", "aggregate: all\n")
    again = folder.inside("judge", "whole/judged.jsonl", "--reward", "other.yaml", "-o", "rescored.jsonl")
    assert again.code == 0, again.err
    bare = folder.inside("train", "whole/judged.jsonl", "--model", "hf:tiny", "-o", "none")
    assert bare.code == 1 and "no token ids" in bare.err


def test_a_judge_that_is_down_for_a_while_is_waited_for_where_retries_allow_it(folder: Runner, whole: Path) -> None:
    """Down for two seconds in the second step; six retries wait for 15 s and more."""
    began: list[float] = []

    def reply(payload: dict[str, Any], number: int) -> Response:
        if number > CALLS + 2:
            began.append(time.monotonic())
            if time.monotonic() - began[0] < 2:
                return error(503)
        return well(payload, number)

    with serving(reply) as server:
        done = train(folder, server, "waited", "--retries", "6")
    assert done.code == 0, done.err
    assert len(began) > CALLS, "it was never down"
    ends_as(folder.folder / "waited", whole)
    assert log_of(folder.folder / "waited")[1].metrics["seconds/judging"] > 1.5


def test_a_judge_that_stays_down_stops_the_run_where_it_can_go_on(folder: Runner, whole: Path) -> None:
    """Down for good in the third step; no checkpoint is due there."""
    words = ("--save-every", "50")

    def reply(payload: dict[str, Any], number: int) -> Response:
        return well(payload, number) if number <= 2 * CALLS else error(503)

    with serving(reply) as server:
        done = train(folder, server, "down", *words)
    path = folder.folder / "down"
    assert done.code == 3, done.err
    assert "step 3: " in done.err and "goes on after step 2" in done.err.splitlines()[-1]
    assert not (path / "manifest.json").exists()
    assert checkpoints(path) == {"checkpoint-2"}
    with serving(well) as server:
        again = train(folder, server, "down", *words)
        assert server.calls == 2 * CALLS
    assert again.code == 0, again.err
    ends_as(path, whole)


def test_rubbish_for_a_fifth_of_the_calls_gives_missing_rewards_and_the_run_goes_on(folder: Runner) -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        is_rubbish = len(under_judgement(payload["messages"][0]["content"])) % 5 == 0
        return chat("I had rather not say %%%") if is_rubbish else well(payload, number)

    with serving(reply) as server:
        done = train(folder, server, "rubbish", "--max-failures", "60%")
    assert done.code == 0, done.err
    assert all(line.startswith("train: ") for line in done.err.splitlines()), done.err
    rows = [response for group in judged(folder.folder / "rubbish") for response in group.responses]
    broken = [row for row in rows if len(row.text) % 5 == 0]
    assert 0 < len(broken) < len(rows) / 2
    assert all((row.reward is None) == (row in broken) for row in rows)
    assert Counter(v.failure for row in broken for v in row.verdicts if v.failure) == {"unreadable": len(broken)}
    shares = [line.metrics["judge_failed"] for line in log_of(folder.folder / "rubbish")[:-1]]
    assert sum(shares) * CALLS == pytest.approx(len(broken))


def test_more_rubbish_than_is_allowed_stops_the_run_and_allowing_more_lets_it_go_on(folder: Runner) -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        is_rubbish = len(under_judgement(payload["messages"][0]["content"])) % 3 == 0
        return chat("") if is_rubbish else well(payload, number)

    with serving(reply) as server:
        done = train(folder, server, "strict", "--max-failures", "0")
        assert done.code == 3
        assert "more than --max-failures 0" in done.err
        again = train(folder, server, "strict", "--max-failures", "100")
    assert again.code == 0, again.err
    assert len(judged(folder.folder / "strict")) == STEPS * PER_STEP


def test_a_judge_that_hangs_is_waited_for_no_longer_than_the_time_of_a_step(folder: Runner) -> None:
    with stuck(well, at=CALLS + 1) as (server, _):
        done = train(folder, server, "hung", "--judge-seconds", "8")
    assert done.code == 3, done.err
    assert "step 2: the judgement of every one of 8 responses failed" in done.err
    reasons = {v.reason for g in judged(folder.folder / "hung")[PER_STEP:] for r in g.responses for v in r.verdicts[:1]}
    assert reasons == {"transport: the time for judging a step is over"}


def test_two_processes_stop_together_with_one_sentence_and_go_on(folder: Runner) -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        return well(payload, number) if number <= CALLS else error(503)

    with serving(reply) as server:
        done = train(folder, server, "pair", "--processes", "2")
    path = folder.folder / "pair"
    assert done.code == 3, done.err
    assert done.err.count("rlra: ") == 1 and "interrupted" not in done.err, done.err
    assert checkpoints(path) == {"checkpoint-1"}
    with serving(well) as server:
        again = train(folder, server, "pair", "--processes", "2")
    assert again.code == 0, again.err
    groups = judged(path)
    assert [int(group.id[-6:]) for group in groups] == [step + 1 for step in range(STEPS) for _ in range(PER_STEP)]
    for line in log_of(path)[:-1]:
        own = [r.reward for g in groups if int(g.id[-6:]) == line.step for r in g.responses]
        assert line.metrics["reward"] == pytest.approx(sum(own) / len(own), abs=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_from_outside_goes_on(number: signal.Signals, folder: Runner, whole: Path) -> None:
    name = number.name.lower()
    with stuck(well, at=CALLS + 3) as (server, reached):
        process = folder.start(*words(server, name))
        wait_until(reached.is_set, "a question of the second step")
        if number is signal.SIGTERM:
            ended = interrupt(process)
            assert ended.code == 130, ended.err
            assert "Traceback" not in ended.err and "interrupted" in ended.err
        else:
            process.kill()
            process.communicate(timeout=PATIENCE_S)
    path = folder.folder / name
    assert checkpoints(path) == {"checkpoint-1"}
    done_again = (whole / "train_log.jsonl").read_bytes().splitlines(keepends=True)[1]  # it has no checkpoint
    for file, torn in (("judged", b'{"schema":"judged/1","id":"t0'), ("train_log", done_again + b'{"schema":"tr')):
        with (path / f"{file}.jsonl").open("ab") as stream:
            stream.write(torn)
    with serving(well) as server:
        done = train(folder, server, name)
    assert done.code == 0, done.err
    ends_as(path, whole)


def test_a_full_disk_is_one_sentence_and_the_last_whole_checkpoint_is_kept(folder: Runner, whole: Path) -> None:
    path = folder.folder / "disk"
    with serving(lambda payload, number: well(payload, number) if number <= CALLS else error(503)) as server:
        assert train(folder, server, "disk").code == 3
    saved = path / "checkpoints" / "checkpoint-1"
    largest = (saved / "model.safetensors").stat().st_size + 4096  # less than the optimizer's
    with serving(well) as server:
        done = told(folder(*words(server, "disk"), largest_file=largest))
        assert done.code == 1
        said = [line for line in done.err.splitlines() if not line.startswith("train: ")]
        assert said[0].endswith("disk: the model cannot be written: the disk takes no more")
        assert said[1].startswith("  hint: make room") and len(said) == 2
        assert checkpoints(path) == {"checkpoint-1"}
        assert (path / "checkpoints" / "checkpoint-2").exists(), "no checkpoint was torn"
        again = train(folder, server, "disk")
    assert again.code == 0, again.err
    ends_as(path, whole)


def test_a_run_that_diverges_says_so_and_saves_no_model(folder: Runner) -> None:
    with serving(well) as server:
        done = train(folder, server, "wild", "--learning-rate", "1e38", "--max-grad-norm", "1e9")
    assert done.code == 1
    assert "training diverged at step" in done.err
    path = folder.folder / "wild"
    assert not list(path.glob("*.safetensors")) and not (path / "manifest.json").exists()
    assert "stopped: " in str(log_of(path)[-1].event)
    assert orjson.loads((path / "recipe.json").read_bytes())["stage"] == "train"
