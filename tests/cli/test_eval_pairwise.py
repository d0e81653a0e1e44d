"""`rlra eval pairwise` as its users run it: compare, rate, rate again, go on, refuse."""

import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tests.contract.material import RUBRIC, rollouts
from tests.running import Done, Runner, lines, records, wait_until
from tests.stages.judge_server import JudgeServer, chat, error, serving
from tests.stages.pairs_judge import answer, by_size, preferring, shown

NAMES = tuple(f"p{k:02}" for k in range(12))
LOUD = {"loud": "Yes!!!", "calm": "Yes.", "mixed": "Yes!"}


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    """A judge that prefers the response with more exclamation marks, in either order."""
    with serving(preferring(by_size)) as server:
        yield server


@pytest.fixture(autouse=True)
def files(run: Runner) -> None:
    """Three files of the same prompts; every fourth of the calm answers is as loud as the loud ones, or louder."""
    for label, text in LOUD.items():
        texts = ["Yes!!!!" if label == "calm" and k % 4 == 0 else text for k in range(len(NAMES))]
        groups = (rollouts(name, (text, "spare")) for name, text in zip(NAMES, texts, strict=True))
        run.write(f"{label}.jsonl", lines(*groups))


def words(server: JudgeServer, *more: str, labels: tuple[str, ...] = ("loud", "calm")) -> list[str]:
    """Return the command line that compares `labels`."""
    files = [f"{label}={label}.jsonl" for label in labels]
    return ["eval", "pairwise", *files, "--model", "openai:m", "--base-url", server.url, "--retries", "0", *more]


def good(done: Done) -> Done:
    """Hold that a run ended well."""
    assert done.code == 0, done.err
    return done


def test_pairs_to_a_file_and_ratings_beside_them(run: Runner, judge: JudgeServer) -> None:
    """The lines, the table, the ratings, and manifests for both."""
    done = good(run(*words(judge, "-o", "pairs.jsonl", "--ratings", "ratings.jsonl")))
    assert done.out == b""
    pairs = records(run.read("pairs.jsonl"))
    assert [pair["id"] for pair in pairs] == [f"{name}/loud/calm/0" for name in NAMES]
    assert [pair["winner"] for pair in pairs] == ["right", "left", "left", "left"] * 3
    (found,) = records(run.read("ratings.jsonl"))
    assert found["schema"] == "ratings/1"
    assert [(row["label"], row["wins"], row["losses"]) for row in found["ratings"]] == [("loud", 9, 3), ("calm", 3, 9)]
    for said in ("12 pairs on 12 prompts, judged by openai:m", "75.0 (", "same verdict in both orders: 100.0 ("):
        assert said in done.err
    assert judge.calls == 24
    good(run("validate", "pairs.jsonl", "ratings.jsonl"))
    recipe = orjson.loads(run.read("pairs.jsonl.manifest.json"))["recipe"]
    assert set(recipe["inputs"]) == {"loud", "calm"}
    assert "resamples" not in recipe["spec"]
    assert set(orjson.loads(run.read("ratings.jsonl.manifest.json"))["recipe"]["inputs"]) == {"pairs"}
    assert not any("partial" in name for name in run.names())


def test_pairs_are_rated_again_without_a_model(run: Runner, judge: JudgeServer) -> None:
    """The same ratings from the file as from the judge; other options rate anew; nobody is asked."""
    good(run(*words(judge, "-o", "pairs.jsonl", "--ratings", "ratings.jsonl", labels=("loud", "calm", "mixed"))))
    calls = judge.calls
    again = good(run("eval", "pairwise", "pairs.jsonl", env={"RLRA_JUDGE": "openai:m"}))
    assert again.out == run.read("ratings.jsonl")
    piped = good(run("eval", "pairwise", "-", "--quiet", "--ratings", "again.jsonl", stdin=run.read("pairs.jsonl")))
    assert (piped.out, piped.err, run.read("again.jsonl")) == (b"", "", again.out)
    anchored = good(run("eval", "pairwise", "pairs.jsonl", "--anchor", "calm", "--level", "0.5"))
    rows = {row["label"]: row for row in anchored.records[0]["ratings"]}
    assert rows["calm"]["rating"] == 1000
    assert "calm = 1000" in " ".join(anchored.err.split())
    assert judge.calls == calls == 72


