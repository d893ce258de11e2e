"""Forecast page of one series: forecast, uncertainty, explanation and earlier forecasts."""

from typing import Any

import pandas as pd
import streamlit as st

from frontend.copilot import chat
from frontend.core import api, exports, figures, link, roles, shell, states, tables, words
from frontend.core.client import Json
from frontend.core.frames import frame
from frontend.forecast import calls, charts

SERIES = "series"
VIEWS = ("Why", "In the past", "What if", "Table", "About the series")
FOUND = 50  # series shown by a search
MATCHES = 12  # matches shown as buttons
MOST = 744  # steps that the service computes
LINES = {"previous": "Previous forecast", "baseline": "Seasonal naive"}
BASELINE = "seasonal_naive"


def page() -> None:
    workspace = shell.workspace()
    name = workspace["name"]
    shell.title("Forecast", f"{words.literal(workspace['title'])} · one series, and why")
    states.require(workspace, "ready")
    unique_id = _pick(name)
    if unique_id is None:
        return
    shell.tab("Forecast", unique_id)
    client = shell.client()
    with states.loading("Reading the forecast"):
        forecast = calls.forecast(client, name, unique_id)
        history = calls.history(client, name, unique_id)
        why = calls.explanation(client, name, unique_id)
        profile = api.profile(client, name, unique_id)
        watched = api.monitored(client, name, unique_id) if profile and profile["monitored"] else None
    if profile is None:  # it was removed after the list was read
        return
    rows, past = frame(forecast["forecasts"][0]["points"]), frame(history["points"])
    _head(forecast, profile)
    if watched:
        _watched(watched)
    _fan(workspace, unique_id, forecast, rows, past, why)
    chat.box(name, "forecast", unique_id)
    with link.to("view", VIEWS):
        tabs = st.tabs(VIEWS, key="view", on_change="rerun")
    if tabs[0].open:
        with tabs[0]:
            _why(why, workspace, unique_id)
    if tabs[1].open:
        with tabs[1]:
            _past(workspace, unique_id, past, forecast)
    if tabs[2].open:
        with tabs[2]:
            _what_if(workspace, unique_id, rows, past, forecast)
    if tabs[3].open:
        with tabs[3]:
            _table(rows, past, workspace, unique_id)
    if tabs[4].open:
        with tabs[4]:
            _about(profile)


def _pick(workspace: str) -> str | None:
    """The selected series, kept in the URL; searched by the service, so any number of series works."""
    client, state = shell.client(), st.session_state
    if state.get(shell.LAST) and workspace not in state[shell.LAST]:
        state["seek"] = ""  # typed for a series of another workspace
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    search = left.text_input("Find a series", key="seek", type="search", live=True, placeholder="part of its name")
    with link.to(SERIES):
        named: str | None = state[SERIES] or state.get(shell.LAST, {}).get(workspace)
        with states.loading("Searching"):
            matching = api.series(client, workspace, search or "", sort="-last_value", limit=FOUND)
            largest = [one["unique_id"] for one in matching["items"]]
            if named and named not in largest and api.profile(client, workspace, named) is None:
                link.missing(SERIES, named, next(iter(largest), ""))
                named = None
        state[SERIES] = named = named or next(iter(largest), None)
        if named is None:
            states.empty(f"No series of this workspace holds “{words.literal(search)}”.")
            return None
        options = largest if named in largest else [named, *largest]
        whole = matching["total"] <= FOUND
        count = f"{matching['total']:,} series" if whole else f"the {FOUND} largest of {matching['total']:,} series"
        chosen: str = right.selectbox(f"Series ({count})", options, key=SERIES)
    state[shell.LAST] = {workspace: chosen}
    if search:
        matches = largest[:MATCHES]
        st.pills(
            "Found", matches, key="matches", on_change=_take_match, format_func=words.literal,
            label_visibility="collapsed",
        )  # fmt: skip
        if not matches:
            st.caption(f"No series holds “{words.literal(search)}”.")
    return chosen


def _take_match() -> None:
    """Selects the match that was clicked."""
    if match := st.session_state["matches"]:
        st.session_state[SERIES] = match
        st.session_state["seek"] = ""


