"""The kinds of line that there are, and the commands that make them."""

from schemas.ablation import Ablation
from schemas.agreement import Agreement
from schemas.anchors import Anchors
from schemas.bank import BankRubric
from schemas.base import Record
from schemas.findings import Findings
from schemas.judged import Judged
from schemas.pairs import Pair, Ratings
from schemas.provenance import Provenance
from schemas.report import Report
from schemas.rollouts import Rollouts
from schemas.stats import Stats
from schemas.task import Task
from schemas.train_log import TrainLog

KINDS: dict[str, type[Record]] = {
    kind.KIND: kind
    for kind in (
        Task,
        BankRubric,
        Rollouts,
        Judged,
        Report,
        TrainLog,
        Pair,
        Ratings,
        Anchors,
        Agreement,
        Stats,
        Findings,
        Ablation,
        Provenance,
    )
}
"""Every kind of line, by the name that its tag begins with."""
MADE_BY = {
    "task": "rlra generate-rubrics",
    "rubric": "rlra rubrics import",
    "rollouts": "rlra rollout",
    "judged": "rlra judge",
    "report": "rlra eval",
    "train_log": "rlra train",
    "pairs": "rlra eval pairwise",
    "ratings": "rlra eval pairwise",
    "agreement": "rlra eval agreement",
    "stats": "rlra stats",
    "ablation": "rlra rubrics ablate",
    "findings": "rlra defend",
    "provenance": "rlra provenance",
}
