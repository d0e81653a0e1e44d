"""IFEval's instructions have the same outcome as a peer's, on thousands of pairs.

The peer is the package if-verifiable, which holds google-research's own code of the instructions. It needs NLTK's
English model, which NLTK would download: it gets the same tables out of the package `punkt`, for NLTK's own splitter.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import product
from random import Random
from typing import Any

import pytest

from stages.checks.ifeval.treebank import capital_words, sentences
from stages.checks.variants import variants
from tests.stages.ifeval_pairs import DATA, NAMES, READINGS, needs_data, pairs, rows, run


class Peer:
    """if-verifiable, with NLTK's splitter at hand and the seed that ours has."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        registry = pytest.importorskip("if_verifiable.ifeval.instructions_registry")
        nltk = pytest.importorskip("nltk")
        punkt = pytest.importorskip("nltk.tokenize.punkt")
        langdetect = pytest.importorskip("langdetect")
        self.splitter = _nltk_splitter(punkt)
        words = nltk.NLTKWordTokenizer()
        monkeypatch.setattr(nltk.data, "load", lambda name: self.splitter)
        self.words = lambda text: [word for part in self.splitter.tokenize(text) for word in words.tokenize(part)]
        monkeypatch.setattr(nltk, "word_tokenize", self.words)
        monkeypatch.setattr(langdetect.DetectorFactory, "seed", 0)
        self.registry = registry.INSTRUCTION_DICT
        self.forms = pytest.importorskip("if_verifiable.common").get_loose_transformations

    def follows(self, name: str, kwargs: dict[str, Any], text: str) -> tuple[bool, bool]:
        """Return the strict and the loose outcome."""
        check = self.registry[name](name)
        check.build_description(**kwargs)
        return tuple(
            any(form.strip() and bool(check.check_following(form)) for form in forms)
            for forms in ([text], self.forms(text))
        )


def _nltk_splitter(nltk_punkt: Any) -> Any:
    import punkt

    tables = punkt.load_model("english")
    splitter = nltk_punkt.PunktSentenceTokenizer()
    splitter._params.abbrev_types = set(tables.abbrev_types)
    splitter._params.collocations = set(tables.collocations)
    splitter._params.sent_starters = set(tables.sent_starters)
    splitter._params.ortho_context.update(tables.ortho_context)
    return splitter


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    made = Peer(monkeypatch)
    utilities = pytest.importorskip("if_verifiable.ifeval.instructions_util")
    utilities._get_sentence_tokenizer.cache_clear()
    yield made
    utilities._get_sentence_tokenizer.cache_clear()


def _differs(peer: Peer, name: str, kwargs: dict[str, Any], text: str) -> bool:
    ours = tuple(run(name, text, **kwargs, reading=reading).met for reading in READINGS)
    return ours != peer.follows(name, kwargs, text)


@needs_data
def test_the_peer_agrees_on_every_response(peer: Peer) -> None:
    certain = [pair for pair in pairs() if pair.kwargs.get("letter", "a").isalpha()]
    assert len(certain) == 832
    assert not [pair for pair in certain if _differs(peer, pair.name, pair.kwargs, pair.text)]


