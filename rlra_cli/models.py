"""A model reference and the options around it → a model that answers."""

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rlra_cli import ui
from rlra_cli.options import EndpointOptions, ModelOptions
from schemas.errors import RlraError
from schemas.files import without_secrets
from stages.models.base import Model
from stages.models.endpoint import api_key, parted

if TYPE_CHECKING:
    from stages.models.pool import PooledModel
    from stages.models.vllm import VLLMModel

GPU, CPU = Path("/dev/nvidia0"), Path("/proc/cpuinfo")
"""Where Linux says that there is an NVIDIA GPU, and what the CPU can do."""


@contextlib.contextmanager
def opened_model(reference: str, endpoint: EndpointOptions, run: ModelOptions, dtype: str) -> Iterator[Model]:
    """Open the model that `reference` names and close it at the end. Raises RlraError for an unknown one."""
    scheme, _, name = reference.partition(":")
    if scheme == "openai" and name:
        yield _server(reference, endpoint)
    elif reference == "smollm2" or (scheme in ("hf", "vllm") and name):
        model = _in_process(reference, run, dtype)
        try:
            yield model
        finally:
            model.close()
    else:
        raise _unknown(reference)


def check_reference(reference: str, endpoint: EndpointOptions) -> None:
    """Raise RlraError for a model that `opened_model` would refuse, as far as that shows without its weights.

    A server is not asked anything; of a model on the hub one small file is fetched.
    """
    scheme, _, name = reference.partition(":")
    if scheme == "openai" and name:
        _server(reference, endpoint)
    elif reference == "smollm2":
        from stages.models.embedded import gguf_file

        gguf_file()
    elif scheme in ("hf", "vllm") and name:
        _check_there(reference, name)
    else:
        raise _unknown(reference)


def _check_there(reference: str, name: str) -> None:
    if Path(name).is_dir():
        if missing := [wanted for wanted in ("config.json", "*.safetensors") if not any(Path(name).glob(wanted))]:
            hint = "name a folder that `save_pretrained` wrote"
            raise RlraError(f"{reference}: the folder holds no {missing[0]}", hint)
        return
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(name, "config.json")
    except Exception as error:
        raise RlraError(f"{reference}: no such folder, and no such model on the hub: {type(error).__name__}") from None


def _unknown(reference: str) -> RlraError:
    what = f"--model: '{parted(reference)[0]}' names no model"
    return RlraError(what, hint="use smollm2, hf:ID_OR_DIR, vllm:ID_OR_DIR or openai:NAME")


@contextlib.contextmanager
def opened_judge(reference: str | None, endpoint: EndpointOptions) -> Iterator[Model | None]:
    """Open the judge that `reference` names; without a reference there is none, and checks need none."""
    if reference is None:
        yield None
        return
    with opened_model(reference, endpoint, ModelOptions(batch_size=8), "bfloat16") as judge:
        yield judge


@contextlib.contextmanager
def opened_judges(references: Sequence[str], endpoint: EndpointOptions) -> Iterator[list[Model]]:
    """Open every judge of a panel, in order, and close them at the end.

    Raises RlraError for an unknown one, and for one that is given twice: it would vote twice.
    """
    bare = [parted(reference)[0] for reference in references]
    if twice := next((name for name in bare if bare.count(name) > 1), None):
        raise RlraError(
            f"--model: the judge {twice} is given twice",
            hint="give several servers of one model as several --base-url, and ask again and again with --repeats",
        )
    with contextlib.ExitStack() as stack:
        yield [model for each in references if (model := stack.enter_context(opened_judge(each, endpoint))) is not None]


def recorded(reference: str | None, endpoint: EndpointOptions) -> tuple[str | None, list[str]]:
    """Return a reference without the URL that it may carry, and where the model is asked, without queries."""
    name, own = parted(reference) if reference is not None else (None, None)
    return name, [without_secrets(url) for url in ([own] if own else endpoint.base_url)]


def dtype_for(asked: str, temperature: float) -> str:
    """Return the number format that `asked` comes to; see `ModelOptions.dtype`."""
    if asked != "auto":
        return asked
    # In bfloat16 the neighbours in a batch round a response's logits differently, which is enough to turn a
    # greedy choice; in float32 it is not.
    return "bfloat16" if temperature > 0 and _computes_in_bfloat16() else "float32"


def _computes_in_bfloat16() -> bool:
    try:
        flags = CPU.read_text().split()
    except OSError:
        flags = []
    return GPU.exists() or not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)


def _server(reference: str, endpoint: EndpointOptions) -> Model:
    bare, own = parted(reference)
    urls = [own] if own else endpoint.base_url
    if not urls:
        raise RlraError(f"--model {bare} needs --base-url", hint="such as http://localhost:8000/v1")
    from stages.models.openai import OpenAIModel

    return OpenAIModel(
        bare,
        bare.partition(":")[2],
        urls,
        functools.partial(api_key, endpoint.key_file),
        endpoint.concurrency,
        endpoint.timeout_s,
        endpoint.retries,
        endpoint.requests_per_minute,
        endpoint.tokens_per_minute,
    )


def _in_process(reference: str, run: ModelOptions, dtype: str) -> "PooledModel | VLLMModel":
    if reference.startswith("vllm:"):
        from stages.models.vllm import VLLMModel

        # Read when vLLM is imported, by its processes too: without this its log goes among our records.
        os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
        # An engine in a process of its own would outlive ours when that is killed, and keep its memory.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        return VLLMModel(reference, dtype)
    from stages.models.pool import PooledModel

    if reference == "smollm2":
        _convert_once()
    return PooledModel(reference, run.processes or default_processes(), run.batch_size, dtype)


def _convert_once() -> None:
    from stages.models.embedded import model_folder

    model_folder(ui.say)


def default_processes() -> int:
    """Return one process per core that this process may use; with an NVIDIA GPU, one."""
    if GPU.exists():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
