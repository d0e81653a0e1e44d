"""`rlra eval agreement` as its users run it."""

from typing import Any

import orjson
import pytest

from rlra_cli.main import chosen_of, joined
from tests.running import Runner, lines
from tests.stages.labelled import KIND, anchor_data, judged_data

CRITERIA = ("tone", "kind", "lies")
STATISTICS = {
    *("accuracy", "kappa", "kappa_linear", "kappa_quadratic", "alpha_nominal", "alpha_ordinal", "alpha_interval"),
    *("icc_2_1", "icc_2_k", "pearson", "spearman", "kendall"),
}
FEW = ("--resamples", "100")


def rows() -> list[dict[str, Any]]:
    """Return the labels of two people for twelve prompts with two responses each; one of them is often mistaken."""
    found = []
    for n in range(12):
        for k in (0, 1):
            for rater, off in (("ann", 0), ("bob", int(n % 4 == 0))):
                said = [str((n + k + off) % 3), "yes" if (n + off) % 2 else "no", "met" if k ^ off else "not met"]
                found += [
                    {"id": f"p{n}", "response": k, "criterion": c, "rater": rater, "label": s}
                    for c, s in zip(CRITERIA, said, strict=True)
                ]
                found.append({"id": f"p{n}", "response": k, "criterion": "", "rater": rater, "label": str(n / 12)})
    return found


def lay_out(run: Runner) -> None:
    """Write labels as CSV and JSONL, and a judged file."""
    given = rows()
    names = ("id", "response", "criterion", "rater", "label")
    table = [",".join(names), *(",".join(str(row[name]) for name in names) for row in given)]
    run.write("labels.csv", "\n".join(table) + "\n")
    run.write("labels.jsonl", lines(*({**row, "criterion": row["criterion"] or None} for row in given)))
    said = [((n % 3, n % 2, 0), ((n + 1) % 3, "failed" if n == 5 else int(n % 3 > 0), 1)) for n in range(12)]
    run.write(
        "judged.jsonl",
        lines(*(judged_data(f"p{n}", *each, rewards=(n / 12, None if n == 5 else 0.5)) for n, each in enumerate(said))),
    )  # fmt: skip


@pytest.fixture
def laid(run: Runner) -> Runner:
    """Return a runner in a folder with labels and a judged file."""
    lay_out(run)
    return run


def test_records_table_manifest_and_counts(laid: Runner) -> None:
    done = laid("eval", "agreement", "labels.csv", "judged.jsonl", "-o", "a.jsonl", "--summary", "s.json")
    assert (done.code, done.out) == (0, b"")
    found = {line["id"]: line for line in map(orjson.loads, laid.read("a.jsonl").splitlines())}
    assert list(found) == ["overall", "reward", "criterion:kind", "criterion:lies", "criterion:tone"]
    for record in found.values():
        assert record["schema"] == "agreement/1"
        assert record["judge"].keys() - {"ece"} == record["people"].keys() == STATISTICS
        for figure in (*record["judge"].values(), *record["people"].values(), *record["bias"].values()):
            assert figure["value"] is not None or figure["why"]
            assert figure["low"] is None or figure["low"] <= figure["value"] <= figure["high"]
    assert found["criterion:kind"]["unjudged_because"] == {"failed": 1}
    assert found["criterion:tone"]["confusion"]["labels"] == ["0", "1", "2"]
    assert found["overall"]["raters"] == ["ann", "bob"]
    manifest = orjson.loads(laid.read("a.jsonl.manifest.json"))["recipe"]
    assert manifest["stage"] == "eval agreement"
    assert manifest["spec"] == {"seed": 0, "resamples": 1000, "level": 0.95}
    counts = orjson.loads(laid.read("s.json"))
    assert counts == {"records": 5, "compared": 71, "unjudged": 1, "unmatched": 0, "unlabelled": 0}
    for words in (
        "overall: j against ann, bob",
        "95% interval",
        "people",
        "kappa, quadratic",
        "1 failed",
        "(reward)",
    ):
        assert words in done.err, done.err


