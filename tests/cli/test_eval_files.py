"""The files that `rlra eval` is given: axes, labels, folders of suites, and what cannot be compared."""

from pathlib import Path

import pytest

from rlra_cli.eval_files import placed, read_side
from schemas.errors import RlraError
from schemas.jsonl import Source, to_line
from schemas.rollouts import Tokens
from tests.judged_lines import RUBRIC, SHORT, answer, group
from tests.running import Runner


def named(*words: str) -> dict[str, dict[str, str]]:
    return {axis: {label: source.path for label, source in by.items()} for axis, by in placed(words).items()}


def test_files_go_by_axis_and_label() -> None:
    assert named("a=x.jsonl", "b=y.jsonl", "c=-") == {"": {"a": "x.jsonl", "b": "y.jsonl", "c": "-"}}
    found = named("hard:a=1", "hard:b=2", "soft:a=3", "soft:b=x=y")
    assert found == {"hard": {"a": "1", "b": "2"}, "soft": {"a": "3", "b": "x=y"}}


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (("run/base.jsonl", "trained.judged.jsonl"), ["base", "trained.judged"]),
        (("1/judged.jsonl", "2/judged.jsonl", "base.jsonl"), ["1/judged", "2/judged", "base"]),
        (("judged.jsonl", "judged.jsonl"), ["judged", "judged (2)"]),
        (("s3://bucket/a.jsonl?x=1", "b.jsonl"), ["a", "b"]),
        (("base=a.jsonl", "b.jsonl"), ["base", "b"]),
    ],
)
def test_a_file_alone_is_named_by_its_name(words: tuple[str, ...], labels: list[str]) -> None:
    assert list(named(*words)[""]) == labels


def test_a_file_with_a_sign_in_its_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lr=0.1.jsonl").touch()
    assert named("lr=0.1.jsonl", "b=c.jsonl") == {"": {"lr=0.1": "lr=0.1.jsonl", "b": "c.jsonl"}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.jsonl"], "two files are needed"),
        (["hard:base=a"], "two files are needed"),
        (["hard:a=1", "hard:b=2", "soft:a=3"], "soft has the labels a, and the first axis a, b"),
        (["hard:a=1", "hard:b=2", "soft:b=3", "soft:a=3"], "soft has the labels b, a, and the first axis a, b"),
        (["hard:a=1", "hard:a=2"], "hard:a is given twice"),
        (["a=1", "a=2"], "the label a is given twice"),
        (["a=1", "hard:a=2"], "some files name an axis, such as hard, and some do not"),
        ([":a=1", "b=2"], "':a=1' is not LABEL=FILE, or AXIS:LABEL=FILE"),
        (["hard:=1", "b=2"], "'hard:=1' is not"),
        (["=1", "b=2"], "'=1' is not"),
        (["a=", "b=2"], "'a=' is not"),
    ],
)
def test_what_cannot_be_placed_is_one_sentence(words: list[str], said: str) -> None:
    with pytest.raises(RlraError, match=said):
        placed(words)


@pytest.fixture
def suites(tmp_path: Path) -> Runner:
    """Return a runner in a folder with what `rlra eval suite` writes, of two suites and two labels."""
    run = Runner(tmp_path)
    for suite in ("tone", "ifeval"):
        (tmp_path / "out" / suite).mkdir(parents=True)
        for label, tier in (("trained", 2), ("base", 0)):
            line = group("p", answer("Yes.", tier, 1, 0, 0), model=label)
            run.write(f"out/{suite}/{label}.judged.jsonl", to_line(line))
    run.write("out/labels.json", '["base", "trained"]')
    run.write("out/suites.json", '["tone", "ifeval"]')
    return run


def test_a_folder_of_suites_stands_for_all_its_files(suites: Runner) -> None:
    done = suites.inside("eval", "out", "--resamples", "50", "--quiet")
    assert done.code == 0, done.err
    assert [line["id"] for line in done.records] == ["tone:base..trained", "ifeval:base..trained"]
    more = suites.inside(
        "eval", "out/", "own:base=out/tone/base.judged.jsonl", "own:trained=out/tone/trained.judged.jsonl"
    )
    assert [line["axis"] for line in more.records] == ["tone", "ifeval", "own"]


