"""How a reference and the options around it become models."""

import sys
from pathlib import Path

import orjson
import pytest

from rlra_cli.models import opened_judges, opened_model, recorded
from rlra_cli.options import EndpointOptions, ModelOptions
from schemas.errors import RlraError
from stages.models.openai import OpenAIModel
from tests.running import Runner
from tests.stages.judge_server import chat, serving

HERE = EndpointOptions(base_url=("http://one:1/v1?token=hush", "http://two:2/v1"), concurrency=3)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the keys of whoever runs the tests away."""
    for name in ("RLRA_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def routes(model: object) -> list[tuple[str, str | None]]:
    assert isinstance(model, OpenAIModel)
    return [(route.url, route.key) for route in model._routes.routes]


def test_a_panel_is_opened_in_order_and_each_judge_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLRA_API_KEY_TWO", "key-of-two")
    monkeypatch.setenv("RLRA_API_KEY", "key-of-all")
    with opened_judges(["openai:a", "openai:org/b@http://three:3/v1"], HERE) as (first, second):
        assert [first.reference, second.reference] == ["openai:a", "openai:org/b"]
        assert [first.revision, second.revision] == ["a", "org/b"]
        assert routes(first) == [
            ("http://one:1/v1/chat/completions?token=hush", "key-of-all"),
            ("http://two:2/v1/chat/completions", "key-of-two"),
        ]
        assert routes(second) == [("http://three:3/v1/chat/completions", "key-of-all")]


@pytest.mark.parametrize("again", ["openai:a", "openai:a@http://other/v1"])
def test_a_judge_given_twice_is_refused(again: str) -> None:
    with pytest.raises(RlraError, match="the judge openai:a is given twice"), opened_judges(["openai:a", again], HERE):
        pass


def test_an_unknown_judge_is_refused_without_its_url() -> None:
    reference = "opnai:a@http://me:hush@host/v1?token=hush"
    with pytest.raises(RlraError, match="'opnai:a' names no model") as caught, opened_judges([reference], HERE):
        pass
    assert "hush" not in caught.value.message


def test_a_server_needs_a_url() -> None:
    with pytest.raises(RlraError, match="openai:a needs --base-url"), opened_judges(["openai:a"], EndpointOptions()):
        pass


@pytest.mark.parametrize("url", ["http://me:hush@host/v1", "http://host:hush/v1"])
def test_a_url_in_a_reference_that_cannot_be_one_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(RlraError, match="the base URL") as caught, opened_judges([f"openai:a@{url}"], HERE):
        pass
    assert "hush" not in caught.value.message


def test_what_is_recorded_holds_no_query() -> None:
    assert recorded("openai:a", HERE) == ("openai:a", ["http://one:1/v1", "http://two:2/v1"])
    assert recorded("openai:a@http://three/v1?token=hush", HERE) == ("openai:a", ["http://three/v1"])
    assert recorded(None, EndpointOptions()) == (None, [])


def test_vllm_that_is_absent_is_a_user_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    opening = opened_model(f"vllm:{tmp_path}", EndpointOptions(), ModelOptions(), "bfloat16")
    with pytest.raises(RlraError, match="vLLM is not installed"), opening:
        pass


def test_where_a_model_is_may_stand_in_its_name_in_a_file_or_in_a_repeated_option(run: Runner) -> None:
    """Neither the query of a URL nor a key of the environment is in what a run leaves behind."""
    (run.folder / "p.jsonl").write_text('{"prompt": "Say a."}\n{"prompt": "Say b."}\n')
    with serving(lambda payload, number: chat("a")) as server:
        (run.folder / "spec.yaml").write_text(f"base_url: {server.url}\nmodel: openai:m\n")
        ways = {
            "named": ("--model", f"openai:m@{server.url}?token=hush-hush"),
            "file": ("--spec", "spec.yaml"),
            "twice": ("--model", "openai:m", "--base-url", "http://127.0.0.1:9/v1", "--base-url", server.url),
        }
        for name, words in ways.items():
            done = run("rollout", "p.jsonl", *words, "--group-size", "2", "-o", name, env={"RLRA_API_KEY": "sk-hush"})
            assert done.code == 0, done.err
            left = run.read(name) + run.read(f"{name}.manifest.json") + done.err.encode()
            assert b"hush" not in left
            spec = orjson.loads(run.read(f"{name}.manifest.json"))["recipe"]["spec"]
            assert spec["model"] == "openai:m"
            assert spec["base_url"][-1] == server.url
        assert run.read("named") == run.read("file") == run.read("twice")
