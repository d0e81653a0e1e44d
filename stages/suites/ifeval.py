"""IFEval: 541 prompts with instructions that a program checks (Zhou et al., arXiv 2311.07911)."""

from schemas.exchange.ifeval import FAMILIES
from stages.suites.base import Suite
from stages.suites.instructions import accuracies

IFEVAL = Suite(
    name="ifeval",
    about="share of prompts and instructions that are followed, strict and loose, as IFEval counts them",
    source="google-research's instruction_following_eval/data/input_data.jsonl, or hf:google/IFEval",
    measures=accuracies(FAMILIES["ifeval"].split(), FAMILIES["ifeval"].split()),
    form="ifeval",
    sampling={"group_size": 1, "temperature": 0.0, "max_tokens": 1280},
)
