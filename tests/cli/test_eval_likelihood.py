"""`rlra eval --likelihood`: how likely the reference answers are under each policy that answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rlra_cli import eval_likelihood
from rlra_cli.eval_likelihood import reference_likelihood
from rlra_cli.options import EndpointOptions, ModelOptions
from schemas.errors import RlraError
from schemas.jsonl import to_line
from schemas.judged import Judged
from stages.models.hf import HFModel
from stages.models.weights import weights_of
from tests.judged_lines import answer, group
from tests.running import Runner
from tests.tiny_model import SENTENCES, tiny_model


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HFModel]:
    """Return two tiny models by label."""
    folder = tmp_path_factory.mktemp("models")
    return {name: opened(tiny_model(folder / name, seed=n)) for n, name in enumerate(("base", "new"))}


def opened(folder: Path) -> HFModel:
    name = f"hf:{folder}"
    return HFModel(name, str(folder), weights_of(name)[1], "float32")


def answered(model: HFModel, axis: str = "p", references: int = 3) -> list[Judged]:
    """Return three lines that a model answered, some of them with a reference."""
    lines = []
    for n in range(3):
        more = {"reference": SENTENCES[n]} if n < references else {}
        line = group(f"{axis}{n}", answer("Yes.", 2, 1, 0, 0), model=model.reference, prompt=SENTENCES[-n - 1], **more)
        policy = line.policy.model_copy(update={"revision": model.revision})
        lines.append(line.model_copy(update={"policy": policy}))
    return lines


def direct(model: HFModel, lines: list[Judged]) -> dict[str, float]:
    """Return what the model says of each reference."""
    return {line.id: model.likelihood(line.messages, line.reference) for line in lines if line.reference}


class Opened:
    """Opens models as the command does, and counts which ones, and how many answers each was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    @contextmanager
    def __call__(self, name: str, endpoint: EndpointOptions, run: ModelOptions, dtype: str) -> Iterator[Any]:
        model = opened(Path(name.removeprefix("hf:")))
        counted = self.asked

        class Measured:
            revision = model.revision

            def likelihood(self, answers: list[Any]) -> list[float]:
                counted.append((name, len(answers)))
                return [model.likelihood(*each) for each in answers]

        yield Measured()


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Opened:
    found = Opened()
    monkeypatch.setattr(eval_likelihood, "opened_model", found)
    return found


def test_each_policy_is_loaded_once_and_asked_once_about_each_reference(
    models: dict[str, HFModel], loads: Opened
) -> None:
    """Two labels of one policy, and two axes with the same prompts, cost nothing more."""
    base, new = models["base"], models["new"]
    read = {
        "one": {"base": answered(base), "new": answered(new), "again": answered(base)},
        "two": {"base": answered(base, "q"), "new": answered(new, "q"), "again": answered(base, "q")},
        "bare": {"base": answered(base, "b", 0), "new": answered(new, "b", 0), "again": answered(base, "b", 0)},
    }
    found = reference_likelihood(read)
    assert loads.asked == [(base.reference, 3), (new.reference, 3)]
    assert found.keys() == {"one", "two"}
    assert found["one"]["base"] == pytest.approx(direct(base, read["one"]["base"]))
    assert found["one"]["again"] == found["one"]["base"] != found["one"]["new"]
    assert found["two"]["new"] == pytest.approx(direct(new, read["two"]["new"]))


def test_the_report_holds_it_for_every_label(models: dict[str, HFModel], tmp_path: Path) -> None:
    run = Runner(tmp_path)
    for label, model in models.items():
        run.write(f"{label}.jsonl", b"".join(map(to_line, answered(model, references=2))))
    run.write("same.jsonl", run.read("base.jsonl"))
    words = ("eval", "base.jsonl", "same.jsonl", "new.jsonl", "--resamples", "50")
    done = run(*words, "--likelihood", "--gate", "reference_loglik>=-99")
    assert done.code == 4 and "reference_loglik>=-99 (2 prompts" in done.err, done.err
    same, new = ({change["name"]: change for change in line["measures"]} for line in done.records)
    before, after = (list(direct(model, answered(model, references=2)).values()) for model in models.values())
    assert same["reference_loglik"]["change"] == 0
    assert new["reference_loglik"]["prompts"] == 2
    assert new["reference_loglik"]["change"] == pytest.approx((sum(after) - sum(before)) / 2, abs=1e-5)
    unasked = run(*words, "--gate", "reference_loglik>=-99")
    assert unasked.code == 1 and "no measure and no criterion is called 'reference_loglik'" in unasked.err


def test_what_cannot_be_measured_is_one_sentence(models: dict[str, HFModel], loads: Opened) -> None:
    lines = answered(models["base"])
    with pytest.raises(RlraError, match="--likelihood needs `reference` in the lines"):
        reference_likelihood({"": {"a": answered(models["base"], references=0)}})
    with pytest.raises(RlraError, match="one:a has answers of several policies"):
        reference_likelihood({"one": {"a": [*lines, *answered(models["new"], "q")]}})
    stale = [line.model_copy(update={"policy": line.policy.model_copy(update={"revision": "r0"})}) for line in lines]
    with pytest.raises(RlraError, match=r"the weights are no longer those that answered \(r0\)"):
        reference_likelihood({"": {"a": stale}})


def test_a_server_cannot_say_it() -> None:
    line = group("p", answer("Yes.", 2, 1, 0, 0), model="openai:m", reference="Yes.")
    with pytest.raises(RlraError, match="--likelihood: openai:m cannot be asked how likely a text is"):
        reference_likelihood({"": {"a": [line]}})