def _head(forecast: Json, profile: Json) -> None:
    """Header: the series and the total of its forecast."""
    one, unit = forecast["forecasts"][0], forecast["unit"]
    with st.container(horizontal=True, gap="small"):
        _badge(words.model(one["model"]), "blue", ":material/model_training:", tip="The champion")
        _badge(profile["demand_class"], tip="The kind of demand")
        if profile["status"] != "forecast":
            _badge(profile["status"], "orange", ":material/info:")
        for name, value in profile["attributes"].items():
            _badge(f"{name} {value}")
    values = [point["y_hat"] for point in one["points"]]
    peak = max(one["points"], key=lambda point: point["y_hat"] if point["y_hat"] is not None else float("-inf"))
    metric = words.literal(words.metric(profile["metric"]))
    quiet: Any = {"border": True, "height": "stretch", "delta_color": "off", "delta_arrow": "off"}
    columns = shell.tiles(4)
    columns[0].metric(
        "Last value", words.literal(words.number(profile["last_value"], unit)), words.day(profile["last_ds"]), **quiet
    )
    columns[1].metric(
        "Next value", words.literal(words.number(values[0], unit)), words.day(one["points"][0]["ds"]), **quiet
    )
    columns[2].metric("Highest", words.literal(words.number(peak["y_hat"], unit)), words.day(peak["ds"]), **quiet)
    columns[3].metric(
        "Skill",
        words.percent(profile["skill"]),
        f"{metric} {words.figure(profile['error'], profile['metric'])}",
        **quiet,
        help="How much smaller the error is than that of the seasonal naive, in the backtest.",
    )


def _badge(text: object, colour: str = "gray", icon: str = "", tip: words.Markdown | None = None) -> None:
    st.markdown(words.badge(text, colour, icon), help=tip, width="content")


