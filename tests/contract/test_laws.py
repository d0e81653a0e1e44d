"""What holds of every command that writes records: which lines, in which order, with which bytes."""

import gzip
from collections.abc import Callable

import pytest
import zstandard

from tests.contract.material import MAKE, META, NAMES, ODD, OFFLINE_WRITERS, READER, READERS, Reader, sampled
from tests.running import Done, Runner, lines, records
from tests.stages.judge_server import JudgeServer

every_writer = pytest.mark.parametrize("reader", OFFLINE_WRITERS, ids=str)
OF_NOTHING = ("train", "eval", "stats", "rubrics ablate")
"""Folds that have no result over no lines."""
MAPS = ("generate-rubrics", "judge", "rollout")


def words(name: str, file: str, policy: JudgeServer) -> list[str]:
    """Return the command line of a map on `file`, with a server that answers."""
    return [name, file, *sampled(policy.url)] if name == "rollout" else READER[name].words(file)


@pytest.mark.parametrize("name", MAPS)
def test_a_map_keeps_lines_order_and_what_it_was_given(run: Runner, policy: JudgeServer, name: str) -> None:
    """One line out for one in, in order, `meta` and texts untouched, whatever separators are in them."""
    make = MAKE[READER[name].kind]
    names = [*NAMES[1:], NAMES[0]]  # neither as they were laid out nor sorted
    given = [make(one, meta=META, reference=ODD) for one in names]
    run.write("in.jsonl", lines(*given))
    done = run(*words(name, "in.jsonl", policy))
    assert done.code == 0, done.err
    assert [line["id"] for line in done.records] == names
    for before, after in zip(given, done.records, strict=True):
        assert after["meta"] == META
        assert after["reference"] == ODD
        assert after.get("rewritten_from", after["messages"][-1]["content"]) == before["messages"][-1]["content"]


def test_a_filter_keeps_whole_lines_in_order(run: Runner) -> None:
    """`select-data --groups` passes lines on as they are, and what it drops goes to --rejects with the reason."""
    given = [
        MAKE["judged"](one, rewards, meta=META)
        for one, rewards in zip(NAMES, ((1.0, 0.25), (0.25, 0.25), (1.0, 0.0)), strict=True)
    ]
    run.write("in.jsonl", lines(*given))
    done = run("select-data", "in.jsonl", "--groups", "--rejects", "out.jsonl")
    assert done.records == [given[0], given[2]]
    assert records(run.read("out.jsonl")) == [
        {**given[1], "meta": {**META, "dropped": "no_spread", "dropped_by": {"spread": 0.0}}}
    ]


def test_selected_tasks_are_tasks(run: Runner) -> None:
    """Without --groups, `select-data` gives tasks with their rubrics for the next round."""
    given = MAKE["judged"]("sea", meta=META)
    run.write("in.jsonl", lines(given))
    kept = {key: given[key] for key in ("id", "messages", "rubric", "meta")}
    assert run("select-data", "in.jsonl").records == [{"schema": "task/1", **kept}]


def test_texts_of_a_policy_survive(run: Runner, policy: JudgeServer) -> None:
    """Line separators, a null and a byte-order mark inside a response reach the judged line unharmed."""
    sampled_lines = run("rollout", "task.jsonl", *sampled(policy.url)).out
    done = run("judge", "-", "--rubrics", "rubric.yaml", stdin=sampled_lines)
    texts = [response["text"] for line in done.records for response in line["responses"]]
    assert len(texts) == 2 * len(NAMES)
    assert all(text.endswith(ODD) for text in texts)


@pytest.mark.parametrize("reader", [r for r in READERS if r.command not in ("rollout", "train")], ids=str)
def test_stdin_is_a_file_like_any_other(run: Runner, reader: Reader) -> None:
    """`-` gives the same output as the file."""
    content = run.read(f"{reader.kind}.jsonl")
    run.write("stdin", content)
    by_name = run(*reader.words("stdin"))
    by_pipe = run(*reader.words("-"), stdin=content)
    assert by_name.code == by_pipe.code == 0, by_pipe.err
    if reader.command == "diff":  # it names the files in its table
        assert by_pipe.out.split(b"\n")[-2] == by_name.out.split(b"\n")[-2]
    elif reader.command == "validate":
        assert by_pipe.err == by_name.err.replace("stdin: ", "-: ")
    else:
        assert by_pipe.out == by_name.out


@pytest.mark.parametrize("name", MAPS)
def test_a_rollout_by_pipe_is_a_rollout_by_file(run: Runner, policy: JudgeServer, name: str) -> None:
    """`-` for input and `-` for output change no byte, and neither does a second run."""
    kind = READER[name].kind
    to_file = run(*words(name, f"{kind}.jsonl", policy), "-o", "out.jsonl")
    piped = run(*words(name, "-", policy), stdin=run.read(f"{kind}.jsonl"))
    assert to_file.code == piped.code == 0, piped.err
    assert not to_file.out
    assert run.read("out.jsonl") == piped.out


@pytest.mark.parametrize("name", ["generate-rubrics", "rollout"])
def test_the_seed_decides(run: Runner, policy: JudgeServer, name: str) -> None:
    """Another seed, another output; each record depends on the seed and its own id, not on its neighbours."""
    asked = words(name, "task.jsonl", policy)
    first, second = (run(*asked, "--seed", seed).out for seed in "12")
    assert first != second
    run.write("task.jsonl", lines(MAKE["task"](NAMES[-1])))
    assert run(*asked, "--seed", "1").out == first.split(b"\n")[-2] + b"\n"