MUTATIONS: dict[str, Callable[[str, Random], str]] = {
    "as it is": lambda text, draw: text,
    "lower": lambda text, draw: text.lower(),
    "upper": lambda text, draw: text.upper(),
    "cut": lambda text, draw: text[: draw.randrange(20, len(text) + 20)],
    "bulleted": lambda text, draw: re.sub("^", draw.choice(["* ", "- ", "  - ", "** "]), text, flags=re.MULTILINE),
    "quoted": lambda text, draw: f'"{text}"',
    "JSON": lambda text, draw: json.dumps({"answer": text}),
    "fenced": lambda text, draw: f"```{draw.choice(['json', 'JSON', ''])}\n{json.dumps([text])}\n```",
    "opened": lambda text, draw: f"Sure, here it is:\n{text}",
    "closed": lambda text, draw: f"{text}\n\nLet me know!!!",
    "shouted": lambda text, draw: re.sub(r"[.,]", "!!! ", text.upper()),
    "curly": lambda text, draw: text.replace('"', "”").replace("'", "’"),
    "halved": lambda text, draw: f"{text[: len(text) // 2]}\n******\n{text[len(text) // 2 :]}",
    "divided": lambda text, draw: "***\n" + text.replace("\n\n", "\n\n***\n\n"),
    "spread": lambda text, draw: text.replace("\n", "\n\n\n", 2),
    "numbered": lambda text, draw: re.sub("^", "SECTION 1 ", text, count=draw.randrange(7), flags=re.MULTILINE),
    "starred": lambda text, draw: re.sub(r"\b(\w+ \w+)\b", r"**\1**", text, count=draw.randrange(4)),
    "bracketed": lambda text, draw: re.sub(r"\b(\w+)\b", r"[\1]", text, count=draw.randrange(9)) + " [",
    "postscripted": lambda text, draw: text + draw.choice(["\n\nP.S. Hi", "\np. p. s. hi", "\nP.S"]),
    "titled": lambda text, draw: draw.choice(["<<A>>", "<< >>", "<<<>>>", "<<a\nb>>"]) + text,
}


# Each detection takes milliseconds, and the loose reading has up to eight of them.
DETECTED = {"language:response_language", "change_case:english_capital", "change_case:english_lowercase"}


def _texts() -> list[str]:
    """Return what others wrote: answers, requests, instructions, in several languages."""
    found = [row["response"] for row in rows("ifeval/gpt4_responses.jsonl")]
    for path in sorted(path for folder in ("writingbench", "llmbar", "self_instruct") for path in _files(folder)):
        for row in rows(path):
            found += [value for value in row.values() if isinstance(value, str) and len(value) > 40]
    return found


def _files(folder: str) -> list[str]:
    return [path.relative_to(DATA).as_posix() for path in (DATA / folder).glob("*.jsonl")]


@needs_data
def test_the_peer_agrees_on_the_texts_of_others(peer: Peer) -> None:
    """Every instruction with its own response and with texts for other requests, in twenty mutations."""
    draw = Random(20)
    texts = _texts()
    certain = [pair for pair in pairs() if pair.kwargs.get("letter", "a").isalpha()]
    by_name = {name: [pair for pair in certain if pair.name == name] for name in NAMES}
    differing, outcomes = [], set()
    for name, mutation, turn in product(NAMES, MUTATIONS, range(4)):
        if turn > 1 and name in DETECTED:
            continue
        pair = draw.choice(by_name[name])
        text = MUTATIONS[mutation](draw.choice(texts) if turn % 2 else pair.text, draw)[:1_600]
        outcomes.add((name, run(name, text, **pair.kwargs).met))
        if _differs(peer, name, pair.kwargs, text):
            differing.append((name, mutation, pair.kwargs, text))
    assert not differing
    assert outcomes == set(product(NAMES, (True, False))), "each is met by some and missed by others"