def test_a_manifest_says_how_to_make_it_again(run: Runner, judge: JudgeServer) -> None:
    """`--spec MANIFEST` gives the same pairs and the same ratings."""
    odd = ["--responses", "2", "--criterion", "Which is louder?", "--seed", "5", "--max-tokens", "99"]
    good(run(*words(judge, "-o", "pairs.jsonl", "--ratings", "r.jsonl", *odd, "--level", "0.8", "--anchor", "calm")))
    named = ["loud=loud.jsonl", "calm=calm.jsonl"]
    good(run("eval", "pairwise", *named, "--spec", "pairs.jsonl.manifest.json", "-o", "again.jsonl"))
    assert run.read("again.jsonl") == run.read("pairs.jsonl")
    assert len(records(run.read("again.jsonl"))) == 2 * len(NAMES)
    good(run("eval", "pairwise", "pairs.jsonl", "--spec", "r.jsonl.manifest.json", "-o", "rated.jsonl"))
    assert run.read("rated.jsonl") == run.read("r.jsonl")
    first, second = (orjson.loads(run.read(f"{name}.jsonl.manifest.json"))["recipe"] for name in ("r", "rated"))
    assert first == second


def test_a_file_is_named_by_itself(run: Runner, judge: JudgeServer) -> None:
    """Without a label its name is one; an equals sign in the name of a file that is there begins no path."""
    run.write("lr=0.1.jsonl", run.read("loud.jsonl"))
    done = good(run("eval", "pairwise", "lr=0.1.jsonl", "calm.jsonl", *words(judge)[4:]))
    assert done.records[0]["id"] == "p00/lr=0.1/calm/0"


def test_the_summary_says_what_the_comparing_took(run: Runner, judge: JudgeServer) -> None:
    good(run(*words(judge, "-o", "pairs.jsonl", "--ratings", "r.jsonl", "--summary", "s.json")))
    counts = orjson.loads(run.read("s.json"))
    assert (counts["records"], counts["calls"], counts.get("failed", 0)) == (12, 24, 0)


def test_a_file_and_a_pipe_give_the_same_bytes(run: Runner, judge: JudgeServer) -> None:
    """Whatever the concurrency."""
    good(run(*words(judge, "-o", "pairs.jsonl", "--concurrency", "1")))
    piped = good(run(*words(judge, "--concurrency", "9")))
    assert piped.out == run.read("pairs.jsonl")


def test_a_run_that_was_cut_short_goes_on(run: Runner, judge: JudgeServer) -> None:
    """Only what is missing is asked, and lines and ratings are those of a run in one go."""
    whole = words(judge, "-o", "pairs.jsonl", "--ratings", "ratings.jsonl")
    good(run(*whole))
    pairs, ratings = run.read("pairs.jsonl"), run.read("ratings.jsonl")
    (run.folder / "pairs.jsonl").unlink()
    judge.reply = lambda payload, number: error(404)
    assert run(*whole, "--no-resume").code != 0
    judge.reply = preferring(by_size)
    kept = b"".join(pairs.splitlines(keepends=True)[:5])
    run.write("pairs.jsonl.partial", kept + b'{"schema":"pairs/1","id":"p05')
    before = judge.calls
    done = good(run(*whole))
    assert "going on after 5 lines" in done.err
    assert (run.read("pairs.jsonl"), run.read("ratings.jsonl")) == (pairs, ratings)
    assert judge.calls - before == 14


def test_a_run_that_was_killed_goes_on(run: Runner, judge: JudgeServer) -> None:
    """SIGKILL in the middle: the same bytes in the end, and what was in flight is all that is asked again."""
    whole = words(judge, "-o", "pairs.jsonl", "--concurrency", "2")
    good(run(*whole))
    pairs = run.read("pairs.jsonl")
    (run.folder / "pairs.jsonl").unlink()
    before, quick = judge.calls, judge.reply

    def slow(payload: dict[str, Any], number: int) -> Any:
        time.sleep(0.1)
        return quick(payload, number)

    judge.reply = slow
    process = run.start(*whole)
    wait_until(lambda: judge.calls - before >= 12, "twelve questions")
    process.kill()
    process.communicate()
    good(run(*whole))
    assert run.read("pairs.jsonl") == pairs
    assert judge.calls - before <= 24 + 6


