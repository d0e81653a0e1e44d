"""`rlra select-data` from the outside: files in, files out, and what stands beside them."""

import gzip
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from rlra_cli.funnel_text import funnel_table
from tests.contract.material import MAKE, NAMES
from tests.running import Runner, lines, records


def scored(number: int = 40) -> list[dict[str, Any]]:
    """Return lines as another project has them: spaced JSON, other names, odd texts."""
    return [
        {"key": n, "score": (n * 7 % number) / number, "prompt": f"Prompt {n} — é\u2028", "meta": {"pool": "ab"[n % 2]}}
        for n in range(number)
    ]


def spaced(data: list[dict[str, Any]]) -> bytes:
    """Return lines in another writer's spelling, one of them empty."""
    return b"\n".join(orjson.dumps(each).replace(b'":', b'" : ') for each in data) + b"\n\n"


SCORES = ("--score-field", "score", "--id-field", "key")


@pytest.fixture
def pool(run: Runner) -> Runner:
    """Return a runner in a folder with `pool.jsonl`."""
    run.write("pool.jsonl", spaced(scored()))
    return run


@pytest.fixture
def groups(run: Runner) -> Runner:
    """Return a runner in a folder with `judged.jsonl`."""
    run.write("judged.jsonl", lines(*map(MAKE["judged"], NAMES)))
    return run


def summary(run: Runner) -> dict[str, Any]:
    """Return the summary that a run wrote."""
    return orjson.loads(run.read("s.json"))


def test_lines_are_copied_byte_for_byte(pool: Runner) -> None:
    """Those that stay as they stood; the others with the reason and its numbers; together all, in order."""
    words = ("select-data", "pool.jsonl", *SCORES, "--keep", "0.2:0.8", "--by", "meta.pool")
    done = pool(*words, "-o", "out.jsonl", "--rejects", "rejects.jsonl", "--summary", "s.json")
    assert done.code == 0, done.err
    given = pool.read("pool.jsonl").split(b"\n")
    kept, rejects = pool.read("out.jsonl").split(b"\n")[:-1], records(pool.read("rejects.jsonl"))
    assert kept == [line for line in given if line and 0.2 <= orjson.loads(line)["score"] <= 0.8]
    assert {orjson.loads(line)["key"] for line in kept} | {line["key"] for line in rejects} == set(range(40))
    assert len(kept) + len(rejects) == 40
    for line in rejects:
        reason, numbers = line.pop("dropped"), line.pop("dropped_by")
        assert line == scored()[line["key"]]
        assert reason == ("too_hard" if line["score"] < 0.2 else "too_easy")
        assert numbers == {"mean": line["score"], "low": 0.2, "high": 0.8}
    funnel = summary(pool)["funnel"]
    assert (funnel["in"], funnel["out"]) == (40, len(kept)) == (40, summary(pool)["records"])
    assert set(funnel["pools"]) == {"a", "b"}
    assert f"{len(kept)} records" in done.err and "too hard" in done.err


@pytest.mark.parametrize("more", [(), ("--quantile", "--budget", "5")], ids=["alone", "together"])
def test_a_pipe_a_file_and_an_archive_give_the_same(pool: Runner, more: tuple[str, ...], tmp_path: Path) -> None:
    """What came through a pipe is read twice too, and nothing of it is left behind."""
    words = (*SCORES, "--keep", "0.1:0.7", *more, "--quiet")
    plain = pool("select-data", "pool.jsonl", *words).out
    assert plain
    pool.write("pool.jsonl.gz", gzip.compress(pool.read("pool.jsonl")))
    spool = tmp_path / "spool"
    spool.mkdir()
    piped = pool("select-data", *words, "-o", "out.jsonl", stdin=pool.read("pool.jsonl"), env={"TMPDIR": str(spool)})
    assert piped.code == 0, piped.err
    assert pool.read("out.jsonl") == pool("select-data", "pool.jsonl.gz", *words).out == plain
    assert pool.shell(f"rlra select-data <(cat pool.jsonl) {' '.join(words)}").out == plain
    assert not list(spool.iterdir())
    made = orjson.loads(pool.read("out.jsonl.manifest.json"))["recipe"]["inputs"]["input"]
    file = pool("select-data", "pool.jsonl", *words, "-o", "out.jsonl")
    assert file.code == 0
    again = orjson.loads(pool.read("out.jsonl.manifest.json"))["recipe"]["inputs"]["input"]
    assert made == {**again, "name": "-"}


def test_judged_lines_by_a_pipe(groups: Runner) -> None:
    """The same tasks, whether the lines are decided as they come or are kept until the end."""
    for more in ([], ["--quantile"], ["--budget", "2"]):
        words = ["select-data", *more, "--quiet"]
        piped = groups(*words, "-o", "out.jsonl", stdin=groups.read("judged.jsonl"))
        assert piped.code == 0, piped.err
        assert groups.read("out.jsonl") == groups(*words, "judged.jsonl").out != b""
        recipe = orjson.loads(groups.read("out.jsonl.manifest.json"))["recipe"]
        assert recipe["inputs"]["input"]["records"] == 3