# Without the four information separators, which are white space to Python's `re` but not to `regex`, which NLTK takes.
PIECES = [
    *(
        "word",
        "The",
        "IT'S",
        "can't",
        "CANNOT",
        "I'm",
        "Mr.",
        "U.S.",
        "é",
        "中",
        "ß",
        "ǅ",
        "İ",
        "1",
        "1.",
        "end",
        "End.",
    ),
    *(" ", "  ", "\n", "\n\n", "\n\n\n", "\t", "\r", "\x0b", "\u2028", "\u200b"),
    *("*", "**", "***", "******", "- ", "* ", "[", "]", "[a]", "<", ">", "<<", ">>", "<<a>>", '"', "'", "“", "’", "("),
    *(",", ".", "!", "?", "...", "--", ":", "#", "P.S.", "P.P.S", "p. s.", "P.S", "SECTION 1", "Section 2", "Section"),
    *("```", "```json", "```JSON", "{", "}", "{}", "[1]", "null", "NaN", "My answer is yes.", "my answer is no."),
    *("first", "First", "'first", '"first,', "first's"),
]
NUMBERED: dict[str, tuple[str, str]] = {
    "length_constraints:number_words": ("num_words", "relation"),
    "length_constraints:number_sentences": ("num_sentences", "relation"),
    "change_case:capital_word_frequency": ("capital_frequency", "capital_relation"),
    "keywords:frequency": ("frequency", "relation"),
    "keywords:letter_frequency": ("let_frequency", "let_relation"),
    "length_constraints:number_paragraphs": ("num_paragraphs", ""),
    "length_constraints:nth_paragraph_first_word": ("num_paragraphs", ""),
    "detectable_content:number_placeholders": ("num_placeholders", ""),
    "detectable_format:number_bullet_lists": ("num_bullets", ""),
    "detectable_format:number_highlighted_sections": ("num_highlights", ""),
    "detectable_format:multiple_sections": ("num_sections", ""),
}
WORDED: dict[str, dict[str, list[Any]]] = {
    "keywords:existence": {"keywords": [["word"], ["first", "the"], ["a.b"], ["w?o"], ["İ"], ["1|e"]]},
    "keywords:forbidden_words": {"forbidden_words": [["word"], ["the", "end"], ["P.S"], ["ß"], ["a|1"]]},
    "keywords:frequency": {"keyword": ["word", " first ", "the", ".", "x?"]},
    "keywords:letter_frequency": {"letter": ["e", "w", "I", "t"]},
    "language:response_language": {"language": ["en", "de", "fr"]},
    "detectable_content:postscript": {"postscript_marker": ["P.S.", "P.P.S", "P.S", " P.S. ", "end"]},
    "detectable_format:multiple_sections": {"section_spliter": ["SECTION", " Section ", "word", "(word)"]},
    "combination:repeat_prompt": {"prompt_to_repeat": ["word", " The", "first ", "p.s."]},
    "startend:end_checker": {"end_phrase": ["end", " End. ", "word", '"']},
    "length_constraints:nth_paragraph_first_word": {"first_word": ["first", "the", "It", "word", "end"]},
}


def _drawn_kwargs(name: str, draw: Random) -> dict[str, Any]:
    kwargs: dict[str, Any] = {key: draw.choice(values) for key, values in WORDED.get(name, {}).items()}
    number, relation = NUMBERED.get(name, ("", ""))
    if number:
        kwargs[number] = draw.randrange(1, 4)
    if relation:
        kwargs[relation] = draw.choice(["at least", "less than"])
    if "first_word" in kwargs:
        kwargs["nth_paragraph"] = draw.randrange(1, kwargs["num_paragraphs"] + 1)
    return kwargs


def test_the_peer_agrees_on_texts_of_marks(peer: Peer) -> None:
    """Short texts of the marks that instructions turn on, which real responses seldom put so close together.

    Only texts without a letter or digit differ: to google-research "..." is a response, and one without commas.
    """
    assert peer.follows("punctuation:no_comma", {}, "...") == (True, True)
    assert run("punctuation:no_comma", "...").reason == "empty answer"
    draw = Random(25)
    differing = []
    for name, _ in product(NAMES, range(80)):
        kwargs = _drawn_kwargs(name, draw)
        text = "".join(draw.choice(PIECES) for _ in range(draw.randrange(1, 15)))
        if re.search(r"[^\W_]", text) and _differs(peer, name, kwargs, text):
            differing.append((name, kwargs, text))
    assert not differing


def test_the_two_forms_of_the_peer_are_ours(peer: Peer) -> None:
    for text in ("", "a", "a\nb", "*a*\n\n b \n*c*", " \na\n \n"):
        assert set(peer.forms(text)) == set(variants(text))


def test_sentences_and_capital_words_are_those_of_nltk(peer: Peer) -> None:
    draw = Random(27)
    marks = [*PIECES, "'TIS", "BOYS'", "D'YE", "GONNA", "wanna", "Dr. Wu", "e.g.", "etc.", "p.m.", "Therefore", "''"]
    texts = ["".join(draw.choice([*marks, " "]) for _ in range(draw.randrange(1, 20))) for _ in range(2_000)]
    if DATA.is_dir():
        texts += [MUTATIONS[draw.choice([*MUTATIONS])](text[:1_200], draw) for text in _texts()[::3]]
    for text in texts:
        assert sentences(text) == peer.splitter.tokenize(text)
        assert capital_words(text) == sum(map(str.isupper, peer.words(text))), text
