"""The style example: its prompts are its own, its rubric pays for no empty text, and both forms of its Makefile run."""

import hashlib
import importlib.util
import subprocess
import sys
from functools import cache
from itertools import product
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any

import pytest
from werkzeug import Response as Reply

from rlra_cli.rubric_files import placed
from schemas.jsonl import Source, to_line
from schemas.judged import Judged
from schemas.report import Report
from schemas.rollouts import Response, Rollouts
from schemas.rubric import Rubric
from schemas.task import Message
from stages.checks.text import words
from stages.checks.topic import content_words
from stages.judge import JudgeSpec, judge
from tests.judged_lines import answer, group, policy
from tests.running import environment, records
from tests.stages.judge_server import chat, serving, verdicts
from tests.stages.training_groups import RUBRIC
from tests.tiny_model import tiny_model

HOME = Path(__file__).parents[2] / "examples" / "style"
STYLE = placed(HOME.parent / "rubrics" / "style" / "plain-narrative-checks.yaml").rubric
RLRA = f"{sys.executable} -m rlra_cli.main"
Lines = list[dict[str, Any]]

ASKED = "Describe a harbour early in the morning in plain words."
PLAIN = (
    "Three boats were in the harbour and their engines were off. A man hosed down the slip. He took the net, shook it, "
    "and put it on the wall. The gulls went ahead of the water, and nobody said good morning."
)
HACKS = {
    "short": "The harbour woke. He went out.",
    "nothing": "",
    "one sentence again": "The man went out of the harbour. " * 6,
    "the request again": f"{ASKED} {ASKED} {ASKED}",
    "words without people": "Harbour. Boats, nets, gulls, a slip, a wall, a lamp. Fog on it all. Rope and tar and ice. "
    "A bell, a crate, an oar. Fish in a box, salt in a bag. Rain, and then more rain.",
    "a list": "- The man took a net.\n- The man put it on a wall.\n- She went out to the harbour.\n"
    "- He sat on a crate.\n- They sold the fish.\n- She shut the door.",
    "ornament": "Nestled along the shimmering coast, the majestic harbour awakens like a dream, a timeless tapestry of "
    "golden light whispering of hope, reminding us of the beauty of simple moments and the power of what is possible.",
    "a program": "As an AI language model, I cannot see a harbour. He went out and took the net and put it on the "
    "wall, and she said that it was cold, and then they sat on a crate and ate.",
}


def rewards(*texts: str, rubric: Rubric = STYLE, asked: str = ASKED) -> list[float]:
    """Return what each text earns by itself: a failed verdict fails the test."""
    found = []
    for text in texts:
        line = Rollouts(
            id="p",
            messages=(Message(role="user", content=asked),),
            policy=policy(),
            responses=(Response(text=text, finish="stop", length=9),),
            rubric=rubric,
        )
        (judged,) = judge([line], JudgeSpec(), None)
        value = judged.responses[0].reward
        assert value is not None, text
        found.append(value)
    return found


@cache
def prompts(name: str) -> Lines:
    return records((HOME / f"{name}.jsonl").read_bytes())


def test_held_out_prompts_are_not_those_of_training() -> None:
    """Few words in common with any one of them; two topics are not trained on at all."""
    train, held = prompts("prompts"), prompts("heldout")
    assert (len(train), len(held)) == (128, 60)
    assert len({line["id"] for line in (*train, *held)}) == len({line["prompt"] for line in (*train, *held)}) == 188
    topics = [{line["meta"]["topic"] for line in side} for side in (train, held)]
    assert topics[1] - topics[0] == {"animal", "journey"} and len(topics[0]) == 8
    bags = [[content_words(line["prompt"]) for line in side] for side in (train, held)]
    likeness = {len(a & b) / len(a | b) for a, b in product(*bags)}
    assert max(likeness) < 0.6


def test_the_references_are_short_and_earn_well() -> None:
    """They could be drawn within the limit of tokens, and are what the rubric means by plain."""
    for line in (*prompts("prompts"), *prompts("heldout")):
        assert 20 <= len(words(line["reference"])) <= 48, line["id"]
    held = [rewards(line["reference"], asked=line["prompt"])[0] for line in prompts("heldout")]
    assert fmean(held) > 0.75 and min(held) > 0.5


@pytest.mark.parametrize("name", HACKS)
def test_no_easy_text_earns_what_a_plain_one_does(name: str) -> None:
    plain, hack = rewards(PLAIN, HACKS[name])
    assert plain > 0.9
    assert hack < plain - 0.2, hack


def test_a_little_plainer_pays_a_little() -> None:
    """Fewer long words, one ornament fewer: the reward goes up on the way, so that there is something to learn."""
    steps = (
        "The magnificent harbour glistened mysteriously. Fishermen assembled enormous containers, remembering "
        "happiness and determination, while seagulls descended continuously towards abandoned merchandise everywhere.",
        "The harbour glistened. Fishermen assembled containers, and remembered determination, while seagulls "
        "descended towards the merchandise. A woman waited, and then the engines started, and the vessels left.",
        "The harbour was grey. Two men put boxes on the slip, while the gulls came down to the fish. A woman waited. "
        "Then the engines started, and she went home along the wall with her hands in her pockets.",
    )
    found = rewards(*steps)
    assert found[0] + 0.1 < found[1] < found[2] - 0.1, found


