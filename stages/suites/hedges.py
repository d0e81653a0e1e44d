"""Words with which a writer holds back from a claim, as this project's authors know them.

The kinds are those of Hyland, Hedging in Scientific Research Articles (1998): modal verbs, verbs of seeming and
believing, adverbs of probability and of degree, and phrases that limit a claim. Words that are as often something else
("about", "would", "can") are left out; "may" and "might" count whatever they mean.
"""

# One entry a line; forms of one entry are parted by bars.
_ENTRIES = """
may | might | could
perhaps | maybe | possibly | probably | presumably | supposedly | arguably | conceivably
likely | unlikely
seem | seems | seemed | seemingly | appears to | appear to | appeared to | apparently
tend to | tends to | tended to
suggest that | suggests that | indicate that | indicates that
i think | i believe | i feel | i guess | i suppose | i would say | i'd say | in my opinion | in my view
generally | typically | usually | often | sometimes | in general | for the most part | by and large
somewhat | fairly | relatively | rather | quite | to some extent | to a certain extent | to some degree
kind of | sort of | more or less
in some cases | in many cases | in certain cases | under certain circumstances
it depends | depending on | as far as i know | to my knowledge | not necessarily | not always
"""
HEDGES = tuple(form.strip() for line in _ENTRIES.strip().split("\n") for form in line.split("|"))
