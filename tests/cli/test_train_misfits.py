"""Options that would do nothing in the run of `rlra train` that was asked for are refused, and no others."""

from pathlib import Path

import pytest

from rlra_cli.main import build
from schemas.errors import RlraError

STAGED, ONLINE, ROUNDS = [], ["--online"], ["--rounds", "2"]
JUDGE = ["--judge", "openai:j"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder: what is not refused for its options misses its model there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(*words: str) -> str:
    """Return why `rlra train WORDS` cannot be."""
    with pytest.raises(RlraError) as caught:
        build("train")(["train", "in.jsonl", "-o", "run", "--model", "absent", *words], standalone_mode=False)
    assert not Path("run").exists()
    return caught.value.message


def is_fit(*words: str) -> bool:
    """Return whether `rlra train WORDS` comes as far as its model."""
    return told(*words) == "--model: 'absent' cannot be trained"


@pytest.mark.parametrize(
    ("option", "value", "does_nothing", "has_effect", "said"),
    [
        ("--steps", "9", [STAGED, ROUNDS], [ONLINE], "with --online"),
        ("--judge-seconds", "9", [STAGED, ROUNDS], [ONLINE], "with --online"),
        ("--group-size", "9", [STAGED], [ONLINE, ROUNDS], "with --online and --rounds"),
        ("--max-tokens", "9", [STAGED], [ONLINE, ROUNDS], "with --online and --rounds"),
        ("--temperature", "0.9", [STAGED], [ONLINE, ROUNDS], "with --online and --rounds"),
        ("--rubrics", "r.yaml", [STAGED], [], "with --online and --rounds"),
        ("--judge", "openai:j", [STAGED], [ONLINE, ROUNDS], "with --online and --rounds"),
        ("--judge-options", "{}", [STAGED], [ONLINE, ROUNDS], "with --online and --rounds"),
        ("--max-failures", "9%", [STAGED], [ONLINE, ROUNDS], "with --online and --rounds"),
        ("--epochs", "9", [ONLINE], [STAGED, ROUNDS], "without --online"),
        ("--responses-per-prompt", "9", [ONLINE], [STAGED, ROUNDS], "without --online"),
        ("--max-kl", "0.9", [ONLINE], [STAGED, ROUNDS], "without --online"),
        ("--min-ess", "0.9", [ONLINE], [STAGED, ROUNDS], "without --online"),
        ("--max-clip", "0.9", [ONLINE], [STAGED, ROUNDS], "without --online"),
        ("--allow-stale", "", [ONLINE], [STAGED, ROUNDS], "without --online"),
        ("--cache", "v.db", [STAGED, ONLINE, ROUNDS], [[*ONLINE, *JUDGE], [*ROUNDS, *JUDGE]], "with --judge"),
        ("--retries", "9", [STAGED, ONLINE, ROUNDS], [[*ONLINE, *JUDGE]], "with --judge and --gold-judge"),
        ("--base-url", "http://h/v1", [STAGED, ONLINE, ROUNDS], [[*ROUNDS, *JUDGE]], "with --judge and --gold-judge"),
        ("--add", "", [ONLINE, ROUNDS], [], "with --rubrics"),
        ("--kl-reference", "stage-start", [STAGED, ONLINE], [["--beta", "0.1"]], "with --beta"),
        ("--mix-by", "reward", [STAGED, ONLINE], [["--mix", "judged=1"]], "with --mix"),
        ("--held-out", "h.jsonl", [STAGED, ONLINE], [ROUNDS], "with --rounds"),
        ("--keep-rounds", "", [STAGED, ONLINE], [ROUNDS], "with --rounds"),
        ("--prompts-per-round", "0", [STAGED, ONLINE], [ROUNDS], "with --rounds"),
    ],
)
def test_what_would_do_nothing_is_named_with_what_it_goes_with(
    option: str, value: str, does_nothing: list[list[str]], has_effect: list[list[str]], said: str
) -> None:
    words = [option, value] if value else [option]
    for mode in does_nothing:
        assert told(*mode, *words) == f"{option} goes {said}", mode
    for mode in has_effect:
        assert is_fit(*mode, *words), mode


def test_what_does_nothing_is_refused_at_its_default_too() -> None:
    assert told("--steps", "100") == "--steps goes with --online"


def test_an_endpoint_of_a_gold_judge_alone_is_fit(here: Path) -> None:
    words = (*ROUNDS, "--held-out", "h.jsonl", "--gold-judge", "openai:g", "--base-url", "http://h/v1")
    assert is_fit(*words)


def test_options_of_another_run_and_of_the_environment_are_not_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manifest has them all, and a variable is for many commands: neither was said of this run."""
    (here / "spec.yaml").write_text("steps: 7\ngroup_size: 4\nretries: 2\nmax_kl: 0.3\n")
    for mode in (STAGED, ONLINE, ROUNDS):
        assert is_fit("--spec", "spec.yaml", *mode)
    monkeypatch.setenv("RLRA_RETRIES", "9")
    monkeypatch.setenv("RLRA_MAX_TOKENS", "9")
    monkeypatch.setenv("RLRA_CACHE", str(here))
    for mode in (STAGED, ONLINE, ROUNDS):
        assert is_fit(*mode)


def test_a_mode_that_a_spec_says_is_the_mode(here: Path) -> None:
    (here / "spec.yaml").write_text("online: true\n")
    assert is_fit("--spec", "spec.yaml", "--steps", "9")
    assert told("--spec", "spec.yaml", "--epochs", "9") == "--epochs goes without --online"
