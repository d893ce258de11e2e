"""Vocabulary of analysts' questions. A word that is neither in it nor a name of the workspace is not in the data."""

from collections.abc import Sequence
from functools import cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

# Filler words, allowed in any question.
_FILLERS = """
a about above actually after again ahead all almost along already also altogether always am among an and another any anybody
anyone anything anyway approximately are around as ask asked asking at away b back be because been before being below beside
besides between both brief briefly but by can cannot could couldn't currently d day days did didn't do does doesn't doing don't
done down during each either else ever every everybody everyone everything exactly far few for from fully further general
generally give gives giving go goes going gonna got had happen happened happening happens has hasn't have haven't having he
hello help helps her here hey hi him his hour hours how however i i'd i'll i'm i've if in inside instead into is isn't it it's
its itself just keep kind kindly know knowing known last later latest least let let's like likely list ll long longer look
looking looks lot lots make makes many may maybe me mean means meant might mind minute moment month months more moreover most
much must my myself name named namely names near nearly need needed needs never new newest newly next nice no none nor not
nothing now number numbers of off ok okay old on once one ones only onto or other others our ours out outside over overall own
part particular past per perhaps please possible possibly precisely pretty previous probably put quarter quick quickly quite
quickest rather re really recent recently related relative right roughly s say saying says see seeing seem seems seen several shall she
should show showing shown shows side simply since so some somebody someone something somewhat soon sort specific step steps still
such sure t take takes tell telling tells than thank thanks that that's the their them then there there's these they thing
things think this those though through thus time times to today together tomorrow tonight too toward towards under
unfortunately until up upcoming us use used uses using usual usually various ve very via view wanna want wanted wants was wasn't
way ways we week weekday weekend weeks well were weren't what what's when where whether which while who whole whose why will
with within without won't wonder wondering word words would wouldn't y'all year years yes yesterday yet you your yours
less fewer least greater
hit often rarely sometimes frequently eve
lately pls plz teh whats further farther longer somewhat
curious interested explain glad nutshell boss manager meeting colleague colleagues team question questions answer answers
quarterly monthly weekly daily hourly yearly annual annually
monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october
november december noon midnight morning evening afternoon
"""
# Topic words. Inflected forms are found by their stems.
_SUBJECTS = """
accuracy accurate actual add ahead alarm alert alone amount anomaly anticipate attention attribute average bad bar baseline
backtest backtesting behave behind best better bias big bigger biggest biased break breakdown bridge build busy busiest band
calculate calibrate calibrated calm candidate category cause caused certain certainty change changed check chosen class
close column come comes common compare compared comparison component compose composed composition concern confidence confident
configuration consist contain contribute contribution correct count covariate cover coverage critical cutoff data dataset date
decline decompose decomposition decrease default define definition degrade demand depend describe description deteriorate
detail develop deviate deviation difference differ different dip direction distribution document documentation dominate double down
drive driven driver drift drop due earlier early end error estimate evolve evaluate evaluation exceed expect expected
expectation explanation exogenous expand extreme fact factor fail failing fall fare feature figure find fine first fit flag
fluctuate follow forecast forecasted frequency full future gap get good granularity great group grow growth half happy hard
headline health healthy hierarchy high higher highest history historic historical hold holiday horizon important improve improvement
increase indicate influence information input inside intermittent interval item jump kind key label large larger largest
latest lead leader leaderboard leading lean level light little live location long look low lower lowest main major make mark max maximal maximum
meaning measure measured median meter method metric min minimal minimum miss missing model monitor monitoring
movement move naive narrow negative news normal notable noteworthy null observation observe off offline origin outlier
outlook output overestimate overforecast overpredict overview pair panel pattern peak per percent percentage perform performance
period pick picture place plan planning point poor poorly portfolio positive predict predictable prediction present prior problem problematic produce
product production profile proportion publish published purpose push quality quantile quantity quiet quietest range rank ranked ranking ratio read
reach real reason record reduce regime reject rejected rely reliable reliability remain report require residual respect result review rise rising risk risky
robust row run sale sales same sample scale schema score season seasonal seasonality sell selling sold send series set setting shape share
shift shop short shortest show shrink significant similar single situation size skill slow small smaller smallest solid sound source spike split spread stable stability
stand start state stat statistic statistics statistical stay status step store strange strength strong strongest structure sum summary summarise summarize
summarised surprise surprising suspect table target test tested text threshold thresholds top total track train trained training trend trough true trust trusted trustworthy
trustworthiness trusting turn type typical uncertain uncertainty under underestimate underforecast underpredict understand unexpected unit unreliable unstable
unusual update updated upper upward usual valid value variable variance variation vary version versus volatile volatility volume vs warn warning watch weak weakest
weird wide wider widest window winner win work workspace worried worry worrying worse worst wrong yoy wow mom zero zeros
champion champions ensemble method sku skus line lines entity branch branches site sites outlet outlets weigh weight lift pull worsen shall
bottom dropper riser gainer loser mover movers movement gainers losers decliner decliners climbers grower growers demand load consumption usage
degraded flagged glossary term abbreviation stands stand acronym signify concept metric refer read
fresh stale age recorded reading readings complete incomplete clean dirty duplicate duplicates
impact effect affect happen split decline slump surge plunge climb soar tumble
summarising summarizing recap digest tldr tl dr overview eda
approx rough roughly altogether total totals
ready trained retrained retraining training refit learn learnt learned algorithm technique approach
beat horizons psi coverage skill bias population stability index
reference spec format source sources file files rows columns fields field
quiet busy weekday weekdays days dates calendar
"""
_SUFFIXES = ("'s", "s", "es", "d", "ed", "ing", "ly", "er", "r", "est", "st", "ion", "ions", "ment", "able", "al")


@cache
def known() -> frozenset[str]:
    """All words, as listed here."""
    return frozenset(f"{_FILLERS} {_SUBJECTS}".split())


@cache
def subjects() -> tuple[str, ...]:
    """The words that typos are corrected to, sorted."""
    return tuple(sorted({word for word in known() if len(word) >= 5}))


def is_known(word: str) -> bool:
    """Whether the word, or a stem of it, is in the vocabulary."""
    return any(stem in known() for stem in stems(word))


def stems(word: str) -> list[str]:
    """The word itself, and the word without its ending."""
    forms = [word]
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            stem = word.removesuffix(suffix)
            forms += [stem, f"{stem}e"]
            if len(stem) > 3 and stem[-1] == stem[-2]:
                forms.append(stem[:-1])  # dropping, drop
    if word.endswith("ies"):
        forms.append(f"{word[:-3]}y")
    return forms


def near(word: str, others: Sequence[str]) -> str | None:
    """The only one of the sorted others that the word is a typo of: one letter added, missing, replaced or two swapped;
    two such errors in a long word.
    """
    most = 1 if len(word) < 8 else 2
    begin_alike = [other for other in others if other[:1] == word[:1]]
    close = process.extract(word, begin_alike, scorer=OSA.distance, score_cutoff=most, limit=2)
    if not close or (len(close) == 2 and _is_tie(*close)):
        return None
    return close[0][0]


def _is_tie(one: tuple[str, float, int], other: tuple[str, float, int]) -> bool:
    """Whether two words are equally close and not two forms of one word."""
    return one[1] == other[1] and not set(stems(one[0])) & set(stems(other[0]))
