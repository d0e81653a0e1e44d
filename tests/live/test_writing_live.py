"""`rlra generate-rubrics` with a real, very small writer, which writes rubbish: nothing invalid gets through."""

from collections import Counter
from pathlib import Path

import orjson
import pytest

from tests.live.live_server import Live
from tests.running import Runner, records

PROMPTS = Path(__file__).parents[2] / "examples" / "quickstart" / "prompts.jsonl"
COUNT = 6
HOUR_S = 3600


@pytest.mark.parametrize("schemas", [(), ("--no-schemas",)], ids=["held to a schema", "left to itself"])
@pytest.mark.parametrize("method", ["model", "hard"])
def test_every_line_is_accepted_and_sound_or_rejected_with_a_reason(
    tmp_path: Path, live: Live, method: str, schemas: tuple[str, ...]
) -> None:
    """Where the server holds it to the schema, drafts can be read and the gates decide; else most cannot be read."""
    run = Runner(tmp_path)
    asked = PROMPTS.read_bytes().splitlines(keepends=True)[:COUNT]
    run.write("in.jsonl", b"".join(asked))
    words = ["generate-rubrics", "in.jsonl", "-o", "out.jsonl", "--method", method, "--writer", "openai:live"]
    words += [
        "--base-url",
        f"{live.url}/v1",
        "--timeout-s",
        "600",
        "--concurrency",
        "4",
        "--max-tokens",
        "500",
        *schemas,
    ]
    process = run.start(*words, "--rejects", "rejects.jsonl", "--max-failures", "100%", "--summary", "s.json")
    _, said = process.communicate(timeout=HOUR_S)
    assert process.returncode == 0, said
    made, rejected = records(run.read("out.jsonl")), records(run.read("rejects.jsonl"))
    assert {line["id"] for line in (*made, *rejected)} == {orjson.loads(line)["id"] for line in asked}
    assert len(made) + len(rejected) == COUNT
    for line in rejected:
        (account,) = line["meta"]["rejected_by"]
        assert line["meta"]["rejected"] and (account.get("failure") or account["first"])
    if made:
        sound = run.inside("validate", "out.jsonl")
        assert sound.code == 0, sound.err
        assert run.inside("rubrics", "lint", "out.jsonl").code == 0
    funnel = orjson.loads(run.read("s.json"))["funnel"]
    assert (funnel["accepted"], funnel["rejected"]) == (len(made), len(rejected))
    print(method, schemas, len(made), "accepted;", dict(Counter(line["meta"]["rejected"] for line in rejected)))
