"""The language, the script and the readability of a response."""

import pytest

from schemas.errors import RlraError
from stages.checks.base import bind
from stages.checks.languages import NAMES
from stages.checks.readability import counted_syllables
from tests.stages.checking import met, run
from tests.stages.shared_texts import TEXTS, gpt4, needs_shared, rows

SENTENCES = {
    "ar": "ذهبنا إلى السوق صباحا واشترينا الخبز والزيتون.",
    "de": "Wir gingen am Morgen auf den Markt und kauften Brot und Oliven.",
    "el": "Πήγαμε το πρωί στην αγορά και αγοράσαμε ψωμί και ελιές.",
    "en": "We went to the market in the morning and bought bread and olives.",
    "es": "Por la mañana fuimos al mercado y compramos pan y aceitunas.",
    "fr": "Le matin, nous sommes allés au marché et avons acheté du pain et des olives.",
    "it": "La mattina siamo andati al mercato e abbiamo comprato pane e olive.",
    "ja": "朝、市場へ行って、パンとオリーブを買いました。",
    "ko": "우리는 아침에 시장에 가서 빵과 올리브를 샀습니다.",
    "pl": "Rano poszliśmy na targ i kupiliśmy chleb oraz oliwki.",
    "ru": "Утром мы пошли на рынок и купили хлеб и оливки.",
    "tr": "Sabah pazara gittik, ekmek ve zeytin aldık.",
    "zh": "早上我们去市场买了面包和橄榄。",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_is_enough(code: str) -> None:
    assert met("language", SENTENCES[code], **{"is": code})
    assert met("language", SENTENCES[code], **{"is": "sw" if code == "en" else "en"}) is False
    assert met("language", SENTENCES[code], **{"is": ["sw", code]})


@pytest.mark.parametrize(
    "text", ["Ja.", "Hallo Anna!", "42, 43 und 44", "Oslo", "https://example.org/the/road/to/a/town"]
)
def test_too_little_text_is_not_judged(text: str) -> None:
    assert run("language", text, **{"is": "de"}).reason == "too little text to tell the language"
    assert met("language", text, **{"is": "de"}) is None


def test_an_unclear_language_is_not_judged() -> None:
    outcome = run("language", "Zxkq vrrt plomp gnarfle wibblequux frobnitz", **{"is": "en"})
    assert outcome.met is None
    assert outcome.reason.startswith("the language is unclear: ")


def test_code_and_links_have_no_say() -> None:
    code = "```python\n# the names of all the towns in the list\nfor the_town in towns: print(the_town)\n```\n"
    assert met("language", code * 3 + SENTENCES["de"], **{"is": "de"})


def test_closeness_is_the_share_of_paragraphs() -> None:
    text = "\n\n".join([SENTENCES["en"] * 4, SENTENCES["de"], "Ja.", SENTENCES["en"] * 4])
    outcome = run("language", text, **{"is": "de"})
    assert (outcome.met, outcome.closeness) == (False, pytest.approx(1 / 3))


def test_the_languages_are_those_of_the_model() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    labels = LanguageIdentifier.from_model_file(MODEL_FILE).labels
    assert sorted(label for label in labels if len(label) == 2 and label.isalpha()) == sorted(NAMES)
    with pytest.raises(RlraError, match=r"unknown language 'ger': one of the codes .* de "):
        bind({"language": {"is": "ger"}})


@needs_shared
def test_the_language_of_real_answers() -> None:
    """IFEval asks 31 times for one language. One answer is Urdu in Latin letters, which is no language of the model."""
    asked = [dict(zip(row["instruction_id_list"], row["kwargs"], strict=True)) for row in rows("ifeval/prompts.jsonl")]
    wanted = [one.get("language:response_language", {}).get("language") for one in asked]
    found = [met("language", answer, **{"is": code}) for code, (_, answer) in zip(wanted, gpt4(), strict=True) if code]
    assert (found.count(True), found.count(None), found.count(False)) == (30, 1, 0)
    english = [met("language", text, **{"is": "en"}) for name in TEXTS for _, text in TEXTS[name]()]
    print(f"asked for one language: {found}; English texts: {len(english)}, {english.count(None)} not judged")
    assert english.count(False) < 0.03 * len(english), "these are answers in other languages"


def test_scripts() -> None:
    assert met("script", SENTENCES["ja"], **{"is": ["Han", "Hiragana", "Katakana"]})
    assert run("script", "Мост Oslo", **{"is": "Cyrillic"}).closeness == pytest.approx(0.5 / 0.9)
    assert met("script", "Мост Oslo", **{"is": "Cyrillic"}, share=0.5)
    assert met("script", "naïve café, 3 × 4", **{"is": "Latin"}, share=1.0)
    assert met("script", "42", **{"is": "Latin"}) is None
    with pytest.raises(RlraError):
        bind({"script": {"is": []}})
    for name in ("Latn1", "Han}", ""):
        with pytest.raises(RlraError, match=f"no Unicode script is named '{name}'"):
            bind({"script": {"is": name}})


def test_the_formulas() -> None:
    """The values are worked out by hand: 6 words of one syllable in a sentence, then 5 + 1 + 3 in 3 words."""
    plain = counted_syllables("The cat sat on the mat.")
    assert (plain.ease, plain.grade) == (pytest.approx(116.145), pytest.approx(-1.45))
    hard = counted_syllables("Readability is difficult. 2031!")
    assert (hard.words, hard.syllables, hard.sentences) == (3, 9, 1)


TALE = "We went to the sea. The sun was hot and the sand was soft. My dog ran in and out of the waves. " * 3


def test_readability() -> None:
    assert met("readability", TALE, ease={"at_least": 100})
    assert met("readability", TALE, grade={"at_most": 2})
    near, far = (run("readability", TALE, ease={"at_most": most}).closeness or 0 for most in (90, 30))
    assert 1 > near > far > 0
    assert met("readability", "We went to the sea.", ease={"at_least": 60}) is None
    assert run("readability", SENTENCES["de"] * 10, ease={"at_least": 60}).reason.startswith("not in English")
    wrong: list[dict[str, object]] = [{}, {"ease": {}}, {"grade": {"at_least": 9, "at_most": 8}}]
    for args in wrong:
        with pytest.raises(RlraError):
            bind({"readability": args})
