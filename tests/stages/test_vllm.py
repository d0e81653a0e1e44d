"""vLLM where it is not installed; with it, tests/vllm runs the engine itself."""

import sys

import pytest

from schemas.errors import RlraError
from stages.models.vllm import VLLMModel


def test_without_vllm_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(RlraError, match="vLLM is not installed") as caught:
        VLLMModel("vllm:some/model")
    assert "pip install 'rlra[vllm]'" in str(caught.value.hint)
