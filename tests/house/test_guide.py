"""The guide to the rubric language is true: its examples load, its numbers come out, its commands run."""

import re
import shutil
from math import log
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from rlra_cli.main import COMMANDS
from rlra_cli.rubric_files import placed
from schemas.base import Part
from schemas.criterion import IMPORTANCE, Criterion, Tier
from schemas.errors import RlraError
from schemas.inheritance import OWN
from schemas.judged import Verdict
from schemas.reward import PRESETS, Interaction, RewardSpec, Saturation, Shaping
from schemas.rubric import Rubric, join
from schemas.rubric_file import load_reward, load_rubric
from schemas.task import Message, Task
from stages.checks.base import bind
from stages.checks.sandbox import LONGEST_SOURCE, PythonChecks
from stages.checks.sandbox_workers import SandboxError
from stages.scoring import score_group
from stages.verdicts import from_check
from tests.house.sources import ROOT
from tests.running import Runner, records
from tests.stages.judge_server import chat, serving, verdicts

GUIDE = ROOT / "docs" / "rubrics.md"
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PAGES = [GUIDE, ROOT / "examples" / "rubrics" / "README.md"]
TASK = Task(id="t", messages=(Message(role="user", content="Please help."),), meta={"season": "autumn"})


def named(block: str) -> str | None:
    """Return the id of the rubric in a block; None for a reward alone."""
    found = re.search(r"^rubric: (\S+)$", block, re.MULTILINE)
    return found[1] if found else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the shipped rubrics and, under its own name, each rubric of the guide."""
    home = tmp_path_factory.mktemp("guide") / "rubrics"
    shutil.copytree(ROOT / "examples" / "rubrics", home)
    for block in BLOCKS:
        if name := named(block):
            (home / f"{name}.yaml").parent.mkdir(exist_ok=True)
            (home / f"{name}.yaml").write_text(block, encoding="utf-8")
    return home


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: named(block) or block.split("\n")[0])
def test_every_example_loads(block: str, folder: Path) -> None:
    if name := named(block):
        rubric = placed(folder / f"{name}.yaml").rubric
        assert rubric == load_rubric(folder / f"{name}.yaml") and rubric.rubric == name
    else:
        (folder / "reward.yaml").write_text(block, encoding="utf-8")
        assert load_reward(folder / "reward.yaml")


def test_the_examples_are_good_rubrics(folder: Path) -> None:
    """The linter has not even a note, but for what one of them silences to show how."""
    run = Runner(folder)
    examples = [f"{name}.yaml" for block in BLOCKS if (name := named(block))]
    done = run("rubrics", "lint", *examples, "--fail-on", "note")
    assert (done.code, done.out) == (0, b""), done.out.decode()
    loud = (folder / "my" / "telegram.yaml").read_text(encoding="utf-8").partition("silence")[0]
    run.write("loud.yaml", loud.replace("my/telegram", "loud"))
    assert b"L302" in run("rubrics", "lint", "loud.yaml").out


def test_the_examples_are_of_both_kinds() -> None:
    names = [named(block) for block in BLOCKS]
    assert len([name for name in names if name]) == len({name for name in names if name}) >= 8
    assert names.count(None) == len(PRESETS)


@pytest.mark.parametrize("model", [Rubric, Criterion, Tier, RewardSpec, Saturation, Interaction, Shaping])
def test_every_key_is_in_the_guide(model: type[Part]) -> None:
    """A key that a file may have is said in the guide, as code."""
    bare = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    code = "\n".join(re.findall(r"`[^`]+`", bare) + BLOCKS)
    assert not [key for key in model.model_fields if not re.search(rf"\b{key}\b", code)]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_spelled_out_as_it_is(name: str, folder: Path) -> None:
    (block,) = [block for block in BLOCKS if block.startswith(f"# {name}: ")]
    (folder / "reward.yaml").write_text(block, encoding="utf-8")
    (folder / "preset.yaml").write_text(f"reward: {{preset: {name}}}", encoding="utf-8")
    assert load_reward(folder / "reward.yaml") == load_reward(folder / "preset.yaml")


def test_importance_and_limits_are_as_said() -> None:
    assert "`essential` 1, `important` 0.7, `optional` 0.3; `pitfall` 0.9" in TEXT
    assert IMPORTANCE == {"essential": 1.0, "important": 0.7, "optional": 0.3, "pitfall": 0.9}
    assert f"up to {LONGEST_SOURCE:,} characters" in TEXT
    assert PythonChecks.__init__.__defaults__ == (1.0, 64, None) and "at most 1 s and 64 MB" in " ".join(TEXT.split())
    assert {f"`{name}`" for name in OWN if name not in ("rubric", "inherits")} <= set(re.findall(r"`\w+`", TEXT))


def pencil(rubric: Rubric, words: int, **said: int) -> tuple[Verdict, ...]:
    """Return verdicts: a tier's index, met or not, and the check's own on a text of so many words."""
    row = []
    for leaf in rubric.leaves:
        if leaf.check:
            row.append(from_check(leaf, bind(leaf.check)("word " * words, TASK), "k"))
            continue
        value = said[leaf.id]
        score = leaf.tiers[value].score if leaf.tiers else float(value)
        row.append(Verdict(criterion=leaf.id, status="scored", score=score, judge="j", key="k"))
    return tuple(row)


def test_the_example_for_a_pencil_comes_out(folder: Path) -> None:
    rubric = load_rubric(folder / "pencil.yaml")
    ((reward, vetoed),) = score_group(rubric, [pencil(rubric, 160, empathy=1, advice=1, invents=0)])
    empathy, concise = log(1 + 4 / 3) / log(5), 0.3 * 121 / 161
    advice = 1 / 3 + 2 / 3 * 0.2
    total = 2 * empathy + advice + concise + 0.5 * empathy * concise
    assert (reward, vetoed) == (pytest.approx((total / 4) ** 2), ())
    for step in (1 / 3, concise, advice, empathy, total, total / 4):
        assert f"= {step:.4f}" in TEXT, step
    assert f"**{reward:.4f}**" in TEXT


def test_a_group_is_worth_its_weighted_mean(folder: Path) -> None:
    """A group counts as the weighted mean of what is inside it."""
    report = load_rubric(folder / "report.yaml")
    verdicts = {
        leaf.id: Verdict(criterion=leaf.id, status="scored", score=1, judge="j", key="k") for leaf in report.leaves
    }
    verdicts["size"] = verdicts["size"].model_copy(update={"score": 0.0})
    ((reward, _),) = score_group(report, [tuple(verdicts.values())])
    assert reward == pytest.approx((2 * 0.5 + 1) / 3)


def test_templates_merge_as_said(folder: Path) -> None:
    base, heir = load_rubric(folder / "soft" / "base.yaml"), load_rubric(folder / "my" / "condolence.yaml")
    assert [criterion.id for criterion in heir.criteria] == ["relation", "thought", "craft", "comfort"]
    assert heir.criteria[0] == base.criteria[0].model_copy(update={"weight": 2.0})
    assert heir.criteria[1] == base.criteria[1]
    assert (len(base.criteria[2].tiers), len(heir.criteria[2].tiers)) == (5, 3)
    assert heir.criteria[2].text == base.criteria[2].text and heir.reward == base.reward
    assert (heir.source, heir.title) == (base.source, "A letter to somebody who lost a friend")
    mended = "rubric: my/x\ninherits: first\ncriteria: [{id: short, text: Is short., check: null, partial: null}]\n"
    (folder / "my" / "x.yaml").write_text(mended, encoding="utf-8")
    assert load_rubric(folder / "my" / "x.yaml").criteria[1].needs_judge
    deep = folder / "a" / "b" / "c"
    (deep / "d").mkdir(parents=True)
    (deep / "x.yaml").write_text(mended.replace("my/x", "x"), encoding="utf-8")
    assert load_rubric(deep / "x.yaml"), "three folders up"
    (deep / "d" / "x.yaml").write_text(mended.replace("my/x", "x"), encoding="utf-8")
    with pytest.raises(RlraError, match="there is no template 'first'"):
        load_rubric(deep / "d" / "x.yaml")


def test_lines_and_joining_are_as_said(folder: Path) -> None:
    grief = load_rubric(folder / "my" / "grief.yaml")
    assert grief.applies({"id": "a", "meta": {"topic": "illness", "language": "en"}})
    assert not grief.applies({"id": "a", "meta": {"topic": "illness", "language": "de"}})
    assert not grief.applies({"id": "a", "meta": {}})
    joined = join([grief, load_rubric(folder / "defence" / "reward-hacking.yaml")])
    assert len(joined.leaves) == 5
    with pytest.raises(ValueError, match="another way to a reward"):
        join([grief, load_rubric(folder / "pencil.yaml")])


def test_digests_change_as_said(folder: Path) -> None:
    first = load_rubric(folder / "first.yaml")
    loose = TEXT.partition("```yaml\n")[2].partition("```")[0].replace("text: Is about", "text:   Is  about")
    (folder / "loose.yaml").write_text(loose.replace("    weight: 2\n", "", 1) + "version: 1\n", encoding="utf-8")
    assert load_rubric(folder / "loose.yaml").digest() != first.digest()
    (folder / "loose.yaml").write_text(loose + "version: 1\n", encoding="utf-8")
    assert load_rubric(folder / "loose.yaml").digest() == first.digest()
    tone = load_rubric(folder / "second.yaml").criteria[0]
    free = {"weight": 3.0, "tiers": tuple(tier.model_copy(update={"score": tier.score * 2}) for tier in tone.tiers)}
    assert tone.model_copy(update=free).question() == tone.question()
    for dear in ({"text": "Other words."}, {"id": "other"}, {"abstain": "allowed"}):
        assert tone.model_copy(update=dear).question() != tone.question()


def test_python_answers_are_as_said(folder: Path) -> None:
    lines, season = load_rubric(folder / "haiku.yaml").criteria
    with PythonChecks(workers=1) as sandbox:
        graded = sandbox.score(lines.python or "", "a\nb\nc\nd", TASK)
        assert (graded.met, graded.score, graded.reason) == (False, 0.3, "4 lines")
        assert sandbox.score(lines.python or "", "one\nthe longest\ntwo", TASK).met
        assert sandbox.score(season.python or "", "Autumn fog", TASK).met
        assert sandbox.score(season.python or "", "Fog", TASK.model_copy(update={"meta": {}})).met is None
        for source in ("while True:\n        pass", "return 2", "import os; return os.listdir('/')"):
            with pytest.raises(SandboxError):
                sandbox.score(f"def score(response, task):\n    {source}\n", "x", TASK)


def test_the_first_ten_minutes(tmp_path: Path) -> None:
    """A stranger who types what stands there gets what it promises."""
    opening = TEXT.partition("## The rubric\n")[0]
    run = Runner(tmp_path)
    run.write("first.yaml", BLOCKS[0])
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    commands = "".join(re.findall(r"^```sh\n(.*?)^```$", opening, re.MULTILINE | re.DOTALL)).strip().split("\n")
    assert len(commands) == 4
    done = [run.shell(command) for command in commands]
    assert [one.code for one in done] == [0, 0, 0, 0], [one.err for one in done]
    assert "rubric first, 4 criteria" in done[0].err
    assert not done[1].out, "the first rubric is a good one"
    (shown,) = re.findall(r"^```text\n(.*?)^```$", opening, re.MULTILINE | re.DOTALL)
    printed = [line.strip() for line in done[3].out.decode().split("\n")]
    assert [line for line in shown.strip().split("\n") if line not in printed] == []


def test_after_the_first_time_a_weight_costs_nothing(tmp_path: Path) -> None:
    """The judge's command of the first section asks once a response (four a line); with another weight, nobody."""
    run = Runner(tmp_path)
    run.write("first.yaml", BLOCKS[0])
    run.write("second.yaml", BLOCKS[1])
    ready = (ROOT / "examples" / "quickstart" / "ready" / "base.judged.jsonl").read_bytes()
    run.write("judged.jsonl", b"".join(ready.splitlines(keepends=True)[:3]))
    written = re.findall(r"^    (rlra judge judged\.jsonl .*?-o both\.jsonl)$", TEXT, re.MULTILINE | re.DOTALL)[0]

    def honest(payload: dict[str, Any], number: int) -> Response:
        return chat(verdicts(payload["messages"][0]["content"], lambda name: "2" if name == "warmth" else "not met"))

    with serving(honest) as server:
        command = written.replace("http://localhost:8000/v1", server.url)
        assert run.shell(command).code == 0 and server.calls == 12
        run.write("second.yaml", BLOCKS[1].replace("weight: -1", "weight: -0.5"))
        again = command.replace("judge judged.jsonl", "judge both.jsonl").replace("-o both.jsonl", "-o again.jsonl")
        assert run.shell(again).code == 0 and server.calls == 12
    assert [line["responses"][0]["verdicts"][4]["tier"] for line in records(run.read("again.jsonl"))] == [2, 2, 2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", TEXT, re.M)
    }
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        assert (page.parent / path).exists() if path else anchor in headings, link
    for words in re.findall(r"\brlra ((?:rubrics )?[a-z-]+)", text):
        assert words in COMMANDS, words
