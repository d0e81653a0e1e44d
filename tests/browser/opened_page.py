"""A page as a browser shows it, and what happened meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

LEAST_CONTRAST = 4.5
"""WCAG 2, level AA, of text of any size."""
_CONTRAST = """() => {
  const light = c => { const v = c / 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const told = [];
  for (const element of document.querySelectorAll('body *')) {
    const says = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!says || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const colour = rgb(element instanceof SVGElement ? style.fill : style.color);
    const [one, other] = [colour, behind(element)].map(luminance).sort((a, b) => a - b);
    told.push([(other + 0.05) / (one + 0.05), element.tagName, element.className.baseVal ?? element.className]);
  }
  return told;
}"""


@dataclass
class Opened:
    """One page in a window of its own."""

    page: "Page"
    asked: list[str] = field(default_factory=list)
    """The addresses that it asked for, its own file aside."""
    said: list[str] = field(default_factory=list)
    """What the console, errors and dialogs said."""

    def unfold(self) -> None:
        """Open everything that is folded away."""
        self.page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")

    def contrasts(self) -> list[tuple[float, str, str]]:
        """Return the contrast of each visible text with what is behind it, as WCAG 2 has it, its tag and its class."""
        return self.page.evaluate(_CONTRAST)


Open = Callable[..., Opened]
