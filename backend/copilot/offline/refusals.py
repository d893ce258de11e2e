"""Requests that no data can answer: the reason for refusal, in a sentence that repeats nothing of the question."""

import re
from collections.abc import Collection

_CHANGES = "I read what is published and change nothing."
_NOT_ONE = "That is no question about these forecasts, so there is nothing in the data to answer it with."
_CAUSE = "The data do not hold that, so they cannot say what it does to the series."
_MONEY = "The data hold no money beyond the columns of the workspace, and I give no advice on it."
_ADVICE = "What to do is not in the data. They say what is forecast and how far it can be trusted."
_PEOPLE = "The data are of series. People and places are not in them, beyond the attributes of the workspace."
_OTHERS = "The data are of this workspace only. Nothing in them is about others."

# An instruction at the start of a sentence, or after a polite phrase.
_ORDER = r"(?:^|[.!?;,]\s+|\b(?:please|now|then|just|also|and|to|can you|could you|would you|will you|you should|i want you to|you must|go ahead and)\s+)"
_RULES: list[tuple[str, str]] = [
    (
        r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instruction|rule|prompt|above|previous|everything|polic|guideline|check)"
        r"|\bsystem prompt|\byour (?:prompt|instructions|rules|guidelines)\b|\b(?:you are|you're) now\b|\bpretend\b|\bact as\b|\brole ?play|\bjailbreak|\bdeveloper mode"
        r"|\bapi[ _-]?keys?\b|\bpasswords?\b|\bsecrets?\b|\bcredentials?\b|\btokens?\b|\benvironment variables?|/etc/|\benv\b|\bprivate key"
        r"|<\s*/?\s*[a-z]|\{\{|\}\}|\bjavascript:|https?:|\bwww\b|\bselect\b.{1,40}\bfrom\b|\bdrop table\b|\bunion select|\brm -|\bsudo\b|\b(?:exec|eval|import os|subprocess|shell|bash)\b"
        r"|\brepeat after me|\bsay (?:that|exactly|the words?)\b|\banswer (?:only )?with\b|\brespond with\b|\bprint\b|\bwrite (?:a|an|me|the|down)\b|\btranslate\b|\bpoem\b|\bjoke\b|\bsong\b|\bmake up\b|\bmake something up|\binvent\b|\bguess\b|\bhallucinate"
        r"|\bthree times\b|\bcode\b|\bpython\b|\bsql\b|\bhack|\bconfirm that\b|\badmit that\b|\b(?:tell|assure|promise) (?:me|everybody|them|everyone|us) that\b|\bround(?:ed)? up\b",
        _NOT_ONE,
    ),
    (
        rf"{_ORDER}(?:promote|roll ?back|rollback|revert)\b",
        f"{_CHANGES} Runs are promoted and rolled back on the page Runs.",
    ),
    (
        rf"{_ORDER}(?:delete|remove|drop|erase|wipe|purge|clear|overwrite|reset|disable|shut ?down|kill|cancel|restart|reboot)\b",
        f"{_CHANGES} What may be changed is changed on the pages Data and Runs.",
    ),
    (
        rf"{_ORDER}(?:re-?train|train|re-?run|run|launch|trigger|execute|schedule|refresh|recompute|recalculate|re-?forecast)\b(?! on\b)",
        f"{_CHANGES} Pipelines are started on the page Data.",
    ),
    (
        rf"{_ORDER}(?:upload|import|ingest|insert|add|append|fix|correct|clean|edit|modify|adjust|update|change|set|increase|decrease|raise|lower|replace|rename|publish|create|deploy)\b(?! (?:in|of|on|since|between|from|the most|most))",
        f"{_CHANGES} Data are brought in on the page Data, and settings stand in the file of the workspace.",
    ),
    (
        rf"{_ORDER}(?:acknowledge|silence|mute|dismiss|snooze|close)\b",
        f"{_CHANGES} Alerts are acknowledged on the page Monitoring.",
    ),
    (
        rf"{_ORDER}(?:send|e-?mail|mail|slack|notify|call|order|buy|purchase|book|pay|export|download|share with|remind|subscribe|post)\b",
        f"{_CHANGES} Every table can be saved from its page.",
    ),
    (
        r"\b(?:invest\w*|stock market|bitcoin|crypto\w*|revenues?|profits?|profitab\w+|margins?|costs?|turnover|earnings|salar\w+|budgets?|cash|euros?|dollars?|pounds?|usd|eur|gbp|money|loans?|tax\w*|roi|gdp|inflation|interest rates?|worth|expensive|cheap\w*|financ\w+|bonus\w*|discounts?)\b|[$€£]",
        _MONEY,
    ),
    (
        r"\b(?:weather|rain\w*|snow\w*|sun|sunny|sunshine|storm\w*|heat ?waves?|temperatures?|climate|covid\w*|pandemic|lockdown|war|strikes?|elections?|brexit|recession|economy|economic\w*|politic\w*|football|olympics?|world cup|tourists?|tourism|school holidays?|advert\w*|marketing|campaigns?|social media|tiktok|influencers?|customers?|shoppers?|footfall|sentiment|supply chain|suppliers?|staff|employees?|unemployment|news|media|traffic|accident\w*|outages?|power cuts?|roadworks|events?)\b",
        _CAUSE,
    ),
    (
        r"\bwho(?:se|m|'s)?\b(?! are you)|\b(?:phone|e-?mail|address|map|postcode|names? of the (?:manager|owner))\b",
        _PEOPLE,
    ),
    (
        r"\b(?:competitors?|competition|rivals?|other (?:compan\w+|retailers?|firms?|countr\w+|chains?)|amazon|tesco|walmart|aldi|lidl|sainsbury\w*|google|apple|microsoft|market share)\b",
        _OTHERS,
    ),
    (
        r"\b(?:should|ought|shall|must)(?: (?:i|we|one|my \w+|our \w+)\b)(?! (?:expect|trust|rely|know|be surprised|look|check|watch|worry|care|pay attention|be (?:looking|worried|concerned|careful))\b)|\b(?:would it be (?:wise|better|good)|is it (?:wise|worth|a good idea)|do you (?:recommend|advise|suggest)|recommend\w*|advi[cs]e|advisable)\b"
        r"|\bwhat (?:can|could|do|would) (?:i|we) do\b|\bhow (?:can|could|do) (?:i|we) (?:improve|increase|boost|sell|reduce|raise|grow|avoid|fix|prevent)\b|\bwhat if\b|\bwhat would happen\b|\bsuppose\b|\bassum\w+\b|\bif (?:we|i) (?:raise|lower|cut|double|increase|reduce|close|open|add|stop|drop|change|had|were)\b",
        _ADVICE,
    ),
]
_COMPILED = [(re.compile(pattern, re.IGNORECASE), reason) for pattern, reason in _RULES]
UNKNOWN = "Nothing in the data of this workspace is about that."


def reason(text: str, names: Collection[str] = ()) -> str | None:
    """The reason to refuse a question, or None. `names`: words of the workspace, which count as names instead of
    topics.
    """
    for pattern, why in _COMPILED:
        for match in pattern.finditer(text):
            if why in (_NOT_ONE, _ADVICE) or not set(re.findall(r"\w+", match.group().casefold())) & set(names):
                return why
    return None


def words() -> re.Pattern[str]:
    """Words of refused topics, which must not be corrected as typos."""
    return _TOPICS


_TOPICS = re.compile("|".join(pattern for pattern, why in _RULES if why in (_MONEY, _CAUSE, _OTHERS)), re.IGNORECASE)
