"""What a chat server's replies say, good and bad: nothing here sends anything."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

LONGEST_RETRY_AFTER_S = 120.0
LARGEST_REPLY = 8 << 20
USELESS = {301, 302, 303, 307, 308, 401, 403, 404}
PASSING = {408, 409, 425, 429}
WITHHELD = {"content_filter", "content_policy_violation"}
ABOUT_SCHEMAS = re.compile(r"response_format|json_schema|schema|structured|guided|grammar", re.IGNORECASE)


class TroubleError(Exception):
    """Why one call gave no answer, and what that means for the next one."""

    def __init__(
        self,
        error: str,
        again: bool = False,
        useless: bool = False,
        wait_s: float | None = None,
        server_is_well: bool = False,
    ) -> None:
        """Say what went wrong; see the attributes."""
        super().__init__(error)
        self.error = error
        self.again = again
        """Whether the same request may well be answered when it is sent again."""
        self.useless = useless
        """Whether the server turns away whatever it is asked."""
        self.wait_s = wait_s
        """How long the server asked to be left alone."""
        self.server_is_well = server_is_well
        """Whether the server works, and only wants to be asked less, or in another way."""

    @property
    def is_servers(self) -> bool:
        """Whether another server might have answered: the fault is not in the request."""
        return self.again or self.useless or self.wait_s is not None


class NoSchemasError(TroubleError):
    """The server does not follow JSON Schemas."""


class NoLogprobsError(TroubleError):
    """The server answered without the log-probabilities that it was asked for."""


def checked(body: bytes) -> dict[str, Any]:
    """Return a reply that has the shape of a chat answer. Raises TroubleError, to be tried again, for any other."""
    try:
        reply: dict[str, Any] = orjson.loads(body)
        said = [(choice["message"].get("content"), choice["finish_reason"]) for choice in reply["choices"]]
        said[0]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise TroubleError("transport: the reply is no chat answer", again=True) from None
    for content, finish in said:
        if not (content is None or isinstance(content, str)):
            raise TroubleError("transport: the reply's content is no text", again=True)
        if finish not in ("stop", "length", "content_filter"):
            raise TroubleError(f"transport: the reply ends with finish_reason {str(finish)[:40]!r}", again=True)
    return reply


def refused(status: int, retry_after: str | None, said: str) -> TroubleError:
    """Return what an HTTP status other than 200 means."""
    if status in USELESS:
        # What a server says about a key can hold a part of it.
        told = f": {said}" if status == 404 and said else ""
        return TroubleError(f"transport: HTTP {status}{told}", useless=True)
    if status not in PASSING and status < 500:
        return TroubleError(f"transport: HTTP {status}" + (f": {said}" if said else ""))
    asked_s = seconds(retry_after)
    if asked_s is not None and asked_s > LONGEST_RETRY_AFTER_S:
        return TroubleError(f"transport: HTTP {status}, to be tried again only after {asked_s:.0f} s", wait_s=asked_s)
    return TroubleError(f"transport: HTTP {status}", again=True, wait_s=asked_s, server_is_well=status == 429)


def seconds(retry_after: str | None) -> float | None:
    """Return how long a Retry-After header asks to wait; None when it is absent or says nothing."""
    text = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def message(body: bytes) -> str:
    """Return what a server says about an error, or nothing where it says it in no known form."""
    error = _error(body)
    said = (error.get("message") or error.get("detail")) if isinstance(error, dict) else error
    return said if isinstance(said, str) else orjson.dumps(said).decode() if said else ""


def withheld(body: bytes) -> bool:
    """Return whether an error says that a content filter kept the request from the model."""
    error = _error(body)
    return isinstance(error, dict) and isinstance(code := error.get("code"), str) and code in WITHHELD


def _error(body: bytes) -> Any:
    try:
        data = orjson.loads(body)
    except ValueError:
        return None
    return data.get("error", data) if isinstance(data, dict) else data


def used(reply: dict[str, Any], field: str) -> int:
    """Return a token count of the reply's usage; 0 where the server keeps none."""
    return _count(reply.get("usage"), field)


def cached(reply: dict[str, Any]) -> int:
    """Return how many tokens of the prompt the server says it had in its prefix cache."""
    usage = reply.get("usage")
    return _count(usage.get("prompt_tokens_details"), "cached_tokens") if isinstance(usage, dict) else 0


def _count(usage: Any, field: str) -> int:
    count = usage.get(field) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and count >= 0 else 0
