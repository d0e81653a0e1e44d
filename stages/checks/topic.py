"""Whether a response is about its task."""

from pydantic import Field

from schemas.base import Part
from schemas.task import Task
from stages.checks.amount import counted
from stages.checks.base import Check, Outcome, register
from stages.checks.empty import unless_empty
from stages.checks.text import folded_words

# Words that say nothing about a subject, and then the words of requests: "write a sentence" is not a subject either.
_FUNCTION = """
a about above after again against all almost also although always am among an and another any anyone anything are
around as at away back be because been before being below best better between both but by came can can't cannot come
could did didn't different do does doesn't doing don't done down during each either else enough especially etc even
ever every everyone everything few first for from further get gets go goes going gone good got great had has have
having he her here hers herself him himself his how however i i'd i'll i'm i've if in instead into is isn't it it's
its itself just keep kind know last least less let let's like likely little look looking lot made many may maybe me
mean means might mine more most much must my myself near need needs neither never new next no none nor not nothing now
of off often old on once one ones only onto or other others our ours ourselves out over own part per perhaps put quite
rather really said same saw say says second see seen several shall she should since so some someone something
sometimes soon still such sure take than that that's the their theirs them themselves then there there's these they
they're thing things think this those though three through thus to together too toward two under until up upon us use
used useful uses using usually various very via want wants was way ways we we're well went were what what's when where
whether which while who whole whom whose why will with within without won't would yes yet you you'd you'll you're
you've your yours yourself
"""
_REQUEST = """
answer answers asked below classify compose consider create describe detail detailed details edit example examples
explain find follow following format generate give given help include input instruction instructions list make name
output paragraph paragraphs phrase phrases please produce prompt provide question questions reply request respond
response rewrite sentence sentences show suggest summarize task tell text word words write writing written
"""
FUNCTION_WORDS = frozenset(_FUNCTION.split())
"""Words that say nothing about a subject."""
_SUFFIXES = ("ing", "ed", "es", "s")
_SHORTEST_STEM = 3


class OnTopic(Part):
    """The response shares content words with the request."""

    at_least: int = Field(default=1, ge=1)
    """How many different words, after endings such as -s, -ed and -ing are cut; never more than the request has."""

    def said(self) -> str:
        """Return the line for a prompt."""
        return f"Stay on the topic: share at least {counted(self.at_least, 'content word')} with the request."


@unless_empty
def on_topic(text: str, args: OnTopic, task: Task) -> Outcome:
    """Compare with the request as it was before constraints were written into it; closeness is the share of the wanted
    number. Abstains where the request has no content word, which is equal for all responses to it. A good short answer
    ("Tuesday.") often shares none: weigh this check, and leave vetoes to others.
    """
    asked = content_words(task.rewritten_from or task.prompt)
    if not asked:
        return Outcome(None, "the request has no content word")
    wanted = min(args.at_least, len(asked))
    shared = len(asked & content_words(text))
    reason = f"{counted(shared, 'content word')} shared with the request, at least {wanted}"
    return Outcome(True, reason) if shared >= wanted else Outcome(False, reason, shared / wanted)


def content_words(text: str) -> set[str]:
    """Return the stems of the words that carry a subject: no function words, words of requests or bare numbers."""
    stems = {stem(word) for word in folded_words(text) if len(word) > 1 or not word.isascii()}
    return {word for word in stems - STOP_STEMS if not word.isdigit()}


def stem(word: str) -> str:
    """Return the word without one regular ending, a doubled last consonant or a final e: "planned" → "plan"."""
    word = word.removesuffix("'s").removesuffix("'")
    if word.endswith("ies") and len(word) > _SHORTEST_STEM + 1:
        word = word[:-3] + "y"
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and not word.endswith("ss") and len(word) - len(suffix) >= _SHORTEST_STEM:
            word = word[: -len(suffix)]
            break
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST_STEM else word


STOP_STEMS = frozenset(stem(word) for word in (_FUNCTION + _REQUEST).split())

register(
    Check(
        name="on_topic",
        arguments=OnTopic,
        run=on_topic,
        # Both are said to the request "How do I plan a small garden for bees?".
        passes=({}, "Planning comes first."),
        fails=({}, "Here is an answer with words."),
    )
)
