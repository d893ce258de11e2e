"""Starts the web app with the imports and data of its first page already loaded: `python -m frontend.serve`."""

import sys
import threading
import time
from pathlib import Path

import httpx2
import pandas
import PIL.Image
from streamlit.web import cli

from frontend.accuracy import charts as accuracy
from frontend.core import api, exports, frames, settings, shell, tables
from frontend.core.client import ApiDown, ApiError, Client
from frontend.forecast import charts as forecast
from frontend.monitoring import charts as monitoring
from frontend.portfolio import attention, calls
from frontend.portfolio import charts as portfolio

# Modules whose import would delay the first visitor by seconds.
WARM = (httpx2, pandas, PIL.Image, exports, frames, shell, tables, accuracy, forecast, monitoring, portfolio)
_AGAIN = 0.5  # seconds between two attempts


def warm(client: Client, patience: float = 60.0) -> None:
    """Requests the data of the first page, so that the service has read them before the first visitor arrives.

    The service may still be starting: requests are retried for `patience` seconds.
    """
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            if workspaces := api.workspaces(client):
                calls.portfolio(
                    client, shell.first(workspaces)["name"], {}, limit=attention.SHOWN, needs_attention=True
                )
            return
        except ApiError:  # no such page yet, or this key may not read it: the first visitor sees the reason
            return
        except ApiDown:
            time.sleep(_AGAIN)


def refuse_admin(client: Client, patience: float = 60.0) -> str | None:
    """Why the app may not be public: its key has the role admin, or no answer came within `patience` seconds."""
    until, problem = time.monotonic() + patience, ""
    while True:
        try:
            if "admin" in api.me(client)["roles"]:
                return (
                    "APP_PUBLIC is set and the app's key has the role admin: everybody could replace what is in production. "
                    "Give the app a key of the role viewer: scripts/create_api_key.py --role viewer."
                )
            return None
        except (ApiError, ApiDown, KeyError) as error:
            problem = str(error)
        if time.monotonic() >= until:
            return f"APP_PUBLIC is set, and the service does not say which role the app's key has ({problem})."
        time.sleep(_AGAIN)


def main() -> None:
    """Streamlit's command line for this app; its options may follow, such as `--server.port 8501`."""
    try:
        public = settings.load().public
    except settings.WrongSetting as error:
        sys.exit(f"error: {error}")
    if public and (reason := refuse_admin(Client())):
        sys.exit(f"error: {reason}")
    threading.Thread(target=lambda: warm(Client()), daemon=True).start()
    sys.argv = ["streamlit", "run", str(Path(__file__).with_name("asgi.py")), *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
