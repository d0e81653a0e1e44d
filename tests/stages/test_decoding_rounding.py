"""In bfloat16 our loop draws from the model's own distribution, no further from it than `generate` is."""

from pathlib import Path
from statistics import fmean

import pytest
import torch

from stages.models.base import Completion
from stages.models.hf import HFModel
from tests.stages import decoded
from tests.stages.decoded import generated, groups

folder = decoded.folder


@pytest.fixture(scope="module")
def rounded(folder: Path) -> HFModel:
    """Return the tiny model in bfloat16."""
    return HFModel("hf:x", str(folder), "r", "bfloat16")


@pytest.fixture(scope="module")
def exact(folder: Path) -> HFModel:
    """Return the same weights, rounded to bfloat16 and computed with in float32."""
    model = HFModel("hf:x", str(folder), "r", "bfloat16")
    model._model = model._model.float()
    return model


def rounding(answers: list[Completion], exact: HFModel) -> list[float]:
    """Return |Δ log-probability| of each token to a whole pass in float32 over prompt and answer, all at once."""
    found: list[float] = []
    for answer in answers:
        prompt, said = list(answer.prompt_ids or ()), list(answer.ids or ())
        ids = torch.tensor([[*prompt, *said]])
        with torch.inference_mode():
            logits = exact._model(ids).logits[0, len(prompt) - 1 : -1]
        chosen = torch.log_softmax(logits, -1).gather(-1, torch.tensor(said)[:, None])[:, 0]
        found += (chosen - torch.tensor(answer.logprobs)).abs().tolist()
    return found


def test_log_probabilities_are_those_of_the_model_up_to_the_rounding_of_bfloat16(
    rounded: HFModel, exact: HFModel
) -> None:
    requests = groups(each=8)
    ours, theirs = (rounding(found, exact) for found in (rounded.complete(requests), generated(rounded, requests)))
    assert min(len(ours), len(theirs)) > 500
    assert max(theirs) > 0.001  # it does round
    assert fmean(ours) <= 1.2 * fmean(theirs)
    assert max(ours) <= 2 * max(theirs)


def test_in_float32_they_are_the_model_s(exact: HFModel) -> None:
    assert max(rounding(exact.complete(groups(each=4)), exact)) < 1e-4
