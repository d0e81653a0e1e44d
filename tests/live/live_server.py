"""A real server of the embedded model, in an environment and a process of its own, and what it counts."""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stages.models.embedded import gguf_file, model_folder

HERE = Path(__file__).parent
START_S = 600
COUNTERS = {
    "xllamacpp": {
        "computed": "llamacpp:prompt_tokens_total",
        "cached": "llamacpp:prompt_tokens_cached_total",
        "answered": "llamacpp:tokens_predicted_total",
    },
    "vllm": {
        "prompt": "vllm:prompt_tokens_total",
        "cached": "vllm:prompt_tokens_cached_total",
        "answered": "vllm:generation_tokens_total",
        "requests": "vllm:request_success_total",
        "queried": "vllm:prefix_cache_queries_total",
        "hit": "vllm:prefix_cache_hits_total",
    },
}
"""What each server calls its counters; llama.cpp counts computed tokens, vLLM all of them."""


@dataclass(frozen=True)
class Live:
    """A server that answers."""

    kind: str
    url: str

    def counters(self) -> dict[str, int]:
        """Return what the server has counted so far: tokens of prompts, computed and cached, and of answers."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60) as reply:
            text = reply.read().decode()
        found = {name: _sum(text, metric) for name, metric in COUNTERS[self.kind].items()}
        if "prompt" in found:
            return {**found, "computed": found["prompt"] - found["cached"]}
        return {**found, "prompt": found["computed"] + found["cached"]}


def _sum(text: str, metric: str) -> int:
    values = re.findall(rf"^{re.escape(metric)}(?:\{{[^}}]*\}})? (\S+)$", text, flags=re.MULTILINE)
    return round(sum(map(float, values)))


@contextmanager
def serving(kind: str, python: str, share_prefixes: bool = True) -> Iterator[Live]:
    """Start a server of the kind with the Python of its environment, wait until it answers, and end it."""
    port = _free_port()
    words = _xllamacpp(share_prefixes) if kind == "xllamacpp" else _vllm(port, share_prefixes)
    settings = {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "2"}
    environment = {**os.environ, **settings}
    with subprocess.Popen([python, *words], stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            url = _told(process) if kind == "xllamacpp" else f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/v1/models", process)
            yield Live(kind, url)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:  # with calls on the way, a server may wait for them
        process.kill()
        process.communicate()


def _xllamacpp(share_prefixes: bool) -> list[str]:
    return [str(HERE / "serve_xllamacpp.py"), str(gguf_file()), *([] if share_prefixes else ["--no-sharing"])]


def _vllm(port: int, share_prefixes: bool) -> list[str]:
    sharing = "--enable-prefix-caching" if share_prefixes else "--no-enable-prefix-caching"
    words = ["-m", "vllm.entrypoints.openai.api_server", "--model", str(model_folder()), "--served-model-name", "live"]
    words += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "bfloat16", "--max-model-len", "4096"]
    words += ["--enforce-eager"]  # compiling takes minutes on a CPU
    return [*words, sharing, "--enable-prompt-tokens-details", "--block-size", "32", "--uvicorn-log-level", "warning"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _told(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return next(line.strip() for line in process.stdout if line.startswith("http"))


def _wait_for(url: str, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert process.poll() is None, "the live server ended by itself"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError(f"the live server did not answer within {START_S} s")
