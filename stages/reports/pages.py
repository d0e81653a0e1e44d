"""What all HTML pages have in common: escaping, hidden characters drawn, one style."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.visible import visible

if TYPE_CHECKING:
    import jinja2


def page(name: str, **more: Any) -> "jinja2.Template":
    """Return a template of this folder, in which `more` is known by name: callables as filters too.

    Whatever it prints is escaped, and characters that nobody sees are drawn; a name that it does not know is an error.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_drawn,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= more
    environment.filters |= {name: value for name, value in more.items() if callable(value)}
    return environment.get_template(name)


def _drawn(value: Any) -> Any:
    # Runs on everything that a template prints, before it is escaped, so that no place can forget it.
    from markupsafe import Markup

    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
