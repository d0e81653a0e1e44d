"""WritingBench: writing requests, each with five criteria of its own (Wu et al., arXiv 2503.05244)."""

from schemas.exchange.writingbench import is_own
from schemas.judged import Judged, JudgedResponse
from stages.measures import mean, rubric_of
from stages.suites.base import Part, Suite, SuiteMeasure, mean_of


def score(group: Judged) -> Part | None:
    """Return the mean over the request's criteria of the scores that the judge gave, and of that over the responses.

    The benchmark's judge gives a whole number from 1 to 10; here it picks one of the five bands, which is worth its
    middle, so that scores go from 1.5 to 9.5. A response one of whose criteria has no verdict has no score. What joined
    them, such as a defence or a criterion of style, has no say.
    """
    own = [place for place, criterion in enumerate(rubric_of(group).leaves) if is_own(criterion)]

    def of(response: JudgedResponse) -> float | None:
        verdicts = [response.verdicts[place] for place in own]
        return None if any(verdict.status == "failed" for verdict in verdicts) else mean(v.score for v in verdicts)

    return mean_of(group, of)


WRITING = Suite(
    name="writing",
    about="scores of a judge for writing, by the criteria of each request, as WritingBench has them",
    source="X-PLUG/WritingBench's benchmark_query/benchmark_all.jsonl",
    measures=(SuiteMeasure("score", "mean score of the criteria, 1 to 10", "higher", score),),
    form="writingbench",
    sampling={"group_size": 1, "temperature": 0.7, "top_p": 0.8, "top_k": 20, "max_tokens": 4096},
    needs_judge=True,
)