def test_the_ceiling_stands_beside_the_judge(laid: Runner) -> None:
    done = laid("eval", "agreement", "labels.csv", "judged.jsonl")
    overall = done.records[0]
    row = next(line for line in done.err.split("\n") if "│ kappa  " in line)
    assert f"{overall['judge']['kappa']['value']:.3f}" in row.split("│")[2]
    assert f"{overall['people']['kappa']['value']:.3f}" in row.split("│")[6]


def test_csv_jsonl_pipes_and_a_second_run_give_the_same_bytes(laid: Runner) -> None:
    files = {name: laid.read(name) for name in ("labels.csv", "labels.jsonl", "judged.jsonl")}
    words = [
        ("labels.csv", "judged.jsonl", ""),
        ("labels.jsonl", "judged.jsonl", ""),
        ("-", "judged.jsonl", "labels.csv"),
    ]
    words += [("-", "judged.jsonl", "labels.jsonl"), ("labels.csv", "-", "judged.jsonl")]
    found = {laid("eval", "agreement", a, b, *FEW, stdin=files.get(pipe, b"")).out for a, b, pipe in words}
    assert len(found) == 1 and found != {b""}
    table = files["labels.csv"].split(b"\n")
    laid.write("labels.csv", b"\n".join([table[0], *table[:0:-1]]))
    assert {laid("eval", "agreement", "labels.csv", "judged.jsonl", *FEW).out} == found


def test_quiet_says_nothing(laid: Runner) -> None:
    done = laid("eval", "agreement", "labels.csv", "judged.jsonl", "--quiet", *FEW)
    assert (done.code, done.err, len(done.records)) == (0, "", 5)


@pytest.mark.parametrize(
    ("floors", "code", "said"),
    [
        (["kappa=0.1", "accuracy=0.5"], 0, ""),
        (["kappa=0.1", "accuracy=0.99"], 4, "accuracy is 0."),
        (["kappa=0.99", "icc_2_1=0.99"], 4, "; icc_2_1 is 0."),
        (["kappa"], 1, "--fail-under: 'kappa' is not NAME=FLOOR"),
        (["kapa=0.1"], 1, "did you mean 'kappa'?"),
        (["ece=0.1"], 1, "'ece' is no statistic of agreement with a floor"),
    ],
)
def test_floors(laid: Runner, floors: list[str], code: int, said: str) -> None:
    """The records are written before a floor is held, so that one can look at what was missed."""
    words = [word for floor in floors for word in ("--fail-under", floor)]
    done = laid("eval", "agreement", "labels.csv", "judged.jsonl", "-o", "a.jsonl", *FEW, *words)
    assert done.code == code, done.err
    assert said in done.err
    assert ("a.jsonl" in laid.names()) == (code != 1)


def test_an_undefined_statistic_misses_every_floor(run: Runner) -> None:
    run.write("judged.jsonl", lines(judged_data("p", (1,), rubric={"rubric": "one", "criteria": [KIND]})))
    run.write("labels.csv", "id,criterion,label\np,kind,yes\n")
    done = run("eval", "agreement", "labels.csv", "judged.jsonl", "--fail-under", "kappa=-1")
    assert done.code == 4
    assert "kappa is undefined, and its floor -1" in done.err
    assert "chance leaves no" in done.err


