"""Intents of a question, matched by patterns; names and times have been replaced by upper-case words."""

import re

_OF = r"(?:series|ones?|items?|products?|stores?|skus?|things?|ATTRIBUTE|forecasts?|of them|which|what|who|list|top|rank|NUMBER|name|show)"
_PATTERNS: list[tuple[str, str]] = [
    (
        "help",
        r"^\W*(?:hello|hi|hey|help|thanks|thank you|good (?:morning|evening|afternoon))\W*$|what (?:else )?(?:can|could) (?:you|i) (?:do|ask|answer|help|tell)|who are you|what are you\b|how (?:can|do) you (?:help|work)|what kinds? of questions|help me$",
    ),
    (
        "meaning",
        r"\b(?:what|which) (?:do|does|did|is|are)\b[^?]*\b(?:mean|means|meant|stand for|signify|represent)\b|\bmeaning of\b|\bdefin(?:e|ition)|\bglossary\b|\bmeant by\b|\bwhat (?:is|are|s)(?: an?| the)? (?:METRIC|COLUMN|MODEL|UNIT|skill|coverage|bias|psi)\W*$|^\W*(?:explain|describe)(?: to me| me)?(?: the| a)?(?: term| word| column| metric| model| covariate| abbreviation)*:? ?(?:METRIC|COLUMN|MODEL|UNIT)\W*$|\bwhat (?:is|are)(?: an?| the)? (?:backtest\w*|champions?|seasonal naive|conformal\w*|drift|interval|cutoffs?|horizon|alias\w*|ensembles?|bridge|forecast sets?|baseline)\W*$|\bhow (?:is|are)(?: the)? (?:METRIC|skill|intervals?|attention|score|drift) (?:calculated|computed|defined|measured)",
    ),
    (
        "document",
        r"\bhow (?:do|can|could|would|should|to)(?: i| we| you)?\b(?! (?:trust|rely|know|tell|see if|much|many))|\bwhere (?:do|can|could) (?:i|we)\b|\bdocument(?:s|ed|ation)?\b|\bnotes? (?:say|on|about)|\bwhat is written\b|\brun card\b",
    ),
    (
        "accuracy",
        r"\bbeats?\b|\b(?:better|worse) than\b[^?]*\b(?:MODEL|naive|baseline)|\bagainst (?:the |a )?(?:MODEL|naive|baseline)",
    ),
    (
        "changed",
        r"\bchang\w*[^?]*\b(?:since|from|between|against|with|to|in|after)\b[^?]*\b(?:last|previous|prior|latest|recent|older|newest|run|training|retrain\w*|update|forecast before|version|one before)\b|\b(?:since|than|from|against|versus|vs|to|with)(?: the| our| its)? (?:last|previous|prior|earlier|preceding) (?:run|forecast|training|one|update|version|publication|time)|\bwhat(?:'s| is| has| have|s)?(?: been)? (?:new|changed|different)\b|\bcompare\w*(?: the)?(?: last| previous)?(?: \w+)? runs\b|\bruns? (?:differ|changed?)|\brevis(?:ed|ion)|\bforecast change\b|\bgot (?:better|worse)\b|\b(?:improved|worsened|deteriorated)\b",
    ),
    (
        "alerts",
        r"\balerts?\b|\balarms?\b|\bdrift\w*|\bmonitor\w*|\bpsi\b|\bstill (?:hold|right|valid|ok|okay|good|work|accurate|correct|fine|reliable)|\bdegrad\w+|\bin production\b|\bnew actuals\b|\bwarnings?\b(?! in the data)|\bhealthy?\b|\b(?:wrong|accurate|off|accuracy|errors?) (?:lately|recently)|\b(?:lately|recently)\b[^?]*\b(?:wrong|accurate|off|accuracy|errors?)|\bshift(?:ed|s)?\b|\bunusual\b|\banomal\w+|\bflagged\b|\bregime\b",
    ),
    (
        "horizon",
        r"\berrors?\b[^?]*\b(?:grow|grows|increase|increases|horizon|ahead|further|farther|steps?|windows?|fold)|\b(?:accura\w+|reliab\w+|good|precise|METRIC|worse|worsen|deteriorat\w+|quality)\b[^?]*\b(?:further|farther|far|longer|more steps?|steps?|days?|NUMBER \w+) (?:ahead|out|away|horizons?)|\bby (?:horizon|step|window|cutoff)|\bper (?:window|cutoff|step)\b[^?]*\berror|\b(?:long|longer) horizon|\bbacktest windows?\b|\beach window\b|\b(?:near|short) (?:term|horizon)\b[^?]*\b(?:long|far)",
    ),
    (
        "counts",
        r"\bhow many (?:different |distinct )?(?:series|ATTRIBUTE|models?|skus?|windows|time series|items|steps|categories|stores|products)\b(?![^?]*\b(?:alert|warn|drift|reject|sold|forecast for|better|worse|alerting|warnings)\b)|\b(?:which|what|list|name|show)(?: me)?(?: all)?(?: the| our)? ?(?:different )?ATTRIBUTE(?:s|es)?\b[^?]*\b(?:there|exist|have|covered|in the data|in here|available|workspace|known)\b|^\W*(?:list|show)(?: me)?(?: all)?(?: the| our)? ?(?:ATTRIBUTE|stores|categories|products)\W*$|\b(?:what|which)(?: is| are)?(?: the)? (?:unit|units|frequency|granularity|levels?|covariates?|regressors?|attributes?)\b|\bhow far (?:ahead|out|into the future|do|does|can|is)|\bhow many steps\b|\bhow long is(?: the| our)? (?:horizon|forecast)\b|\b(?:what|which|how long) (?:is )?(?:the |our )?(?:forecast )?horizon\b|\buntil when\b(?![^?]*\bdata\b)|\bwhen (?:was|were|did)\b[^?]*\b(?:train|trained|retrained|last run|fitted)|\blast (?:trained|training)\b|\bwhen does the forecast (?:end|start|begin)|\bhow often\b|\bthe unit\b|\bin which unit",
    ),
    (
        "attention",
        r"\battention\b|\b(?:should|must|do|shall|need to|have to) (?:i|we) (?:look|check|watch|worry|care|be (?:looking|worried|concerned))|\b(?:problem\w*|urgent|critical|risky|worr\w+|concern\w*|suspicious|priorit\w+|trouble\w*|strange|weird|look at|focus)\b|\bneeds? (?:me|us|somebody|a look|help|work)\b",
    ),
    (
        "models",
        r"\bmodels?\b(?![^?]*\b(?:accuracy of)\b)|\bMODEL\b|\bchampions?\b|\bleaderboard\b|\balgorithms?\b|\bensemble\b|\b(?:which|what) (?:method|technique|approach)",
    ),
    (
        "movers",
        r"\b(?:rise|rises|rising|grow|grows|growing|increase|increases|increasing|gain|gains|climb\w*|up|fall|falls|falling|drop|drops|dropping|decline|declines|declining|decrease\w*|shrink\w*|lose|loses|down|change|changes|changing|move|moves|differ\w*|jump\w*)(?: the| by)?(?: most| fastest| strongest| least| hardest)|\b(?:most|biggest|largest|strongest|fastest|steepest|top|main)(?: \w+)? (?:ris\w+|grow\w+|increase\w*|gain\w*|climb\w*|fall\w*|drop\w*|declin\w*|decrease\w*|los\w+|chang\w*|mover?s?|movements?|jumps?|shrink\w*)|\b(?:gainers|losers|movers|decliners|risers|growers)\b|\b(?:which|what|any)\b[^?]*\b(?:series|ATTRIBUTE|stores?|products?|items?|categories|ones)\b[^?]*\b(?:rising|falling|growing|declining|dropping|increasing|decreasing|shrinking|go(?:es|ing)? (?:up|down)|grow|fall|rise|drop|decline|increase|decrease)\b",
    ),
    (
        "ranked_error",
        r"\b(?:worst|least (?:accurate|reliable|predictable)|hardest|poorest|most (?:inaccurate|wrong|uncertain|unreliable)|(?:highest|largest|biggest|lowest|smallest|most|least) (?:errors?|METRIC|skill)|badly|poorly|most (?:accurate|reliable|predictable)|easiest|best)\b(?! (?:day|week|case|date|sell\w*|model))",
    ),
    (
        "ranked_size",
        r"\b(?:which|what|list|top|name|rank|show|give)\b[^?]*\b(?:sells?|selling|sold|forecast|sales|volume|demand|UNIT|expected|sellers?|series|ATTRIBUTE|products?|items?|stores?)\b[^?]*\b(?:most|largest|biggest|highest|best|least|smallest|lowest|fewest|top|more than)\b|\b(?:largest|biggest|highest|smallest|lowest|top|best)(?: NUMBER)?(?: selling)? (?:series|ATTRIBUTE|products?|items?|stores?|sellers?|forecasts?)\b|\b(?:best|top)(?: |-)?sell\w+|\btop NUMBER\b|\brank\w*\b",
    ),
    (
        "peak",
        r"\b(?:peak\w*|highest|maximum|maximal|max|busiest|strongest|high point)\b|\bbest (?:day|week|date)\b|\b(?:when|which (?:day|date|step|hour|week|weekday))\b[^?]*\bmost\b|\bmost\b[^?]*\bwhen\b",
    ),
    (
        "trough",
        r"\bits lows?\b|\b(?:trough|lowest|minimum|minimal|min|quietest|weakest|calmest|low point|bottom)\b|\bworst (?:day|week|date)\b|\b(?:when|which (?:day|date|step|hour))\b[^?]*\b(?:least|fewest)\b",
    ),
    (
        "interval",
        r"\bintervals?\b|\brange\b|\buncertain\w*|\bbands?\b|\b(?:best|worst)(?: |-)case\b|\b(?:upper|lower) (?:bound|limit|end)|\bhow (?:wide|sure|certain|narrow)\b|\bspread\b|\bconfidence\b|\bprobab\w+|\bquantiles?\b|\bcover(?:s|ed|age|ing)?\b|\bcalibrat\w+|\bat (?:most|least)\b",
    ),
    (
        "trust",
        r"\btrust\w*|\brel(?:y|iable|iability|ied)\b|\bbeliev\w+|\bconfident\b|\bcount on\b|\bdepend on\b|\bhow (?:solid|sound|robust|trustworthy|safe)",
    ),
    (
        "accuracy",
        r"\baccura\w+|\berrors?\b|\bMETRIC\b|\bprecis\w+|\bhow (?:good|bad|wrong|far off|right|well)\b(?![^?]*\bdata\b)|\bperform\w*|\bskill\w*|\bbacktest\w*|\bbeats?\b|\bbetter than(?: a| the)?(?: seasonal)? naive|\bbias\w*|\bover-?forecast\w*|\bunder-?forecast\w*|\btoo (?:high|low)\b|\b(?:how )?(?:far )?off\b|\bquality of the forecasts?|\bforecast quality",
    ),
    (
        "quality",
        r"\bdata (?:end|start|begin|stop|reach|go)\b|\bwhen (?:do|does)(?: the| our)? data\b|\bdata quality\b|\bquality\b|\bhow (?:good|clean|complete|fresh|old|new|recent|up to date)\b[^?]*\bdata\b|\breject\w*|\bduplicat\w+|\bchecks?\b|\brows?\b|\bfresh\w*|\bup to date\b|\b(?:newest|latest|last|most recent) (?:data|actuals?|values?|observations?|dates?|day of data)|\bstale\b|\buntil when\b|\bdata (?:complete|clean|ok|good|problems|errors)|\b(?:problems|errors|issues|mistakes|wrong) (?:in|with) the data|\bhow many (?:missing|gaps)|\bmissing (?:values|data|days|dates)|\bgaps\b|\bdata version",
    ),
    (
        "profile",
        r"\bkind of demand\b|\bdemand (?:class|type|pattern)|\bwhat kind\b|\bintermittent\b|\bseasonal\w*|\bseasons?\b|\btrend\w*\b|\bhow (?:long|much) (?:is the |is its |of a )?history\b|\bhow many (?:observations|values|zeros|data ?points|days of)|\bzeros?\b|\battributes?\b|\bprofile\b|\bhistory\b[^?]*\blong\b|\boldest\b|\bbegins?\b|\bmissing\b",
    ),
    (
        "why",
        r"\bwhy\b|\bexplain\w*|\bexplanation|\breasons?\b|\bdriv(?:e|es|en|er|ers|ing)\b|\bbehind\b|\bcaus(?:e|es|ed|ing)\b|\bmade of\b|\bmake up\b|\bcompos\w+|\bcomponents?\b|\bbreak ?down\b|\bbroken down\b|\bdecompos\w+|\bcontribut\w+|\binfluenc\w+|\b(?:effect|impact|role) of\b|\bhow (?:much|strongly|far)? ?(?:does|do) (?:the )?COLUMN\b|\bdue to\b|\baffect\w*|\bCOLUMN\b[^?]*\b(?:effect|impact|matter|affect|change|lift|pull|push)|\bwhat makes\b|\bhow come\b|\bbecause\b",
    ),
    (
        "compare",
        r"\bcompar\w+|\bversus\b|\bvs\b|\bdifferences? between\b|\bdiffer\w*\b|\bside by side\b|\bor\b|\bbreakdown by\b|\bsplit by\b|\b(?:by|per|each|every) ATTRIBUTE\b",
    ),
    ("share", r"\bshares?\b|\bproportion\b|\bper ?cent(?:age)? of\b|\bfraction\b|\bhow much of\b|\bimportant\b"),
    (
        "last_year",
        r"\blast year\b|\byear (?:on|over|to|by) year\b|\byoy\b|\byear (?:ago|before|earlier)\b|\bprevious year\b|\bcompared (?:to|with) (?:a |the )?(?:last |previous )?year|\byear\b[^?]*\b(?:compare|change|growth)",
    ),
    (
        "summary",
        r"\bin (?:this|the|here|our) (?:workspace|data|dataset)\b|\bwhat data\b|\bwhat (?:do|have) (?:you|we) (?:have|got)\b|\bsummar\w*|\boverviews?\b|\bbrief\w*|\brecap\b|\bdigest\b|\bhow (?:are|is|s|re) (?:we|things|it|everything|all|this|SERIES|VALUE|PART|business)\b(?: (?:doing|going|looking|look|performing|today|now))?|\bstate of\b|\bshould (?:i|we) know\b|\breport\b|\btell (?:me|us)(?: something| more| everything| all)? about\b|\bkey (?:facts|figures|points|numbers)\b|\bheadlines?\b|\btl ?dr\b|\bsituation\b|\bstatus\b|\bwhat(?:'s| is) (?:going on|up|happening)\b|\bnutshell\b|\bbig picture\b|\bdescribe\b|\bdetails? (?:on|of|about)",
    ),
    (
        "changes",
        r"\b(?:ris(?:e|es|ing)|rose|grow(?:s|ing|n|th)?|increas\w+|climb\w*|fall(?:s|ing|en)?|fell|drop\w*|declin\w+|decreas\w+|shrink\w*|go(?:es|ing)? (?:up|down)|went (?:up|down)|up or down|higher or lower|more or less|higher|lower|chang\w*|direction|develop\w*|than (?:last|the last|before|usual|SPAN)|(?:against|versus|vs|compared (?:to|with))(?: the)? (?:last|previous|SPAN))\b",
    ),
    (
        "actuals",
        r"\b(?:sold|actuals?|actually|was|were|did|happened|history|historical|recorded|measured|observed|realised|realized|past)\b",
    ),
    (
        "forecast",
        r"\bforecast\w*|\bexpect\w*|\bpredict\w*|\bhow (?:much|many)\b|\bwill\b|\bwould\b|\btotals?\b|\bsum\b|\bdemand\b|\boutlook\b|\bproject\w*|\bestimat\w*|\bsell\w*|\bsales\b|\bgoing to\b|\bvolume\b|\baverage\b|\bmean\b|\bahead\b|\bUNIT\b|\bnumbers?\b|\bfigures?\b|\bplan\w*|\bneed\b|\blook like\b|\bload\b|\bconsumption\b|\busage\b",
    ),
]
_COMPILED = [(name, re.compile(pattern)) for name, pattern in _PATTERNS]


def all_of(text: str) -> list[str]:
    """The intents whose patterns match the text, the most specific first."""
    return [name for name, pattern in _COMPILED if pattern.search(text)]
