"""What `rlra eval` shows of the training between its files."""

from pathlib import Path

import pytest

from rlra_cli.eval_training import gold_files, training
from schemas.errors import RlraError
from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.manifest import path_for, read_manifest
from schemas.train_log import TrainLog
from tests.judged_lines import answer, group
from tests.running import Runner

PROMPTS = 30


def held_out(met: int) -> list[Judged]:
    """Return held-out prompts of which `met` are answered well, and the others badly."""
    good, bad = answer("well", 2, 1, 0, 0), answer("badly", 0, 1, 0, 0)
    return [group(f"p{n}", good if n < met else bad) for n in range(PROMPTS)]


def said(step: int) -> Judged:
    """Return what the policy of a step said."""
    line = group(f"p@{step}", answer(f"said {step}", 1, 1, 0, 0))
    return line.model_copy(update={"policy": line.policy.model_copy(update={"revision": f"r+{step}"})})


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    """Return a runner in a folder with a log whose reward rises, and files of a gold judge that fall."""
    (tmp_path / "run").mkdir()
    runner = Runner(tmp_path)
    log = [TrainLog(id=f"{n}", step=n, seconds=n, metrics={"loss": 0.1, "reward": n / 20}) for n in range(1, 13)]
    runner.write("run/train_log.jsonl", b"".join(map(to_line, log)))
    runner.write("run/judged.jsonl", b"".join(to_line(said(n)) for n in (1, 9)))
    for name, met in (("0", 28), ("6", 27), ("12", 9)):
        runner.write(f"gold-{name}.jsonl", b"".join(map(to_line, held_out(met))))
    return runner


def test_eval_says_where_gold_judge_and_training_reward_part_and_draws_them(run: Runner) -> None:
    words = ["--train-log", "run/train_log.jsonl", "--html", "page.html", "-o", "report.jsonl"]
    golds = [word for step in ("12", "0", "6") for word in ("--gold", f"{step}=gold-{step}.jsonl")]
    done = run("eval", "gold-0.jsonl", "gold-12.jsonl", *words, *golds)
    assert done.code == 0, done.err
    # at 0 the first five steps count, at 12 the last five
    told = "eval: from step 0 to 12 the training reward rose by 0.350 and the gold judge's fell by 0.4"
    assert told in done.err
    page = (run.folder / "page.html").read_text()
    assert told.removeprefix("eval: ").replace("'", "&#39;") in page
    assert "gold judge, held-out prompts" in page and "said 1" in page and "said 9" in page
    recipe = read_manifest(path_for(run.folder / "report.jsonl")).recipe
    assert {"gold-0", "gold-12", "log.0", "gold.0", "gold.6", "gold.12"} == set(recipe.inputs)
    quiet = run("eval", "gold-0.jsonl", "gold-6.jsonl", *words, *golds[2:], "--quiet")
    assert (quiet.code, quiet.err) == (0, "")


def test_a_training_log_that_nothing_would_show_is_refused(run: Runner) -> None:
    done = run("eval", "gold-0.jsonl", "gold-6.jsonl", "--train-log", "gold-0.jsonl", "-o", "none.jsonl")
    assert (done.code, done.err) == (1, "rlra: --train-log goes with --html and --gold\n")


def test_gold_files_go_by_step() -> None:
    assert list(gold_files(["12=a", "3=b=c"])) == [3, 12]
    assert gold_files(["3=b=c"])[3].name == "b=c"


@pytest.mark.parametrize("words", [["a.jsonl"], ["=a"], ["x=a"], ["-1=a"], ["3="], ["3=a", "3=b"]])
def test_what_is_no_step_and_file_is_refused(words: list[str]) -> None:
    with pytest.raises(RlraError, match="--gold"):
        gold_files(words)


def test_a_gold_judge_needs_a_reward_to_be_held_against(run: Runner) -> None:
    with pytest.raises(RlraError, match="needs a training log with rewards"):
        training([], {0: Source(str(run.folder / "gold-0.jsonl"))}, False)


def unjudged() -> bytes:
    """Return held-out prompts whose judge was down."""
    return b"".join(to_line(group(f"p{n}", answer("well", *["failed"] * 4))) for n in range(5))


@pytest.mark.parametrize("content", [unjudged(), b""], ids=["judge down", "empty"])
def test_a_gold_file_without_a_reward_is_refused_before_anything_is_compared(run: Runner, content: bytes) -> None:
    run.write("gold-none.jsonl", content)
    words = ["--train-log", "run/train_log.jsonl", "--html", "page.html", "-o", "report.jsonl"]
    words += ["--gold", "0=gold-0.jsonl", "--gold", "6=gold-none.jsonl"]
    done = run("eval", "gold-0.jsonl", "gold-12.jsonl", *words)
    assert done.code == 1
    first, hint = done.err.splitlines()
    assert first == "rlra: gold-none.jsonl: no response has a reward" and "--gold 6" in hint
    assert not {"page.html", "report.jsonl"} & run.names()


def test_responses_are_found_beside_the_log_in_its_rounds_or_above_it(run: Runner) -> None:
    def shown(*logs: str) -> list[str]:
        return [line.id for line, _ in training([run.folder / log for log in logs], {}, False).samples]

    assert shown("run/train_log.jsonl") == ["p@1", "p@9"]
    (run.folder / "run/train_log.jsonl").rename(run.folder / "train_log.jsonl")
    assert shown("train_log.jsonl") == []
    for number in (2, 10):
        (run.folder / f"round-{number}" / "model").mkdir(parents=True)
        run.write(f"round-{number}/judged.jsonl", to_line(said(number)))
        run.write(f"round-{number}/model/train_log.jsonl", b"")
    assert shown("train_log.jsonl") == ["p@2", "p@10"]
    assert shown("round-2/model/train_log.jsonl", "round-10/model/train_log.jsonl") == ["p@2", "p@10"]
    assert shown("round-2/model/train_log.jsonl") == []  # of one policy: nothing changes over time


def test_a_broken_file_beside_the_log_is_said_and_ends_nothing(run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    run.write("run/judged.jsonl", b'{"schema":"judged/1"')
    assert training([run.folder / "run/train_log.jsonl"], {}, False).samples == []
    assert "eval: no responses over time are shown: " in capsys.readouterr().err