def test_anchors_and_judged_files_on_either_side(laid: Runner) -> None:
    given = [
        [
            {"rater": row["rater"], "criterion": row["criterion"], "label": row["label"]}
            for row in rows()
            if (row["id"], row["response"], bool(row["criterion"])) == (f"p{n}", k, True)
        ]
        for n in range(12)
        for k in (0, 1)
    ]
    laid.write("anchors.jsonl", lines(*(anchor_data(f"p{n}", *given[2 * n : 2 * n + 2]) for n in range(12))))
    by_file = laid("eval", "agreement", "labels.csv", "judged.jsonl", *FEW).records
    by_anchors = laid("eval", "agreement", "anchors.jsonl", "judged.jsonl", *FEW).records
    assert [line["judge"] for line in by_anchors] == [line["judge"] for line in by_file if line["id"] != "reward"]
    itself = laid("eval", "agreement", "judged.jsonl", "judged.jsonl", *FEW).records[0]
    assert (itself["judge"]["kappa"]["value"], itself["raters"]) == (1, ["judged"])
    ann = [[label for label in labels if label["rater"] == "ann"] for labels in given]
    laid.write("ann.jsonl", lines(*(anchor_data(f"p{n}", *ann[2 * n : 2 * n + 2]) for n in range(12))))
    turned = laid("eval", "agreement", "judged.jsonl", "ann.jsonl", *FEW)
    assert turned.code == 0, turned.err
    assert turned.records[0]["judges"] == ["ann"]
    assert laid("eval", "agreement", "ann.jsonl", "labels.csv", *FEW).code == 1
    laid.write("anew.jsonl", laid.read("judged.jsonl").replace(b"word word", b"other word"))
    anew = laid("eval", "agreement", "anchors.jsonl", "anew.jsonl", *FEW)
    assert (anew.code, anew.out) == (1, b"")
    assert "is another text in the two files" in anew.err
    assert laid("validate", "anchors.jsonl").err == "✓ anchors.jsonl: 12 lines of anchors/1\n"
    assert laid("show", "anchors.jsonl").code == 0


def test_the_new_records_validate_and_show(laid: Runner) -> None:
    laid("eval", "agreement", "labels.csv", "judged.jsonl", "-o", "a.jsonl", *FEW)
    assert laid("validate", "a.jsonl").err == "✓ a.jsonl: 5 lines of agreement/1, manifest matches\n"
    assert laid("show", "a.jsonl").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bad.csv", "judged.jsonl"), "bad.csv:3: label: 'perhaps' is neither `met` nor `not met`"),
        (("other.csv", "judged.jsonl"), "nothing is labelled that was judged: 1 labels, 24 judged responses"),
        (("labels.csv", "labels.jsonl"), "neither file says what the criteria are"),
        (("labels.csv", "task.jsonl"), "task.jsonl: task/1 lines hold neither labels nor verdicts"),
        (("labels.csv", "absent.jsonl"), "absent.jsonl: "),
        (("other.csv", "judged.jsonl"), "labelled, for example, is 'q1' 0 'kind', judged 'p0' 0"),
        (("typo.csv", "judged.jsonl"), "labelled, for example, is 'p1' 1 'knid', judged 'p1' 1 'kind'"),
        (("labels.csv", "marked.jsonl"), "marked.jsonl:1: not JSON: UTF-8 byte order mark"),
        (("-", "-"), "stdin can be read only once"),
        (("empty.csv", "judged.jsonl"), "nothing is labelled that was judged: 0 labels"),
        (("labels.csv", "empty.csv"), "neither file says"),
    ],
)
def test_mistakes_are_one_sentence(laid: Runner, words: tuple[str, str], said: str) -> None:
    laid.write("bad.csv", "id,criterion,label\np1,kind,yes\np2,kind,perhaps\n")
    laid.write("other.csv", "id,criterion,label\nq1,kind,yes\n")
    laid.write("empty.csv", "")
    laid.write("typo.csv", "id,response,criterion,label\np1,1,knid,yes\n")
    laid.write("marked.jsonl", b"\xef\xbb\xbf" + laid.read("judged.jsonl"))
    laid.write("task.jsonl", lines({"schema": "task/1", "id": "a", "messages": [{"role": "user", "content": "Hi"}]}))
    done = laid("eval", "agreement", *words)
    assert (done.code, done.out) == (1, b"")
    assert said in done.err
    assert "Traceback" not in done.err


def test_labels_of_a_criterion_that_nobody_judged_are_warned_of(laid: Runner) -> None:
    """They count nowhere, and with a slip of the pen that would be easy to overlook."""
    laid.write("typo.csv", laid.read("labels.csv").replace(b",tone,bob,", b",t\x1bone,bob,"))
    done = laid("eval", "agreement", "typo.csv", "judged.jsonl", *FEW)
    assert done.code == 0, done.err
    said = (
        "warning: typo.csv:6: no judged rubric has the criterion 't␛one': 24 labels count nowhere; did you mean 'tone'"
    )
    assert said in done.err
    assert "warning" not in laid("eval", "agreement", "labels.csv", "judged.jsonl", *FEW).err
    quiet = laid("eval", "agreement", "typo.csv", "judged.jsonl", "--quiet", *FEW)
    assert (quiet.out, quiet.err) == (done.out, "")


