"""Who looks rubrics over, and on which day: what a history says of a step."""

import getpass
import time


def login() -> str:
    """Return the login name of whoever runs this, and nothing where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container that runs under a number
        return ""


def today() -> str:
    """Return the day, in UTC, such as 2026-03-31."""
    return time.strftime("%Y-%m-%d", time.gmtime())
