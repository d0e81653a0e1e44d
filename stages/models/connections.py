"""HTTP to chat servers: one request, one reply, and what went wrong between them."""

import aiohttp

from stages.models.base import Request
from stages.models.endpoint import secrets_of
from stages.models.replies import (
    ABOUT_SCHEMAS,
    LARGEST_REPLY,
    NoSchemasError,
    TroubleError,
    checked,
    message,
    refused,
    withheld,
)
from stages.models.routes import Route
from stages.models.wire import Answered, answered, bounded_line, payload, refusals

BYTES_PER_TOKEN = 512
"""Of an answer with its tokens and their log-probabilities."""


class Connections:
    """Open connections to endpoints, kept for the next request, of one event loop at a time."""

    def __init__(self, model: str, timeout_s: float) -> None:
        """Keep the settings; nothing is opened yet."""
        self._model = model
        self._timeout_s = timeout_s
        self._sessions: dict[Route, aiohttp.ClientSession] = {}

    async def post(self, route: Route, request: Request, choices: int = 1) -> Answered:
        """Send one request for so many answers to one endpoint, once, and return what it gave. Raises TroubleError.

        Without the fields that the server refuses and that can be left out: once that led to an answer, it is kept
        in mind. A server that gives fewer answers is asked for one at a time from then on.
        """
        refused, new = route.refused, frozenset[str]()
        found = None
        while found is None:
            refused |= new
            found, new = await self._sent(route, request, choices, refused)
        route.refused |= refused if len(found.answers) == choices else refused | {"n"}
        return found

    async def _sent(
        self, route: Route, request: Request, choices: int, refused: frozenset[str]
    ) -> tuple[Answered | None, frozenset[str]]:
        """Return what came back, or else which fields the server refused that can be left out."""
        field = route.length_field
        body = payload(request, self._model, field, choices, refused)
        try:
            async with self._session(route).post(route.url, data=body, allow_redirects=False) as response:
                reply = await _content(response, LARGEST_REPLY + choices * request.max_tokens * BYTES_PER_TOKEN)
        except TimeoutError:
            raise TroubleError(f"transport: no reply within {self._timeout_s:g} s", again=True) from None
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise TroubleError(
                f"transport: cannot connect ({type(error).__name__})", again=True, useless=True
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise TroubleError(f"transport: connection lost ({type(error).__name__})", again=True) from None
        if response.status == 200:
            return answered(checked(reply), request, choices), refused
        said = _said(route, reply)
        if response.status in (400, 403, 422) and (new := refusals(said, request, choices) - refused):
            return None, new
        raise _refused(route, request, field, response, said, withheld(reply))

    async def aclose(self) -> None:
        """Close every connection; the next request opens new ones, in whatever event loop it runs."""
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.close()

    def _session(self, route: Route) -> aiohttp.ClientSession:
        session = self._sessions.get(route)
        if session is None:
            headers = {"Content-Type": "application/json"}
            if route.key:
                headers["Authorization"] = f"Bearer {route.key}"
            session = self._sessions[route] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # `Routes` limits, and knows whose turn it is
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                headers=headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return session


async def _content(response: aiohttp.ClientResponse, largest: int) -> bytes:
    """Return the whole body. Raises TroubleError for one that is larger than any honest reply."""
    length = response.content_length
    # A compressed body is longer than its header says.
    if length is not None and length <= largest and "Content-Encoding" not in response.headers:
        return await response.read()
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > largest:
            raise TroubleError(f"transport: the reply is larger than {largest >> 20} MiB")
    return bytes(body)


def _said(route: Route, reply: bytes) -> str:
    said = message(reply)
    for secret in secrets_of(route.url, route.key):
        said = said.replace(secret, "[key]")
    return bounded_line(said)


def _refused(
    route: Route, request: Request, field: str, response: aiohttp.ClientResponse, said: str, is_withheld: bool
) -> TroubleError:
    status = response.status
    if status == 400 and is_withheld:
        return TroubleError("content filter")
    if status == 400 and field == "max_tokens" and "max_completion_tokens" in said:
        route.length_field = "max_completion_tokens"
        return TroubleError("transport: HTTP 400", again=True, server_is_well=True)
    if status in (400, 422) and request.schema is not None and ABOUT_SCHEMAS.search(said):
        return NoSchemasError(f"transport: HTTP {status}: {said}")
    return refused(status, response.headers.get("Retry-After"), said)
