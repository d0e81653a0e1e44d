"""The page of a report: whole, self-contained, and deaf to what hostile texts say."""

import re
from html.parser import HTMLParser
from itertools import cycle

import pytest

from schemas.judged import Judged
from schemas.task import Message
from schemas.train_log import TrainLog
from stages.eval import EvalSpec, evaluate
from stages.reports.compared import Compared
from stages.reports.examples import LONGEST, OPENING
from stages.reports.html import Training, render
from stages.reports.learning import criteria, curves, learning_curve
from stages.reports.samples import over_time
from stages.training.parting import Held, Parting
from tests.judged_lines import Answer, answer, group

GOOD, FAIR, POOR = answer("warm words", 2, 1, 0, 0), answer("fair words", 1, 1, 0, 0), answer("poor words", 0, 0, 1, 0)
HOSTILE = "</style></svg><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}\x1b[31m\x00\u202e&amp;'\""
VOID = {"meta", "br", "input"}


class Page(HTMLParser):
    """Collects tags, attributes and text; fails on a tag that does not close in its place."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def compared(before: list[Judged], after: list[Judged], labels: tuple[str, str], resamples: int = 10) -> Compared:
    return Compared(evaluate(before, after, labels, EvalSpec(resamples=resamples)), before, after)


def page_of(before: list[Judged], after: list[Judged], labels: tuple[str, str] = ("a", "b")) -> str:
    return render([compared(before, after, labels)])


def sides(labels: tuple[str, str] = ("base", "trained")) -> Compared:
    before = [group(f"p{n}", FAIR if n else GOOD, POOR) for n in range(10)]
    after = [group(f"p{n}", POOR if n % 3 == 0 else GOOD, GOOD if n else POOR, model="new") for n in range(10)]
    return compared(before, after, labels, resamples=100)


def led(made: Answer, *turns: str, cut_off_turns: tuple[int, ...] = ()) -> Answer:
    """Return an answer behind earlier turns, the policy's and the user's by turns."""
    earlier = [
        Message.model_validate({"role": role, "content": turn})
        for role, turn in zip(cycle(("assistant", "user")), turns, strict=False)
    ]
    response, verdicts = made
    return response.model_copy(update={"earlier": tuple(earlier), "cut_off_turns": cut_off_turns}), verdicts


def hostile() -> str:
    bad, mean = answer(HOSTILE, 0, 0, 1, 0, reason=HOSTILE), answer(HOSTILE, 1, 1, 0, 0, reason=HOSTILE)
    bad, mean = led(bad, f"EARLIER {HOSTILE}", f"WHY {HOSTILE}"), led(mean, "Red.", "Why?")
    before, after = [group("p", mean, prompt=HOSTILE)], [group("p", bad, prompt=HOSTILE, model=HOSTILE)]
    return page_of(before, after, (HOSTILE, r"$\frac{x$"))


LOGS = [TrainLog(id=f"{r}-{s}", step=s, seconds=1, metrics={"reward": 0.1 * s}) for r in range(2) for s in range(1, 4)]


@pytest.mark.parametrize(
    "page", [render([sides()], Training(LOGS)), render([sides()]), hostile()], ids=["whole", "no logs", "hostile"]
)
def test_page_is_well_formed_and_has_no_scripts(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    assert not parsed.tags & {"script", "img", "link", "iframe", "object", "base", "form", "foreignobject"}
    assert not any(name.startswith("on") or name in ("src", "srcset", "action") for name, _ in parsed.attributes)
    assert all(value.startswith("#") for name, value in parsed.attributes if name.endswith("href"))
    assert not re.search(r"url\((?!#)", page)
    assert page.count("</style>") == 1


def test_page_needs_no_network() -> None:
    page = render([sides()], Training(LOGS))
    assert not re.search(r"https?:|src=|@import|//\w", page)
    assert "default-src 'none'" in page  # and a browser would refuse it


def test_hostile_texts_are_drawn_and_not_obeyed() -> None:
    page = hostile()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page and "<img" not in page and "{{ 7*7 }}" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", page)
    assert "␛[31m␀⟨U+202E⟩&amp;amp;" in page
    assert HOSTILE.split("\x1b")[0] in Page(page).text
    for turn in ("EARLIER", "WHY"):
        assert f"{turn} {HOSTILE.split(chr(27))[0]}" in Page(page).text


def test_earlier_turns_are_folded_before_the_answer_and_marked_where_they_were_cut_off() -> None:
    answers = [led(made, "Red.", "Why?", "So", "Sure?", cut_off_turns=(2,)) for made in (POOR, GOOD)]
    before, after = ([group("p", made)] for made in answers)
    page = page_of(before, after)
    folded = re.findall(r"<details>(.*?)</details>\s*<div class=\"text\">(\w+ words)", page, re.DOTALL)
    assert [text for _, text in folded] == ["poor words", "warm words", "warm words"]
    for inside, _ in folded:
        said = " ".join(Page(inside).text.split())
        assert said == "4 earlier turns assistant Red. user Why? assistant · cut off So user Sure?"


def test_a_long_earlier_turn_is_cut_and_the_rest_is_counted() -> None:
    before, after = ([group("p", led(made, "x" * (LONGEST + 7), "Why?"))] for made in (POOR, GOOD))
    page = page_of(before, after)
    assert page.count("… 7 more characters") == 3
    assert [len(run) for run in re.findall("x{9,}", page)] == [OPENING, LONGEST - OPENING] * 3


def test_same_arguments_give_the_same_page() -> None:
    assert render([sides()], Training(LOGS)) == render([sides()], Training(LOGS))


def test_headline_says_the_change_and_its_interval() -> None:
    report = sides().report
    reward = report.measures[0]
    text = " ".join(Page(render([sides()])).text.split())
    assert f"Reward went from {reward.before:.3f} to {reward.after:.3f}: +{reward.change:.3f}" in text
    assert f"95% interval +{reward.low:.3f} to +{reward.high:.3f}, over 10 prompts" in text
    assert all(change.name in text for change in (*report.measures, *report.criteria))


def test_gains_losses_and_the_worst_response_are_shown() -> None:
    before = [group(f"p{n}", FAIR) for n in range(8)]
    after = [group(f"p{n}", answer(f"text {n}", *((2, 1, 0, 0) if n < 4 else (0, n % 2, 1, 0)))) for n in range(8)]
    page = page_of(before, after, ("base", "trained"))
    gains, losses, worst = page.split('id="c1-gains"')[1].partition("<h2")[0].split("<h3")
    assert re.findall(r"<h4>(p\d)", gains) == ["p0", "p1", "p2"]
    assert re.findall(r"<h4>(p\d)", losses) == ["p4", "p5", "p6"]
    assert "text 4" in worst and "<h4>p4" in worst


def test_too_few_losses_are_said() -> None:
    before, after = [group("p", POOR)], [group("p", GOOD)]
    page = page_of(before, after)
    assert "Only 1 gained reward." in page and "No prompt lost reward." in page
    assert "fewer than 10 prompts" in page and "no learning curve" in page


def test_missing_rewards_are_never_shown_as_numbers() -> None:
    failed = [group("p", answer("x", "failed", 1, 0, 0))]
    page = Page(page_of(failed, failed)).text
    assert "No prompt has a reward on both sides." in page and "No response has a reward." in page
    assert "1 of 1" in page


def test_plots_take_their_colours_from_the_page() -> None:
    page = render([sides()], Training(LOGS))
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 4 and len(re.findall(r"<svg", render([sides()]))) == 3
    for drawing in drawings:
        assert "currentColor" in drawing and re.search(r"var\(--(before|after|worse)\)", drawing)
        assert not re.search(r"#(?:0a0b|0102)|<metadata|<style|<\?xml", drawing)


def log(step: int, event: str | None = None, **metrics: float) -> TrainLog:
    return TrainLog(id=f"{step}", step=step, seconds=1, metrics=metrics, event=event)


def test_rounds_follow_each_other_in_the_learning_curve() -> None:
    steps, values, rounds = learning_curve([*LOGS, log(3, event="finished")])
    assert (steps, rounds) == ([1, 2, 3, 4, 5, 6], [3])
    assert values == pytest.approx([0.1, 0.2, 0.3] * 2)


def test_a_line_that_adds_to_a_step_begins_no_round() -> None:
    """Rounds of one step each, and what held-out prompts said before and after them."""
    one, two = log(1, loss=0.1, reward=0.2), log(1, loss=0.1, reward=0.3)
    logs = [log(0, held_out=0.5), one, log(1, held_out=0.6), two, log(1, held_out=0.7)]
    assert learning_curve(logs) == ([1, 2], [0.2, 0.3], [1])
    assert learning_curve(logs, "held_out") == ([0, 1, 2], [0.5, 0.6, 0.7], [1])


def test_rounds_whose_steps_are_counted_on_are_told_apart_by_their_number() -> None:
    def of(number: int, line: TrainLog) -> TrainLog:
        return line.model_copy(update={"meta": {"round": number}})

    steps = [of((step + 1) // 2, log(step, loss=0.1, reward=0.1)) for step in range(1, 7)]
    held = [of(step // 2, log(step, held_out=0.5)) for step in (0, 2, 4, 6)]
    logs = [held[0], *steps[:2], held[1], *steps[2:4], held[2], *steps[4:], held[3]]
    assert learning_curve(logs) == ([1, 2, 3, 4, 5, 6], [0.1] * 6, [2, 4])
    assert learning_curve(logs, "held_out") == ([0, 2, 4, 6], [0.5] * 4, [2, 4])


def test_every_known_measure_has_a_curve_and_every_criterion_up_to_a_dozen() -> None:
    met = {f"met/c{n:02d}": n / 20 for n in range(15)}
    more = {"veto_rate": 0.0, "unheard_of": 1.0, "reward/maths": 0.5, **dict.fromkeys(met, 0.0)}
    logs = [log(1, reward=0.1, **more), log(2, reward=0.2, **met)]
    assert [name for name, _ in curves(logs)] == ["mean reward", "share set to 0 by a veto", "mean reward of maths"]
    assert [name for name, _ in criteria(logs)] == [f"c{n:02d}" for n in range(14, 2, -1)]
    assert curves([]) == criteria([]) == []


def run_of(*prompts: str) -> list[Judged]:
    """Return the judged lines of an online run, of which each step has one prompt and a policy of its own."""
    lines = [group(f"{prompt}@{step:06d}", answer(f"text {step}", 1, 1, 0, 0)) for step, prompt in enumerate(prompts)]
    return [of_revision(line, f"r+{step}") for step, line in enumerate(lines)]


def of_revision(line: Judged, revision: str) -> Judged:
    return line.model_copy(update={"policy": line.policy.model_copy(update={"revision": revision})})


def test_responses_over_time_are_of_one_prompt_where_one_lasts() -> None:
    def ids(lines: list[Judged]) -> list[str]:
        return [line.id for line, _ in over_time(lambda: lines)]

    assert ids(run_of(*"abcabcabc")) == ["a@000000", "a@000003", "a@000006"]
    assert ids(run_of(*"abcde")) == ["a@000000", "c@000002", "e@000004"]
    assert ids(run_of("a", "a", *"bcdef")) == ["a@000000", "c@000003", "f@000006"]
    assert ids(run_of("a", "a")) == ["a@000000", "a@000001"]
    assert ids([]) == []
    assert ids([of_revision(line, "r") for line in run_of(*"abcabc")]) == []  # one policy: nothing changes


def test_the_page_shows_how_the_run_went() -> None:
    points = [Held(0, 0.2, {"p": 0.5, "q": 0.7}), Held(5, 0.4, {"p": 0.1, "q": 0.2})]
    said = [group(f"{HOSTILE}@{n}", answer(HOSTILE, 1, 1, 0, 0), prompt=HOSTILE) for n in (1, 2)]
    samples = over_time(lambda: [of_revision(line, f"{HOSTILE}{n}") for n, line in enumerate(said)])
    logs = [*LOGS, log(4, **{"met/<script>": 0.5, "reward": 0.4}), log(4, event=f"alarm: {HOSTILE}")]
    page = render([sides()], Training(logs, points, Parting(0, 5, 0.2, 0.45, 2), samples))
    parsed = Page(page)
    assert parsed.open == [] and not parsed.tags & {"script", "img"}
    assert len(re.findall(r"<svg", page)) == 3 + 3  # the sides; gold, reward and one criterion
    assert "from step 0 to 5 the training reward rose by 0.200 and the gold judge's fell by 0.450" in parsed.text
    assert "they part" in parsed.text and "Responses early, midway and late" in parsed.text
    assert parsed.text.count("alarm: ") == 1


def test_rounds_with_a_gold_judge_need_no_gold_files() -> None:
    held = [log(step, held_out=0.1 * step, held_out_gold=0.5 - 0.1 * step) for step in (0, 1, 2)]
    text = Page(render([sides()], Training([*held, log(2, event="alarm: from step 1 to 2")]))).text
    assert "the run's own judge, held-out prompts" in text and "gold judge, held-out prompts" in text
    assert "they part" in text and "two standard errors" not in text
    quiet = Page(render([sides()], Training(held))).text
    assert "gold judge, held-out prompts" in quiet and "they part" not in quiet


def test_a_run_without_gold_files_or_samples_shows_none() -> None:
    text = Page(render([sides()], Training(LOGS))).text
    assert "mean reward" in text
    assert not any(words in text for words in ("gold judge", "Responses early", "meets each criterion"))
