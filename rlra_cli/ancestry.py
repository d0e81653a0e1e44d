"""Where the model that is trained comes from, as manifests say, and which model its KL is to."""

import hashlib
from pathlib import Path
from typing import Any

import orjson

from schemas.errors import RlraError
from schemas.manifest import Recipe, read_manifest
from stages.models.weights import weights_of
from stages.train import TrainSpec, moments_in


def base_of(model: str, weights: str, revision: str) -> dict[str, str] | None:
    """Return the model, and its revision, that the first of the runs began with which led to `model`.

    What no run of ours made is its own. None where the manifest beside the weights does not speak of them, or does
    not say it.
    """
    try:
        recipe = read_manifest(Path(weights) / "manifest.json").recipe
    except RlraError:  # none is there, or one of another program's
        return {"model": model, "revision": revision}
    return recipe.spec.get("base") if (recipe.stage, recipe.sha256) == ("train", revision) else None


def moments_of(spec: TrainSpec, weights: str) -> dict[str, str]:
    """Return the digest of the optimizer's moments that a run begins with; nothing where it begins without."""
    file = moments_in(weights) if spec.keep_optimizer else None
    if not file:
        return {}
    with file.open("rb") as stream:
        return {"moments": hashlib.file_digest(stream, "sha256").hexdigest()[:16]}


def reference_of(spec: TrainSpec, model: str, weights: str, base: dict[str, str] | None) -> dict[str, str]:
    """Return model, revision and weights of KL's reference; nothing where that is the model that is trained.

    Raises RlraError where it cannot be found, is not what the manifests say, or has another vocabulary.
    """
    name = spec.kl_reference
    if name == "stage-start" or not spec.beta:
        return {}
    if name == "base" and base is None:
        raise RlraError(
            f"--kl-reference base: the manifest in {weights} does not say what {model} was made from",
            hint="name the model, as --kl-reference hf:DIR",
        )
    known = base if name == "base" and base else {"model": name}
    place, revision = weights_of(known["model"])
    if known.get("revision", revision) != revision:
        raise RlraError(
            f"--kl-reference base: {known['model']} is {revision} by now, and {model} began with {known['revision']}",
            hint="name a folder with the former weights, as --kl-reference hf:DIR",
        )
    if (ours := _vocabulary_size(weights)) != (theirs := _vocabulary_size(place)):
        raise RlraError(f"--kl-reference: {known['model']} has {theirs} tokens in its vocabulary, and {model} {ours}")
    tokens = _vocabulary(weights), _vocabulary(place)
    if all(tokens) and tokens[0] != tokens[1]:
        raise RlraError(f"--kl-reference: {known['model']} has other tokens in its vocabulary than {model}")
    return {"model": known["model"], "revision": revision, "weights": place}


def _vocabulary_size(weights: str) -> Any:
    config = Path(weights) / "config.json"
    return orjson.loads(config.read_bytes()).get("vocab_size") if config.is_file() else None


def _vocabulary(weights: str) -> Any:
    """Return the tokens and their ids, or scores, without those that were added: chat models differ in these."""
    tokenizer = Path(weights) / "tokenizer.json"
    return orjson.loads(tokenizer.read_bytes()).get("model", {}).get("vocab") if tokenizer.is_file() else None


def initial(folder: Path | None, model: str) -> str:
    """Return the reference to the model that a run of `rlra train` left in `folder`; without one it is `model`.

    Raises RlraError where another model is named too, and where no such run ended there with the weights as they are.
    """
    if folder is None:
        return model
    if model not in ("smollm2", f"hf:{folder}"):
        raise RlraError("--init-from and --model name two models", hint="say one of them; RLRA_MODEL says --model too")
    path = folder / "manifest.json"
    if not path.is_file() or (recipe := read_manifest(path).recipe).stage != "train":
        raise RlraError(f"--init-from: no run of `rlra train` ended in {folder}", hint="say --model hf:DIR")
    if not holds_its_weights(folder, recipe):
        raise RlraError(f"--init-from: the weights in {folder} are not those that its manifest tells of")
    return f"hf:{folder}"


def holds_its_weights(folder: Path, recipe: Recipe) -> bool:
    """Return whether the weights in `folder` are there, and those that a recipe tells of."""
    return any(folder.glob("*.safetensors")) and weights_of(f"hf:{folder}")[1] == recipe.sha256
