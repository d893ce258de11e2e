"""Starts the web app with what its first page needs already imported: `python -m frontend.serve`."""

import sys
from pathlib import Path

import pandas
import plotly.graph_objects
from streamlit.web import cli

from frontend import charts, settings

WARM = (pandas, plotly.graph_objects, charts)  # seconds that the first visitor would wait for


def main() -> None:
    """Streamlit's own command line, for this app; its options may follow, such as `--server.port 8501`."""
    settings.load()  # a wrong setting is told now
    sys.argv = ["streamlit", "run", str(Path(__file__).with_name("app.py")), *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
