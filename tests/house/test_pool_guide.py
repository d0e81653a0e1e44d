"""The guide from a pool to a training set is true: its options and counters exist, its commands run one by one."""

import re
from pathlib import Path
from typing import Any

from werkzeug import Response

from stages.selection.decisions import Decisions
from stages.selection.rows import Rows
from stages.selection.spec import SelectDataSpec
from tests.house.sources import ROOT
from tests.running import Runner, lines, records
from tests.stages.judge_server import chat, serving

TEXT = (ROOT / "docs" / "pool.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)\n```$", TEXT, re.MULTILINE | re.DOTALL)
RUBRIC = "rubric: short\ncriteria:\n  - {id: brief, check: {word_count: {at_most: 4}}, partial: 0.5}\n"
TOPICS = ("garden", "story", "letter")


def test_every_option_exists() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "commands").glob("*.md"))
    assert not [option for option in set(re.findall(r"--[a-z][a-z-]+", TEXT)) if option not in pages]


def test_every_counter_has_its_line_in_the_order_in_which_it_is_asked() -> None:
    rows = [row.split("|")[1] for row in TEXT.split("\n") if row.startswith("| `") and row.count("|") == 4]
    told = [name for row in rows for name in re.findall(r"`([a-z_]+)`", row)]
    for statistic in ("mean", "spread"):
        spec = SelectDataSpec(statistic=statistic)
        reasons = Decisions(Rows((), 0), spec).reasons
        assert [name for name in told if name in reasons] == list(reasons)
    assert {"too_hard", "below_band"} <= set(told)


def reply(payload: dict[str, Any], number: int) -> Response:
    """Answer as a policy does: now briefly, now at length."""
    return chat("so it goes " * (payload["seed"] % 4 + 1))


def test_every_command_runs(tmp_path: Path) -> None:
    """All of them, in one folder, so that each finds what the ones before it made."""
    run = Runner(tmp_path)
    pool = [{"id": f"p{n}", "prompt": f"Prompt {n} on a {TOPICS[n % 3]}.", "topic": TOPICS[n % 3]} for n in range(12)]
    run.write("pool.jsonl", lines(*pool))
    run.write("tasks.jsonl", lines(*pool))
    run.write("heldout.jsonl", lines({"id": "h", "prompt": "Who sings?"}))
    run.write("rubric.yaml", RUBRIC)
    with serving(reply) as server:
        for block in BLOCKS:
            done = run.shell(f"set -e\n{block}", RLRA_MODEL="openai:m", RLRA_BASE_URL=server.url)
            assert done.code == 0, f"{block}\n{done.err}"
    assert len(records(run.read("judged.jsonl"))) == 12
    assert {"plots", "funnel.svg", "next.jsonl", "judged"} <= run.names()