def make(*said: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in environment(**env).items() if not name.startswith("MAKE")}
    path = {"PYTHONPATH": str(HOME.parents[1]), "OMP_WAIT_POLICY": "PASSIVE"}
    words = ["make", "-C", str(HOME), f"PYTHON={sys.executable}", *said]
    return subprocess.run(words, env=kept | path, capture_output=True, text=True, timeout=560)


def plan(*said: str) -> list[str]:
    done = make("-n", "-B", "--no-print-directory", "OUT=o", *said)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.replace("\\\n", " ").splitlines() if line.startswith("rlra")]


def test_both_forms_take_the_same_steps_but_for_the_judge() -> None:
    free, judged = plan(), plan("JUDGE=openai:j", "BASE_URL=http://h/v1")
    assert all("--judge" not in line and "--model openai" not in line for line in free)
    steps = [[" ".join(line.split()[1:2]) for line in lines] for lines in (free, judged)]
    assert steps[0] == ["generate-rubrics", "rollout", "judge", "generate-rubrics", "train", "rollout", "judge", "eval"]
    assert sorted(steps[1]) == sorted([*steps[0], "judge", "judge"])
    assert [line for line in judged if "rlra rollout" in line] == [line for line in free if "rlra rollout" in line]
    assert "narrative:base=" in judged[-1] and "narrative:base=" not in free[-1]


def honest(payload: dict[str, Any], number: int) -> Reply:
    """Judge by the text alone, by lot: levels differ within a group, and are the same when it is asked again."""
    prompt = payload["messages"][0]["content"]
    lot = hashlib.sha256(prompt.encode()).digest()[0]
    return chat(verdicts(prompt, lambda name: "not met" if name == "lesson" else str(lot % 4)))


@pytest.fixture(scope="module")
def judged_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rehearsal of the judged form, which has every step of the other one: a tiny model, a judge on loopback."""
    folder = tmp_path_factory.mktemp("style")
    tiny = tiny_model(folder / "tiny")
    with serving(honest) as server:
        said = ["JUDGE=openai:j", f"BASE_URL={server.url}", f"MODEL=hf:{tiny}", f"OUT={folder}/out", f"RLRA={RLRA}"]
        small = ["ROUNDS=1", "PER_ROUND=8", "HELD_OUT=4", "MAX_TOKENS=12"]
        done = make(*said, *small)
        assert done.returncode == 0, done.stderr
        asked = server.calls
        again = make(*said, *small)
        assert again.returncode == 0 and server.calls == asked > 0
        assert "rlra_cli.main" not in again.stdout
        shown = make(*said, *small, "samples", "SHOWN=1")
        assert shown.returncode == 0, shown.stderr
    (folder / "shown.txt").write_text(shown.stdout)
    return folder


def test_the_judged_form_runs_from_prompts_to_the_page(judged_run: Path) -> None:
    reports = {report.axis: report for report in Source(str(judged_run / "out" / "report.jsonl")).read(Report)}
    assert list(reports) == ["tone", "narrative"]
    names = {change.name for change in reports["tone"].measures}
    assert {"slop_per_1000", "ai_disclaimer_rate", "flattery_rate", "hedges_per_1000"} <= names
    assert {"reward", "reference_loglik"} <= names & {change.name for change in reports["narrative"].measures}
    assert (judged_run / "out" / "report.html").stat().st_size > 10_000
    trained = next(iter(Source(str(judged_run / "out" / "run" / "round-1" / "judged.jsonl")).read(Judged)))
    who = {verdict.criterion: verdict.judge for verdict in trained.responses[0].verdicts}
    assert who["craft"].startswith("openai:j") and {"lesson", "opening_praise"} < who.keys()


def test_samples_of_it_are_shown(judged_run: Path) -> None:
    said = (judged_run / "shown.txt").read_text()
    assert "== Largest gains" in said and "== Largest losses" in said and "style-held-story-" in said


def samples() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_samples", HOME / "samples.py")
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def moved(name: str, by: float) -> list[Judged]:
    """Return groups of three answers around 0.5 and what their prompt moved by, a part of it."""
    found = []
    for prompt, change in {"up": 0.2, "more": 0.4, "down": -0.4, "less": -0.1, "same": 0.0}.items():
        texts = [f"{prompt} {name} {n}\x1b[2J" for n in range(3)]
        line = group(prompt, *(answer(text, 1, rubric=RUBRIC) for text in texts), rubric=RUBRIC)
        paid = [0.49 + by * change + n / 100 for n in range(3)]
        scored = [each.model_copy(update={"reward": r}) for each, r in zip(line.responses, paid, strict=True)]
        found.append(line.model_copy(update={"responses": tuple(scored)}))
    return found


def test_losses_are_shown_as_gains_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The middle answer of each side, the largest change first, and nothing that a terminal would obey."""
    for name, by in (("a", 0.0), ("b", 1.0)):
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join(map(to_line, moved(name, by))))
    samples().main([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"), "-n", "1"])
    said = capsys.readouterr().out
    gains, losses, others = said.split("== ")[1:]
    assert "0.500  more a 1" in gains and "0.900  more b 1" in gains and "up" not in gains
    assert "0.100  down b 1" in losses and "less" not in losses
    assert others.startswith("Drawn by lot") and "more" not in others and "down" not in others
    assert "\x1b" not in said and "␛[2J" in said


def test_files_with_nothing_in_common_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_bytes(to_line(group(name, answer("Yes.", 1, rubric=RUBRIC), rubric=RUBRIC)))
    with pytest.raises(SystemExit) as ended:
        samples().main([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")])
    assert ended.value.code == 1
    assert "have no judged prompt in common" in capsys.readouterr().err
