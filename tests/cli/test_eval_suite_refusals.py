"""What `rlra eval suite` refuses, in one sentence, before anything is sampled."""

from pathlib import Path

import pytest

from tests.running import Runner, lines

GOOD = {"key": 1, "prompt": "Moss.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
MODEL = "--model a=openai:m@http://127.0.0.1:9/v1"


def refused(run: Runner, words: str, *said: str) -> None:
    done = run.inside("eval", "suite", *words.split(), "-o", "out")
    assert (done.code, done.out) == (1, b""), done.err
    assert done.err.startswith("rlra: ") and done.err.count("\n") <= 2, done.err
    for each in said:
        assert each in done.err, done.err
    assert "out" not in run.names()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (MODEL, ("name a suite, or give --tasks NAME=FILE", "ifeval, ifbench, writing")),
        (f"ifevl {MODEL}", ("there is no suite 'ifevl'", "did you mean 'ifeval'?")),
        (f"poems {MODEL}", ("there is no suite 'poems'", "known suites: ifeval, ifbench")),
        (f"ifeval {MODEL}", ("the suite 'ifeval' needs its prompts: say --prompts ifeval=FILE", "hf:google/IFEval")),
        (f"tone tone {MODEL} --prompts any.jsonl", ("the suite 'tone' is named twice",)),
        (f"tone {MODEL} --prompts tone=any.jsonl --prompts any.jsonl", ("--prompts: 'tone' is given twice",)),
        (f"tone {MODEL} --prompts safety=any.jsonl", ("'safety=any.jsonl' is not NAME=FILE with a suite of this run",)),
        (f"tone safety {MODEL} --prompts any.jsonl", ("'any.jsonl' is not NAME=FILE",)),
        (f"tone {MODEL} --prompts absent.jsonl", ("absent.jsonl: no such file or directory",)),
        (f"tone {MODEL} --prompts empty.jsonl", ("empty.jsonl: there is no prompt",)),
        (f"tone {MODEL} --prompts pkg:absent/x.jsonl", ("no package 'absent' is installed",)),
        (f"tone {MODEL} --prompts pkg:rich/x.jsonl", ("the package 'rich' has no file 'x.jsonl'",)),
        ("tone --prompts any.jsonl", ("--model LABEL=REF says whose answers",)),
        ("tone --prompts any.jsonl --model smollm2", ("--model: 'smollm2' is not LABEL=MODEL",)),
        ("tone --prompts any.jsonl --model a/b=smollm2", ("is not LABEL=MODEL",)),
        (f"tone --prompts any.jsonl {MODEL} {MODEL}", ("two models have one label",)),
        ("tone --prompts any.jsonl --model a=gguf:x", ("'gguf:x' names no model",)),
        ("tone --prompts any.jsonl --model a=openai:m", ("openai:m needs --base-url",)),
        (f"tone --prompts any.jsonl {MODEL} --judge openai:j", ("openai:j needs --base-url",)),
        (f"tone --prompts any.jsonl {MODEL} --cache c.db", ("--cache needs --judge",)),
        (
            f"tone --prompts any.jsonl {MODEL} --responses b=r.jsonl --limit 2",
            ("--limit does not go with --responses",),
        ),
        ("tone safety --prompts tone=any.jsonl --prompts safety=any.jsonl --responses b=r.jsonl", ("of which suite?",)),
        (
            "tone safety --prompts tone=any.jsonl --prompts safety=any.jsonl --responses tone:b=r.jsonl",
            ("'b' has no model, and no --responses for safety",),
        ),
        (f"tone --prompts any.jsonl {MODEL} --responses writing:b=r.jsonl", ("'writing' is no suite of this run",)),
        (f"--tasks tone=any.jsonl {MODEL}", ("'tone' is a suite's own name", "say --prompts tone=FILE")),
        (f"--tasks mine=any.jsonl {MODEL}", ("any.jsonl: sea: the line has no rubric", "--rubrics mine=FILE")),
        (f"--tasks mine=any.jsonl {MODEL} --rubrics other=r.yaml", ("--rubrics: 'other' is no suite of this run",)),
        (
            f"--tasks mine=any.jsonl {MODEL} --rubrics mine=soft.yaml",
            ("the suite 'mine' needs a judge", "--judge openai"),
        ),
        (f"--tasks mine=any.jsonl {MODEL} --rubrics mine=odd.yaml", ("there is no check named 'word_cuont'",)),
        (f"tone --prompts any.jsonl {MODEL} --add", ("--add needs --rubrics NAME=FILE",)),
        (f"writing --prompts writing.jsonl {MODEL}", ("the suite 'writing' needs a judge", "--judge openai:NAME")),
        (f"general --prompts bare.jsonl {MODEL}", ("bare.jsonl: sea: the prompt has no `reference`",)),
        (f"tone --prompts any.jsonl {MODEL} --rollout-options spread.yaml", ("until_spread",)),
        (f"tone --prompts any.jsonl {MODEL} --rollout-options typo.yaml", ("max_token: no such option",)),
        (f"tone --prompts any.jsonl {MODEL} --judge-options typo.yaml", ("max_token: no such option",)),
        (f"tone --prompts any.jsonl {MODEL} --group-size 0", ("--group-size",)),
        (
            "--lm-eval arc_easy --model a=smollm2 --rubrics lm-eval-arc_easy=absent.yaml --add",
            ("--rubrics lm-eval-arc_easy=…: lm-eval judges by its own metrics",),
        ),
        (
            "--lm-eval arc_easy --model a=smollm2 --temperature 0.5 --max-tokens 9",
            ("--max-tokens, --temperature: lm-eval samples as its tasks declare", "leave them out"),
        ),
        ("--lm-eval arc_easy --model a=smollm2 --group-size 2", ("--group-size: lm-eval samples",)),
        ("--lm-eval arc_easy --model a=smollm2 --rollout-options kind.yaml", ("--rollout-options: lm-eval samples",)),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_made(run: Runner, words: str, said: tuple[str, ...]) -> None:
    run.write("any.jsonl", lines({"id": "sea", "prompt": "Describe the sea."}))
    run.write("bare.jsonl", lines({"id": "sea", "prompt": "Describe the sea."}))
    run.write("empty.jsonl", b"\n")
    run.write("soft.yaml", "rubric: soft\ncriteria:\n  - {id: warm, text: Is warm.}\n")
    run.write("odd.yaml", "rubric: odd\ncriteria:\n  - {id: n, check: {word_cuont: {at_most: 3}}}\n")
    run.write("spread.yaml", "until_spread: 9\ngroup_size: 2\n")
    run.write("typo.yaml", "max_token: 9\n")
    run.write("kind.yaml", "system: Be kind.\nbatch_size: 2\n")
    bands = {"1-2": "Bad.", "9-10": "Good."}
    run.write(
        "writing.jsonl",
        lines(
            {"index": 1, "query": "Write.", "checklist": [{"name": "Depth", "criteria_description": "Deep.", **bands}]}
        ),
    )
    refused(run, words, *said)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"key": 2, "prompt"', "bad.jsonl:2: not JSON"),
        (b'{"key": 2, "prompt": "x"}', "bad.jsonl:2: instruction_id_list: "),
        (b'{"key": 2, "prompt": 5, "instruction_id_list": ["a:b"], "kwargs": [{}]}', "bad.jsonl:2: prompt: "),
        (b'{"key": 2, "prompt": "x", "instruction_id_list": ["a:b"], "kwargs": []}', "bad.jsonl:2: "),
        (b'{"key": 2, "instruction_id_list": ["a:b"], "kwargs": [{}]}', "bad.jsonl:2: the line has no prompt"),
        (b'{"key": 2, "prompt": "x", "instruction_id_list": ["a:b"], "kwargs": [{}]}', "no check named 'a:b'"),
        (b'{"key": 1, "prompt": "x", "instruction_id_list": ["a:b"], "kwargs": [{}]}', "bad.jsonl:2: id: '1' stands"),
    ],
)
def test_a_bad_second_line_is_named(run: Runner, line: bytes, said: str) -> None:
    run.write("bad.jsonl", lines(GOOD) + line + b"\n")
    refused(run, f"ifeval --prompts bad.jsonl {MODEL}", said)


