"""Each format of TOML: what maps to what, and that a file comes back as it was written."""

import pytest

from tests.exchange_files import read, text

REWARDKIT = """\
[judge]
judge = "some/model"
files = ["/app/main.py"]
mcp_servers = [{ name = "web", args = ["a"] }]

[scoring]
aggregation = "weighted-mean"

[[criterion]]
description = "Is it right?"
type = "binary"

[[criterion]]
name = "clear words"
description = "How clear?\\n\\"Very\\"?"
type = "likert"
points = 4
weight = 2

[[criterion]]
description = "How much is covered?"
type = "numeric"
min = 0.0
max = 100.0
id = "1.3"

[[criterion]]
description = "Makes things up"
type = "binary"
negate = true

[[criterion]]
description = "How whole?"
type = "rubric"
levels = ["Bare", "Half", "Whole"]
files = ["b"]
"""
VERIFIERS = """\
id = "depth"
owner = "me"
title = "Depth"

[[criteria]]
name = "names_it"
text = "It is named."
weight = 3

[[criteria]]
note = "n"
name = "how deep?"
text = "How thorough?"
weight = 1
choices = ["none", "some", "all"]
"""


@pytest.mark.parametrize(("form", "given"), [("rewardkit", REWARDKIT), ("verifiers", VERIFIERS)])
def test_a_toml_file_comes_back(form: str, given: str) -> None:
    """To the letter, as it is written in the order that is written."""
    ((_, made),) = read(given, form, "depth.toml")
    assert made.id == "depth"
    assert text([made], form, "depth.toml") == given


def test_rewardkit() -> None:
    """Scales are tiers, a negated criterion has a negative weight, and a mean with such is the place in the range."""
    ((entry, made),) = read(REWARDKIT, "rewardkit", "depth.toml")
    assert made.rubric
    right, clear, covered, fibs, whole = made.rubric.criteria
    assert (right.id, right.tiers) == ("is_it_right", ())
    assert (clear.id, [t.score for t in clear.tiers], clear.weight) == ("clear-words", [1, 2, 3, 4], 2)
    assert [t.score for t in covered.tiers] == list(range(0, 101, 10))
    assert fibs.weight == -1
    assert [t.text for t in whole.tiers] == ["Bare", "Half", "Whole"]
    assert made.rubric.reward.normalise == "range"
    assert [(loss.kind, loss.changes) for loss in entry.losses] == [("type", False)]


@pytest.mark.parametrize(
    ("scoring", "item", "kind"),
    [
        ('aggregation = "any_pass"', "", "aggregation"),
        ('aggregation = "threshold"\nthreshold = 0.7', "", "aggregation"),
        ('aggregation = "all-pass"', 'type = "likert"', "aggregation"),
        ('aggregation = "required-pass"', "optional = true", "aggregation"),
        ('aggregation = "weighted-sum"', "negate = true", "aggregation"),
    ],
)
def test_what_rewardkit_says_and_we_cannot(scoring: str, item: str, kind: str) -> None:
    """It is a loss that changes rewards, at its line."""
    given = f'[judge]\n\n[[criterion]]\ndescription = "d"\n{item}\n\n[scoring]\n{scoring}\n'
    ((entry, made),) = read(given, "rewardkit", "q.toml")
    assert [(loss.kind, loss.changes, loss.where) for loss in entry.losses] == [(kind, True, "q.toml:8")]
    assert made.rubric and made.rubric.meta["scoring"]


def test_verifiers() -> None:
    """Choices are tiers in equal steps; no and yes are met or not met; a bare list in JSON is a rubric too."""
    ((_, made),) = read(VERIFIERS, "verifiers", "depth.toml")
    assert made.rubric
    named, deep = made.rubric.criteria
    assert (named.weight, named.tiers, made.rubric.title) == (3, (), "Depth")
    assert [(t.score, t.text) for t in deep.tiers] == [(0, "none"), (1, "some"), (2, "all")]
    assert made.rubric.meta == {"owner": "me"}
    ((_, bare),) = read(b'[{"name": "a",\n "text": "t", "choices": ["no", "yes"]}]', "verifiers", "bare.json")
    assert bare.id == "bare" and bare.rubric and bare.rubric.criteria[0].tiers == ()
