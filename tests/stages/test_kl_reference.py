"""What KL is to: the model that training starts from, or another one that is named."""

import inspect
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
from pydantic import ValidationError
from transformers import AutoModelForCausalLM
from trl import GRPOTrainer

from rlra_cli.ancestry import base_of, initial, reference_of
from schemas.errors import RlraError
from schemas.judged import Judged
from schemas.manifest import Manifest, Recipe
from schemas.rollouts import unpack
from schemas.train_log import TrainLog
from stages.models.weights import weights_of
from stages.train import TrainSpec
from stages.training.advantages import scored_groups
from stages.training.config import loaded
from stages.training.staged import train_staged
from tests.stages.training_groups import sampled
from tests.tiny_model import tiny_model

SPEC = TrainSpec(bf16=False, beta=0.1, prompts_per_step=2, micro_batch=8, save_every=0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return tuple(tiny_model(tmp_path_factory.mktemp("m") / f"seed-{seed}", seed) for seed in (0, 1))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def groups(folders: tuple[Path, Path]) -> list[Judged]:
    return sampled(folders[0], 2)


def first_kl(groups: list[Judged], weights: Path, reference: str, output: Path) -> tuple[float, Any]:
    log: list[TrainLog] = []
    work = scored_groups(groups, "group", 0, Counter())
    trainer, _ = train_staged(work, str(weights), SPEC, output, 1, log.append, reference)
    return log[0].metrics["kl"], trainer


def logprobs(folder: Path, prompt: list[int], response: list[int]) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    with torch.no_grad():
        logits = model(torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1]
    return torch.log_softmax(logits, -1).gather(-1, torch.tensor(response)[:, None])[:, 0]


def by_hand(groups: list[Judged], policy: Path, reference: Path) -> float:
    """Return the mean over all response tokens of k3, `r − 1 − ln r` with r = reference / policy (arXiv 2402.03300)."""
    terms = []
    for group in groups:
        for response in group.responses:
            assert response.tokens is not None
            ids = (unpack(group.prompt_tokens or "", "i"), unpack(response.tokens.ids, "i"))
            log_ratio = logprobs(reference, *ids) - logprobs(policy, *ids)
            terms.append(log_ratio.exp() - 1 - log_ratio)
    return float(torch.cat(terms).mean())


def test_kl_to_the_start_is_nothing_at_the_first_step(
    groups: list[Judged], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    assert first_kl(groups, folders[0], "", tmp_path)[0] == pytest.approx(0, abs=1e-9)


def test_kl_to_another_model_is_what_plain_forward_passes_say(
    groups: list[Judged], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    kl, trainer = first_kl(groups, folders[0], str(folders[1]), tmp_path)
    expected = by_hand(groups, *folders)
    print(f"kl {kl:.7g}, by hand {expected:.7g}")
    assert expected > 0.1
    assert kl == pytest.approx(expected, rel=1e-5)
    other = AutoModelForCausalLM.from_pretrained(folders[1], dtype="float32")
    for (name, a), (_, b) in zip(trainer.ref_model.named_parameters(), other.named_parameters(), strict=True):
        assert torch.equal(a, b), name


def test_a_trainer_takes_its_reference_from_where_the_model_says(folders: tuple[Path, Path]) -> None:
    """What `refer` stands on, staged and online: TRL has no other way to name a reference."""
    source = inspect.getsource(GRPOTrainer.__init__)
    assert "self.ref_model = create_model_from_path(get_config_model_id(self.model.config)" in source
    assert loaded(str(folders[0]))[0].config.name_or_path == str(folders[0])
    assert loaded(str(folders[0]), str(folders[1]))[0].config.name_or_path == str(folders[1])


# Where a model comes from.


def manifest(folder: Path, **spec: Any) -> None:
    recipe = Recipe(stage="train", rlra="1", spec=spec, inputs={}, sha256=weights_of(f"hf:{folder}")[1])
    (folder / "manifest.json").write_text(Manifest(recipe=recipe, run={}).model_dump_json())


def chain(tmp_path: Path) -> tuple[Path, Path, dict[str, str]]:
    """Return the base, and the folder of a run that is said to have begun with it."""
    base, run = tiny_model(tmp_path / "base"), tiny_model(tmp_path / "run", 1)
    known = {"model": f"hf:{base}", "revision": weights_of(f"hf:{base}")[1]}
    manifest(run, base=known)
    return base, run, known


def found(spec: TrainSpec, run: Path) -> dict[str, str]:
    revision = weights_of(f"hf:{run}")[1]
    return reference_of(spec, f"hf:{run}", str(run), base_of(f"hf:{run}", str(run), revision))


def to(name: str) -> TrainSpec:
    return TrainSpec(beta=0.1, kl_reference=name)


def test_the_base_is_where_the_first_run_of_the_chain_began(tmp_path: Path) -> None:
    base, run, known = chain(tmp_path)
    assert found(to("base"), run) == {**known, "weights": str(base)}
    assert found(to("stage-start"), run) == found(TrainSpec(), run) == {}
    assert found(to("base"), base) == {**known, "weights": str(base)}  # what no run made is its own base
    assert found(to(f"hf:{base}"), run)["weights"] == str(base)


def test_a_chain_that_cannot_be_followed_is_one_sentence(tmp_path: Path) -> None:
    base, run, _ = chain(tmp_path)
    tiny_model(base, 2)
    with pytest.raises(RlraError, match=r"by now, and hf:.* began with"):
        found(to("base"), run)
    manifest(run)
    with pytest.raises(RlraError, match=r"does not say what hf:.* was made from"):
        found(to("base"), run)
    tiny_model(run, 3)  # the manifest speaks of other weights
    with pytest.raises(RlraError, match=r"does not say what hf:.* was made from"):
        found(to("base"), run)


def test_a_reference_with_another_vocabulary_is_refused(tmp_path: Path) -> None:
    base, run, _ = chain(tmp_path)
    config = base / "config.json"
    config.write_text(config.read_text().replace('"vocab_size": ', '"vocab_size": 1'))
    with pytest.raises(RlraError, match="tokens in its vocabulary"):
        found(to("base"), run)


def test_a_reference_with_as_many_but_other_tokens_is_refused(tmp_path: Path) -> None:
    """Ids would mean other words. Tokens that were added, as chat models have them, may differ."""
    base, run, _ = chain(tmp_path)
    place = base / "tokenizer.json"
    tokenizer = orjson.loads(place.read_bytes())
    tokenizer["added_tokens"] = []
    place.write_bytes(orjson.dumps(tokenizer))
    assert found(to("base"), run)["weights"] == str(base)
    vocab = tokenizer["model"]["vocab"]
    one, other = list(vocab)[10:12]
    vocab[one], vocab[other] = vocab[other], vocab[one]
    place.write_bytes(orjson.dumps(tokenizer))
    with pytest.raises(RlraError, match="other tokens in its vocabulary"):
        found(to("base"), run)


def test_a_stage_begins_with_what_a_run_ended_with(tmp_path: Path) -> None:
    base, run, _ = chain(tmp_path)
    assert initial(None, "smollm2") == "smollm2"
    assert initial(run, "smollm2") == f"hf:{run}"
    for folder, model, said in (
        (base, "smollm2", "no run of `rlra train` ended in"),
        (run, "hf:other", "name two models"),
    ):
        with pytest.raises(RlraError, match=said):
            initial(folder, model)
    tiny_model(run, 2)
    with pytest.raises(RlraError, match="are not those that its manifest tells of"):
        initial(run, "smollm2")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kl_reference": "base"}, "goes with --beta"),
        ({"kl_reference": "elsewhere", "beta": 0.1}, "none of stage-start, base"),
        ({"kl_reference": "base", "beta": 0.1, "lora_rank": 4}, "below the adapter"),
    ],
)
def test_a_reference_that_could_not_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TrainSpec(**given)