def test_a_first_line_without_a_prompt_is_named(run: Runner) -> None:
    bare = {key: value for key, value in GOOD.items() if key != "prompt"}
    run.write("bad.jsonl", lines(bare))
    refused(run, f"ifeval --prompts bad.jsonl {MODEL}", "bad.jsonl:1: the line has no prompt")


def test_a_table_of_another_shape_names_its_row(run: Runner, tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist([{"key": 1, "prompt": "x"}]), tmp_path / "bad.parquet")
    refused(run, f"ifeval --prompts bad.parquet {MODEL}", "bad.parquet: row 1: instruction_id_list")


@pytest.mark.parametrize("place", ["-", "any.jsonl"])
def test_what_is_no_folder(run: Runner, place: str) -> None:
    run.write("any.jsonl", lines({"id": "sea", "prompt": "Describe the sea."}))
    done = run.inside("eval", "suite", "tone", "--prompts", "any.jsonl", *MODEL.split(), "-o", place)
    assert (done.code, run.names()) == (1, {"any.jsonl"})
    assert done.err.startswith(f"rlra: {place}: the suites need a folder to go to")


def test_lm_eval_is_asked_for_where_it_is_missing(run: Runner) -> None:
    from importlib.util import find_spec

    if find_spec("lm_eval"):
        pytest.skip("lm-eval is installed")
    refused(run, f"--lm-eval arc_easy {MODEL}", "--lm-eval needs lm-eval", "rlra[lm-eval]")
