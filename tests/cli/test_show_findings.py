"""`rlra show` on what `rlra defend` and `rlra rubrics ablate` write, and on lines of a bank."""

import re

import pytest

from schemas.findings import Contrast, Example, Exploited, Findings, Interval, Member, Onset, Proof, Rate
from schemas.jsonl import to_line
from tests.contract.material import NAMES, judged
from tests.running import Runner, lines

HOSTILE = "\x1b]8;;evil\x07\x1b[2J[bold red]big[/] \u202egnp \x00"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
ODDS = Interval(value=2.5, low=0.5, high=4.5)
SEEN = Contrast(against="earlier", prompts=12, high=0.75, low=0.125, more=9, less=1, lift=6.0, log_odds=ODDS, p=0.004)
GOOD = Rate(hits=0, n=200, low=0.0, high=0.0149)
FINDING = Findings(
    id="word-moon",
    kind="word",
    what=f"says {HOSTILE}",
    check={"regex_match": {"pattern": HOSTILE}},
    found=SEEN,
    q=0.008,
    tested=40,
    proof=Proof(held_out=None, good=GOOD),
    exploited=(Exploited(criterion="helpful", rise=ODDS, prompts=7),),
    members=(Member(what="opens with the moon", high=0.5, low=0.25),),
    examples=(
        Example(
            prompt="Why?",
            has=f"The moon. {HOSTILE}",
            has_from="p1[0]",
            has_reward=1.0,
            lacks="Well.",
            lacks_from="p1[3]",
            lacks_reward=None,
        ),
    ),
    onset=Onset(step=6, p=0.002, before=0.1, after=0.7),
    reason="hits too many good texts",
)
GAP = Findings(id="gap", kind="gap", what="reward against quality", onset=Onset(step=None, p=0.4, why="no change"))


def test_a_finding_is_told_with_its_evidence(run: Runner) -> None:
    """Evidence, what it does elsewhere, why it is no veto, examples side by side: all of it, and all of it drawn."""
    run.write("f.jsonl", to_line(FINDING) + to_line(GAP))
    done = run.inside("show", "f.jsonl")
    assert done.code == 0, done.err
    seen = " ".join(done.out.decode().split())
    for words in (
        "word-moon", "findings/1", "75.0% against 12.5% of the earlier policy: lift 6.000", "more often on 9 of 12",
        "0 of 200", "helpful: +2.500 (+0.500 to +4.500) higher", "opens with the moon: 50% against 25%",
        "step 6: 0.100 before, 0.700 from then on, p 0.002", "p1[0], reward 1.000", "p1[3], no reward",
        "not proposed: hits too many good texts", "reward against quality", "none: no change, p 0.4",
        "[bold red]big[/]",
    ):  # fmt: skip
        assert words in seen, (words, seen)
    assert not RAW.search(done.out.decode())


def test_an_ablation_is_a_table(run: Runner) -> None:
    run.write("in.jsonl", lines(*map(judged, NAMES)))
    assert run.inside("rubrics", "ablate", "in.jsonl", "--quiet", "-o", "a.jsonl").code == 0
    done = run.inside("show", "a.jsonl")
    assert done.code == 0 and b"left out" in done.out and re.search(rb"short +3 ", done.out), done
    valid = run.inside("validate", "a.jsonl")
    assert valid.code == 0 and "1 lines of ablation/1, manifest matches" in valid.err


@pytest.mark.parametrize("state", ["accepted", "draft"])
def test_a_line_of_a_bank_is_its_rubric(run: Runner, state: str) -> None:
    rubric = {
        "rubric": "kind",
        "criteria": [{"id": "warm", "text": "Is warm."}],
        "review": {"state": state, "by": "ada"},
    }
    run.write("bank.jsonl", lines({"schema": "rubric/1", "id": "kind", "rubric": rubric}))
    done = run.inside("show", "bank.jsonl")
    assert done.code == 0 and b"Is warm." in done.out, done.err