def _watched(standing: Json) -> None:
    """Monitoring status: whether the forecasts still hold, and which inputs have drifted."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        told = ", ".join(f"{kind}: {status}" for kind, status in standing["statuses"].items())
        colour = words.COLOURS[standing["status"]]
        _badge(f"monitored: {standing['status']}", colour, ":material/monitor_heart:", tip=words.literal(told))
        st.caption(words.literal(words.standing(standing)))
        link.offer("monitoring", "Monitoring of this series", view="Series", watched=standing["unique_id"])


def _fan(workspace: Json, unique_id: str, forecast: Json, rows: pd.DataFrame, past: pd.DataFrame, why: Json) -> None:
    client, name = shell.client(), workspace["name"]
    link.check("beside", LINES.values())
    shown = st.pills(
        "Beside it", list(LINES), selection_mode="multi", default=["previous"], format_func=LINES.__getitem__,
        key="beside", bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    previous = baseline = None
    if "previous" in shown:
        if since := why["bridge"]["since"]:
            with states.loading("Reading the previous forecast"):
                previous = frame(calls.forecast(client, name, unique_id, since)["forecasts"][0]["points"])
        else:
            st.caption("There is no earlier forecast yet.")
    if "baseline" in shown and (refused := roles.missing("analyst")):
        st.caption(f"{LINES['baseline']}: {refused}")
    elif "baseline" in shown:
        with states.loading("Computing the seasonal naive"):
            computed = calls.generate(client, name, unique_id, len(rows), BASELINE)
        baseline = frame(computed["forecasts"][0]["points"])
    figure = charts.fan(past, rows, forecast["unit"], previous=previous, baseline=baseline)
    figures.show(figure, "forecast", "Forecast", workspace, unique_id, alt=_told(unique_id, forecast))


def _told(unique_id: str, forecast: Json) -> str:
    """The chart in a sentence, for screen readers."""
    points, unit = forecast["forecasts"][0]["points"], forecast["unit"]
    first, last = points[0], points[-1]
    return (
        f"{unique_id}: {words.number(first['y_hat'], unit)} on {words.day(first['ds'])}, "
        f"{words.number(last['y_hat'], unit)} on {words.day(last['ds'])}."
    )


def _why(why: Json, workspace: Json, unique_id: str) -> None:
    """Components of the forecast, and what changed since the previous one."""
    unit = workspace["unit"]
    over = "Over" if why["aggregate"] == "sum" else "On average over"
    if why["points"]:
        exact = why["method"] == "exact"
        st.header("What it is made of")
        figure = charts.components(frame(why["points"], "components"), unit)
        figures.show(figure, "components", "Components of the forecast", workspace, unique_id)
        parted = ", ".join(f"{name} {words.number(value)}" for name, value in why["totals"].items())
        st.caption(
            f"{over} the {len(why['points'])} steps: {words.literal(parted)}{f' ({words.literal(unit)})' if unit else ''}."
        )
        st.caption(
            "The parts are the model's own and sum to the forecast."
            if exact
            else "The parts describe the forecast and sum to it; the model itself does not work with them."
        )
    else:
        states.empty("This forecast was published without its parts.")
    bridge = why["bridge"]
    st.header("What changed since the last forecast")
    if any(bridge["totals"].values()):
        figure = charts.waterfall(bridge["totals"], unit)
        figures.show(figure, "bridge", "Change since the last forecast", workspace, unique_id)
        st.caption(
            f"{over} the {len(bridge['points'])} steps that both have; since the forecast {words.literal(bridge['since'])}."
        )
    elif bridge["points"]:
        st.caption(f"It is: nothing changed since the forecast {words.literal(bridge['since'])}.")
    else:
        st.caption("There is no earlier forecast of the same steps.")
    for note in bridge["notes"]:
        st.caption(words.literal(note))


def _past(workspace: Json, unique_id: str, past: pd.DataFrame, forecast: Json) -> None:
    """Backtest: the forecast at each cutoff and its error."""
    model = forecast["forecasts"][0]["model"]
    with states.loading("Reading the backtest"):
        tested = frame(calls.backtest(shell.client(), workspace["name"], unique_id)["points"])
    models = sorted(tested["model"].unique(), key=lambda one: (one != model, one))
    cutoffs = [f"{cutoff:%Y-%m-%d %H:%M}".removesuffix(" 00:00") for cutoff in sorted(tested["cutoff"].unique())]
    left, right = st.columns([1, 2])
    with link.to("tested", models):
        chosen = left.selectbox("Model", models, format_func=words.model, key="tested")
    with link.to("cutoff", ["all", *cutoffs]):
        cutoff = right.select_slider("Cutoff", ["all", *cutoffs], key="cutoff")
    rows = tested[tested["model"] == chosen]
    if cutoff != "all":
        rows = rows[rows["cutoff"] == pd.Timestamp(cutoff)]
    said = f"Backtest of {words.model(chosen)}"
    figures.show(charts.windows(past, rows, forecast["unit"]), "backtest", said, workspace, unique_id)
    st.header("Actual minus forecast")
    figures.show(charts.residuals(rows, forecast["unit"]), "residuals", "Actual minus forecast", workspace, unique_id)
    st.caption("Above the line the forecast was too low. These windows were not seen when the models were fitted.")
    _exports(rows, "backtest", workspace, unique_id)


def _what_if(workspace: Json, unique_id: str, rows: pd.DataFrame, past: pd.DataFrame, forecast: Json) -> None:
    """Another horizon or model, computed on request; published forecasts do not change."""
    champion = forecast["forecasts"][0]["model"]
    with st.form("generate", border=False):
        left, middle, right = st.columns([1, 1, 1], vertical_alignment="bottom")
        horizon = left.number_input("Steps ahead", 1, MOST, len(rows), key="steps")
        models = [champion, *(name for name in workspace["models"] if name != champion)]
        model = middle.selectbox("Model", models, format_func=words.model, key="model")
        refused = roles.missing("analyst")
        asked = right.form_submit_button(
            "Compute", icon=":material/play_arrow:", type="primary", disabled=bool(refused), help=refused
        )
    if not asked:
        st.caption("Computed from the run's fitted models on the newest data. What is published stays as it is.")
        return
    with states.loading("Computing"):
        answer = calls.generate(
            shell.client(), workspace["name"], unique_id, int(horizon), None if model == champion else model
        )
    computed, name = frame(answer["forecasts"][0]["points"]), words.model(answer["forecasts"][0]["model"])
    figure = charts.fan(past, computed, answer["unit"], other=("published", rows))
    figures.show(figure, "computed", f"Computed by {name}", workspace, unique_id)
    st.caption(
        f"{words.literal(name)}, {len(computed)} steps; {words.literal(answer['source'])} from run {words.literal(answer['run_id'])}."
    )
    _exports(computed, "computed", workspace, unique_id)


def _table(rows: pd.DataFrame, past: pd.DataFrame, workspace: Json, unique_id: str) -> None:
    tables.show(rows, workspace, height=320)
    _exports(rows, "forecast", workspace, unique_id)
    with st.expander("Actuals and covariates", icon=":material/table:"):
        tables.show(past.iloc[::-1], workspace, height=320, placeholder="")
        _exports(past, "history", workspace, unique_id)


def _exports(table: pd.DataFrame, what: str, workspace: Json, unique_id: str) -> None:
    """Downloads of the table that name the series, in the file name and in a column."""
    named = table.drop(columns="unique_id", errors="ignore")
    named.insert(0, "unique_id", unique_id)
    exports.buttons(named, what, workspace["name"], unique_id)


def _about(profile: Json) -> None:
    """The profile of the series."""
    facts = {
        "first value": words.day(profile["first_ds"]),
        "last value": words.day(profile["last_ds"]),
        "values": f"{profile['n']:,}, {profile['n_missing']:,} missing",
        "zeros": words.percent(profile["share_zero"]),
        "kind of demand": profile["demand_class"],
        "strength of the season": words.percent(profile["seasonal_strength"]),
        "strength of the trend": words.percent(profile["trend_strength"]),
        "champion": words.model(profile["model"]),
        "runner-up": words.model(profile["runner_up"]),
    }
    st.dataframe(pd.DataFrame({"property": list(facts), "value": list(facts.values())}), hide_index=True, width=520)


page()
