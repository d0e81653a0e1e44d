"""The method `logprob`: one token's probabilities, read as shares of the answers to one criterion."""

from math import exp, fsum, isfinite

from schemas.errors import RlraError
from schemas.rubric import Criterion
from stages.asking import UnreadableError
from stages.models.base import Completion
from stages.reading.said import CANNOT_TELL, Said, UncertainError

MOST_TIERS = 10
"""One digit each; what stands for a level has to be one token."""
ABSTAINS = "X"
ROUNDING = 1e-3
"""How far probabilities may be above 1 because a server rounded them."""


def tokens(criterion: Criterion) -> dict[str, str]:
    """Return the label that each answer of one token stands for, worst first, `X` for `cannot tell` last.

    Raises RlraError for a criterion with more levels than there are digits.
    """
    if len(criterion.tiers) > MOST_TIERS:
        raise RlraError(
            f"criterion '{criterion.id}' has {len(criterion.tiers)} tiers: the method logprob takes {MOST_TIERS}",
            hint="judge it with the method text or json",
        )
    scored = {str(n): str(n) for n in range(len(criterion.tiers))} or {"No": "not met", "Yes": "met"}
    return scored | ({ABSTAINS: CANNOT_TELL} if criterion.abstain else {})


def read_first_token(completion: Completion, criterion: Criterion, least_mass: float = 0.5) -> Said:
    """Return the likeliest answer to one criterion, with the shares of all that are scored.

    Tokens count for an answer when they equal it, white space and case aside. Of equally likely answers the
    worse one is taken. Raises UncertainError when less than `least_mass` lies on allowed answers, and
    UnreadableError when there are no probabilities or they are none.
    """
    answers = tokens(criterion)
    chances = _chances(completion)
    on = {
        label: fsum(chance for token, chance in chances if token == shown.casefold())
        for shown, label in answers.items()
    }
    mass = min(1.0, fsum(on.values()))
    if mass < least_mass or mass == 0:
        raise UncertainError(
            f"{mass:.3g} of the probability lies on the answers {', '.join(answers)}, and {least_mass:g} is asked for"
        )
    scored = {label: chance for label, chance in on.items() if label != CANNOT_TELL}
    likeliest = max(scored, key=scored.__getitem__)  # the first of equals, and the worst is first
    if on.get(CANNOT_TELL, 0.0) > scored[likeliest]:
        return Said(criterion.id, CANNOT_TELL, "", mass=mass)
    total = fsum(scored.values())
    return Said(criterion.id, likeliest, "", tuple(chance / total for chance in scored.values()), mass)


def _chances(completion: Completion) -> list[tuple[str, float]]:
    if not completion.top:
        raise UnreadableError("it comes without the probabilities of its first token")
    chances = []
    for token, logprob in completion.top:
        if not isfinite(logprob) or logprob > ROUNDING:
            raise UnreadableError(f"a log-probability of its first token is {logprob}")
        chances.append((token.strip().lstrip("▁Ġ").strip().casefold(), exp(min(0.0, logprob))))
    if fsum(chance for _, chance in chances) > 1 + ROUNDING:
        raise UnreadableError("the probabilities of its first token add up to more than 1")
    return chances
