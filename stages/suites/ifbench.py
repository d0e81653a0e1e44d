"""IFBench: 300 prompts with 58 harder instructions that a program checks (Pyatkin et al., arXiv 2507.02833)."""

from schemas.exchange.ifeval import FAMILIES
from stages.suites.base import Suite
from stages.suites.instructions import accuracies

IFBENCH = Suite(
    name="ifbench",
    about="share of prompts and instructions that are followed, strict and loose, as IFBench counts them",
    source="allenai/IFBench's data/IFBench_test.jsonl, or hf:allenai/IFBench_test",
    measures=accuracies(" ".join(FAMILIES.values()).split(), FAMILIES["ifbench"].split()),
    form="ifbench",
    sampling={"group_size": 1, "temperature": 0.0, "max_tokens": 2048},
)
