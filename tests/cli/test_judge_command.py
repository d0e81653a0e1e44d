"""`rlra judge` at the command line: prices before spending, budgets, caches, anchors, and what is refused."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from werkzeug import Response

from schemas.manifest import read_manifest
from tests.contract.material import ANSWERS, NAMES, rollouts
from tests.running import Done, Runner, lines
from tests.stages.judge_server import JudgeServer, asked_for, chat, error, serving, under_judgement, verdicts

RUBRIC = "rubric: asked\ncriteria:\n  - {id: kind, text: Is kind.}\n  - {id: clear, text: Is clear.}\n"
KEY = "sk-1234567890abcdefghijklmnop"
Reply = Callable[[dict[str, Any], int], Response]


def honest(payload: dict[str, Any], number: int) -> Response:
    """Find everything met that is longer than 30 characters."""
    prompt = payload["messages"][0]["content"]
    found = "met" if len(under_judgement(prompt)) > 30 else "not met"
    return chat(verdicts(prompt, lambda name: found), usage={"prompt_tokens": 500, "completion_tokens": 80})


@pytest.fixture
def asked(run: Runner) -> Callable[..., Done]:
    run.write("in.jsonl", lines(*map(rollouts, NAMES)))
    run.write("rubric.yaml", RUBRIC)
    run.write("prices.yaml", "m: {in: 10, cached: 5, out: 20}\n")

    def judge(server: JudgeServer, *more: str, rubric: bool = True, **env: str) -> Done:
        model = ("--model", "openai:m", "--base-url", server.url, "--retries", "0")
        return run("judge", "in.jsonl", *(("--rubrics", "rubric.yaml") if rubric else ()), *model, *more, env=env)

    return judge


def table(err: str) -> list[str]:
    """Return the cells of the first row of an estimate."""
    row = next(line for line in err.split("\n") if "openai:m" in line)
    return [cell.strip() for cell in row.strip("│ ").split("│")]


def test_an_estimate_asks_nobody_and_counts_what_would_be_asked(run: Runner, asked: Callable[..., Done]) -> None:
    with serving(honest) as server:
        done = asked(server, "--estimate", "--prices", "prices.yaml", "--criteria-per-call", "1")
        assert (done.code, done.out, server.calls) == (0, b"", 0), done.err
        _, calls, judgements, tokens_in, shared, _, usd = table(done.err)
        assert (calls, judgements) == ("12", "12")
        assert 0 < int(shared.replace(",", "")) < int(tokens_in.replace(",", ""))
        low, high = (float(figure) for figure in usd.split(" – "))
        assert 0 < low < high
        assert run.names() == {"in.jsonl", "rubric.yaml", "prices.yaml"}
        asked(server, "--criteria-per-call", "1", "-o", "judged.jsonl")
        run.write("in.jsonl", run.read("judged.jsonl"))
        again = asked(server, "--estimate", "--criteria-per-call", "1")
    assert "12 more judgements are known: 12 in the lines" in again.err


def test_a_budget_stops_before_it_is_overrun_and_a_larger_one_goes_on(run: Runner, asked: Callable[..., Done]) -> None:
    options = ("--criteria-per-call", "1", "--max-tokens", "100", "-o", "out.jsonl")
    with serving(honest) as server:
        whole = asked(server, "--criteria-per-call", "1", "--max-tokens", "100", "-o", "whole.jsonl")
        assert whole.code == 0, whole.err
        before = server.calls
        stopped = asked(server, *options, "--budget-tokens", "3000", "--concurrency", "1")
        assert stopped.code == 4, stopped.err
        assert "the budget of 3,000 tokens has no room for another call" in stopped.err
        assert "out.jsonl" not in run.names()
        spent = server.calls - before
        assert 0 < spent < 12
        done = asked(server, *options, "--budget-tokens", "1000000", "--prices", "prices.yaml", "--summary", "s.json")
        assert done.code == 0, done.err
        assert server.calls - before == 12
    assert run.read("out.jsonl") == run.read("whole.jsonl")
    counts = orjson.loads(run.read("s.json"))
    assert counts["usd"] == pytest.approx((12 - spent) * (500 * 10 + 80 * 20) / 1e6)  # the first go had no prices
    assert (counts["calls"], counts["tokens_in"]) == (12, 12 * 500) and "resumed_after" not in counts
    first, all_of_it = (read_manifest(run.folder / f"{name}.jsonl.manifest.json") for name in ("whole", "out"))
    assert all_of_it.run["counts"]["calls"] == first.run["counts"]["calls"] and all_of_it.recipe == first.recipe
    assert {name for name in run.names() if name.startswith("out.")} == {"out.jsonl", "out.jsonl.manifest.json"}


def test_a_cache_makes_a_second_run_free_and_is_shared(run: Runner, asked: Callable[..., Done]) -> None:
    with serving(honest) as server:
        first = asked(server, "--cache", "v.db", "-o", "first.jsonl")
        second = asked(server, "--cache", "v.db", "-o", "second.jsonl")
        assert (first.code, second.code, server.calls) == (0, 0, 6), second.err
        estimated = asked(server, "--cache", "v.db", "--estimate")
    assert run.read("first.jsonl") == run.read("second.jsonl")
    assert "12 in the cache" in estimated.err
    assert "v.db" in run.names()
    assert not [name for name in run.names() if ".partial" in name]


def test_only_failed_asks_again_what_failed_and_needs_a_judged_file(run: Runner, asked: Callable[..., Done]) -> None:
    def reply(payload: dict[str, Any], number: int) -> Response:
        ids, _ = asked_for(payload["messages"][0]["content"])
        return error(400) if ids == ["clear"] else honest(payload, number)

    with serving(reply) as server:
        asked(server, "--criteria-per-call", "1", "-o", "judged.jsonl", "--max-failures", "100%")
        server.reply = honest
        before = server.calls
        refused = asked(server, "--only-failed", rubric=False)
        assert refused.code == 1
        assert "this is a rollouts line, and judged is needed" in refused.err
        run.write("in.jsonl", run.read("judged.jsonl"))
        done = asked(server, "--only-failed", "--max-tokens", "77", rubric=False)
        assert done.code == 0, done.err
        again = [asked_for(payload["messages"][0]["content"])[0] for payload in server.payloads[before:]]
    assert again == [["clear"]] * 6
    assert {verdict["status"] for line in done.records for r in line["responses"] for verdict in r["verdicts"]} == {
        "scored"
    }


def anchors(label: Callable[[str], str]) -> bytes:
    """Return three anchors whose responses people labelled."""
    rubric = {"rubric": "asked", "criteria": [{"id": "kind", "text": "Is kind."}]}
    return lines(
        *(
            {
                "schema": "anchors/1",
                "id": f"anchor-{n}",
                "messages": [{"role": "user", "content": f"Say {n}."}],
                "rubric": rubric,
                "responses": [
                    {"text": text, "labels": [{"rater": "ann", "criterion": "kind", "label": label(text)}]}
                    for text in (f"{n} {ANSWERS[0]}", f"{n} {ANSWERS[1]}")
                ],
            }
            for n in range(3)
        )
    )


def test_anchors_are_judged_first_and_a_judge_below_the_floor_judges_nothing(
    run: Runner, asked: Callable[..., Done]
) -> None:
    run.write("good.jsonl", anchors(lambda text: "met" if len(text) > 30 else "not met"))
    run.write("bad.jsonl", anchors(lambda text: "not met" if len(text) > 30 else "met"))
    with serving(honest) as server:
        held = asked(server, "--anchors", "good.jsonl", "--floor", "kappa=0.9", "-o", "out.jsonl")
        assert held.code == 0, held.err
        assert "anchors: kappa 1.000" in held.err
        told = read_manifest(run.folder / "out.jsonl.manifest.json").run["anchors"]
        assert (told["schema"], told["about"], told["judge"]["kappa"]["value"]) == ("agreement/1", "overall", 1.0)
        assert server.calls == 6 + 6
        missed = asked(server, "--anchors", "bad.jsonl", "--floor", "kappa=0.6", "-o", "other.jsonl")
        assert missed.code == 4
        assert "kappa is -1.000, and its floor 0.6" in missed.err
        assert server.calls == 12 + 6
        server.reply = lambda payload, number: error(400)
        silent = asked(server, "--anchors", "good.jsonl", "--floor", "kappa=0.6", "-o", "other.jsonl")
        assert silent.code == 4
        assert "undefined" in silent.err
    assert "other.jsonl" not in run.names()


def test_a_judge_of_the_policys_family_and_rewards_that_follow_length_are_warned_of(
    run: Runner, asked: Callable[..., Done]
) -> None:
    many = [rollouts(f"p{n}", ("word " * 2, "word " * 30)) for n in range(12)]
    policy = {**many[0]["policy"], "model": "hf:Qwen/Qwen2.5-7B"}
    run.write("in.jsonl", lines(*({**line, "policy": policy} for line in many)))
    with serving(honest) as server:
        model = ("--model", "openai:qwen3-32b", "--base-url", server.url)
        done = run("judge", "in.jsonl", "--rubrics", "rubric.yaml", *model)
        quiet = run("judge", "in.jsonl", "--rubrics", "rubric.yaml", *model, "--quiet")
    assert "both of the family 'qwen'" in done.err
    assert "longer responses have higher rewards: r = +1.00" in done.err
    assert quiet.err == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--floor", "kappa=0.5"], "--floor needs --anchors"),
        (["--repeats", "3"], "--repeats at temperature 0"),
        (["--only-failed"], "--only-failed asks again by the rubric of the line"),
        (["--unsure", "0.3"], "--unsure has no effect without --strong"),
        (["--least-mass", "0.9"], "--least-mass has no effect without --method logprob"),
        (
            ["--method", "logprob", "--criteria-per-call", "4"],
            "--criteria-per-call has no effect with --method logprob",
        ),
        (["--panel", "mean"], "--panel mean has no effect on one vote"),
        (["--quorum", "2"], "--quorum 2 is more than the 1 votes"),
        (["--budget-usd", "1"], "--budget-usd needs --prices"),
        (["--criteria-per-call", "some"], "neither a number from 1 nor `all`"),
        (["--prompt", "none.md"], "none.md: cannot read the prompt"),
        (["--prompt", "rubric.yaml"], "rubric.yaml: the prompt has no slot"),
        (["--cache", "in.jsonl"], "in.jsonl: no verdict cache"),
        (["--model", "openai:m"], "the judge openai:m is given twice"),
        (["--prices", "rubric.yaml", "--budget-usd", "1"], "rubric.yaml:1"),
        (["--anchors", "in.jsonl"], "anchors is needed"),
    ],
)
def test_what_cannot_be_is_said_and_nobody_is_asked(
    run: Runner, asked: Callable[..., Done], more: list[str], said: str
) -> None:
    with serving(honest) as server:
        done = asked(server, *more)
        assert server.calls == 0
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("option", ["--strong openai:x", "--cache v.db", "--prompt p.md", "--budget-tokens 5"])
def test_options_of_a_judge_need_one(run: Runner, option: str) -> None:
    run.write("in.jsonl", lines(rollouts("sea")))
    done = run("judge", "in.jsonl", "--rubrics", "rubric.yaml", *option.split())
    assert done.code == 1


def test_the_key_reaches_its_server_alone(run: Runner, asked: Callable[..., Done]) -> None:
    def leaky(payload: dict[str, Any], number: int) -> Response:
        return error(400, f"bad key {KEY}") if number % 2 else honest(payload, number)

    with serving(leaky) as server:
        name = "RLRA_API_KEY_" + server.url.split("/")[2].partition(":")[0].replace(".", "_").upper()
        env = {name: KEY, "RLRA_API_KEY": "sk-of-another-host"}
        done = asked(server, "-o", "out.jsonl", "--cache", "v.db", "--max-failures", "100%", **env)
        assert done.code == 0, done.err
        assert Counter(headers.get("Authorization") for headers in server.headers) == {f"Bearer {KEY}": 6}
    left = b"".join((run.folder / name).read_bytes() for name in run.names()) + done.err.encode()
    assert KEY.encode() not in left
    assert b"sk-of-another-host" not in left


def test_a_panel_with_servers_of_their_own_is_recorded_and_repeated_from_its_manifest(run: Runner) -> None:
    run.write("in.jsonl", lines(rollouts("sea")))
    run.write("rubric.yaml", RUBRIC)
    with serving(honest) as server:
        models = [f"openai:a@{server.url}?key={KEY}", f"openai:b@{server.url}"]
        words = ["judge", "in.jsonl", "--rubrics", "rubric.yaml", "--panel", "mean"]
        first = run(*words, "--model", models[0], "--model", models[1], "-o", "out.jsonl")
        assert first.code == 0, first.err
        manifest = run.read("out.jsonl.manifest.json")
        spec = ("--spec", "out.jsonl.manifest.json")
        again = run("judge", "in.jsonl", "--rubrics", "rubric.yaml", *spec, "-o", "again.jsonl")
        assert again.code == 0, again.err
        assert Counter(payload["model"] for payload in server.payloads) == {"a": 4, "b": 4}
    assert KEY.encode() not in manifest
    assert run.read("again.jsonl") == run.read("out.jsonl")
    assert orjson.loads(manifest)["recipe"]["spec"]["panel"] == "mean"
