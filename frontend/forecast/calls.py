"""API calls of the Forecast page."""

from frontend.core.client import Client, Json, known


def history(client: Client, workspace: str, unique_id: str) -> Json:
    """Actuals and covariates of a series."""
    return client.get("series", unique_id, "history", params={"workspace": workspace})


def backtest(client: Client, workspace: str, unique_id: str) -> Json:
    """Forecasts of each model in each backtest window."""
    return client.get("series", unique_id, "backtest", params={"workspace": workspace})


def forecast(client: Client, workspace: str, unique_id: str, forecast_id: str | None = None) -> Json:
    """The published forecast, or an earlier one."""
    query = {"workspace": workspace, "unique_id": unique_id, "forecast_id": forecast_id}
    return client.get("forecasts", params=query)


def explanation(client: Client, workspace: str, unique_id: str) -> Json:
    """Components of a forecast, and what changed since the previous one."""
    return client.get("forecasts", unique_id, "explanation", params={"workspace": workspace})


def generate(client: Client, workspace: str, unique_id: str, horizon: int, model: str | None = None) -> Json:
    """A forecast computed on request: `horizon` steps, by the champion unless `model` is given."""
    body = {"workspace": workspace, "unique_ids": [unique_id], "horizon": horizon, "model": model}
    return client.send("POST", "forecasts", "generate", json=known(body))
