"""Tokenisation of texts, used by both rankings."""

import re
import unicodedata

# Lucene's English stop words and question words, which carry no topic.
_SAY_NOTHING = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with what which who whom whose when where why how do does did has have had can could would should may "
    "i me my we our you your its from than about"
)
_STOP = frozenset(_SAY_NOTHING.split())
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """The words in lower case, in order, without stop words unless there are no others; `demand_class` counts as two
    words.
    """
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return [word for word in words if word not in _STOP] or words