def test_folders_of_suites_with_a_label_each_are_put_together(suites: Runner) -> None:
    (suites.folder / "out").rename(suites.folder / "old")
    for label in ("base", "trained"):
        (suites.folder / label / "tone").mkdir(parents=True)
        suites.write(f"{label}/labels.json", f'["{label}"]')
        suites.write(f"{label}/suites.json", '["tone"]')
        suites.write(f"{label}/tone/{label}.judged.jsonl", suites.read(f"old/tone/{label}.judged.jsonl"))
    done = suites.inside("eval", "base", "trained", "--resamples", "50", "--quiet")
    assert [line["id"] for line in done.records] == ["tone:base..trained"], done.err
    alone = suites.inside("eval", "base")
    assert alone.code == 1 and "two files are needed" in alone.err


def test_a_folder_of_suites_that_is_not_complete_says_what_is_missing(suites: Runner) -> None:
    (suites.folder / "out/ifeval/trained.judged.jsonl").unlink()
    done = suites.inside("eval", "out")
    assert (done.code, done.out) == (1, b"")
    assert "out/ifeval/trained.judged.jsonl: is not there yet" in done.err
    for torn, said in ((b"{", "cannot be read"), (b"[1]", "a JSON list of names is needed"), (b"[]", "a JSON list")):
        suites.write("out/suites.json", torn)
        assert said in suites.inside("eval", "out").err


def test_what_cannot_be_compared_names_axis_and_label(tmp_path: Path) -> None:
    run = Runner(tmp_path)
    line, other = group("p", answer("Yes.", 2, 1, 0, 0)), group("q", answer("Yes.", 2, 1, 0, 0))
    unlike = RUBRIC.model_copy(update={"criteria": (SHORT,)})
    for name, content in (
        ("a", line),
        ("b", other),
        ("c", group("p", answer("Yes.", 1, rubric=unlike), rubric=unlike)),
    ):
        run.write(f"{name}.jsonl", to_line(content))
    run.write("empty.jsonl", b"")
    for file, said in (
        ("b", "1 of the prompt ids of hard:base are not in hard:new: 'p'"),
        ("c", "p: hard:base and hard:new were judged by different rubrics"),
        ("empty", "hard:new has no prompts to compare"),
    ):
        done = run.inside("eval", "hard:base=a.jsonl", f"hard:new={file}.jsonl", "-o", "none.jsonl")
        assert (done.code, done.out) == (1, b"")
        assert said in done.err and "Traceback" not in done.err
        assert not (tmp_path / "none.jsonl").exists()


def test_larger_groups_are_not_compared_where_that_alone_makes_a_difference(suites: Runner) -> None:
    one = answer("Moss grows.", 2, 1, 0, 0)
    for label, size in (("base", 2), ("trained", 4)):
        suites.write(f"{label}.jsonl", to_line(group("p", *[one] * size, model=label)))
    done = suites.inside("eval", "diversity:base=base.jsonl", "diversity:trained=trained.jsonl", "-o", "none.jsonl")
    assert (done.code, done.out) == (1, b"")
    said = "p has 2 answers of diversity:base and 4 of diversity:trained: what the suite 'diversity' measures depends"
    assert said in done.err and "hint: sample equally many: --group-size N" in done.err
    assert "none.jsonl" not in suites.names()
    other = suites.inside("eval", "tone:base=base.jsonl", "tone:trained=trained.jsonl", "--resamples", "50", "--quiet")
    assert other.code == 0, "means of single answers are compared"


def test_token_ids_are_let_go_of(tmp_path: Path) -> None:
    line = group("p", answer("Yes.", 2, 1, 0, 0))
    (response,) = line.responses
    heavy = response.model_copy(update={"tokens": Tokens(ids="AAAAAA==", logprobs="AAAAAA==")})
    (tmp_path / "a.jsonl").write_bytes(to_line(line.model_copy(update={"responses": (heavy,)})))
    (read,) = read_side(Source(str(tmp_path / "a.jsonl")))
    assert to_line(read) == to_line(line)