def test_files_of_labels_validate(laid: Runner) -> None:
    """Each is named for what it is, and a fault in it by its line."""
    laid.write("marked.jsonl", b"\xef\xbb\xbf" + laid.read("labels.jsonl"))
    done = laid("validate", "labels.csv", "labels.jsonl", "marked.jsonl")
    assert (done.code, done.err.count("192 labels by 2 raters")) == (0, 3), done.err
    laid.write("bad.csv", "id,label\na,yes\na,no\n")
    bad = laid("validate", "bad.csv")
    assert bad.code == 1
    assert "✗ bad.csv:3: 'human' has labelled" in bad.err
    laid.write("prompts.csv", "prompt,label\nHello,warm\n")
    assert laid("validate", "prompts.csv").err == "✓ prompts.csv: 1 prompts\n"


def test_names_of_others_do_not_reach_the_terminal_raw(run: Runner) -> None:
    odd = "\x1b[31mmal\u202e[bold]lory"
    run.write("judged.jsonl", lines(*(judged_data(f"p{n}", (1, n % 2, 0)) for n in range(3))))
    run.write(
        "labels.jsonl", lines(*({"id": f"p{n}", "criterion": "kind", "rater": odd, "label": 1} for n in range(3)))
    )
    done = run("eval", "agreement", "labels.jsonl", "judged.jsonl", *FEW)
    assert done.code == 0, done.err
    assert done.records[0]["raters"] == [odd]
    assert "\x1b" not in done.err and "\u202e" not in done.err
    assert "[bold]" in done.err


def test_two_words_are_a_command_only_side_by_side(laid: Runner) -> None:
    """`eval` stays a command of its own, also for files of such a name, and the usage says both words."""
    assert laid("eval", "agreement", "labels.csv").err.endswith("hint: see `rlra eval agreement --help`\n")
    assert laid("eval", "agreement", "--help").out.startswith(b"Usage: rlra eval agreement [OPTIONS]")
    laid.write("agreement", laid.read("judged.jsonl"))
    beside = laid("eval", "judged.jsonl", "agreement", "--resamples", "20")
    assert [line["schema"] for line in beside.records] == ["report/1"]
    assert laid("eval", "-o", "agreement", "judged.jsonl", "judged.jsonl", "--resamples", "20").code == 0
    assert b'"report/1"' in laid.read("agreement")


@pytest.mark.parametrize(
    ("words", "merged", "chosen"),
    [
        ("eval agreement a b", ["eval agreement", "a", "b"], "eval agreement"),
        ("eval agreement", ["eval agreement"], "eval agreement"),
        ("eval a agreement", None, "eval"),
        ("eval --quiet agreement b", None, "eval"),
        ("eval -o agreement a b", None, "eval"),
        ("rubrics lint a", None, "rubrics lint"),
        ("rubrics --help lint", None, "rubrics lint"),
        ("rubrics diff", None, "rubrics"),
        ("agreement", None, "agreement"),
        ("--version", None, None),
        ("", None, None),
    ],
)
def test_which_command_the_words_name(words: str, merged: list[str] | None, chosen: str | None) -> None:
    assert joined(words.split()) == (merged or words.split())
    assert chosen_of(joined(words.split())) == chosen


def test_options_come_from_a_manifest_too(laid: Runner) -> None:
    odd = ("--seed", "7", "--resamples", "60", "--level", "0.8")
    first = laid("eval", "agreement", "labels.csv", "judged.jsonl", "-o", "a.jsonl", *odd)
    assert first.code == 0, first.err
    again = laid("eval", "agreement", "labels.csv", "judged.jsonl", "--spec", "a.jsonl.manifest.json")
    assert again.out == laid.read("a.jsonl")
    assert laid("eval", "agreement", "labels.csv", "judged.jsonl", "--seed", "-1").code == 1


def test_the_list_of_commands_has_it(run: Runner) -> None:
    assert b"\n  eval agreement " in run("--help").out