def test_a_cache_knows_what_was_asked(run: Runner, judge: JudgeServer) -> None:
    """Also under other labels and in the other order."""
    good(run(*words(judge, "-o", "pairs.jsonl", "--cache", "verdicts.db")))
    good(run(*words(judge, "-o", "other.jsonl", "--cache", "verdicts.db", labels=("calm", "loud"))))
    assert judge.calls == 24
    first, second = (records(run.read(name)) for name in ("pairs.jsonl", "other.jsonl"))
    turned = {"left": "right", "right": "left"}
    assert [pair["winner"] for pair in second] == [turned[pair["winner"]] for pair in first]


def test_a_budget_stops_before_it_is_overrun_and_a_larger_one_goes_on(run: Runner, judge: JudgeServer) -> None:
    """The pairs are those of a run without a budget; nothing is asked twice, and the summary says the price."""

    def costly(payload: dict[str, Any], number: int) -> Any:
        _, first, second = shown(payload["messages"][0]["content"])
        said = answer(payload["messages"][0]["content"], by_size(first, second))
        return chat(said, usage={"prompt_tokens": 500, "completion_tokens": 80})

    judge.reply = costly
    short = ("--max-tokens", "100", "--concurrency", "1")
    good(run(*words(judge, "-o", "whole.jsonl", *short)))
    stopped = run(*words(judge, "-o", "pairs.jsonl", *short, "--budget-tokens", "5000"))
    assert stopped.code == 4, stopped.err
    assert "the budget of 5,000 tokens has no room for another call" in stopped.err
    assert "pairs.jsonl" not in run.names()
    spent = judge.calls - 24
    assert 0 < spent <= 5000 // 580
    run.write("prices.yaml", "m: {in: 10, out: 20}\n")
    paid = ("--prices", "prices.yaml", "--summary", "s.json")
    poor = run(*words(judge, "-o", "pairs.jsonl", *short, *paid, "--budget-usd", "0.0001"))
    assert (poor.code, judge.calls) == (4, 24 + spent)
    good(run(*words(judge, "-o", "pairs.jsonl", *short, *paid, "--budget-usd", "1")))
    assert judge.calls == 48
    assert run.read("pairs.jsonl") == run.read("whole.jsonl")
    assert orjson.loads(run.read("s.json"))["usd"] == pytest.approx((24 - spent) * (500 * 10 + 80 * 20) / 1e6)


def test_failures_are_counted_and_too_many_end_with_3(run: Runner, judge: JudgeServer) -> None:
    """One broken order breaks its pair; the target is made only where that is accepted."""

    def reply(payload: dict[str, Any], number: int) -> Any:
        prompt = payload["messages"][0]["content"]
        _, first, second = shown(prompt)
        return error(500) if first == "Yes!!!!" else chat(answer(prompt, by_size(first, second)))

    judge.reply = reply
    refused = run(*words(judge, "-o", "pairs.jsonl"))
    assert refused.code == 3
    assert "pairs.jsonl" not in run.names() and "pairs.jsonl.partial" in run.names()
    done = good(run(*words(judge, "-o", "pairs.jsonl", "--max-failures", "100%")))
    winners = [pair.get("winner") for pair in records(run.read("pairs.jsonl"))]
    assert winners == [None, "left", "left", "left"] * 3
    assert "verdicts that failed, and count nowhere: 3 transport" in done.err
    assert "some won all" in done.err.casefold()


def test_a_judge_of_the_family_of_a_policy_is_warned_of(run: Runner, judge: JudgeServer) -> None:
    """It may favour its own; a warning, and no refusal."""
    for label, model in (("loud", "hf:Qwen/Qwen3-8B"), ("calm", "smollm2")):
        line = rollouts("p", (LOUD[label],))
        run.write(f"{label}.jsonl", lines({**line, "policy": {**line["policy"], "model": model}}))
    done = good(run(*words(judge, "--model", "openai:qwen-max", "-o", "pairs.jsonl")))
    assert "eval pairwise: warning: the judge openai:qwen-max and the policy hf:Qwen/Qwen3-8B" in done.err
    assert "warning" not in good(run(*words(judge, "-o", "other.jsonl"))).err


