"""LLMBar "neighbor": agreement computed from GPT-4's stored verdicts, equal to the statistics published with them.

The kappas in `statistics.json` of GPT-4 against the labels are not those of its verdicts: LLMBar's evaluate.py takes
verdicts for "2" as 0 before it compares them with labels 1 and 2. Both kappas are computed here.
"""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from sklearn.metrics import cohen_kappa_score

from stages import agreement as ag
from stages.agreement.resampling import value_of
from tests.running import Done, Runner, lines
from tests.stages.labelled import judged_data

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "llmbar" / "gpt4_vanilla"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the shared data")
WINNER = {
    "id": "winner",
    "text": "Which of two is better.",
    "tiers": [{"score": n, "text": text} for n, text in enumerate(("neither", "the first", "the second"))],
}
RUBRIC = {"rubric": "pair", "criteria": [WINNER]}


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    """Return the statistics that were published."""
    return orjson.loads((FOLDER / "statistics.json").read_bytes())


@pytest.fixture(scope="module")
def stored() -> dict[str, list[int]]:
    """Return the labels, and the verdicts in either order, as 1 and 2."""
    pairs = orjson.loads((FOLDER / "result.json").read_bytes())
    verdicts = {
        order: [int(pair["results"][0][f"swap = {order}"]["winner"]) for pair in pairs] for order in ("False", "True")
    }
    return {"label": [pair["label"] for pair in pairs], **verdicts}


def as_published(verdicts: list[int]) -> list[int]:
    """Return verdicts as LLMBar's evaluate.py compares them: for the second response 0."""
    return [1 if verdict == 1 else 0 for verdict in verdicts]


def columns(*given: list[int]) -> np.ndarray:
    """Return columns side by side."""
    return np.column_stack(given) * 1.0


def share(text: str) -> float:
    """Return the share that a published percentage is."""
    return float(text.rpartition("=")[2].rstrip("%")) / 100


def test_accuracy_and_consistency(published: dict[str, Any], stored: dict[str, list[int]]) -> None:
    label, plain, swapped = stored["label"], stored["False"], stored["True"]
    found = [value_of(ag.accuracy, columns(order, label)) for order in (plain, swapped)]
    assert found == pytest.approx([share(published["correct_False"]), share(published["correct_True"])])
    assert found == pytest.approx([0.7761, 0.7985], abs=0.00005)
    assert np.mean(found) == pytest.approx(share(published["correct_average"]))  # type: ignore[arg-type]
    right = [[int(a == b) for a, b in zip(order, label, strict=True)] for order in (plain, swapped)]
    both = [a * b for a, b in zip(*right, strict=True)]
    assert value_of(ag.accuracy, columns(both, [1] * 134)) == pytest.approx(share(published["correct_both"]))
    assert value_of(ag.accuracy, columns(plain, swapped)) == pytest.approx(share(published["equal"]))


def test_kappa(published: dict[str, Any], stored: dict[str, list[int]]) -> None:
    label, orders = stored["label"], (stored["False"], stored["True"])
    recoded = [value_of(ag.kappa, columns(as_published(order), label)) for order in orders]
    assert recoded == pytest.approx([published["kappa_False"], published["kappa_True"]])
    assert np.mean(recoded) == pytest.approx(published["kappa_average"])  # type: ignore[arg-type]
    assert value_of(ag.kappa, columns(*orders)) == pytest.approx(published["kappa_agreement"])
    own = [value_of(ag.kappa, columns(order, label)) for order in orders]
    assert own == pytest.approx([cohen_kappa_score(order, label) for order in orders])
    assert own == pytest.approx([0.5474, 0.5948], abs=0.00005)


def write(run: Runner, name: str, *orders: list[int]) -> None:
    """Write the verdicts as a judged file, one response for each order."""
    rows = zip(*orders, strict=True)
    run.write(name, lines(*(judged_data(str(n), *((v,) for v in row), rubric=RUBRIC) for n, row in enumerate(rows))))


def overall(run: Runner, *words: str) -> dict[str, Any]:
    """Return the overall record."""
    done: Done = run("eval", "agreement", *words, "--resamples", "200")
    assert done.code == 0, done.err
    return done.records[0]


def test_the_command(tmp_path: Path, published: dict[str, Any], stored: dict[str, list[int]]) -> None:
    """A CSV of labels and files of verdicts give the same figures, and the order of the pair as a bias."""
    run = Runner(tmp_path)
    rows = [f"{n},{order},winner,{label}" for n, label in enumerate(stored["label"]) for order in (0, 1)]
    run.write("both.csv", "\n".join(["id,response,criterion,label", *rows]))
    run.write("labels.csv", "\n".join(["id,response,criterion,label", *(row for row in rows if ",0,winner" in row)]))
    for order in ("False", "True"):
        write(run, f"{order}.jsonl", stored[order])
        write(run, f"published-{order}.jsonl", as_published(stored[order]))
        own = overall(run, "labels.csv", f"{order}.jsonl")["judge"]
        assert own["accuracy"]["value"] == pytest.approx(share(published[f"correct_{order}"]))
        assert own["kappa"]["value"] == pytest.approx(cohen_kappa_score(stored[order], stored["label"]))
        assert own["kappa"]["low"] < own["kappa"]["value"] < own["kappa"]["high"]
        recoded = overall(run, "labels.csv", f"published-{order}.jsonl")["judge"]
        assert recoded["kappa"]["value"] == pytest.approx(published[f"kappa_{order}"])
    between = overall(run, "False.jsonl", "True.jsonl")["judge"]
    assert between["accuracy"]["value"] == pytest.approx(share(published["equal"]))
    assert between["kappa"]["value"] == pytest.approx(published["kappa_agreement"])
    write(run, "both.jsonl", stored["False"], stored["True"])
    both = overall(run, "both.csv", "both.jsonl")
    assert both["judge"]["accuracy"]["value"] == pytest.approx(share(published["correct_average"]))
    assert (both["prompts"], both["compared"]) == (134, 268)
    assert -0.2 < both["bias"]["position"]["value"] < 0.2
