"""Reports as Markdown and as LaTeX: the figures are there, and no label can act."""

import re
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.report import Gate
from stages.reports.latex import escaped, latex
from stages.reports.markdown import code, markdown
from stages.visible import one_line
from tests.stages.test_report_sections import compared

HOSTILE = (
    "a|b`c`@everyone #12 <script>x</script> [l](http://e.vil) *b* _i_ ~s~ \\cmd{$%&^} &amp; www.e.vil"
    "\n# h \x1b[31m\u202e"
)
anything = st.text(max_size=50)


def reports(label: str = "new", *gates: Gate) -> list:
    return [compared("hard", label, gates=gates).report, compared("soft", label, better=False).report]


def test_markdown_is_one_table_with_a_row_for_each_axis() -> None:
    gate = Gate(measure="reward", bar=">=-0.5", passed=True)
    text = markdown(reports("new", gate), "rlra eval hard:base=a hard:new=b")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == "| measure | `base` | `new` |" and len(rows) == 4
    assert {line.count("|") for line in rows} == {4}
    reward = reports()[0].measures[0]
    assert f"**+{reward.change:.3f}**" in rows[2] and "✅ gate `≥ −0.5`" in rows[2]
    assert "1 of 1 gates passed" in text.splitlines()[0]
    assert "Made by `rlra eval hard:base=a hard:new=b`" in text


def test_markdown_names_the_criteria_that_changed() -> None:
    text = markdown(reports()[:1])
    assert re.search(r"Criteria of `hard`, `new`: ✓ better: `tone` \+0\.\d{3}", text)


@given(anything)
@example(HOSTILE)
@example("`")
@example("a @octocat")
def test_code_means_nothing_but_itself(text: str) -> None:
    """A span of code is read as the text it was made of, and holds nothing that Markdown, HTML or GitHub would read."""
    made, shown = code(text), one_line(text, 60)
    if made.startswith("`"):
        assert made == f"`{shown}`" and not set(made[1:-1]) & set("`|<>&@#*[]\\~!\n")
    else:
        assert re.fullmatch(r"<code>([^\W_]| |&#\d+;)*</code>", made)
        assert unescape(made.removeprefix("<code>").removesuffix("</code>")) == shown


def test_hostile_labels_stay_in_their_cells() -> None:
    rows = [line for line in markdown(reports(HOSTILE)).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {4}
    text = "\n".join(rows)
    assert not re.search(r"@everyone|<script|http://|www\.|\x1b|\u202e|\[l\]", text)


def unread(text: str) -> str:
    """Return what LaTeX prints of an escaped text, by undoing only what `escaped` may have done."""
    named = {
        "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textless": "<", "textgreater": ">",
        "textbar": "|", "dots": "…",
    }  # fmt: skip
    text = re.sub(r"\{\\char(\d+)\}", lambda found: f"\x00{int(found[1])};", text)
    text = re.sub(r"\\(text[a-z]+|dots)\{\}", lambda found: f"\x00{ord(named[found[1]])};", text)
    text = re.sub(r"\\([{}$&#_%])", lambda found: f"\x00{ord(found[1])};", text)
    text = re.sub(r"\{([\[*-])\}", lambda found: f"\x00{ord(found[1])};", text)
    for made, character in (("$\\rightarrow$", "→"), ("$\\cdot$", "·"), ("$-$", "−")):
        text = text.replace(made, f"\x00{ord(character)};")
    return text


@given(anything)
@example(HOSTILE)
@example("[0pt]*--``''")
def test_escaped_text_is_printed_and_does_nothing(text: str) -> None:
    left = unread(escaped(text))
    bare = re.sub(r"\x00\d+;", "", left)
    assert not set(bare) & set("\\{}$&#_%~^<>|\"`'[*\n")
    assert all(" " <= character <= "~" or "À" <= character <= "ÿ" for character in bare)
    back = re.sub(r"\x00(\d+);", lambda found: chr(int(found[1])), left)
    plain = "".join(c for c in one_line(text, 60) if " " <= c <= "~" or c in "→·−…")
    assert _is_within(plain, back)


def _is_within(plain: str, text: str) -> bool:
    rest = iter(text)
    return all(character in rest for character in plain)


def test_latex_is_a_table_that_needs_booktabs_alone() -> None:
    text = latex(reports(), "rlra eval a b")
    assert text.startswith("% Made by: rlra eval a b\n% Needs \\usepackage{booktabs}.\n\\begin{table}")
    for name in ("table", "tabular"):
        assert text.count(f"\\begin{{{name}}}") == text.count(f"\\end{{{name}}}") == 1
    rows = [line for line in text.splitlines() if line.endswith("\\\\")]
    columns = re.findall(r"\\begin\{tabular\}\{(\w+)\}", text)[0]
    assert len(rows) == 3 and all(len(re.split(r"(?<!\\)&", row)) == len(columns) for row in rows)
    assert rows[1].startswith("hard & reward & new & $0.")


def test_hostile_labels_keep_the_table_whole() -> None:
    text = latex(reports(HOSTILE), f"rlra eval {HOSTILE}")
    assert "\x1b" not in text
    first, *rest = text.splitlines()
    assert first.startswith("% Made by: rlra eval a|b`c`") and rest[0].startswith("% Needs")
    assert [line for line in rest if line.startswith("\\begin")] == ["\\begin{table}", "\\begin{tabular}{lllrrlrr}"]
    assert rest.count(rest[0]) == 1 and r"& a\textbar{}b{\char96}c{\char96}@everyone \#12 \textless{}script" in text


@pytest.mark.parametrize("make", [markdown, latex])
def test_a_table_needs_a_report(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError):
        make([])
