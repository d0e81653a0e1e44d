"""Prompts → rubrics → rollouts → rewards → selection → training → rollouts, with vLLM's engine behind the commands."""

from pathlib import Path

import orjson
import pytest

from tests.contract.material import rollouts
from tests.running import Runner, lines, records, wait_until
from tests.vllm.asking import prompts

FAMILIES = ("at_most_words", "no_commas", "sentence_count", "includes_words")
SAMPLE = ("--group-size", "4", "--max-tokens", "32", "--window", "2", "--dtype", "float32")
LEARN = ("--prompts-per-step", "2", "--micro-batch", "4", "--no-bf16", "--learning-rate", "1e-5")
RUBRIC = "rubric: warm\ncriteria:\n  - {id: friendly, text: Is friendly.}\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Runner:
    """Give a folder with tasks and with the embedded model under the name `base`."""
    runner = Runner(tmp_path_factory.mktemp("pipeline"))
    (runner.folder / "base").symlink_to(weights)
    runner.write("prompts.jsonl", lines(*({"id": f"p{n}", "prompt": text} for n, text in enumerate(prompts(8)))))
    families = [word for name in FAMILIES for word in ("--families", name)]
    done = runner("generate-rubrics", "prompts.jsonl", "-o", "tasks.jsonl", *families)
    assert done.code == 0, done.err
    return runner


@pytest.fixture(scope="module")
def killed(run: Runner) -> bytes:
    """Give the lines that a rollout had finished when it was killed; the same command has gone on since."""
    words = ("rollout", "tasks.jsonl", "-o", "rollouts.jsonl", "--model", "vllm:base", *SAMPLE)
    partial = run.folder / "rollouts.jsonl.partial"
    process = run.start(*words)
    wait_until(lambda: partial.exists() and partial.read_bytes().count(b"\n") >= 2, "finished lines")
    process.kill()
    process.communicate(timeout=60)  # were there a process left behind, it would hold the pipe
    finished = partial.read_bytes()
    done = run(*words)
    assert done.code == 0, done.err
    return finished[: finished.rindex(b"\n") + 1]


def test_a_killed_rollout_goes_on_and_leaves_finished_lines_alone(run: Runner, killed: bytes) -> None:
    whole = run.read("rollouts.jsonl")
    assert whole.startswith(killed)
    assert 2 <= killed.count(b"\n") < 8
    assert [line["id"] for line in records(whole)] == [f"p{n}" for n in range(8)]
    assert all(response["tokens"] for line in records(whole) for response in line["responses"])


@pytest.mark.usefixtures("killed")
def test_a_policy_learns_from_what_vllm_sampled(run: Runner) -> None:
    """The trainer computes the probabilities that vLLM told, and vLLM loads what the trainer wrote."""
    steps = (
        ("judge", "rollouts.jsonl", "-o", "judged.jsonl"),
        ("select-data", "judged.jsonl", "-o", "kept.jsonl", "--groups", "--keep", "0.01:0.99"),
        ("train", "kept.jsonl", "-o", "trained", "--model", "hf:base", *LEARN),
        ("rollout", "tasks.jsonl", "-o", "after.jsonl", "--model", "vllm:trained", *SAMPLE),
    )
    for words in steps:
        done = run(*words)
        assert done.code == 0, (words, done.err)
    log = [line["metrics"] for line in records(run.read("trained/train_log.jsonl")) if line.get("metrics")]
    print("sampler and trainer:", [(m["sampler_kl"], m["sampler_ess"]) for m in log])
    assert log
    # Before its first step the policy is the sampler: every importance ratio is 1, up to rounding.
    assert abs(log[0]["sampler_kl"]) < 1e-5
    assert log[0]["sampler_ess"] > 0.999
    before, after = records(run.read("rollouts.jsonl")), records(run.read("after.jsonl"))
    assert before[0]["policy"]["revision"] != after[0]["policy"]["revision"]
    assert [line["id"] for line in after] == [line["id"] for line in before]


@pytest.mark.parametrize(
    "method", [("json", "--max-tokens", "200", "--attempts", "1"), ("logprob", "--least-mass", "0.001")], ids=str
)
def test_it_judges(run: Runner, method: tuple[str, ...]) -> None:
    """Answers in JSON are of the schema's shape every time; one token tells its probability.

    A schema cannot say that the reason ends in the verdict, and so small a model seldom makes it so.
    """
    run.write("warm.yaml", RUBRIC)
    run.write("two.jsonl", lines(*(rollouts(f"g{n}", ("I am glad.", "No.", "Go away!", "How are you?")) for n in "ab")))
    words = ("--rubrics", "warm.yaml", "--model", "vllm:base", "--max-failures", "100%", "--method", *method)
    done = run("judge", "two.jsonl", "-o", "judged-by-model.jsonl", "--no-resume", "--summary", "counts.json", *words)
    assert done.code == 0, done.err
    print(method[0], orjson.loads(run.read("counts.json")))
    groups = records(run.read("judged-by-model.jsonl"))
    verdicts = [verdict for line in groups for response in line["responses"] for verdict in response["verdicts"]]
    assert len(verdicts) == 8
    scored = [verdict for verdict in verdicts if verdict["status"] == "scored"]
    shaped = [
        verdict for verdict in verdicts if "its reason for 'friendly' does not end with" in str(verdict.get("reason"))
    ]
    assert len(scored if method[0] == "logprob" else scored + shaped) >= 6
