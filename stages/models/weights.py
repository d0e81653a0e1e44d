"""Which weights a reference means, and their digest."""

from pathlib import Path

import orjson

from schemas.base import digest
from schemas.errors import RlraError
from stages.models.embedded import NAME, checked_digest, model_folder, weights_digest


def weights_of(reference: str) -> tuple[str, str]:
    """Return (folder or hub name, revision) of `smollm2`, `hf:ID_OR_DIR` or `vllm:ID_OR_DIR`."""
    if reference == NAME:
        folder = model_folder()
        return str(folder), checked_digest(folder)
    name = reference.removeprefix("hf:").removeprefix("vllm:")
    if Path(name).is_dir():
        return name, weights_digest(Path(name))
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.model"]))
    except Exception as error:
        raise RlraError(f"{reference}: no such folder, and no such model on the hub: {type(error).__name__}") from None
    return str(folder), weights_digest(folder)


def template_of(folder: str) -> str | None:
    """Return the digest of the chat template that lies in `folder`, or None where there is none to be read."""
    whole, config = Path(folder) / "chat_template.jinja", Path(folder) / "tokenizer_config.json"
    if whole.is_file():
        return digest(whole.read_text(encoding="utf-8"))
    template = orjson.loads(config.read_bytes()).get("chat_template") if config.is_file() else None
    return digest(template) if isinstance(template, str) else None
