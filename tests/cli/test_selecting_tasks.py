"""`rlra select-data --tasks`: a pool is cleaned by its prompts before anything is sampled for it."""

import orjson
import pytest

from tests.contract.material import MAKE, NAMES
from tests.running import Runner, lines, records

PROMPTS = (
    "Write a letter to the mayor about the broken fountain on the market square.",
    "Explain to a child why the sea is salty and rivers are not.",
    "Write a letter to the mayor about the broken fountain on the market square!",
    "Erklaere einem Kind bitte, warum das Meer salzig ist und Fluesse es nicht sind.",
)


def tasks(*prompts: str) -> bytes:
    """Return a task line for each prompt, with a topic of its own."""
    return b"".join(
        orjson.dumps(
            {
                "schema": "task/1",
                "id": f"t{n}",
                "messages": [{"role": "user", "content": prompt}],
                "meta": {"topic": str(n % 2)},
            }
        )
        + b"\n"
        for n, prompt in enumerate(prompts)
    )


def test_prompts_alone_decide(run: Runner) -> None:
    """Contaminated, near-duplicate and foreign prompts go, with their reasons; the others stay as they were."""
    run.write("pool.jsonl", tasks(*PROMPTS))
    run.write("eval.jsonl", orjson.dumps({"prompt": "Say why the sea is salty and rivers are not. Be brief."}) + b"\n")
    asked = ("--decontaminate", "eval.jsonl", "--ngram", "8", "--near-duplicates", "0.8", "--language", "en")
    done = run("select-data", "pool.jsonl", "--tasks", *asked, "-o", "out.jsonl", "--rejects", "rejects.jsonl")
    assert done.code == 0, done.err
    assert [line["id"] for line in records(run.read("out.jsonl"))] == ["t0"]
    assert run.read("out.jsonl") == tasks(PROMPTS[0])
    why = {line["id"]: line["meta"]["dropped"] for line in records(run.read("rejects.jsonl"))}
    assert why == {"t1": "contaminated", "t2": "near_duplicate", "t3": "other_language"}


def test_a_budget_is_drawn(run: Runner) -> None:
    """Without a band there is no middle: a budget says how it is drawn, and may be shared by kind."""
    run.write("pool.jsonl", tasks(*(f"{prompt} Number {n}." for n in range(10) for prompt in PROMPTS[:2])))
    words = ("select-data", "pool.jsonl", "--tasks", "--budget", "6", "--balance", "meta.topic")
    assert run(*words).code != 0
    done = run(*words, "--choose", "random", "-o", "out.jsonl")
    assert done.code == 0, done.err
    topics = [line["meta"]["topic"] for line in records(run.read("out.jsonl"))]
    assert sorted(topics) == ["0"] * 3 + ["1"] * 3


@pytest.mark.parametrize(
    "words",
    [("--keep", "0:1"), ("--quantile",), ("--flat",), ("--score-field", "score"), ("--groups",), ("--min-scored", "4")],
)
def test_what_is_about_answers_is_refused(run: Runner, words: tuple[str, ...]) -> None:
    """A task has no reward: an option that needs one says so, and nothing is written."""
    run.write("pool.jsonl", tasks(*PROMPTS))
    done = run("select-data", "pool.jsonl", "--tasks", *words, "-o", "out.jsonl")
    assert done.code in (1, 2) and "without any" in done.err
    assert not (run.folder / "out.jsonl").exists()


def test_other_lines_are_refused(run: Runner) -> None:
    """A judged line, and a second line that is broken, are named with their place."""
    run.write("judged.jsonl", lines(*map(MAKE["judged"], NAMES)))
    done = run("select-data", "judged.jsonl", "--tasks")
    assert done.code == 1 and "judged.jsonl:1" in done.err
    run.write("pool.jsonl", tasks(*PROMPTS[:1]) + b'{"schema": "task/1", "id": "x"}\n')
    done = run("select-data", "pool.jsonl", "--tasks", "-o", "out.jsonl")
    assert done.code == 1 and "pool.jsonl:2" in done.err and not (run.folder / "out.jsonl").exists()
