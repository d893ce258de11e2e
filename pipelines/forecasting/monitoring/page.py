"""Evidently's report page, rebuilt so that no content from the data can run or load anything.

Evidently embeds the data in a script of its page: a `</script>` in a name ends that script, and what follows is parsed
as markup. Here the data are a JSON block, which browsers do not run, and the page starts with a content security policy
that lists the scripts allowed to run: Evidently's library and two one-line scripts. No hash is taken of anything after
the data.
"""

import base64
import hashlib
import json
import re
from typing import NamedTuple

# Hash of `index.js` in Evidently 0.7.23, from the release that stored Evidently's pages unchanged.
STORED_BEFORE = "l6LOTfRvBGd9x1XheZ/I96o27XDYVve0Q4oSSjsXWFY="

_GLOBAL = "var global = globalThis"
_DRAW = """
const [dashboard, graphs] = JSON.parse(
  document.getElementById("data").textContent, (_, value) => value?.$number ? Number(value.$number) : value
);
window.drawDashboard(dashboard, new Map(Object.entries(graphs)), "root");
"""
_NOTE = (
    "This report is a second opinion by Evidently. It compares all series taken together, with their seasons, by PSI and one "
    "threshold for every column. The drift on the page Monitoring, in alerts and in answers is another: each series by "
    "itself, without its seasons, by a threshold that allows for the number of values. The two may differ; "
    "statuses and alerts follow the second only."
)
_UNKNOWN = (
    "This report was made by a version that is not known here, and is not shown. The next monitoring makes a new one."
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Monitoring report</title>
{style}
</head>
<body>
<p style="font: 14px sans-serif; margin: 12px 16px">{note}</p>
{scripts}
</body>
</html>
"""
_SCRIPTS = """<div id="root"></div>
<script id="data" type="application/json">{data}</script>
<script>{before}</script>
<script>{library}</script>
<script>{draw}</script>"""
_FRAMED = "; frame-ancestors 'none'; sandbox allow-scripts"  # directives that only work as a header
_OPENING = re.compile(
    re.escape(_PAGE[: _PAGE.index("{policy}")]) + r"[^\"]*?script-src 'sha256-([A-Za-z0-9+/]{43}=)' [^\"]*\">"
)
_OPENS = 2_000  # the policy lies within this many bytes from the start
_HEAD = re.compile(r"<script>\s*var (metric_\w+) = ")
_BETWEEN = re.compile(r";\s*var additional_graphs_metric_\w+ = ")
_REST = re.compile(
    r';\s*</script>\s*</head>\s*<body>\s*<div id="root_metric_\w+">\s*</div>\s*'
    rf"<script>{re.escape(_GLOBAL)}</script>\s*<script>(?P<library>.*?)</script>\s*"
    r'<script>\s*window\.drawDashboard\(\w+,\s*new Map\(Object\.entries\(\w+\)\),\s*"\w+"\s*\);\s*</script>\s*'
    r"</body>\s*</html>\s*",
    re.DOTALL,
)
_TAG = re.compile(r"<(?!/?(?:b|br|i|extra)>)")  # except harmless ones used by charts
_DECODER = json.JSONDecoder(parse_constant=lambda name: {"$number": name})  # JSON has no NaN and infinity


def rebuilt(html: str, library: str) -> str:
    """The page rebuilt from Evidently's `html` if its library has the hash `library`; ValueError otherwise.

    The end of the data is found by parsing JSON, whatever they contain. A `<` that would start a tag is shown as `‹`.
    """
    start = _HEAD.search(html)
    if start is None:
        raise ValueError("the page does not begin as Evidently's does")
    dashboard, end = _DECODER.raw_decode(html, start.end())
    between = _BETWEEN.match(html, end)
    if between is None:
        raise ValueError("the data of the page do not end as Evidently's do")
    graphs, end = _DECODER.raw_decode(html, between.end())
    rest = _REST.fullmatch(html, end)
    if rest is None or hashed(rest["library"]) != library:
        raise ValueError("the scripts of the page are not Evidently's")
    style = html[html.index("<style>") : html.index("</style>") + len("</style>")]
    data = _TAG.sub(r"\\u2039", json.dumps([dashboard, graphs])).replace(
        "<", r"\u003c"
    )  # ASCII-escaped, so that nothing can end the block
    scripts = _SCRIPTS.format(data=data, before=_GLOBAL, library=rest["library"], draw=_DRAW)
    return _PAGE.format(policy=_policy(library), style=style, note=_NOTE, scripts=scripts)


class Served(NamedTuple):
    """A page that is safe to show, and the policy to serve it with."""

    html: bytes
    policy: str

    @property
    def nbytes(self) -> int:
        return len(self.html)


def served(stored: bytes) -> Served:
    """A stored report, made safe to show.

    Evidently's unchanged page, as stored by the last release, is rebuilt; any other page is replaced by a sentence.
    """
    if opening := _OPENING.match(stored[:_OPENS].decode(errors="replace")):
        return Served(stored, _policy(opening[1]) + _FRAMED)
    try:
        return Served(rebuilt(stored.decode(), STORED_BEFORE).encode(), _policy(STORED_BEFORE) + _FRAMED)
    except (ValueError, RecursionError):
        html = _PAGE.format(policy=_policy(""), style="", note=_UNKNOWN, scripts="")
        return Served(html.encode(), _policy("") + _FRAMED)


def hashed(script: str) -> str:
    """The SHA-256 of a script in policy syntax."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _policy(library: str) -> str:
    scripts = " ".join(f"'sha256-{one}'" for one in (library, hashed(_GLOBAL), hashed(_DRAW))) if library else "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        "connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
