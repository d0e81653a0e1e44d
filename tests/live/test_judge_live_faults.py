"""10,000 judgements while three calls in ten fail, in every class that a server can cause, and two SIGKILLs."""

import os
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest

from tests.live.live_server import Live
from tests.live.material import Asked, heard, in_a_token, is_as_said, judged, lay_out, options, wanted_of_a_token
from tests.live.proxy import IN_A_TOKEN, IN_WORDS, OF, Proxy, Said, proxied
from tests.running import Runner

JUDGEMENTS = int(os.environ.get("RLRA_LIVE_JUDGEMENTS", "10000"))
HOURS_S = 4 * 3600
IMPATIENT = ("--timeout-s", "30", "--concurrency", "8", "--retries", "2")
PATIENT = ("--timeout-s", "120", "--concurrency", "4", "--retries", "1")
"""Prompts for answers in words are long, and all of their tokens have to be computed."""


def share_of_faults(said: list[list[Said]]) -> float:
    """Return which share of the calls failed."""
    kinds = Counter(each.kind == "live" for replies in said for each in replies)
    return kinds[False] / kinds.total()


def killed_when(run: Runner, words: list[str], proxy: Proxy, calls: int) -> set[Asked]:
    """Run until the proxy has had `calls`, and kill; return what had a readable answer more than a second before."""
    process = run.start(*words, "--quiet")
    end = time.monotonic() + HOURS_S
    while proxy.calls < calls and time.monotonic() < end:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    process.kill()
    process.communicate()
    moment = time.monotonic() - 1
    time.sleep(2)
    settled = {asked: said[-1] for asked, said in heard(proxy).items() if said[-1].moment < moment}
    return {asked for asked, last in settled.items() if last.kind == "live" and wanted_of_a_token(last)[0] == "scored"}


def test_no_fault_becomes_a_score_and_none_is_lost_or_doubled(live: Live, tmp_path: Path) -> None:
    """Each verdict is what the last reply about it leads to; what was answered before a kill is not asked again."""
    run = Runner(tmp_path)
    wanted = lay_out(run, -(-JUDGEMENTS // 64))
    with proxied(live.url, faults=IN_A_TOKEN, lasting=0.1, passing=0.2) as proxy:
        words = in_a_token(proxy, *IMPATIENT)
        for share in (0.3, 0.7):
            before = {asked: len(said) for asked, said in heard(proxy).items()}
            kept = killed_when(run, words, proxy, int(share * len(wanted)))
            assert len(kept) > share * len(wanted) / 10, f"{len(kept)} kept, and {len(before)} asked before"
            asked_for_kept = {asked: len(heard(proxy)[asked]) for asked in kept}
        run.start(*words, "--quiet").communicate(timeout=HOURS_S)
        said = heard(proxy)
    assert [asked for asked, calls in asked_for_kept.items() if len(said[asked]) > calls] == []
    found = list(judged(run.read("out.jsonl")))
    assert [asked for asked, _ in found] == wanted
    assert [asked for asked, verdict in found if not is_as_said(verdict, said[asked][-1])] == []
    failed = Counter(verdict["failure"] for _, verdict in found if verdict["status"] == "failed")
    scored = sum(verdict["status"] == "scored" for _, verdict in found)
    share = share_of_faults(list(said.values()))
    print(
        f"\n{len(found)} judgements, {proxy.calls} calls, {share:.1%} of them failed; {scored} scored, {dict(failed)}"
    )
    assert share > 0.27
    assert set(failed) == {OF[name] for name in IN_A_TOKEN}
    assert scored > len(found) / 4


@pytest.mark.parametrize("method", ["text", "json"])
def test_faults_in_words(live: Live, tmp_path: Path, method: str) -> None:
    """With answers in words, of which the live judge's own can seldom be read."""
    run = Runner(tmp_path)
    wanted = lay_out(run, 3, responses=8, criteria=4)
    with proxied(live.url, faults=IN_WORDS, lasting=0.6, passing=0.2) as proxy:
        words = options(proxy, method, "--criteria-per-call", "2", "--max-tokens", "24", *PATIENT)
        process = run.start(*words)
        process.communicate(timeout=HOURS_S)
        said = heard(proxy)
    assert process.returncode == 0
    found = list(judged(run.read("out.jsonl")))
    assert [asked for asked, _ in found] == wanted
    for asked, verdict in found:
        last = said[asked][-1]
        if last.kind == "live":
            assert last.reply is not None
            finish = last.reply["choices"][0]["finish_reason"]
            assert verdict["failure"] == "truncated" if finish == "length" else verdict["failure"] != "transport"
        else:
            assert (verdict["status"], verdict["score"], verdict["failure"]) == ("failed", None, OF[last.kind])
    counts = orjson.loads(run.read("counts.json"))
    failed = Counter(f"failed_verdicts:{v['failure']}" for _, v in found if v["status"] == "failed")
    assert {name: n for name, n in counts.items() if name.startswith("failed_verdicts:")} == failed
    assert len(failed) >= 5, failed
    assert counts["tokens_out"] > 0, "the live judge was never heard"
