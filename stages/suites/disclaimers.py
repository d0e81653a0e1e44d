"""Turns of phrase, in English, in which a model speaks of being one, as one regular expression.

People work as AI engineers, virtual assistants and machine operators, and improve their programming. So what is named
must end where it ends: no noun may follow. What people also are or use counts only behind "I am".
"""

_MODEL = (
    r"(?:(?:ai|a\.i\.)(?: (?:language |chat )?(?:model|assistant|chat ?bot|system|program|companion))?"
    r"|artificial intelligence|(?:large )?language model|machine[- ]learning model|chat ?bot)"
)
_PERSON_TOO = r"(?:machine|virtual assistant)"
_ADJECTIVE = r"(?:\w+ )?"
_PAUSE = r"[,;:()\[\]\"”*–—]"
_I = r"(?:i|my|i['’]\w+)\b"
_MADE = r"(?:trained|developed|created|made|built|designed)"
# "As an AI, …", "as an AI I …", "as an AI trained by …, I …"; at the end of a sentence only of one with an I in it.
_AS = (
    rf"\b(?:as|being) an? {_ADJECTIVE}{_MODEL}"
    rf"(?=\s*{_PAUSE}|\s+{_I}|\s+(?:that|who|which|without|{_MADE})\b[^.!?\n]{{0,80}}, {_I})"
    rf"|\b(?:i|me|my)\b[^.!?\n]{{0,80}} as an? {_ADJECTIVE}{_MODEL}(?=\s*(?:[.!?…]|$))"
)
_AM = (
    rf"\bi(?:['’]?m| am)(?: just| only| merely)? an? {_ADJECTIVE}(?:{_MODEL}|{_PERSON_TOO})"
    rf"(?=\s*(?:{_PAUSE}|[.!?…]|$)|\s+(?:and|but|so|not|that|who|which|with|without|here|{_I}|{_MADE})\b)"
)
_FEELING = r"(?:feelings|emotions|(?:personal )?(?:opinions?|experiences?|beliefs|preferences)|consciousness|a body)"
_LACKS = (
    r"\bi (?:do not|don['’]t|can(?:not|['’]t)) (?:actually |really )?(?:have|possess|experience|feel)"
    rf" (?:any |the |human |personal |real |physical ){{0,2}}{_FEELING}\b"
)
_MADE_OF = (
    r"\bmy (?:training data|knowledge cut-?off)\b"
    r"|\b(?:not in|part of|within|outside|beyond|against) my programming"
    rf"(?=\s*(?:{_PAUSE}|[.!?…]|$)|\s+(?:and|but|to)\b)"
    r"|\bmy programming (?:(?:does not|doesn['’]t|will not|won['’]t) (?:allow|let|permit)|prevents|forbids|prohibits)\b"
)
AI_DISCLAIMER = "|".join((_AS, _AM, _LACKS, _MADE_OF))
