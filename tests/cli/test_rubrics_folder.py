"""`rlra rubrics export --to folder` and `import --from folder`: YAML for people, lines to the byte."""

import shutil
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from rlra_cli.rubric_folder import LINES
from tests.running import Done, Runner, lines, records


def rubric(name: str, **more: Any) -> dict[str, Any]:
    """Return a rubric as a line has it."""
    return {"rubric": name, "source": "llm", "criteria": [{"id": "c", "text": "Is kind.", "weight": 2.0}], **more}


def bank(*names: str, **more: Any) -> bytes:
    """Return lines of a bank."""
    return lines(*({"schema": "rubric/1", "id": name, "rubric": rubric(name, **more)} for name in names))


def tasks(*names: str) -> bytes:
    """Return tasks, each with a rubric of one and the same name."""
    said = [{"role": "user", "content": "Write to\nmy aunt. \x1b[31m # really"}]
    return lines(
        *({"schema": "task/1", "id": n, "messages": said, "rubric": rubric("own"), "meta": {"n": n}} for n in names)
    )


def exported(run: Runner, content: bytes, *more: str) -> Path:
    """Return the folder that a file was exported to."""
    run.write("in.jsonl", content)
    done = run.inside("rubrics", "export", "in.jsonl", "--to", "folder", "-o", "out/", *more)
    assert done.code == 0, done.err
    return run.folder / "out"


def imported(run: Runner, *more: str) -> Done:
    """Import the folder again, as Anna."""
    return run.inside("rubrics", "import", "out", "--from", "folder", "-o", "back.jsonl", "--by", "Anna", *more)


