"""Prompts by `hf:NAME[:split]`: a folder that is laid out like a data set of the hub is read by the same way."""

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.running import Runner, records

SPLITS = {
    "train": [
        {"prompt": "Describe a river.", "reference": "It is wide."},
        {"prompt": "Praise a baker.", "reference": None},
    ],
    "test": [{"prompt": "Explain rain.", "reference": "Clouds cool."}],
}


@pytest.fixture
def hub(run: Runner) -> Runner:
    """A folder with a data set of two splits, in Parquet, as the hub keeps them."""
    (run.folder / "mine" / "data").mkdir(parents=True)
    for split, rows in SPLITS.items():
        pq.write_table(pa.Table.from_pylist(rows), run.folder / "mine" / "data" / f"{split}-00000-of-00001.parquet")
    return run


@pytest.mark.parametrize(
    ("name", "split"), [("hf:mine", "train"), ("hf:mine:train", "train"), ("hf:mine:test", "test")]
)
def test_a_split_of_a_data_set_is_a_file_of_prompts(hub: Runner, name: str, split: str) -> None:
    done = hub("generate-rubrics", name)
    assert done.code == 0, done.err
    lines = records(done.out)
    assert [line.get("reference") for line in lines] == [row["reference"] for row in SPLITS[split]]
    for line, row in zip(lines, SPLITS[split], strict=True):
        assert line["messages"][0]["content"].startswith(row["prompt"])  # the constraint is written behind it


def test_a_suite_takes_its_prompts_from_a_data_set(hub: Runner) -> None:
    row = {
        "key": 1000,
        "prompt": "Write about moss without commas.",
        "instruction_id_list": ["punctuation:no_comma"],
        "kwargs": [{"num_words": None}],  # the hub's table has every argument in every row, mostly null
    }
    pq.write_table(pa.Table.from_pylist([row]), hub.folder / "mine" / "data" / "train-00000-of-00001.parquet")
    hub.write("answers.jsonl", orjson.dumps({"prompt": row["prompt"], "response": "Moss is green."}) + b"\n")
    words = ("eval", "suite", "ifeval", "--responses", "theirs=answers.jsonl", "-o", "out", "--summary", "levels.json")
    done = hub(*words, "--prompts", "ifeval=hf:mine:train")
    assert done.code == 0, done.err
    assert orjson.loads(hub.read("levels.json"))["ifeval"]["theirs"]["strict"][0] == 100


@pytest.mark.parametrize("name", ["hf:mine:dev", "hf:no/such/folder", "hf:"])
def test_what_is_not_there_is_one_sentence(hub: Runner, name: str) -> None:
    done = hub("generate-rubrics", name)
    assert done.code == 1 and done.out == b""
    assert done.err.startswith(f"rlra: {name}: cannot be read as a data set: "), done.err
