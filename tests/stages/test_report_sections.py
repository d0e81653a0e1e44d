"""What the sections of a page say of gates, judges, costs, selections and origins, and how they stay bounded."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.judged import Judged, Verdict, Vote
from schemas.report import Change, Gate, Report
from schemas.rubric import Criterion, Rubric
from stages.eval import EvalSpec, evaluate
from stages.provenance import Origin
from stages.reports import chain, examples, judging, spending
from stages.reports.compared import Asked, Compared, files
from stages.reports.comparison import MOST_CRITERIA, comparisons, examples_each
from stages.reports.examples import MOST_REASONS, opening
from stages.reports.html import render
from stages.reports.overview import overview
from stages.reports.plots import MOST_POINTS
from stages.reports.reading import dollars, is_doubtful, share
from tests.house.sources import ROOT
from tests.judged_lines import LIES, answer, group
from tests.stages.test_report_html import GOOD, POOR, Page


def compared(axis: str = "", label: str = "new", better: bool = True, gates: tuple[Gate, ...] = ()) -> Compared:
    before = [group(f"p{n}", POOR, answer("fair words", 1, n % 2, 0, 0)) for n in range(12)]
    after = [group(f"p{n}", GOOD if better else POOR, POOR) for n in range(12)]
    report = evaluate(before, after, ("base", label), EvalSpec(resamples=50), axis=axis)
    return Compared(report.model_copy(update={"gates": gates}), before, after)


def text_of(page: str) -> str:
    return " ".join(Page(page).text.split())


def test_the_headline_has_a_row_for_each_axis_and_a_column_for_each_policy() -> None:
    gate = Gate(measure="length_words", bar=">=-0.5", passed=False)
    every = [compared("hard", "one"), compared("hard", "two"), compared("soft", "one", better=False, gates=(gate,))]
    found = overview([each.report for each in every])
    assert (found.first, found.policies) == ("base", ("one", "two"))
    assert [(row.axis, row.measure) for row in found.rows] == [
        ("hard", "reward"),
        ("soft", "reward"),
        ("soft", "length_words"),
    ]
    assert found.rows[1].cells[1].change is None  # `two` was not compared on the axis `soft`
    text = text_of(render(every))
    assert "2 policies on 2 axes, each compared with base" in text
    assert "✗ 0 of 1 gates passed." in text and "✗ gate ≥ −0.5" in text
    assert text.count("hard: base → two") == 2  # in the contents, and above its section


def test_files_are_told_once_however_often_they_were_compared() -> None:
    both = [compared("hard", "one"), compared("hard", "two")]
    assert [asked.label for asked in files(both)] == ["base", "one", "two"]
    with pytest.raises(ValueError):
        render([])


def test_a_clear_change_that_is_one_of_many_is_doubted() -> None:
    clear = {"name": "reward", "better": "higher", "before": 0.1, "after": 0.3, "change": 0.2, "prompts": 20}
    change = Change.model_validate({**clear, "low": 0.1, "high": 0.3, "p": 0.01, "q": 0.2})
    assert is_doubtful(change)
    assert not is_doubtful(change.model_copy(update={"q": 0.05}))
    assert not is_doubtful(change.model_copy(update={"q": None}))
    assert not is_doubtful(change.model_copy(update={"low": -0.1}))  # it is unclear by itself


def cast(*labels: str, judges: str = "aab") -> dict:
    votes = [
        Vote(judge=judge, key="k", status="scored", label=said) for judge, said in zip(judges, labels, strict=True)
    ]
    return {"votes": tuple(votes)}


def voted(name: str, *verdicts: Verdict) -> Judged:
    said = dict(zip(("tone", "short", "lies", "rude"), verdicts, strict=True))
    return group(name, (answer("words", 0, 0, 0, 0)[0], said))


def verdict(criterion: str, status: str = "scored", **more: object) -> Verdict:
    score = 1.0 if status == "scored" else None
    shape = {"criterion": criterion, "status": status, "score": score, "judge": "m", "key": "k", **more}
    return Verdict.model_validate(shape)


def test_judges_are_measured_by_failures_votes_and_graded_scores() -> None:
    first = voted(
        "p",
        verdict("tone", shares=(0.5, 0.0, 0.5)),
        verdict("short", judge="check"),
        verdict("lies", disagreement=1 / 3, **cast("met", "not met", "met")),
        verdict("rude", "failed", failure="truncated"),
    )
    second = voted("q", verdict("tone", "abstained"), verdict("short", judge="check"), verdict("lies"), verdict("rude"))
    (found,) = judging.judging([Asked("", "base", [first, second])])
    lies, tone = found.criteria["lies"], found.criteria["tone"]
    assert (lies.agreement, lies.same, lies.between) == (pytest.approx(2 / 3), 0.0, 0.5)
    assert tone.spread == pytest.approx(0.5) and tone.status["abstained"] == 1
    assert found.whole.status == {"scored": 6, "failed": 1, "abstained": 1}
    assert [name for name, _ in judging.least_sure([found])] == [
        "rude",
        "tone",
        "lies",
    ]  # checks that held are no doubt
    assert found.unscored == 1


def test_the_page_says_what_judges_left_open() -> None:
    lines = [voted("p", *(verdict(name, judge="openai:big") for name in ("tone", "short", "lies", "rude")))]
    lines += [voted("q", *(verdict(name, "failed", failure="refusal") for name in ("tone", "short", "lies", "rude")))]
    both = Compared(evaluate(lines, lines, ("a", "b"), EvalSpec(resamples=9)), lines, lines)
    text = text_of(render([both]))
    assert "openai:big 4, m 4" in text and "50.0%" in text and "refusal × 2" in text
    assert "All verdicts were decided by checks" not in text
    assert "rlra eval agreement" in text


def test_deviation_is_that_of_the_answers_mapped_onto_0_to_1() -> None:
    assert judging.deviation(LIES, verdict("lies", shares=(0.25, 0.75))) == pytest.approx((0.25 * 0.75) ** 0.5)
    assert judging.deviation(LIES, verdict("lies", shares=(0.0, 1.0))) == 0.0


ORIGINS = [
    Origin("after.jsonl", "/w/after.jsonl", 0, "judge", "0.1", "rlra judge a", inputs=("/w/run", "/w/kept.jsonl"),
           roles=("model", "input"), sha256="ab" * 32, records=9, started="2026-01-03", seconds=60.0,
           counts={"calls": 3, "tokens_in": 90, "tokens_out": 30, "usd": 0.5, "responses": 8}, state="holds"),
    Origin("run", "/w/run", 1, "train", "0.1", "rlra train k", inputs=("/w/kept.jsonl",), roles=("input",),
           started="2026-01-02", seconds=600.0, counts={"steps": 4}, state="stale", why="kept.jsonl changed",
           is_sound=False),
    Origin("rollouts.jsonl", "/w/run/round-1/rollouts.jsonl", 2, "rollout", "0.1", "rlra train k",
           started="2026-01-02", seconds=100.0, counts={"tokens": 500, "responses": 32}, state="holds"),
    Origin("kept.jsonl", "/w/kept.jsonl", 2, "select-data", "0.1", "rlra select-data t", inputs=("/w/tasks.jsonl",),
           started="2026-01-01", seconds=1.0, counts={"records": 9, "dropped_too_hard": 3, "dropped_no_spread": 1},
           state="holds"),
    Origin("tasks.jsonl", "/w/tasks.jsonl", 3),
]  # fmt: skip


def test_what_a_run_made_inside_its_folder_is_a_part_of_it() -> None:
    found = spending.steps(ORIGINS)
    assert [(step.stage, step.place) for step in found] == [
        ("select-data", "kept.jsonl"),
        ("train", "run"),
        ("judge", "after.jsonl"),
    ]
    assert spending.seconds(found) == 661.0  # the round's rollouts went on within the run's time
    assert spending.total(found, "tokens") == 500
    assert spending.total(found, "usd") == 0.5
    assert spending.total(found, "nothing") is None
    assert spending.steps(ORIGINS[::-1]) == found
    at_once = [replace(origin, started="2026-01-01") for origin in ORIGINS]
    assert [step.place for step in spending.steps(at_once)] == [step.place for step in found]


def test_a_run_of_rounds_tells_what_they_took_and_left_out_and_nothing_is_counted_twice() -> None:
    """The chain of what a run of rounds led to has none of the files of its rounds: the run itself counted them."""
    told = {"steps": 4, "rounds": 1, "responses": 32, "tokens": 500, "kept": 5, "dropped_below_band": 3}
    run = replace(ORIGINS[1], counts=told)
    selected = replace(ORIGINS[3], path="/w/run/round-1/kept.jsonl", counts={"records": 5, "dropped_below_band": 3})
    for inside in ([], [ORIGINS[2], selected]):
        chained = [ORIGINS[0], run, *inside]
        (trained, _) = spending.steps(chained)
        assert {name: trained.figures[name] for name in ("responses", "tokens")} == {"responses": 32, "tokens": 500}
        (sieve,) = spending.sieves(chained)
        assert (sieve.place, sieve.came, sieve.kept, dict(sieve.dropped)) == ("run", 8, 5, {"below_band": 3})
    assert [sieve.place for sieve in spending.sieves([*ORIGINS[:2], selected])] == ["run/round-1/kept.jsonl"]
    assert spending.sieves([replace(run, counts={"steps": 4, "dropped_no_spread": 2})]) == []  # of one round alone


def test_counts_that_are_no_numbers_are_not_added_up() -> None:
    odd = replace(ORIGINS[0], counts={"calls": "<b>many</b>", "tokens_in": True}, usage={"usd": 2})
    assert spending.steps([odd])[0].figures == {"usd": 2}


def test_a_selection_tells_what_each_reason_took() -> None:
    (sieve,) = spending.sieves(ORIGINS)
    assert (sieve.came, sieve.kept, dict(sieve.dropped)) == (13, 9, {"too_hard": 3, "no_spread": 1})
    assert "too hard −3, no spread −1" in text_of(render([compared()], origins=ORIGINS))


def test_each_file_of_the_chain_stands_once_and_below_what_was_made_from_it() -> None:
    again = [*ORIGINS, replace(ORIGINS[3], depth=1)]
    found = chain.links(again)
    assert [link.place for link in found] == [
        "after.jsonl",
        "run",
        "run/round-1/rollouts.jsonl",
        "kept.jsonl",
        "tasks.jsonl",
    ]
    assert found[0].inputs == (("model", "run", 2), ("input", "kept.jsonl", 4))
    assert [link.tone for link in found] == ["good", "between", "good", "good", "absent"]


def test_the_page_says_how_to_make_it_again_and_what_it_cost() -> None:
    page = render([compared()], origins=ORIGINS, command="rlra eval base=a new=b --html x.html")
    text = text_of(page)
    commands = text[text.rindex("Make it again") :]
    order = [commands.index(f"rlra {words}") for words in ("select-data t", "train k", "judge a", "eval base=a")]
    assert order == sorted(order) and commands.count("rlra train k") == 1
    assert (
        "3 steps took 11.0 min; 500 tokens were sampled; 3 calls to endpoints took 90 tokens in and 30 out, for $0.50"
        in text
    )
    assert "3 hold, 1 stale, 1 without a manifest" in text and "kept.jsonl changed" in text and "abababababab" in text


def test_without_origins_each_section_says_so() -> None:
    text = text_of(render([compared()]))
    assert "Not known: the judged files have no manifests" in text
    assert "No rlra select-data is among the known steps" in text
    assert "The chain of files is not known" in text and "The commands are not known" in text


def many(criteria: int, prompts: int, words: str) -> Compared:
    """Return a comparison in which every prompt has criteria of its own."""
    lines = []
    for n in range(prompts):
        rubric = Rubric(rubric=f"r{n}", criteria=tuple(Criterion(id=f"c{n}-{k}", text="x") for k in range(criteria)))
        lines.append(group(f"p{n}", answer(words, *[n % 2] * criteria, rubric=rubric, reason=words), rubric=rubric))
    return Compared(evaluate(lines, lines, ("a", "b"), EvalSpec(resamples=2)), lines, lines)


def test_rows_marks_texts_and_reasons_are_bounded() -> None:
    large = many(60, 3, "word & <more> " * 2_000)
    (shown,) = comparisons([large])
    assert len(large.report.criteria) == 180 and len(shown.criteria) == MOST_CRITERIA
    assert shown.left_out == 180 - MOST_CRITERIA
    assert (
        shown.worst and len(shown.worst[1].reasons) == MOST_REASONS and shown.worst[1].reasons_left == 60 - MOST_REASONS
    )
    page = render([large])
    assert "80 more criteria are in the report's own line" in page and "and 20 more verdicts" in page
    assert len(page) < 400_000


def test_of_many_prompts_some_are_drawn_and_the_caption_says_how_many() -> None:
    few, lots = compared(), compared()
    lines = [group(f"p{n}", GOOD if n % 3 else POOR) for n in range(3 * MOST_POINTS)]
    lots = Compared(evaluate(lines, lines, ("a", "b"), EvalSpec(resamples=2)), lines, lines)
    assert "one prompt in 3 is drawn" in render([lots]) and "is drawn" not in render([few])
    scatter = re.findall(r'<svg role="img" aria-label="Reward against length.*?</svg>', render([lots]), re.DOTALL)[0]
    assert scatter.count("<use") < 2.2 * MOST_POINTS


def test_more_comparisons_show_fewer_examples_each() -> None:
    assert [examples_each(count) for count in (1, 4, 5, 6, 7, 12, 13, 99)] == [3, 3, 2, 2, 1, 1, 1, 1]
    assert {each.wanted for each in comparisons([compared("a"), compared("b")])} == {3}


@given(st.text(max_size=4 * examples.OPENING))
def test_a_text_is_parted_and_nothing_of_it_lost(text: str) -> None:
    seen, folded = opening(text)
    assert seen + folded == text
    assert len(seen) <= examples.OPENING * 3 // 2 and (not folded or len(seen) >= examples.OPENING // 2)


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_never_hides_that_some_are_there_or_missing(part: int, rest: int) -> None:
    assert (share(part, part + rest) == "0.0%") == (part == 0)
    assert share(part, part + rest) != "100.0%"
    assert share(rest, rest) == "100.0%" and share(0, 0) == "–"


def test_money_is_told_apart_from_nothing() -> None:
    assert [dollars(value) for value in (None, 0, 0.004, 1.234)] == ["–", "$0.00", "$0.0040", "$1.23"]


def test_a_report_without_any_criterion_or_reward_is_still_a_page() -> None:
    lines = [group("p", answer("x", "failed", "failed", "failed", "failed"))]
    empty = Compared(evaluate(lines, lines, ("a", "b"), EvalSpec(resamples=2)), lines, lines)
    bare = replace(empty, report=Report.model_validate({**empty.report.model_dump(), "measures": (), "criteria": ()}))
    text = text_of(render([bare]))
    assert "No prompt has a reward on both sides." in text and "No criterion has a verdict on both sides." in text


def test_the_guide_says_what_is_left_out_as_it_is() -> None:
    guide = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    for words in (
        f"texts are cut at {examples.LONGEST:,} characters",
        f"reasons at {examples.LONGEST_REASON}, responses show at most {MOST_REASONS} verdicts",
        f"their last {examples.MOST_TURNS} turns",
        f"scatter plots at most {MOST_POINTS}",
        f"tables of criteria {MOST_CRITERIA} rows, the chain {chain.MOST_ROWS}",
        "Three gains and three losses are shown in full of up to four comparisons",
    ):
        assert words in " ".join(guide.split()), words
