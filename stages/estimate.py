"""What a judge run would take, before a token is spent: calls, tokens in and out, what caches save, and the price.

Everything is counted from the very prompts that would be sent. What nobody knows before the answers, their length and
how many will have to be asked again, is stated: the least is what answers are expected to take, the most is every
answer at its limit; what is asked again comes on top of both.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.judged import Judged, Verdict
from schemas.prices import Prices, price_of
from stages.models.base import Request
from stages.verdicts import BY_CHECK

SPOKEN = 70.0
"""Tokens that an answer takes for each judgement, where no earlier run says: one to three sentences and a verdict."""
AROUND = 8
"""Tokens that a chat template puts around a message."""

_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
_DIGITS = b"0123456789"
_OTHERS = bytes(set(range(33, 127)) - set(_LETTERS + _DIGITS))


def tokens_in(text: str) -> int:
    """Return about how many tokens a text is.

    Words, letters, digits, marks, line ends and bytes beyond ASCII each have a weight, fitted to what the tokenizer of
    the embedded model makes of English prompts and answers, Chinese dialogues, Python and Markdown. Mean error of a
    text of 20 tokens or more: 5 to 6 % in English, 5 % in Chinese (a quarter of the characters: 17 to 24 % and 86 %).
    A vocabulary that was made for another script than Latin takes fewer tokens for it than is said here.
    """
    raw = text.encode("utf-8", "replace")
    size, wide = len(raw), len(raw) - len(text.encode("ascii", "ignore"))
    letters, digits, others = (size - len(raw.translate(None, those)) for those in (_LETTERS, _DIGITS, _OTHERS))
    weighed = 0.72 * len(text.split()) + 0.07 * letters + 0.94 * digits + 0.87 * others
    return round(weighed + 1.2 * text.count("\n") + 0.585 * wide)


def prompt_tokens(request: Request) -> int:
    """Return about how many tokens the prompt of a request is, its chat template included."""
    return sum(tokens_in(message.content) + AROUND for message in request.messages)


@dataclass(frozen=True)
class Asking:
    """One call that a run would make."""

    model: str
    """The reference of the model."""
    request: Request
    judgements: int
    """Criteria that the call asks about."""


@dataclass
class Calls:
    """What one model would be asked, and what that takes."""

    calls: int = 0
    judgements: int = 0
    tokens_in: int = 0
    shared: int = 0
    """Those of `tokens_in` at the beginning of a prompt that the prompt before it began with too."""
    expected_out: float = 0
    """Tokens of the answers as they are expected."""
    most_out: int = 0
    """Tokens of the answers where each is as long as it may be."""


@dataclass
class Estimate:
    """What a run would take, by the reference of the model."""

    models: dict[str, Calls] = field(default_factory=dict)
    in_lines: int = 0
    """Votes that the lines hold already."""
    in_cache: int = 0
    """Votes that the verdict cache holds already."""

    @property
    def total(self) -> Calls:
        """The sum over all models."""
        parts = self.models.values()
        return Calls(*(sum(getattr(part, name) for part in parts) for name in Calls.__dataclass_fields__))

    def price(self, prices: Prices) -> tuple[float, float]:
        """Return the least and the most USD: with cached prefixes and answers as expected, and with neither.

        Raises RlraError for a model without a price.
        """
        each = [(price_of(prices, name), calls) for name, calls in self.models.items()]
        low = sum(price.of(calls.tokens_in, calls.expected_out, calls.shared) for price, calls in each)
        return low, sum(price.of(calls.tokens_in, calls.most_out) for price, calls in each)


def estimated(askings: Iterable[Asking], spoken: float = SPOKEN) -> Estimate:
    """Return what the calls would take, each prompt sharing a prefix with the one before it at the same model.

    `spoken` is what an answer is expected to take for each judgement (see `Spoken`).
    """
    found = Estimate()
    before: dict[str, str] = {}
    for asking in askings:
        request, own = asking.request, found.models.setdefault(asking.model, Calls())
        text = "\n".join(message.content for message in request.messages)
        length = prompt_tokens(request)
        prefix = shared_prefix(before.get(asking.model, ""), text)
        own.calls += 1
        own.judgements += asking.judgements
        own.tokens_in += length
        own.shared += min(tokens_in(text[:prefix]), length)
        own.expected_out += min(spoken * asking.judgements, request.max_tokens)
        own.most_out += request.max_tokens
        before[asking.model] = text
    return found


def shared_prefix(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class Spoken:
    """How long answers were for each judgement, from the usage that judged lines say."""

    def __init__(self) -> None:
        """Begin without any line."""
        self._tokens = self._judgements = 0

    def see(self, line: Judged) -> None:
        """Take a judged line into account; one without usage says nothing."""
        if line.usage is not None:
            self._tokens += line.usage.tokens_out
            self._judgements += sum(_judgements(verdict) for each in line.responses for verdict in each.verdicts)

    @property
    def mean(self) -> float:
        """Tokens for each judgement; `SPOKEN` where no line says."""
        return self._tokens / self._judgements if self._judgements and self._tokens else SPOKEN


def _judgements(verdict: Verdict) -> int:
    if verdict.judge == BY_CHECK or verdict.status == "skipped":
        return 0
    return max(1, len(verdict.votes))