def test_bounds_of_one_stage_serve_the_next(pool: Runner) -> None:
    """The calibrated bands are in the manifest, and select the same again, to the last digit."""
    words = ("select-data", "pool.jsonl", *SCORES, "--by", "meta.pool")
    first = pool(*words, "--keep", "0.15:0.85", "--quantile", "-o", "one.jsonl", "--summary", "s.json")
    assert first.code == 0, first.err
    manifest = orjson.loads(pool.read("one.jsonl.manifest.json"))
    assert manifest["run"]["bounds"] == summary(pool)["bounds"]
    assert manifest["run"]["bounds"]["bands"].keys() == {"a", "b"}
    second = pool(*words, "--bounds", "one.jsonl.manifest.json", "-o", "two.jsonl")
    assert second.code == 0, second.err
    assert pool.read("two.jsonl") == pool.read("one.jsonl")
    inputs = orjson.loads(pool.read("two.jsonl.manifest.json"))["recipe"]["inputs"]
    assert inputs["bounds"]["name"] == "one.jsonl.manifest.json"
    assert orjson.loads(pool.read("two.jsonl.manifest.json"))["run"]["bounds"] == manifest["run"]["bounds"]
    both = pool(*words, "--bounds", "one.jsonl.manifest.json", "--quantile")
    assert (both.code, both.out) == (1, b"")
    assert "--bounds goes without --keep, --keep-pool and --quantile" in both.err
    wrong = pool("select-data", "pool.jsonl", *SCORES, "--bounds", "one.jsonl.manifest.json")
    assert wrong.code == 1 and "hint: they are of --statistic mean --pass-at 1 --by 'meta.pool'" in wrong.err


def test_what_became_too_easy_since(run: Runner) -> None:
    """`--previous` compares with judged lines of an earlier policy; it changes nothing of the output."""
    before = [MAKE["judged"](name, (0.5, 0.25)) for name in ("sea", "garden", "tower")]
    after = [MAKE["judged"]("sea", (1.0, 0.75)), MAKE["judged"]("garden", (0.5, 0.5)), MAKE["judged"]("clock")]
    run.write("old.jsonl", lines(*before))
    run.write("new.jsonl", lines(*after))
    words = ("select-data", "new.jsonl", "--keep", "0.2:0.8")
    done = run(*words, "--previous", "old.jsonl", "--summary", "s.json")
    assert done.code == 0, done.err
    expected = {"too_easy": 1, "too_hard": 0, "no_spread": 1, "into_the_band": 0, "new": 1, "missing": 1}
    assert summary(run)["since"] == {"both": 2, **expected}
    assert "since the previous file, of 2 prompts in both: 1 too easy, 0 too hard, 1 no spread" in done.err
    assert done.out == run(*words).out
    absent = run(*words, "--previous", "absent.jsonl")
    assert absent.code == 1 and "absent.jsonl: no such file" in absent.err


def test_evaluation_prompts_are_left_out(groups: Runner) -> None:
    """Prompts that stand in the given files, in any shape that prompts have, with the words that were found."""
    groups.write("eval.jsonl", lines({"prompt": "Please, DESCRIBE the  sea."}))
    groups.write("more.jsonl", lines(MAKE["task"]("clock")))
    words = ("select-data", "judged.jsonl", "--decontaminate", "eval.jsonl", "--decontaminate", "more.jsonl")
    done = groups(*words, "--ngram", "3", "--rejects", "r.jsonl", "-o", "out.jsonl")
    assert done.code == 0, done.err
    assert [line["id"] for line in records(groups.read("out.jsonl"))] == ["garden"]
    found = {
        line["id"]: (line["meta"]["dropped"], line["meta"]["dropped_by"]) for line in records(groups.read("r.jsonl"))
    }
    assert found["sea"] == ("contaminated", {"words": "describe the sea"})
    assert found["clock"][0] == "contaminated"
    inputs = orjson.loads(groups.read("out.jsonl.manifest.json"))["recipe"]["inputs"]
    assert {"evaluation 1", "evaluation 2"} < inputs.keys()
    absent = groups("select-data", "judged.jsonl", "--decontaminate", "absent.jsonl", "-o", "new.jsonl")
    assert absent.code == 1 and "absent.jsonl: no such file" in absent.err
    assert not {"new.jsonl", "new.jsonl.partial"} & groups.names()


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_funnel_as_a_plot(pool: Runner, kind: str) -> None:
    """The same figures give the same bytes; the reasons are in it."""
    for name in ("one", "two"):
        words = ("select-data", "pool.jsonl", *SCORES, "--keep", "0.2:0.8", "--budget", "9", "--quiet")
        assert pool(*words, "--plot", f"{name}.{kind}").code == 0
    assert pool.read(f"one.{kind}") == pool.read(f"two.{kind}")
    assert pool.read(f"one.{kind}")[:4] in (b"<?xm", b"\x89PNG")
    if kind == "svg":
        assert b"too hard" in pool.read("one.svg") and b"over budget" in pool.read("one.svg")
    bad = pool("select-data", "pool.jsonl", *SCORES, "--plot", "one.pdf")
    assert bad.code == 1 and "--plot: 'one.pdf' ends with neither .svg nor .png" in bad.err


