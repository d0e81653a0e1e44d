"""Tests against a real server of the embedded model: collected by `make test-judge-live`, and by nothing else."""

import os
from collections.abc import Iterator

import pytest

from tests.live.live_server import Live, serving
from tests.live.proxy import Proxy, proxied

KIND, PYTHON = os.environ.get("RLRA_LIVE", ""), os.environ.get("RLRA_LIVE_PYTHON", "")
collect_ignore_glob = [] if KIND else ["test_*.py"]


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    """Give a server of the kind that RLRA_LIVE names, run by RLRA_LIVE_PYTHON."""
    with serving(KIND, PYTHON) as server:
        yield server


@pytest.fixture
def proxy(live: Live) -> Iterator[Proxy]:
    """Give a proxy before the server that lets everything through, and keeps what was said."""
    with proxied(live.url) as between:
        yield between
