"""llama.cpp's server on a free port of loopback, run where xllamacpp is installed: `serve_xllamacpp.py GGUF`."""

import signal
import sys

import xllamacpp

SLOTS, CONTEXT = 4, 3072


def serve(weights: str, share_prefixes: bool) -> None:
    """Serve until a signal comes. The first line that begins with http on stdout is the URL."""
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_parallel, params.n_ctx = SLOTS, SLOTS * CONTEXT
    params.endpoint_metrics = True
    params.warmup = False
    params.verbosity = 1
    params.cache_prompt = share_prefixes
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    serve(sys.argv[1], "--no-sharing" not in sys.argv)
