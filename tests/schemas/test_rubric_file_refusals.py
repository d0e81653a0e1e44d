"""What is wrong in a rubric file is said with file, line and key."""

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import RlraError
from schemas.rubric_file import load_reward, load_rubric


def refusal(path: Path, text: str, load: Any = load_rubric) -> tuple[str, str]:
    """Return message and hint with which a file is refused, the file called `F`."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RlraError) as caught:
        load(path)
    return caught.value.message.replace(str(path), "F"), caught.value.hint or ""


DEEP = """\
rubric: deep
applies_to: {meta.topic: x}
criteria:
  - id: outer
    criteria:
      - id: inner
        criteria:
          - id: warm
            text: Is warm.
            tiers:
              - {score: 0, text: Cold.}
              - score: 1
                text: Warm.
          - {id: clear, text: Is clear.}
reward:
  saturation:
    warm: {log: 4}
    "*": {knee: [0.5, 0.5]}
  interactions:
    - {pair: [warm, clear], effect: 0.2}
    - requires: [clear, warm]
      leak: 0.5
  shaping:
    power: 2
silence: {length: [warm]}
"""


@pytest.mark.parametrize(
    ("old", "new", "said", "hint"),
    [
        (
            "                text:",
            "                txet:",
            "F:13: criteria[0].criteria[0].criteria[0].tiers[1].t",
            "'text'",
        ),
        ("score: 1\n", "scor: 1\n", "F:12: criteria[0].criteria[0].criteria[0].tiers[1].scor: unknown fie", "'score'"),
        (
            "            text: Is warm.",
            "            txt: x",
            "F:9: criteria[0].criteria[0].criteria[0].txt: unk",
            "'text'",
        ),
        (
            "      - id: inner",
            "      - id: inner\n        wieght: 2",
            "F:7: criteria[0].criteria[0].wieght: unk",
            "'weight'",
        ),
        ("    warm: {log: 4}", "    warm: {lag: 4}", "F:17: reward.saturation.warm.lag: unknown field", "'log'"),
        ("    warm: {log: 4}", "    wram: {log: 4}", "F:17: reward.saturation.wram: `reward` names", "'warm'"),
        ("{knee: [0.5", "{kne: [0.5", "F:18: reward.saturation.*.kne: unknown field", "'knee'"),
        ("effect:", "efect:", "F:20: reward.interactions[0].efect: unknown field", "'effect'"),
        ("[clear, warm]", "[claer, warm]", "F:21: reward.interactions[1].requires: `reward` names crit", "'clear'"),
        ("[clear, warm]", "[clear, clear]", "F:21: reward.interactions[1]: the two criteria of an interaction", ""),
        ("[clear, warm]", "[warm, outer]", "F:21: reward.interactions[1].requires: prerequisites form a cycle", ""),
        ("[warm, clear]", "[warm, inner]", "F:20: reward.interactions[0].pair: the pair warm and inner stands in", ""),
        ("leak: 0.5", "leek: 0.5", "F:22: reward.interactions[1].leek: unknown field", "'leak'"),
        ("leak: 0.5", "leak: 1.5", "F:22: reward.interactions[1].leak: Input should be less than or equal to 1", ""),
        ("    power: 2", "    pwoer: 2", "F:24: reward.shaping.pwoer: unknown field", "'power'"),
        ("    power: 2", "    log: rang", "F:24: reward.shaping.log: ", ""),
        ("  shaping:", "  shapnig:", "F:23: reward.shapnig: unknown field", "'shaping'"),
        ("meta.topic", "mta.topic", "F:2: applies_to.mta.topic: `applies_to` knows `id` and `meta.…`", "'meta.topic'"),
        ("id: clear", "id: warm", "F:14: criteria[0].criteria[0].criteria[1].id: criterion ids must differ, fou", ""),
        ("silence: {", "silense: {", "F:25: silense: unknown field", "'silence'"),
        ("length: [warm]", "length: warm", "F:25: silence.length: ", ""),
        ("- id: inner", "- id: 7", "F:6: criteria[0].criteria[0].id: Input should be a valid string", ""),
    ],
)
def test_what_is_wrong_is_said_at_every_depth(tmp_path: Path, old: str, new: str, said: str, hint: str) -> None:
    """With file, line and key, and the nearest word that would be right."""
    assert DEEP.count(old) == 1
    message, hinted = refusal(tmp_path / "r.yaml", DEEP.replace(old, new))
    assert message.startswith(said)
    assert f"did you mean {hint}?" == hinted if hint else not hinted or hinted.startswith(("did you mean", "known"))


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("- a\n", "F:1: a way to a reward is a mapping", ""),
        ("prest: healthbench\n", "F:1: prest: unknown field", "did you mean 'preset'?"),
        ("reward:\n  shaping: {powr: 2}\n", "F:2: shaping.powr: unknown field", "did you mean 'power'?"),
        ("reward:\n  preset: helthbench\n", "F:2: preset: Input should be ", ""),
        ("reward: [1]\n", "F:1: ", ""),
        ("reward: healthbench\n", "F:1: ", ""),
        ("rubric: r\ncriteria: 3\n", "F:2: criteria: ", ""),
    ],
)
def test_a_way_to_a_reward_that_is_none(tmp_path: Path, text: str, said: str, hint: str) -> None:
    """One sentence with file, line and key."""
    message, hinted = refusal(tmp_path / "reward.yaml", text, load_reward)
    assert message.startswith(said)
    assert hinted == hint
