"""Detects numbers written in prose. An answer may contain none, since every number must be a fact."""

import re
import unicodedata
from functools import cache

_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")
_ENGLISH = """
half halves halved halving quarter quarters third thirds fourths fifths sixths sevenths eighths ninths tenths hundredths
thousandths once twice thrice double doubles doubled doubling triple triples tripled tripling treble trebled quadruple
quadruples quadrupled quadrupling quintuple quintupled sextuple tenfold twofold threefold fourfold fivefold hundredfold
manifold dozen dozens score scores gross couple pair trio quartet quintet single sole solo dual binary ternary nil nought
naught zero zeros zeroes hundreds thousands millions billions trillions bn mn tens ones twos threes fours fives sixes
sevens eights nines primary secondary tertiary penultimate antepenultimate percent percentage pct permille ppm bps
umpteen fortnight decade decades century
"""  # score: as in "three score"
_OTHERS = """
halb halbe halber halbes halbiert hälfte viertel drittel doppelt verdoppelt verdreifacht zweifach dreifach dutzend prozent
moitié demi demie double triple quart tiers doublé triplé douzaine pourcent mitad medio doble triple cuarto tercio docena
porciento metà mezzo doppio triplo metade dobro triplo helft dubbel verdubbeld
"""
# Number words of other languages that are also ordinary English words.
_ENGLISH_TOO = frozenset(
    ["cent", "do", "due", "elf", "en", "et", "i", "meta", "mil", "mille", "o", "om", "sei", "sole", "solo", "um", "und"]
)
_NUMBERS = (*range(101), 200, 300, 400, 500, 600, 700, 800, 900, 1000, 10**6, 10**9, 10**12)
_WORD = re.compile(r"[^\W\d_]+")
_SPELT = re.compile(r"\b(?:[^\W\d_][ .·\-]){2,}[^\W\d_]\b")
_ROMAN = re.compile(r"\b(?=[IVXLCDM]{2,}\b)M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b")
_INVISIBLE = ("Cf", "Cc", "Co", "Cn", "Cs", "Mn", "Me")


def find(prose: str) -> str | None:
    """The first expression in the text that is, or may be read as, a number; None if there is none.

    Detects digits and numerals of any script, number words of seven languages, Roman numerals, fractions and multiples,
    even with invisible characters, accents, emphasis within a word or spaced letters. Also rejects non-Latin letters,
    because they can look like any other.
    """
    for char in prose:
        if unicodedata.category(char).startswith("N") or char in "%‰‱":
            return char
    plain = simplify(prose)
    for char in plain:
        if char.isalpha() and not unicodedata.name(char, "").startswith("LATIN"):
            return char
    if roman := _ROMAN.search(plain):
        return roman.group()
    words = _words()
    joined = _SPELT.sub(lambda spelt: re.sub(r"[ .·\-]", "", spelt.group()), plain)
    for text in dict.fromkeys((plain, joined, re.sub(r"(?<=[^\W\d_])-(?=[^\W\d_])", "", plain))):
        for word in _WORD.findall(text.casefold()):
            if word in words or _compound(word, words):
                return str(word)
    return None


def simplify(prose: str) -> str:
    """The text as a person sees it: no invisible characters, accents or emphasis, and plain letters for styled ones."""
    split = unicodedata.normalize("NFKD", prose)
    seen = "".join(char for char in split if unicodedata.category(char) not in _INVISIBLE or char in "\n\t")
    return re.sub(r"[*_`~]", "", seen)


def _compound(word: str, words: frozenset[str]) -> bool:
    """Whether a word consists of two or more number words: twentyfive, zweihundert."""
    if len(word) < 6 or len(word) > 60:
        return False
    fits = [True] + [False] * len(word)  # fits[n]: the first n letters are number words
    for end in range(3, len(word) + 1):
        fits[end] = any(fits[start] and word[start:end] in words for start in range(max(0, end - 14), end - 2))
    return fits[-1]


@cache
def _words() -> frozenset[str]:
    from num2words import num2words  # takes a third of a second to import

    words: set[str] = set()
    for language in _LANGUAGES:
        for value in _NUMBERS:
            for kind in ("cardinal", "ordinal"):
                try:
                    said = num2words(value, lang=language, to=kind)
                except (NotImplementedError, OverflowError, IndexError, KeyError):
                    continue  # not every language has every ordinal
                words.update(_WORD.findall(simplify(str(said)).casefold()))
    words.update(simplify(f"{_ENGLISH} {_OTHERS}").casefold().split())
    return frozenset(word for word in words if len(word) > 1 and word not in _ENGLISH_TOO)
