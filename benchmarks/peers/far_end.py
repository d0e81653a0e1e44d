"""The far end of the throughput benchmark: a chat server on loopback that always takes equally long.

It answers every request after the same delay with a well-formed verdict in the format that the prompt asks for, and
counts what it was asked. It is written on bare asyncio so that it leaves the cores to the clients.

`python -m benchmarks.peers.far_end [DELAY_S]` prints its port; `GET /` tells the counts since the last time.
"""

import asyncio
import re
import sys
import time
from typing import Any

import orjson

from tests.stages.judge_server import verdicts

STATUS = orjson.dumps(
    {"criterion_status": "MET", "explanation": "The response says so in its first sentence."}
).decode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


class Counts:
    """What the server was asked since somebody last looked."""

    def __init__(self) -> None:
        self.calls = self.in_flight = self.most_in_flight = 0
        self.first = self.last = 0.0

    def begin(self) -> None:
        """Note that a request has come in."""
        self.first = self.first or time.monotonic()
        self.calls += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def end(self) -> None:
        """Note that a request was answered."""
        self.in_flight -= 1
        self.last = time.monotonic()

    def told(self) -> bytes:
        """Return the counts as JSON, and begin anew."""
        said = {"calls": self.calls, "most_in_flight": self.most_in_flight, "seconds": self.last - self.first}
        self.__init__()  # type: ignore[misc]
        return orjson.dumps(said)


class Connection(asyncio.Protocol):
    """One connection, kept alive, with one request at a time."""

    def __init__(self, counts: Counts, delay_s: float) -> None:
        self._counts, self._delay_s = counts, delay_s
        self._seen = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole by now."""
        self._seen += data
        while (end := self._seen.find(b"\r\n\r\n")) >= 0:
            length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", self._seen[:end])
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._seen) < whole:
                return
            body = bytes(self._seen[end + 4 : whole])
            del self._seen[:whole]
            if body:
                self._answer(body)
            else:
                told = self._counts.told()
                self._transport.write(HEAD % (len(told), told))

    def _answer(self, body: bytes) -> None:
        self._counts.begin()
        reply = answer(orjson.loads(body))
        asyncio.get_running_loop().call_later(self._delay_s, self._send, HEAD % (len(reply), reply))

    def _send(self, reply: bytes) -> None:
        self._counts.end()
        if not self._transport.is_closing():
            self._transport.write(reply)


def answer(payload: dict[str, Any]) -> bytes:
    """Return the chat answer to a payload: verdicts as lines where the prompt wants lines, else as JSON."""
    prompt = payload["messages"][-1]["content"]
    text = verdicts(prompt, lambda name: "met") if "<id of the criterion>" in prompt else STATUS
    usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": 30, "total_tokens": len(prompt) // 4 + 30}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}, "logprobs": None}
    named = {"id": "chat-1", "object": "chat.completion", "created": 1, "model": payload["model"]}
    return orjson.dumps({**named, "choices": [choice], "usage": usage})


async def serve(delay_s: float) -> None:
    """Serve on a free port of loopback, and print it."""
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(counts, delay_s), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.1))
