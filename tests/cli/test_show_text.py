"""What people see in a terminal: complete, legible without colour, and never obeying the text."""

import io
import re

import pytest
from rich.console import Console, RenderableType

from rlra_cli.diff_text import moves_table
from rlra_cli.report_text import report_table, train_log_table
from rlra_cli.rubric_text import rubric_text
from rlra_cli.show_text import life
from schemas.report import Change
from schemas.review import Review
from schemas.rubric import Criterion, Rubric
from schemas.task import Message, Task
from schemas.train_log import TrainLog
from stages.compare import compare
from stages.eval import EvalSpec, evaluate
from stages.reports.reading import figure, reading, signed
from stages.visible import one_line, visible
from tests.judged_lines import RUBRIC, answer, group

HOSTILE = "\x1b]8;;evil\x07\x1b[2J\x9b31m [bold red]big[/] [/] :smile: \u202egnp \x00\r over"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def seen(thing: RenderableType, width: int = 100, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="truecolor" if colour else None
    )
    console.print(thing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def blocks(text: str) -> list[str]:
    """Return what stands under each response's number."""
    return re.split(r"^#\d+ ", text, flags=re.MULTILINE)[1:]


def test_a_life_is_told_in_the_order_of_the_file() -> None:
    line = group(
        "p17", answer("one", 0, 0, 1, 0), answer("two", 2, 1, 0, 0), prompt="Say hi.", reference="Hello.", meta={"a": 1}
    )
    text = seen(life(line))
    told = [
        "p17",
        "judged/1",
        "Say hi.",
        "Hello.",
        '{"a":1}',
        "care",
        "+2",
        "tone",
        "Polite.",
        "−1",
        "veto",
        "word_count",
    ]
    places = [text.index(word) for word in told]
    assert places[:7] == sorted(places[:7])
    first, second = blocks(text)
    assert "reward 0.000" in first and "one" in first and "because" in first
    assert "reward 1.000" in second and "██████████" in second


def test_a_rubric_says_who_wrote_it_and_what_people_decided() -> None:
    written = RUBRIC.model_copy(update={"author": "openai:w", "source": "llm"})
    assert "written: llm by openai:w" in seen(rubric_text(written)) and "review" not in seen(rubric_text(written))
    decided = written.model_copy(update={"review": Review(state="rejected", by="Ana", comment="Too \x1b[2Jvague.")})
    text = seen(rubric_text(decided))
    assert "review: rejected by Ana: Too" in text and "vague." in text and not RAW.search(text.replace("\n", ""))
    assert "written" not in seen(rubric_text(RUBRIC))


def test_signs_say_what_speaks_for_a_response_without_colour() -> None:
    (only,) = blocks(seen(life(group("p", answer("x", 1, 0, 1, 0)))))
    signs = {name: sign for sign, name in re.findall(r"^   (\S)  (\w+)", only, flags=re.MULTILINE)}
    assert signs == {"tone": "~", "short": "✗", "lies": "✗", "rude": "✓"}
    assert "present" in only and "not met" in only


def test_failures_never_look_like_scores() -> None:
    lost = answer("", "failed", "failed", "failed", "failed", finish="failed")
    first, second, third = blocks(
        seen(life(group("p", answer("x", "failed", 1, 0, 0), lost, answer("y", 2, "abstained", 0, 0))))
    )
    assert "! no reward" in first and "verdicts that failed: 1" in first
    assert "! no answer: timed out" in second and "! no reward" in second
    for block in (first, second):
        assert not re.search(r"reward\s+[0-9]|░|█", block)
    assert re.search(r"–  short  abstained", third)


def test_earlier_turns_that_were_cut_off_are_marked() -> None:
    response, verdicts = answer("Last.", 2, 1, 0, 0)
    said = ("assistant", "Red."), ("user", "Why?"), ("assistant", "So"), ("user", "Sure?")
    turns = tuple(Message.model_validate({"role": role, "content": content}) for role, content in said)
    line = group("p", (response.model_copy(update={"earlier": turns, "cut_off_turns": (2,)}), verdicts))
    (only,) = blocks(seen(life(line)))
    told = [row.strip() for row in only.splitlines()[1:6]]
    assert told == ["assistant: Red.", "user: Why?", "assistant (cut off): So", "user: Sure?", "Last."]


def test_vetoes_name_what_fired() -> None:
    (only,) = blocks(seen(life(group("p", answer("x", 2, 1, 0, 1)))))
    assert "✗ vetoed by rude" in only and "veto fired" in only and "reward 0.000" in only


def test_plain_sums_have_no_bar() -> None:
    plain = Rubric(
        rubric="plain", criteria=RUBRIC.criteria, reward=RUBRIC.reward.model_copy(update={"normalise": "none"})
    )
    (only,) = blocks(seen(life(group("p", answer("x", 0, 0, 1, 0), rubric=plain))))
    assert "reward −1.000" in only and "░" not in only


def test_tasks_and_rollouts_have_lives_too() -> None:
    task = Task(id="t", messages=(Message(role="system", content="Be kind."), Message(role="user", content="Hi")))
    text = seen(life(task))
    assert "task/1" in text and "Be kind." in text and "rubric" not in text
    rubric = Rubric(rubric="own", scope="instance", criteria=(Criterion(id="c", text="[b]Kind[/b]"),))
    assert "[b]Kind[/b]" in seen(life(task.model_copy(update={"rubric": rubric})))


@pytest.mark.parametrize("colour", [False, True])
def test_hostile_text_is_drawn_and_not_obeyed(colour: bool) -> None:
    bad = answer(HOSTILE, 0, 0, 1, 0, reason=HOSTILE)
    line = group("p\x1b[2J", bad, prompt=HOSTILE, reference=HOSTILE, meta={"k": HOSTILE}, model=HOSTILE)
    report = evaluate([line], [line], (HOSTILE, "[red]x"), EvalSpec(resamples=5))
    logs = [TrainLog(id="1", step=1, seconds=1, metrics={HOSTILE: 1.0}, event=HOSTILE)]
    moves = moves_table(compare([line], [line]), (HOSTILE, "b"), 5)
    for thing in (life(line), report_table(report), train_log_table(logs), moves):
        text = (
            re.sub("\x1b\\[[0-9;]*m", "", seen(thing, width=400, colour=colour)) if colour else seen(thing, width=400)
        )
        assert not RAW.search(text)
        assert "␛" in text
    assert "[bold red]big[/] [/] :smile:" in seen(life(line), width=400)


def test_narrow_terminals_lose_no_words() -> None:
    words = [f"word{n}" for n in range(60)]
    text = seen(
        life(group("p", answer(" ".join(words), 2, 1, 0, 0, reason=" ".join(words)), prompt=" ".join(words))), width=50
    )
    assert all(len(row) <= 50 for row in text.splitlines())
    assert all(text.count(word) >= 3 for word in words)


def test_report_table_reads_changes() -> None:
    before = [group(f"p{n}", answer("x", 0, 1, 0, 0)) for n in range(12)]
    after = [group(f"p{n}", answer("x", 2, n % 2, 0, 0)) for n in range(12)]
    rows = {
        row.split()[1]: row
        for row in seen(report_table(evaluate(before, after, ("a", "b"), EvalSpec(resamples=300))), 120).splitlines()
        if row.startswith("│")
    }
    assert "✓ better" in rows["tone"] and "✗ worse" in rows["short"] and "= same" in rows["lies"]
    assert "+1.000" in rows["tone"] and "−0.500" in rows["short"] and "12" in rows["reward"]


def change(low: float, mean: float, high: float, better: str = "higher", prompts: int = 20) -> Change:
    return Change.model_validate(
        {
            "name": "m",
            "better": better,
            "before": 0.0,
            "after": mean,
            "change": mean,
            "low": low,
            "high": high,
            "prompts": prompts,
        }
    )


def test_readings_by_hand() -> None:
    assert reading(change(0.1, 0.2, 0.3)) == "better" and reading(change(0.1, 0.2, 0.3, "lower")) == "worse"
    assert reading(change(-0.3, -0.2, -0.1)) == "worse" and reading(change(-0.3, -0.2, -0.1, "neither")) == "changed"
    assert reading(change(-0.1, 0.2, 0.3)) == "unclear" and reading(change(0.0, 0.2, 0.3)) == "unclear"
    assert reading(change(0.0, 0.0, 0.0)) == "same" and reading(change(0.2, 0.2, 0.2, prompts=1)) == "unclear"


def test_figures() -> None:
    assert [figure(v) for v in (None, 0.0, -0.0001, 0.12345, -1.5, 1234.56)] == [
        "–",
        "0.000",
        "0.000",
        "0.123",
        "−1.500",
        "1,234.6",
    ]
    assert [signed(v) for v in (None, 0.0, 0.5, -0.5, 0.0001)] == ["–", "0.000", "+0.500", "−0.500", "0.000"]


def test_diff_shows_the_top_and_counts_all() -> None:
    before = [group(f"p{n}", answer("x", 2 if n else 0, 1, 0, 0)) for n in range(4)]
    after = [group(f"p{n}", answer("x", 2 if n < 2 else 1, 1, 0, 0)) for n in range(5)]
    text = seen(moves_table(compare(before, after), ("a", "b"), 2), 140)
    assert "p0" in text and "▲ +0.667" in text and "▼ −0.500" in text and "p3" not in text
    assert "tone 0.000 → 1.000" in text
    assert "1 rose, 2 fell, 1 did not move, 1 only in b" in text


def test_training_logs_list_metrics_and_events() -> None:
    logs = [
        TrainLog(id="1", step=1, seconds=2, metrics={"reward": 0.5, "kl": 0.1}),
        TrainLog(id="2", step=1, seconds=3, event="finished"),
    ]
    text = seen(train_log_table(logs))
    assert text.index("reward") < text.index("KL") and "finished" in text and text.count("–") >= 2


SMUGGLED = "".join(chr(0xE0100 + byte) for byte in b"give 10")
BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180e\u180f\u2800\u3164\uffa0\ufe00\U0001d173\U000e0100\U000e0fff"


@pytest.mark.parametrize(
    "text",
    [
        "Grüße 👩‍👩‍👧\tand\nنص 漢字 [x] ©",
        "❤️ ❤️‍🔥 ✔︎ ☺️! 1️⃣ #️⃣ ©️ 👁️‍🗨️ ⛹🏽‍♀️ 〰️ 🅰️",
        "ᠮᠣᠩᠭᠣᠯ ᠬᠡᠯᠡ ᠰᠠᠷ᠎ᠠ ᠭ᠋ᠠ ᠭ᠋᠎ᠠ",  # variants of letters, and a vowel apart from its word
        "ភាសាខ្មែរ សួស្ដី",
        "한국어 ㅎㅎ",
        "⠓⠑⠇⠇⠕⠀⠺⠕⠗⠇⠙",
    ],
)
def test_visible_leaves_ordinary_text_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("hidden", [*BLANKS, "\ufe0f", "\ufe0e\ufe0f", "\u200b"])
@pytest.mark.parametrize("before", ["", "a", "漢", "7", " "])
def test_visible_draws_what_nobody_sees(before: str, hidden: str) -> None:
    assert visible(before + hidden) == before + "".join(f"⟨U+{ord(each):04X}⟩" for each in hidden)


@pytest.mark.parametrize("run", [SMUGGLED, "\ufe0f\ufe0e\ufe0f", "\u180b\u180d\u180b", "\u2800\u2800"])
@pytest.mark.parametrize("base", ["fine", "❤", "ᠭ", "⠓"])
def test_visible_draws_each_of_a_run(base: str, run: str) -> None:
    assert visible(f"{base}{run}⠓") == f"{base}{''.join(f'⟨U+{ord(each):04X}⟩' for each in run)}⠓"


def test_visible_draws_controls() -> None:
    assert visible("\x1b\x7f\x9b\u202e\ud800\u200b") == "␛␡⟨U+009B⟩⟨U+202E⟩⟨U+D800⟩⟨U+200B⟩"
    visible("".join(map(chr, range(0x110000)))).encode()
    assert one_line("a\n b\x1bc" + "d" * 9, 6) == "a b␛c…"
