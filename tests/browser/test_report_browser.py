"""The page of a report as a browser shows it: from a file, in both themes, at two widths, by keyboard and on paper."""

import re

import pytest

from schemas.findings import Findings
from schemas.jsonl import Source
from schemas.judged import Judged
from stages.defend import DefendSpec
from stages.eval import EvalSpec, evaluate
from stages.reports.compared import Compared
from stages.reports.findings import render as render_findings
from stages.reports.html import Training, render
from tests.browser.hostile_report import FIELDS, hostile_page
from tests.browser.opened_page import LEAST_CONTRAST, Open, Opened
from tests.house.sources import ROOT
from tests.judged_lines import answer, group
from tests.stages.test_report_html import LOGS
from tests.stages.test_report_sections import ORIGINS, compared

LARGEST = 10_000_000
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const name = at.getAttribute('href') || at.id || at.textContent.trim().slice(0, 40);
  return [at.tagName.toLowerCase(), name, style.outlineStyle];
}"""


@pytest.fixture(scope="module")
def real() -> str:
    """Return the page of two policies on two axes, with a training log and a chain."""
    every = [compared(axis, label, better=axis == "hard") for axis in ("hard", "soft") for label in ("one", "two")]
    return render(every, Training(LOGS), ORIGINS, "rlra eval hard:base=a.jsonl hard:one=b.jsonl")


@pytest.fixture(scope="module")
def hostile() -> str:
    return hostile_page()


def background(shown: Opened) -> str:
    return shown.page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_asks_for_nothing_and_nothing_goes_wrong(opened: Open, real: str, scheme: str) -> None:
    shown = opened(real, scheme=scheme)
    assert (shown.asked, shown.said) == ([], [])
    assert shown.page.locator("svg").count() > 10 and shown.page.title() == "base → one, two"


@pytest.mark.parametrize("guarded", [True, False], ids=["as it is", "without its policy"])
def test_hostile_texts_are_shown_and_run_nothing(opened: Open, hostile: str, guarded: bool) -> None:
    """Also without the policy that forbids scripts, which would hide a text that was not escaped."""
    assert POLICY.search(hostile)
    shown = opened(hostile if guarded else POLICY.sub("", hostile))
    shown.unfold()
    shown.page.mouse.move(700, 450)
    assert (shown.asked, shown.said) == ([], [])
    assert shown.page.evaluate("window.ran === undefined")
    refused = (
        "script, img, iframe, base, a[href^='javascript'], meta[http-equiv=refresh], [onload], [onmouseover], [onerror]"
    )
    assert shown.page.locator(refused).count() == 0
    assert shown.page.locator("style").count() == 1 and shown.page.locator("body").is_visible()
    text = shown.page.evaluate("document.body.textContent")
    assert [name for name in FIELDS if f"[{name}]" not in text] == []
    assert text.count("<script>window.ran=1;alert(1)</script>") > 20
    assert "49" not in re.findall(r"position:fixed(\S*)", text)


def test_the_browser_would_have_noticed(opened: Open) -> None:
    """The same watch over a page that does act: a request, a dialog, a line in the console."""
    acting = "<img src='https://evil.example/x.png'><script>alert(1); console.log('here')</script>"
    shown = opened(f"<!DOCTYPE html><title>x</title>{acting}")
    assert shown.asked == ["https://evil.example/x.png"]
    assert shown.said[:2] == ["dialog: 1", "here"]


def test_themes_follow_the_system_and_can_be_switched_without_a_script(opened: Open, real: str) -> None:
    light, dark = opened(real, scheme="light"), opened(real, scheme="dark")
    day, night = background(light), background(dark)
    assert day != night
    light.page.locator("#theme-dark").check()
    dark.page.locator("#theme-light").check()
    assert (background(light), background(dark)) == (night, day)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(opened: Open, real: str, scheme: str) -> None:
    shown = opened(real, scheme=scheme)
    shown.unfold()
    told = shown.contrasts()
    assert len(told) > 500
    assert [each for each in told if each[0] < LEAST_CONTRAST] == []


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("which", ["real", "hostile"])
def test_the_page_is_never_wider_than_the_window(
    opened: Open, which: str, width: int, request: pytest.FixtureRequest
) -> None:
    shown = opened(request.getfixturevalue(which), width=width)
    shown.unfold()
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    wide = "[...document.querySelectorAll('.wide')].some(each => each.scrollWidth > each.clientWidth)"
    assert shown.page.evaluate(wide) or width > 400  # tables scroll inside


def test_every_link_and_fold_is_reached_by_the_tab_key_and_seen(opened: Open, real: str) -> None:
    shown = opened(real)
    reached = []
    for _ in range(400):
        shown.page.keyboard.press("Tab")
        tag, name, outline = shown.page.evaluate(FOCUSED)
        if tag == "body":
            break
        assert outline != "none", f"nothing shows that {tag} {name} has the focus"
        reached.append((tag, name))
    contents = [link.get_attribute("href") for link in shown.page.locator("nav a").all() if link.is_visible()]
    assert reached[0] == ("a", "#headline") and reached[1] == ("input", "theme-system")
    assert [name for tag, name in reached if tag == "a"][1 : 1 + len(contents)] == contents
    seen = sum(fold.is_visible() for fold in shown.page.locator("summary").all())
    assert sum(tag == "summary" for tag, _ in reached) == seen > 5


def test_links_lead_to_their_sections_and_folds_open_by_keyboard(opened: Open, real: str) -> None:
    page = opened(real).page
    for link in page.locator("nav a").all():
        assert page.locator(link.get_attribute("href") or "").count() == 1
    page.locator("nav a[href='#again']").focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#again") and page.evaluate("scrollY") > 1000
    fold = page.locator("details:not([open]) > summary").first
    fold.focus()
    details = fold.locator("..").element_handle()
    page.keyboard.press("Enter")
    assert details and details.get_attribute("open") is not None


def test_paper_has_all_pages_and_nothing_folded_away(opened: Open, real: str) -> None:
    page = opened(real, scheme="dark").page
    hidden = (
        "[...document.querySelectorAll('details:not([open]) .text')].filter(each => !each.checkVisibility()).length"
    )
    assert page.evaluate(hidden) > 0
    page.emulate_media(media="print")
    assert page.evaluate(hidden) == 0
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).color") == opened(real).page.evaluate(
        "getComputedStyle(document.body).color"
    )
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) > 3


def test_a_report_of_5000_prompts_is_small_and_opens(opened: Open) -> None:
    sides = [_many(good) for good in (False, True)]
    few = [side[:40] for side in sides]
    report = evaluate(*few, ("base", "new"), EvalSpec(resamples=20))
    html = render([Compared(report, *sides)])
    assert len(html.encode()) < LARGEST
    shown = opened(html)
    assert shown.page.evaluate("document.readyState") == "complete"
    assert "one prompt in 13 is drawn" in shown.page.locator("body").inner_text()
    assert shown.page.evaluate("document.querySelectorAll('*').length") < 20_000


def _many(good: bool) -> list[Judged]:
    """Return 5,000 prompts with four long responses each; the judged lines behind them are made once."""
    text = "Some words that could have been said by a model. " * 40
    kinds = [
        answer(text, *said, reason="Because of this and that. " * 5)
        for said in ((2, 1, 0, 0), (1, 1, 0, 0), (0, 0, 1, 0))
    ]
    made = [group("p", *(kinds[(n + k * good) % 3] for k in range(4)), prompt=text) for n in range(3)]
    return [made[n % 3].model_copy(update={"id": f"p{n:04d}"}) for n in range(5_000)]


READY = ROOT / "examples" / "quickstart" / "ready"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_quickstart_s_own_files_make_a_page_that_holds_all_this(opened: Open, scheme: str) -> None:
    sides = [list(Source(str(READY / f"{name}.judged.jsonl")).read(Judged)) for name in ("base", "trained")]
    html = render([Compared(evaluate(*sides, ("base", "trained"), EvalSpec(resamples=100)), *sides)])
    shown = opened(html, width=400, scheme=scheme)
    shown.unfold()
    assert (shown.asked, shown.said) == ([], [])
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert [each for each in shown.contrasts() if each[0] < LEAST_CONTRAST] == []


def test_the_page_of_findings_is_held_to_the_same(opened: Open) -> None:
    findings = list(Source(str(ROOT / "tests" / "migrations" / "findings-1.jsonl")).read(Findings))
    html = render_findings(findings, None, DefendSpec())
    for scheme in ("light", "dark"):
        shown = opened(html, width=400, scheme=scheme)
        shown.unfold()
        assert (shown.asked, shown.said) == ([], [])
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= 400
        told = shown.contrasts()
        assert len(told) > 30 and [each for each in told if each[0] < LEAST_CONTRAST] == []
