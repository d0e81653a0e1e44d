"""Print what a profile takes: memory of one GPU, of the machine and of disks, tokens, and calls of the judge.

    python resources.py 30b-8gpu

Arithmetic from the shapes of the models and the assumptions below, none of it measured. GB are 10⁹ bytes; a GPU "of
80 GB" has 85.5 of them (81,559 MiB on an H100).
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.yaml_file import load_yaml
from stages.estimate import SPOKEN

HOME = Path(__file__).parent
GB = 1e9
POOL, BUDGET, ROUNDS, GROUP = 20_000, 5_000, 5, 8
PROMPT, RESPONSE = 150, 500
"""Assumed tokens in the mean; the longest response is that of specs/rollout-….yaml."""
CRITERIA, AROUND = 6, 1_300
"""Judged criteria of a rubric, and tokens of a judge's prompt besides prompt and response (`rlra judge --estimate`
says 1,370 for answers of 64 tokens under examples/rubrics/style/plain-narrative and defence/reward-hacking)."""
UTILISATION = 0.9
"""The share of a GPU that vLLM takes."""
SPEED = {"7b": 3_000, "30b": 3_000}
"""Assumed tokens that vLLM samples per second and GPU, many at a time: replace it by what yours says."""
FLOPS, MFU = 989e12, {"7b": 0.35, "30b": 0.15}
"""Of an H100 in bfloat16, and the assumed share that training makes of it; experts make it less."""


@dataclass(frozen=True)
class Shape:
    """A model as its config.json on the hub has it."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    inner: int
    """Of the feed-forward layer, or of one expert."""
    vocabulary: int
    experts: int = 0
    active: int = 0
    bias: bool = False
    """Whether queries, keys and values have one; otherwise queries and keys are normed."""

    def weights(self, experts: int) -> int:
        """Return the number of weights when every layer has so many experts, at least one."""
        queries, keys = self.heads * self.head, self.kv_heads * self.head
        attention = self.hidden * (2 * queries + 2 * keys) + (queries + 2 * keys if self.bias else 2 * self.head)
        router = self.hidden * self.experts
        layer = attention + router + experts * 3 * self.hidden * self.inner + 2 * self.hidden
        return self.layers * layer + 2 * self.vocabulary * self.hidden + self.hidden

    @property
    def all(self) -> int:
        """Every weight."""
        return self.weights(max(self.experts, 1))

    @property
    def used(self) -> int:
        """The weights that one token meets."""
        return self.weights(max(self.active, 1))

    @property
    def kv_token(self) -> int:
        """Bytes of keys and values that one token keeps in bfloat16."""
        return 2 * self.layers * self.kv_heads * self.head * 2

    def adapter(self, rank: int) -> int:
        """Return the weights of a LoRA on all linear layers but the head, as peft lays it out.

        The router gets one too, and so does each expert; where gate and up are one tensor, with twice the rank.
        """
        queries, keys = self.heads * self.head, self.kv_heads * self.head
        sides = 2 * (self.hidden + queries) + 2 * (self.hidden + keys)
        expert = 2 * (self.hidden + 2 * self.inner) + self.inner + self.hidden
        experts = self.experts * expert + self.hidden + self.experts
        return self.layers * rank * (sides + (experts if self.experts else 3 * (self.hidden + self.inner)))


SHAPES = {
    "7b": Shape(3584, 28, 28, 4, 128, 18_944, 152_064, bias=True),
    "30b": Shape(2048, 48, 32, 4, 128, 768, 151_936, experts=128, active=8),
}
PROFILES = {"7b-1gpu": (1, "lora"), "7b-8gpu": (8, "zero2"), "30b-8gpu": (8, "zero3")}


def static_bytes(shape: Shape, gpus: int, how: str, rank: int = 0) -> float:
    """Return the bytes of weights, gradients and optimizer on one GPU while it trains.

    lora: weights in float32, and 16 for each of the adapter's. zero2: weights in bfloat16 on each, and of gradients
    (2) and optimizer (a float32 copy and two moments, 12) a part. zero3: a part of all 16, and two layers put
    together. offload: zero3 with the 12 in the machine's memory. Source: Rajbhandari et al., ZeRO (arXiv 1910.02054),
    section 3.1.
    """
    whole, layer = shape.all, (shape.all - 2 * shape.vocabulary * shape.hidden) / shape.layers
    if how == "lora":
        return 4 * whole + 16 * shape.adapter(rank)
    if how == "zero2":
        return 2 * whole + 14 * whole / gpus
    return (4 if how == "offload" else 16) * whole / gpus + 2 * 2 * layer


