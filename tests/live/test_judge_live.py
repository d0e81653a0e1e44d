"""`rlra judge` against a real server: verdicts are what the server said, or none, and every token is counted."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.live.live_server import Live
from tests.live.material import Asked, heard, in_a_token, is_as_said, judged, lay_out, options
from tests.live.proxy import Proxy, Said
from tests.running import Runner, wait_until

HOUR_S = 3600
PATIENT = ("--timeout-s", "600", "--concurrency", "8")


@pytest.fixture
def folder(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def finished(run: Runner, words: list[str]) -> tuple[dict[Asked, dict[str, Any]], Counter[str]]:
    """Run to the end; return the verdicts, each of which stands there once, and the counts of the summary."""
    process = run.start(*words)
    _, said = process.communicate(timeout=HOUR_S)
    assert process.returncode == 0, said
    found = list(judged(run.read("out.jsonl")))
    assert len(dict(found)) == len(found)
    return dict(found), Counter(orjson.loads(run.read("counts.json")))


def used(proxy: Proxy) -> Counter[str]:
    """Return the tokens of every reply that the server gave."""
    replies = [said.reply for each in proxy.log.values() for said in each if said.reply]
    fields = ("prompt_tokens", "completion_tokens")
    return Counter({field: sum(reply["usage"][field] for reply in replies) for field in fields})


def counts_agree(
    run: Runner, counts: Counter[str], proxy: Proxy, before: dict[str, int], after: dict[str, int]
) -> None:
    """Assert that the summary, the lines, the replies and the server's own counters tell the same numbers."""
    took = {name: after[name] - before[name] for name in after}
    usage = [orjson.loads(line)["usage"] for line in run.read("out.jsonl").splitlines()]
    assert counts["calls"] == proxy.calls == sum(line["calls"] for line in usage)
    assert counts["tokens_in"] == took["prompt"] == used(proxy)["prompt_tokens"] == sum(u["tokens_in"] for u in usage)
    assert counts["tokens_out"] == used(proxy)["completion_tokens"] == sum(u["tokens_out"] for u in usage)
    assert took["answered"] == counts["tokens_out"]
    assert counts["tokens_cached"] == took["cached"]
    assert took.get("requests", proxy.calls) == proxy.calls


def follows(verdict: dict[str, Any], said: list[Said]) -> bool:
    """Return whether a verdict in words can be what came of these answers: a score needs its words in the last one."""
    assert said[-1].reply is not None
    choice = said[-1].reply["choices"][0]
    if verdict["status"] == "failed":
        cut_off = choice["finish_reason"] == "length"
        return verdict["score"] is None and (verdict["failure"] == "truncated") == cut_off and len(said) == 3
    label = "met" if verdict["score"] == 1 else "not met"
    text = choice["message"]["content"].casefold()
    return choice["finish_reason"] == "stop" and f"so: {label}" in text and verdict["criterion"] in text


@pytest.mark.parametrize("per_call", ["1", "all"])
@pytest.mark.parametrize("method", ["text", "json"])
def test_answers_in_words(live: Live, proxy: Proxy, folder: Runner, method: str, per_call: str) -> None:
    """So small a model writes hardly an answer that can be read: what cannot is failed, with its class."""
    wanted = lay_out(folder, 1, responses=2, criteria=2)
    before = live.counters()
    words = options(proxy, method, "--criteria-per-call", per_call, "--max-tokens", "60", *PATIENT)
    verdicts, counts = finished(folder, words)
    counts_agree(folder, counts, proxy, before, live.counters())
    assert list(verdicts) == wanted
    assert len(proxy.log) == len(wanted) // (2 if per_call == "all" else 1)
    said = heard(proxy)
    assert [asked for asked in wanted if not follows(verdicts[asked], said[asked])] == []
    assert counts["transport_retries"] == 0
    classes = Counter(f"failed_verdicts:{v['failure']}" for v in verdicts.values() if v["status"] == "failed")
    assert {name: n for name, n in counts.items() if name.startswith("failed_verdicts:")} == classes


def test_one_token_and_its_probabilities(live: Live, proxy: Proxy, folder: Runner) -> None:
    """Scores are the shares that the server told; a second run over the judged file asks only for what failed."""
    wanted = lay_out(folder, 3)
    before = live.counters()
    verdicts, counts = finished(folder, in_a_token(proxy, *PATIENT))
    counts_agree(folder, counts, proxy, before, live.counters())
    assert list(verdicts) == wanted
    said = heard(proxy)
    assert {len(each) for each in said.values()} == {1}
    assert [asked for asked in wanted if not is_as_said(verdicts[asked], said[asked][-1])] == []
    statuses = Counter(verdict["status"] for verdict in verdicts.values())
    assert statuses["scored"] >= len(wanted) / 4, statuses

    folder.write("in.jsonl", folder.read("out.jsonl"))
    anew, counts = finished(folder, in_a_token(proxy, *PATIENT))
    again = {asked for asked, replies in heard(proxy).items() if len(replies) > 1}
    assert again == {asked for asked, verdict in verdicts.items() if verdict["status"] == "failed"}
    assert counts["reused"] == statuses["scored"]
    assert all(anew[asked] == verdicts[asked] for asked in wanted if asked not in again)


def test_a_killed_run_asks_only_for_what_was_missing(proxy: Proxy, folder: Runner) -> None:
    """Answers that came more than a moment before SIGKILL are kept, those of unfinished lines too."""
    wanted = lay_out(folder, 4)
    words = in_a_token(proxy, *PATIENT)
    process = folder.start(*words)
    wait_until(lambda: proxy.calls >= len(wanted) // 2, "half of the calls")
    process.kill()
    process.communicate()
    moment = time.monotonic()
    kept = {asked for asked, said in heard(proxy).items() if said[-1].kind == "live" and said[-1].moment < moment - 1}
    scored = {asked for asked in kept if heard(proxy)[asked][-1].reply and is_scored(heard(proxy)[asked][-1])}
    verdicts, _ = finished(folder, words)
    said = heard(proxy)
    assert list(verdicts) == wanted
    assert len(scored) > len(wanted) // 8
    assert {len(said[asked]) for asked in scored} == {1}
    assert [asked for asked in wanted if not is_as_said(verdicts[asked], said[asked][-1])] == []


def is_scored(said: Said) -> bool:
    """Return whether a reply is one that gives a score."""
    return is_as_said({"status": "failed", "score": None, "failure": "uncertain"}, said) is False