def edit(file: Path, old: str, new: str) -> None:
    """Put one text into the place of another, which is there."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


ODD = b'{"schema": "rubric/1", "id": "x/y",  "rubric": {"criteria": [{"text": "t", "id": "c"}], "rubric": "x/y"}}\n'


@pytest.mark.parametrize("content", [bank("a", "b/c", "../d"), tasks("one", "two"), ODD], ids=["bank", "tasks", "odd"])
def test_without_edits_the_bytes_are_the_same(run: Runner, content: bytes) -> None:
    """Whatever the order of keys and the white space were; and there is one file for each rubric."""
    content = content.replace(b"../d", b"d..")
    folder = exported(run, content)
    assert len(list(folder.glob("*.yaml"))) == content.count(b"\n")
    done = imported(run)
    assert done.code == 0, done.err
    assert run.read("back.jsonl") == content


def test_an_edit_is_recorded(run: Runner) -> None:
    """With who, when and what was there before; other lines stay to the byte."""
    folder = exported(run, bank("a", "b"))
    edit(folder / "00001-a.yaml", "weight: 2.0", "weight: 3")
    done = imported(run)
    assert "1 edited" in done.err
    first, second = run.read("back.jsonl").splitlines(keepends=True)
    found = orjson.loads(first)["rubric"]
    (step,) = found["review"]["history"]
    assert (step["did"], step["by"], step["on"]) == ("edited", "Anna", time.strftime("%Y-%m-%d", time.gmtime()))
    assert (found["source"], found["criteria"][0]["weight"], found["review"]["state"]) == ("hybrid", 3.0, "draft")
    assert second == bank("b")


def test_a_second_round_goes_on_with_the_history(run: Runner) -> None:
    folder = exported(run, bank("a"))
    edit(folder / "00001-a.yaml", "weight: 2.0", "weight: 3")
    imported(run)
    shutil.rmtree(folder)
    folder = exported(run, run.read("back.jsonl"))
    assert "history" not in (folder / "00001-a.yaml").read_text(encoding="utf-8")
    edit(folder / "00001-a.yaml", "state: draft", "state: accepted\n  comment: now it is right")
    assert imported(run).code == 0
    review = records(run.read("back.jsonl"))[0]["rubric"]["review"]
    assert [step["did"] for step in review["history"]] == ["edited", "accepted"]
    assert (review["state"], review["by"], review["comment"]) == ("accepted", "Anna", "now it is right")


def test_tasks_keep_their_prompts(run: Runner) -> None:
    """The prompt stands above as a comment, and comes back from the line, not from the comment."""
    folder = exported(run, tasks("one", "two"))
    text = (folder / "00001-one.yaml").read_text(encoding="utf-8")
    assert text.startswith("# user: Write to\n# my aunt. [31m # really\n\nrubric: own\n")
    edit(folder / "00001-one.yaml", "my aunt", "YOUR AUNT")
    edit(folder / "00001-one.yaml", "Is kind.", "Is very kind.")
    assert imported(run).code == 0
    before, after = (records(content) for content in (tasks("one", "two"), run.read("back.jsonl")))
    assert after[1] == before[1] and after[0]["messages"] == before[0]["messages"]
    assert after[0]["rubric"]["criteria"][0]["text"] == "Is very kind."


def test_a_file_that_is_gone_is_no_silent_loss(run: Runner) -> None:
    folder = exported(run, bank("a", "b"))
    (folder / "00001-a.yaml").unlink()
    done = imported(run)
    assert done.code == 1 and "00001-a.yaml" in done.err and "--lossy" in done.err
    assert not (run.folder / "back.jsonl").exists()
    assert imported(run, "--lossy").code == 0
    assert run.read("back.jsonl") == bank("b")


def test_a_file_that_is_new_joins_a_bank(run: Runner) -> None:
    """At its end, under an id of its own; beside tasks there is no line for it."""
    folder = exported(run, bank("a"))
    new = "rubric: NAME\ncriteria: [{id: c, text: Is new.}]\n"
    (folder / "mine.yaml").write_text(new.replace("NAME", "z"), encoding="utf-8")
    assert imported(run).code == 0
    assert [line["id"] for line in records(run.read("back.jsonl"))] == ["a", "z"]
    (folder / "mine.yaml").write_text(new.replace("NAME", "a"), encoding="utf-8")
    assert "'a' stands in an earlier file too" in imported(run).err
    shutil.rmtree(folder)
    (exported(run, tasks("one")) / "mine.yaml").write_text(new, encoding="utf-8")
    assert "belongs to no line" in imported(run).err


def test_a_folder_of_ones_own_is_a_bank(run: Runner) -> None:
    """Nothing needs to have been exported."""
    (run.folder / "out").mkdir()
    (run.folder / "out" / "r.yaml").write_text("rubric: r\ncriteria: [{id: c, text: Is new.}]\n", encoding="utf-8")
    assert imported(run).code == 0
    assert run.read("back.jsonl") == lines(
        {"schema": "rubric/1", "id": "r", "rubric": {"rubric": "r", "criteria": [{"id": "c", "text": "Is new."}]}}
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rubric: a", "rubric: b", "00001-a.yaml:1: 'a' has become 'b', and an id stays"),
        ("weight: 2.0", "wieght: 2.0", "00001-a.yaml:8: criteria[0].wieght: unknown field"),
        ("weight: 2.0", "weight: [", "not YAML"),
        ("  text: Is kind.", "  check: {word_cuont: {at_most: 9}}", "no check"),
        ("state: draft", "state: draft\n  history: [{did: accepted}]", "kept by rlra"),
    ],
)
def test_what_cannot_be_taken_names_its_place(run: Runner, old: str, new: str, said: str) -> None:
    folder = exported(run, bank("a", review={"state": "draft"}))
    edit(folder / "00001-a.yaml", old, new)
    done = imported(run)
    assert done.code == 1 and said in done.err and done.err.count("\n") <= 2, done.err


def test_what_somebody_may_have_edited_is_not_written_over(run: Runner) -> None:
    exported(run, bank("a"))
    done = run.inside("rubrics", "export", "in.jsonl", "--to", "folder", "-o", "out/")
    assert done.code == 1 and "out: is there already" in done.err
    done = run.inside("rubrics", "export", "in.jsonl", "--to", "folder")
    assert done.code == 1 and "-o FOLDER/" in done.err


def test_an_export_that_was_cut_off_leaves_nothing_of_its_own(run: Runner) -> None:
    """A bad line stops it; the next one begins afresh, and the folder is whole or not there."""
    run.write("in.jsonl", bank("a", "b") + b"{}\n")
    assert run.inside("rubrics", "export", "in.jsonl", "--to", "folder", "-o", "out").code == 1
    assert not (run.folder / "out").exists()
    folder = exported(run, bank("c"))
    assert {path.name for path in folder.iterdir()} == {"00001-c.yaml", LINES, "manifest.json"}


def test_half_a_folder_is_refused(run: Runner) -> None:
    folder = exported(run, bank("a"))
    (folder / LINES).unlink()
    assert "copy the whole folder" in imported(run).err
    done = run.inside("rubrics", "import", "nowhere/", "--from", "folder", "-o", "back.jsonl")
    assert done.code == 1 and "no such folder" in done.err


def test_other_formats_have_no_reviewer(run: Runner) -> None:
    run.write("x.jsonl", b"{}\n")
    assert "--by goes with" in run.inside("rubrics", "import", "x.jsonl", "--from", "rar", "--by", "A").err


def test_other_commands_read_the_folder(run: Runner) -> None:
    """The files are rubrics like any others."""
    exported(run, bank("a", "b"))
    done = run.inside("rubrics", "stats", "out", "--json")
    assert orjson.loads(done.out)["rubrics"] == 2
