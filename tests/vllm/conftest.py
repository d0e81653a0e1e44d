"""Tests that run vLLM itself, on the embedded model: collected where it is installed, as `make test-vllm` sees to."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stages.models.weights import weights_of

if TYPE_CHECKING:
    from stages.models.vllm import VLLMModel

collect_ignore_glob = [] if importlib.util.find_spec("vllm") else ["test_*.py"]
# Read when vLLM is imported, by its processes and those of `rlra` too. The cache is small beside other programs.
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # as the command line has it
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def weights() -> Path:
    """Give the folder of the embedded model."""
    return Path(weights_of("smollm2")[0])


@pytest.fixture(scope="session")
def model(weights: Path) -> "Iterator[VLLMModel]":
    """Give the embedded model in vLLM's engine, in float32."""
    from stages.models.vllm import VLLMModel

    opened = VLLMModel(f"vllm:{weights}", "float32")
    yield opened
    opened.close()