@pytest.mark.parametrize("reader", [r for r in READERS if r.command not in OF_NOTHING], ids=str)
def test_nothing_in_nothing_out(run: Runner, reader: Reader) -> None:
    """An empty file is a file without records: no command calls that a mistake that can do without any."""
    run.write("empty.jsonl", b"")
    if reader.command == "diff":
        run.write("judged.jsonl", b"")
    done = run(*reader.words("empty.jsonl"))
    assert done.code == 0, done.err
    assert b'"schema"' not in done.out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train", "the file is empty"),
        ("eval", "has no prompts to compare"),
        ("rubrics ablate", "there is no judged line"),
    ],
)
def test_nothing_to_learn_from_or_to_compare(run: Runner, command: str, said: str) -> None:
    """A fold over nothing has no result, and says so."""
    run.write("empty.jsonl", b"\n\n")
    done = run(*READER[command].words("empty.jsonl"))
    assert (done.code, done.out) == (1, b"")
    assert said in done.err


@every_writer
@pytest.mark.parametrize(
    ("suffix", "pack", "unpack"),
    [(".gz", gzip.compress, gzip.decompress), (".zst", zstandard.compress, zstandard.decompress)],
    ids=["gz", "zst"],
)
def test_compressed_files_are_files(
    run: Runner, reader: Reader, suffix: str, pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes]
) -> None:
    """`.gz` and `.zst` in and out hold the same bytes as plain files, and a second run the same archive."""
    content = run.read(f"{reader.kind}.jsonl")
    half = content.index(b"\n") + 1
    run.write(f"in.jsonl{suffix}", pack(content[:half]) + pack(content[half:]))  # as `cat a.gz b.gz` makes it
    archives = []
    for _ in range(2):
        done = run(*reader.words(f"in.jsonl{suffix}"), "-o", f"out.jsonl{suffix}")
        assert done.code == 0, done.err
        archives.append(run.read(f"out.jsonl{suffix}"))
    assert archives[0] == archives[1]
    plain = run(*reader.words(f"{reader.kind}.jsonl")).out
    assert plain
    assert unpack(archives[0]) == plain


def test_tables_of_prompts(run: Runner) -> None:
    """CSV and Parquet prompts give the same tasks as the same prompts in JSONL."""
    import pyarrow
    from pyarrow import csv, parquet

    prompts = [{"id": name, "prompt": f"Describe\nthe {name}, \u2028 please.", "topic": "é"} for name in NAMES]
    run.write("prompts.jsonl", lines(*prompts))
    table = pyarrow.Table.from_pylist(prompts)
    parquet.write_table(table, run.folder / "prompts.parquet")
    csv.write_csv(table, run.folder / "prompts.csv")
    expected = run("generate-rubrics", "prompts.jsonl")
    assert [line["meta"] for line in expected.records] == [{"topic": "é"}] * 3
    for name in ("prompts.csv", "prompts.parquet"):
        done = run("generate-rubrics", name)
        assert done.code == 0, done.err
        assert done.out == expected.out, name


def test_prompts_without_ids(run: Runner) -> None:
    """A digest of the prompt is the id, numbered where it repeats; other fields go under `meta`."""
    run.write(
        "prompts.jsonl", lines({"prompt": "Why?", "n": 1}, {"prompt": "Why?", "meta": {"n": 2}}, {"prompt": "How?"})
    )
    found = run("generate-rubrics", "prompts.jsonl").records
    first, second, third = (line["id"] for line in found)
    assert (second, third != first) == (f"{first}-2", True)
    assert [line.get("meta") for line in found] == [{"n": 1}, {"n": 2}, None]


@every_writer
def test_stdout_holds_records_and_nothing_else(run: Runner, reader: Reader) -> None:
    """Every line of stdout is a record with its tag first; --quiet leaves stderr empty."""
    loud, quiet = (run(*reader.words(f"{reader.kind}.jsonl"), *more) for more in ((), ("--quiet",)))
    assert loud.out == quiet.out
    assert all(line.startswith(b'{"schema":"') for line in loud.out.split(b"\n") if line)
    assert len(loud.records) == len(NAMES)
    assert reader.command in loud.err
    assert not quiet.err


def test_a_report_is_quiet_too(run: Runner) -> None:
    """`eval` prints its table to stderr and the one record to stdout."""
    done = run("eval", "judged.jsonl", "judged.jsonl", "--quiet", "--resamples", "50")
    assert (done.code, done.err) == (0, "")
    assert [line["schema"] for line in done.records] == ["report/1"]


@every_writer
def test_the_summary_is_json(run: Runner, reader: Reader) -> None:
    """`--summary` holds the counts that stderr tells."""
    done = run(*reader.words(f"{reader.kind}.jsonl"), "--summary", "summary.json")
    counts = records(b"".join(run.read("summary.json").split()))[0]
    assert counts["records"] == len(NAMES)
    assert all(
        f"{count} {name.replace('_', ' ')}" in done.err for name, count in counts.items() if isinstance(count, int)
    )


def test_a_judged_file_is_judged_anew_without_harm(run: Runner) -> None:
    """`judge` on its own output changes nothing."""
    once = run("judge", "rollouts.jsonl", "--rubrics", "rubric.yaml").out
    twice: Done = run("judge", "-", stdin=once)
    assert twice.out == once
