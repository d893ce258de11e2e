"""Words by which a draft's sentence makes a claim, and those that may stand next to a date, level or amount."""

from backend.copilot.concepts import Words, words_of

UP: Words = words_of(
    "rise rises rose risen rising increase increases increased increasing grow grows grew grown growing growth "
    "climb climbs climbed jump jumps jumped surge surges surged soar soars gain gains gained higher up"
)
DOWN: Words = words_of(
    "fall falls fell fallen falling decrease decreases decreased decreasing drop drops dropped dropping decline "
    "declines declined declining shrink shrinks shrank sink sinks sank plunge plunges plunged loses lost lower "
    "down"
)
MORE: Words = (*UP, "more", "above", "over")
LESS: Words = (*DOWN, "less", "fewer", "below", "under")
BETTER: Words = ("better", "beats", "beat", "improves", "improved", "improvement", "outperforms", "ahead")
WORSE: Words = ("worse", "behind", "worsened", "deteriorated")
NOT: Words = words_of("not no never neither nor hardly without none nothing isn't doesn't don't won't cannot can't")
WHOLE: Words = ("workspace", "all", "whole", "overall", "together", "altogether", "every")
# Claims that a sentence may make only next to a fact that supports them.
CLAIMS: Words = words_of(
    "worst best largest biggest highest lowest smallest strongest weakest peak peaks maximum minimum trough"
)

# Superlatives allowed for the first in a ranking: by the order or, for good and bad, by the measure as well.
FIRST: dict[str, Words] = {
    "highest": ("highest", "largest", "biggest", "strongest", "maximum"),
    "lowest": ("lowest", "smallest", "weakest", "minimum"),
    "highest error": ("worst",),
    "lowest error": ("best",),
    "highest skill": ("best",),
    "lowest skill": ("worst",),
}
NUMERIC = frozenset(["quantity", "change", "difference", "share", "number", "count", "interval", "level"])
DATED = frozenset(["date", "period"])
DATES: Words = words_of("date dates day days when period week month newest latest oldest trained")
ONLY_DATES: Words = ("on", "since", "until", "till")
BEFORE_DATES: Words = (
    *ONLY_DATES,
    *words_of(
        "for of from to in after before by raised during over and between as dated through ends begins starts reaches {"
    ),
)
BEFORE_LEVELS: Words = ("level", "levels", "and")
AFTER_LEVELS: Words = ("interval", "intervals", "level", "prediction")
BEFORE_INTERVALS: Words = ("from", "between", "is", "of", "range", "spans")
AMOUNTS: Words = ("to", "totals", "total", "averages", "after", "at")
NEVER_BEFORE: dict[str, Words] = {  # prepositions that would turn a start date into an end date, or the reverse
    "first_date": ("until", "till", "to"),
    "last_date": ("from", "since"),
    "forecast_end": ("from", "since"),
}
RANKS: Words = ("place", "rank", "ranks", "placed", "ranked")
NO_VERB: Words = ("it", "they", "which", "that", "this", "{")
NAMES_A_PERIOD = frozenset(["date", "period", "level"])
