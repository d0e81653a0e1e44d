"""Where a chat server is, and the key that opens it."""

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from schemas.errors import RlraError

KEY_NAMES = ("RLRA_API_KEY", "OPENAI_API_KEY")
SHORTEST_SECRET = 4


def key_name(host: str) -> str:
    """Return the variable of the environment that holds the key for `host` alone."""
    return f"{KEY_NAMES[0]}_{re.sub('[^A-Z0-9]', '_', host.upper())}"


def api_key(key_file: Path | None, host: str = "") -> str | None:
    """Return the key for `host`: RLRA_API_KEY_<HOST>, or the content of `key_file`, or RLRA_API_KEY, or OPENAI_API_KEY.

    The host's own comes first, so that of several servers none is sent the key of another. None
    where there is no key. Raises RlraError for a file that cannot be read and for a key that no
    header can carry; the key itself is never in the message.
    """
    own = key_name(host) if host else ""
    if key_file is not None and not os.environ.get(own, "").strip():
        where, key = str(key_file), _content(key_file)
    else:
        where = next((name for name in (own, *KEY_NAMES) if os.environ.get(name, "").strip()), "")
        key = os.environ.get(where, "").strip()
    if not re.fullmatch(r"[!-~]*", key):
        raise RlraError(
            f"{where}: the key holds blanks or characters outside ASCII", hint="give the bare key, one line"
        )
    return key or None


def _content(key_file: Path) -> str:
    try:
        key = key_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RlraError(f"{key_file}: cannot read the key: {type(error).__name__}") from None
    if not key:
        raise RlraError(f"{key_file}: the file holds no key")
    return key


def endpoint(base_url: str) -> tuple[str, str]:
    """Return the URL to post to, and the same without its query for messages. Raises RlraError."""
    try:
        parts = urlsplit(base_url.strip())
        host, secret = parts.hostname, parts.username or parts.password
        _ = parts.port
    except ValueError:
        raise RlraError("the base URL is malformed", hint="it looks like http://localhost:8000/v1") from None
    if secret:
        raise RlraError("the base URL holds a user name or a password", hint=f"put the key in {KEY_NAMES[0]}")
    if parts.scheme not in ("http", "https") or not host:
        raise RlraError("the base URL needs http:// or https:// and a host", hint="such as http://localhost:8000/v1")
    path = parts.path.rstrip("/").removesuffix("/chat/completions") + "/chat/completions"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")), f"{parts.scheme}://{parts.netloc}{path}"


def host_of(url: str) -> str:
    """Return the host of a URL that `endpoint` made."""
    return urlsplit(url).hostname or ""


def secrets_of(url: str, key: str | None) -> tuple[str, ...]:
    """Return every text that a message about the server must not hold: the key, and what its URL's query says."""
    query = urlsplit(url).query
    said = {value for _, value in parse_qsl(query)} | {part.rpartition("=")[2] for part in query.split("&")}
    found = {text for text in said if len(text) >= SHORTEST_SECRET} | ({key, query} - {None, ""})
    return tuple(sorted((text for text in found if text), key=len, reverse=True))


def parted(reference: str) -> tuple[str, str | None]:
    """Return a model reference without the URL that it may carry, and the URL: `openai:NAME@http://host/v1`.

    A name may hold `@` itself; what begins with the last `@http://` or `@https://` is the URL.
    """
    place = max(reference.rfind("@http://"), reference.rfind("@https://"))
    return (reference, None) if place < 0 else (reference[:place], reference[place + 1 :])