def test_hostile_names_of_pools(run: Runner) -> None:
    """They are neither markup nor control characters on the screen, and whole in the JSON."""
    name = "[red]\x1b[31m\nboo[/]"
    run.write("in.jsonl", lines({"id": "a", "score": 0.5, "pool": name}, {"id": "b", "score": 0.5, "pool": "x"}))
    done = run("select-data", "in.jsonl", "--score-field", "score", "--by", "pool", "--summary", "s.json")
    assert done.code == 0
    assert "\x1b" not in done.err and "[red]" in done.err
    assert name in summary(run)["funnel"]["pools"]


def test_a_balanced_budget_says_who_is_short(pool: Runner) -> None:
    """The kind that could not fill its part is named, with how many it has."""
    words = ("select-data", "pool.jsonl", *SCORES, "--budget", "35", "--balance", "meta.pool", "--mix", "a=0.9")
    done = pool(*words, "--summary", "s.json")
    assert done.code == 0, done.err
    assert summary(pool)["short"] == {"a": 20}
    assert "balance: only 20 of 'a', the others took its place" in done.err
    assert len(done.out.split(b"\n")) == 36


def test_nothing_comes_of_nothing(run: Runner) -> None:
    """An empty file is selected from too."""
    run.write("empty.jsonl", b"")
    for more in ([], ["--quantile", "--budget", "3", "--by", "x", "--choose", "diverse", "--near-duplicates", "0.8"]):
        done = run("select-data", "empty.jsonl", "--score-field", "s", *more, "--summary", "s.json", "--plot", "p.svg")
        assert (done.code, done.out) == (0, b""), done.err
        assert summary(run)["funnel"] == {"in": 0, "dropped": {}, "out": 0, "pools": {}}


def test_no_file_is_read_and_written(groups: Runner) -> None:
    """An output by the name of an input would replace it, and two by one name would mix; a pipe is read once."""
    groups.write("rejects.jsonl", b"")
    before = groups.read("judged.jsonl")
    for words in (
        ("-o", "judged.jsonl"),
        ("-o", "./judged.jsonl"),
        ("-o", "out.jsonl", "--rejects", "judged.jsonl"),
        ("-o", "out.jsonl", "--rejects", "out.jsonl"),
        ("-o", "rejects.jsonl", "--previous", "rejects.jsonl"),
        ("--rejects", "-"),
    ):
        done = groups("select-data", "judged.jsonl", *words)
        assert (done.code, done.out) == (1, b"") and "is read or written already" in done.err, words
    assert groups.read("judged.jsonl") == before and groups.names() == {"judged.jsonl", "rejects.jsonl"}
    done = groups("select-data", "-", "--previous", "-", stdin=before)
    assert done.code == 1 and "two inputs are stdin" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--language", "english"), "--language: 'english' is none of the codes af "),
        (("--score-field", "id", "--most-vetoed", "0.5"), "--most-vetoed and --most-cut-off need judged lines"),
        (("--score-field", "id", "--most-cut-off", "0.5"), "--most-vetoed and --most-cut-off need judged lines"),
        (("--score-field", "id", "--groups"), "--groups goes without --score-field"),
        (("--plot", "judged.jsonl/f.svg"), "judged.jsonl"),
        (("--bounds", "odd.json"), "odd.json: this manifest holds no bounds"),
    ],
)
def test_refusals_of_one_line(groups: Runner, words: tuple[str, ...], said: str) -> None:
    """What cannot be meant is said, and not taken for a selection of nothing."""
    groups.write("odd.json", b'{"manifest":1,"run":[]}')
    done = groups("select-data", "judged.jsonl", "-o", "out.jsonl", *words)
    assert done.code == 1 and f"rlra: {said}" in done.err and "Traceback" not in done.err


def test_a_plot_gets_its_folder(groups: Runner) -> None:
    """As any other output does."""
    assert groups("select-data", "judged.jsonl", "--plot", "no/such/f.svg", "--quiet").code == 0
    assert b"too" in groups.read("no/such/f.svg") or groups.read("no/such/f.svg")[:4] == b"<?xm"


def test_pools_that_nobody_is_of(groups: Runner) -> None:
    """A field that no line has makes one pool; the run says so, since the name may be misspelt."""
    done = groups("select-data", "judged.jsonl", "--by", "meta.absent")
    assert done.code == 0 and "--by meta.absent: no line says it, and all are one pool" in done.err


def test_the_names_of_pools_have_room_on_any_screen(pool: Runner) -> None:
    """However many reasons stand beside them."""
    reasons = ("too_few_scored", "judge_failed", "not_measured", "no_spread", "too_hard", "too_easy", "over_budget")
    counts = {"in": 900_000, "dropped": dict.fromkeys(reasons, 100_000), "out": 200_000}
    console = Console(file=io.StringIO(), width=80)
    console.print(funnel_table({**counts, "pools": {"mathematics": counts, "two\nlines": counts}}))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "mathematic" in shown and "two lines" in shown