def test_a_rubric_in_the_lines_or_a_question(run: Runner, judge: JudgeServer) -> None:
    """What the judge is told to compare by, and what the pair says of it."""
    rubric = {**RUBRIC, "criteria": [{"id": "kind", "text": "Is kind.", "weight": 7.5}]}
    for label in LOUD:
        run.write(f"{label}.jsonl", lines(rollouts("p", (LOUD[label],), rubric=rubric)))
    good(run(*words(judge, "-o", "pairs.jsonl")))
    good(run(*words(judge, "-o", "asked.jsonl", "--criterion", "Which is kinder?")))
    said = [payload["messages"][0]["content"] for payload in judge.payloads]
    assert all("What to compare by:\n\nWanted: Is kind.\n" in prompt and "7.5" not in prompt for prompt in said[:2])
    assert all("What to compare by:\n\nWhich is kinder?\n" in prompt for prompt in said[2:])
    assert records(run.read("pairs.jsonl"))[0]["criteria"] == ["Wanted: Is kind."]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["loud.jsonl", "calm.jsonl"], "a judge is needed to compare"),
        (["loud.jsonl"], "loud.jsonl:1: schema: this is a rollouts line, and pairs is needed"),
        (["a=loud.jsonl", "a=calm.jsonl", "--model", "openai:m"], "the label 'a' is given twice"),
        (["a/b=loud.jsonl", "a=calm.jsonl", "--model", "openai:m"], "the label 'a/b' holds a '/'"),
        (["loud.jsonl", "calm.jsonl", "--model", "openai:m"], "needs --base-url"),
        (["loud.jsonl", "calm.jsonl", "--model", "openai:m", "--anchor", "z"], "--anchor: 'z' is none of the labels"),
        (["loud.jsonl", "absent.jsonl", "--model", "openai:m"], "absent.jsonl: no such file or directory"),
        (["loud.jsonl", "few.jsonl", "--model", "openai:m"], "11 of the prompt ids of loud are not in few"),
        (["empty.jsonl"], "there are no pairs to rate"),
        (["empty.jsonl", "-o", "a.jsonl", "--ratings", "b.jsonl"], "give ratings alone"),
        (["loud.jsonl", "calm.jsonl", "--responses", "0"], "--responses"),
        (["loud.jsonl", "calm.jsonl", "--criterion", ""], "--criterion: String should have at least 1 character"),
        (["loud.jsonl", "calm.jsonl", "--model", "openai:m@http://localhost:9/v1", "--budget-usd", "1"], "--prices"),
        (["loud.jsonl", "calm.jsonl", "--budget-tokens", "-1"], "--budget-tokens"),
        (["a=-", "b=-", "--model", "openai:m"], "stdin can be read only once"),
    ],
)
def test_refusals(run: Runner, more: list[str], said: str) -> None:
    """One sentence, before anyone is asked; nothing is left behind."""
    run.write("few.jsonl", run.read("calm.jsonl").partition(b"\n")[0] + b"\n")
    run.write("empty.jsonl", b"")
    before = run.names()
    done = run("eval", "pairwise", *more)
    assert (done.code, done.out) == (1, b"")
    assert said in done.err and "Traceback" not in done.err
    assert run.names() == before


def test_hostile_names_and_texts_stay_off_the_terminal(run: Runner, judge: JudgeServer) -> None:
    """Escapes in labels, models and texts reach the file, and never the terminal raw."""
    evil = "\x1b[31m[bold]Yes!\x1b]0;owned\x07"
    for label in ("loud", "calm"):
        line = rollouts("p", (f"{label} {evil}",))
        run.write(f"{label}.jsonl", lines({**line, "policy": {**line["policy"], "model": f"m{evil}"}}))
    done = good(run(*words(judge, "-o", "pairs.jsonl")))
    assert "\x1b" not in done.err and "\x07" not in done.err
    assert "[bold]" in done.err.replace("\n", "")
