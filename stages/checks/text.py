"""How a text is taken apart: words, lines, paragraphs. Every function is linear in the text's length."""

import re

# Scripts that are written without spaces between words: each character counts as one word, as word processors do.
_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# `\w` has no combining marks: without these ranges an accent or a vowel sign would cut a word in two.
_MARKS = "\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0900-\u0963\u0966-\u109f"
_LETTER = rf"(?:[^\W_{_SPACELESS}]|[{_MARKS}])"
_WORD = re.compile(rf"[{_SPACELESS}]|{_LETTER}+(?:['’]{_LETTER}+)*")
_PLAIN_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*", re.ASCII)
"""The same on ASCII alone, at half the time."""
_BREAK = re.compile("\r\n|[\n\r\u2028\u2029]")
_ALNUM = re.compile(r"[^\W_]")
_CURLY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})


def words(text: str) -> list[str]:
    """Return the words as they stand: runs of letters, marks and digits, joined by inner apostrophes.

    A hyphen parts words ("well-known" is two); each Han or kana character is a word of its own.
    """
    return (_PLAIN_WORD if text.isascii() else _WORD).findall(text)


def fold(text: str) -> str:
    """Return the text for comparison: without case, and with straight quotes and apostrophes."""
    return text.translate(_CURLY).casefold()


def folded_words(text: str) -> list[str]:
    """Return the words for comparison, as `fold` changes them."""
    return words(fold(text))


def has_word(text: str) -> bool:
    """Return whether the text has a letter or a digit of any script."""
    return _ALNUM.search(text) is not None


def lines(text: str) -> list[str]:
    r"""Return the lines. Line ends are \n, \r\n, \r, U+2028 and U+2029, and no other character."""
    return _BREAK.split(text)


def paragraphs(text: str) -> list[str]:
    """Return the blocks between blank lines that have a word, their lines joined by newlines."""
    blocks: list[list[str]] = [[]]
    for line in lines(text):
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in ("\n".join(rows) for rows in blocks) if has_word(block)]


def occurrences(phrase: str, tokens: list[str]) -> int:
    """Return how often the words of `phrase` stand in a row in `tokens`, both folded; 0 for an empty phrase."""
    wanted = folded_words(phrase)
    # Each word brings its own two spaces, so that neighbours do not share the one they are found by.
    text = "".join(f" {token} " for token in tokens)
    return text.count("".join(f" {word} " for word in wanted)) if wanted else 0