def passing_bytes(shape: Shape, micro_batch: int, tokens: int) -> float:
    """Return the bytes that a forward and backward pass holds, with gradient checkpointing: an upper guess.

    One bfloat16 input per layer; within one layer some 16 values of the hidden and 4 of the inner size for each token
    (and expert that it meets), in 4 bytes; and logits of the response three times in float32.
    """
    kept = shape.layers * micro_batch * tokens * shape.hidden * 2
    inner = max(shape.active, 1) * 4 * shape.inner
    return (
        kept + micro_batch * tokens * (16 * shape.hidden + inner) * 4 + 3 * micro_batch * tokens * shape.vocabulary * 4
    )


def reference_bytes(shape: Shape, how: str) -> float:
    """Return the bytes of the model that KL is to: none beside a LoRA, whole and at most in float32 under ZeRO-2.

    The profile with ZeRO-3 has no KL; there it would be a part, in bfloat16 or float32.
    """
    return 4.0 * shape.all if how == "zero2" else 0.0


def table(profile: str) -> Sequence[tuple[str, str]]:
    """Return what a profile takes, as rows of a name and a text."""
    size, (gpus, how) = profile.partition("-")[0], PROFILES[profile]
    shape, spec, rollout = SHAPES[size], train_spec(profile), options(f"rollout-{size}")
    length = PROMPT + rollout["max_tokens"]
    static = static_bytes(shape, gpus, how, spec.get("lora_rank", 0))
    passing = passing_bytes(shape, spec["micro_batch"], length)
    reference = reference_bytes(shape, how)
    room = UTILISATION * 85.5 * GB - 2 * shape.all - 4 * GB
    sampled = (2 * POOL + 2 * BUDGET) * GROUP
    learned = 2 * BUDGET * GROUP * (PROMPT + RESPONSE)
    return [
        ("weights", f"{shape.all / 1e9:.2f} billion, {shape.used / 1e9:.2f} for each token"),
        ("training, one GPU: weights, gradients, optimizer", f"{static / GB:.1f} GB ({how})"),
        ("training, one GPU: a pass", f"at most {passing / GB:.1f} GB ({spec['micro_batch']} × {length} tokens)"),
        ("training, one GPU: the model that KL is to", f"at most {reference / GB:.1f} GB"),
        ("training, one GPU: together", f"{(static + passing + reference) / GB:.1f} of 85.5 GB"),
        ("sampling, one GPU: weights in bfloat16", f"{2 * shape.all / GB:.1f} GB"),
        ("sampling, one GPU: room for keys and values", f"{room / GB:.1f} GB, {room / shape.kv_token:,.0f} tokens"),
        ("memory of the machine, at least", f"{machine_bytes(shape, gpus, how) / GB:.0f} GB"),
        ("disk: models of all rounds in float32", f"{2 * ROUNDS * 4 * shape.all / GB:,.0f} GB"),
        ("responses sampled", f"{sampled:,}: {sampled * RESPONSE / 1e6:,.0f} million tokens"),
        ("hours of sampling", f"{sampled * RESPONSE / SPEED[size] / gpus / 3600:.1f}"),
        ("tokens learned from", f"{learned / 1e6:,.0f} million"),
        ("hours of training", f"{8 * shape.used * learned / (FLOPS * MFU[size] * gpus) / 3600:.1f}"),
        ("calls of the judge, stage 2", f"{sampled // 2:,}"),
        ("tokens of the judge", judge_tokens(sampled // 2)),
    ]


def machine_bytes(shape: Shape, gpus: int, how: str) -> float:
    """Return the most that the machine holds at once: weights on their way, or an offloaded optimizer."""
    copies = {"lora": 1, "zero2": gpus, "zero3": 1, "offload": 1 + 3}[how]
    return copies * 4.0 * shape.all


def judge_tokens(calls: int) -> str:
    """Return what so many calls take, in and out; nothing that is asked again is in it."""
    taken = calls * (AROUND + PROMPT + RESPONSE) / 1e6, calls * SPOKEN * CRITERIA / 1e6
    return f"{taken[0]:,.0f} million in, {taken[1]:,.0f} million out"


def options(name: str) -> Mapping[str, Any]:
    """Return what a file of the specs says."""
    said: Mapping[str, Any] = load_yaml(HOME / "specs" / f"{name}.yaml").value
    return said


def train_spec(profile: str) -> Mapping[str, Any]:
    """Return the training options of a profile."""
    return options(f"train-{profile.partition('-')[0]}-{'lora' if PROFILES[profile][1] == 'lora' else 'full'}")


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("profile", choices=PROFILES)
    profile = parser.parse_args(words).profile
    print(
        f"{profile}, by arithmetic, not run: each stage has {POOL:,} prompts, chooses {BUDGET:,}, answers {GROUP} times"
    )
    for name, says in table(profile):
        print(f"{name:<50} {says}")


if __name__ == "__main__":
    main()
