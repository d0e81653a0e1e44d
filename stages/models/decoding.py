"""A decoding loop: a prompt that is asked for many times is read once, and rows that have ended leave the batch."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache, GenerationConfig, GenerationMixin
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from stages.models.endings import Endings
from stages.models.sampler import Forced, Sampler

ROOM = 64
"""Positions that a layer makes itself larger by, when it is full."""
LEAVING = 0.75
"""The batch is made smaller when no more than this share of its rows goes on; each time copies the cache."""


class RoomyLayer(DynamicLayer):
    """A layer's keys and values with room for more of them, so that a step need not copy what is there."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._length = 0

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> Any:
        """Append, and return all keys and values."""
        start, self._length = self._length, self._length + key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states, value_states
        else:
            self.keys = self._with(self.keys, key_states, start)
            self.values = self._with(self.values, value_states, start)
        return self.keys[:, :, : self._length], self.values[:, :, : self._length]

    def _with(self, held: torch.Tensor | None, more: torch.Tensor, start: int) -> torch.Tensor:
        assert held is not None
        if held.shape[2] < self._length:
            wider = held.new_empty(*held.shape[:2], self._length + ROOM, held.shape[3])
            wider[:, :, :start] = held[:, :, :start]
            held = wider
        held[:, :, start : self._length] = more
        return held

    def get_seq_length(self) -> int:
        """Return how many positions are held."""
        return self._length


def suits(model: Any) -> bool:
    """Return whether `decode` can run the model; `generate` knows the ways of all the others.

    Sharing and dropping rows is sure where every layer's memory is keys and values by row and position, and
    where tokens, mask and positions are all that a step needs: no model that prepares its inputs itself.
    """
    takes = inspect.signature(model.forward).parameters
    if not {"position_ids", "past_key_values", "logits_to_keep"} <= set(takes):
        return False
    if type(model).prepare_inputs_for_generation is not GenerationMixin.prepare_inputs_for_generation:
        return False
    return all(
        type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in DynamicCache(config=model.config).layers
    )


def decode(model: Any, sampler: Sampler, endings: Endings) -> None:
    """Let `sampler` draw the answers to its prompts, a token at a time, until each is over."""
    prompts = sampler.prompts
    different = {tuple(prompt): place for place, prompt in enumerate(dict.fromkeys(map(tuple, prompts)))}
    cache = DynamicCache(config=model.config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    ids, mask = _padded(list(different), endings, model.device)
    logits = _step(model, ids, mask, cache)
    rows = list(range(len(prompts)))
    if len(different) < len(prompts):
        owner = torch.tensor([different[tuple(prompt)] for prompt in prompts], device=model.device)
        cache.batch_select_indices(owner)
        mask, logits = mask[owner], logits[owner]
    ended: set[int] = set()
    while True:
        tokens = sampler.draw(logits, rows)[:, None]
        ended.update(row for row in rows if endings.is_over(sampler.requests[row], sampler.said[row]))
        going = [place for place, row in enumerate(rows) if row not in ended]
        if not going:
            return
        if len(going) <= LEAVING * len(rows):
            cache.batch_select_indices(torch.tensor(going, device=model.device))
            mask, tokens, rows = mask[going], tokens[going], [rows[place] for place in going]
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        logits = _step(model, tokens, mask, cache)


def generate(model: Any, sampler: Sampler, endings: Endings) -> None:
    """Do the same as `decode` with the model's own `generate`, which knows of no other ends than tokens."""
    ids, mask = _padded(sampler.prompts, endings, model.device)
    config = GenerationConfig(
        do_sample=False,
        max_new_tokens=max(request.max_tokens for request in sampler.requests),
        eos_token_id=endings.ids,
        pad_token_id=endings.ids[0],
    )
    model.generate(input_ids=ids, attention_mask=mask, generation_config=config, logits_processor=[Forced(sampler)])


def _padded(
    prompts: Sequence[Sequence[int]], endings: Endings, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the prompts, filled up on the left, and which of it is prompt; (prompts, longest) both."""
    width = max(map(len, prompts))
    ids = [[*endings.ids[:1] * (width - len(prompt)), *prompt] for prompt in prompts]
    mask = [[*[0] * (width - len(prompt)), *[1] * len(prompt)] for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _step(model: Any, ids: torch.Tensor, mask: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
    positions = (mask.cumsum(-1) - 1).clamp_(min=0)[:, -ids.shape[1] :]
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return output.logits[:, -1]
