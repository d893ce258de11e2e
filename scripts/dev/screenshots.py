"""Takes pictures of every page in light and dark, at desktop and phone width, for docs/img and for review."""

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.core.errors import ForecastError
from scripts import _cli
from scripts.up import ROOT, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = {1440: 1000, 390: 844}  # with their heights: desktop and phone
SCHEMES = ("light", "dark")
PAGES = {
    "portfolio": "/?workspace={workspace}",
    "forecast": "/forecast?workspace={workspace}",
    "copilot": "/copilot?workspace={workspace}&question=Summarise+the+workspace.",
    "accuracy": "/accuracy?workspace={workspace}",
    "monitoring": "/monitoring?workspace={workspace}",
    "data": "/data?workspace={workspace}",
    "runs": "/runs?workspace={workspace}",
}
WORKSPACE = "retail"  # the largest of the demo's workspaces
OTHERS = {"forecast": "electricity", "monitoring": "replay"}  # two seasons, exact components; a shift and its alerts
COLOURS = 256  # enough for pages without photographs, at 40 % of the bytes
DONE = "[data-testid=stApp][data-test-script-state=notRunning]"
MAIN = (
    "[data-testid=stMain], [data-testid=stAppScrollToBottomContainer]"  # what scrolls; the second on a page with a chat
)
BUSY = "[data-testid=stStatusWidget], [data-testid=stSpinner], [data-testid=stSkeleton]"

Output = Annotated[Path, typer.Option("--output", "-o", help="The folder of the pictures.")]
Workspace = Annotated[
    str | None, typer.Option("--workspace", "-w", help="Which to show; without it, on each page one of the demo's.")
]
Only = Annotated[list[str] | None, typer.Option("--page", help="Which pages; may be repeated.")]


class NoBrowser(ForecastError):
    """Chromium is not installed."""


def screenshots(
    output: Output = ROOT / "docs/img",
    workspace: Workspace = None,
    page: Only = None,
) -> None:
    """Start the service and the web app, and take a picture of each page."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        raise NoBrowser(f"there is no {CHROMIUM}. Install Chromium, such as by: apt-get install chromium")
    reporter = _cli.Reporter(json_log=False)
    output.mkdir(parents=True, exist_ok=True)
    with running(stdout=sys.stderr) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for name in page or PAGES:
            shown = workspace or OTHERS.get(name, WORKSPACE)
            for width in WIDTHS:
                for scheme in SCHEMES:
                    path = output / f"{name}-{width}-{scheme}.png"
                    _picture(browser, f"{site.app}{PAGES[name].format(workspace=shown)}", width, scheme, path)
                    reporter.say("picture", path=str(path))
        browser.close()


def settled(page: "Page") -> None:
    """Waits until the page has its heading and nothing on it is loading or drawing."""
    page.wait_for_selector("h1")
    page.wait_for_selector(DONE)
    page.wait_for_function(f"!document.querySelector('{BUSY}')")
    page.wait_for_timeout(800)  # for tables and charts, which draw asynchronously


def _picture(browser: "Browser", url: str, width: int, scheme: str, path: Path) -> None:
    """Picture of the whole page: the window is made as tall as the page, because the page scrolls inside it."""
    from PIL import Image

    context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    settled(page)
    height = page.evaluate(f"document.querySelector('{MAIN}').scrollHeight")
    page.set_viewport_size({"width": width, "height": max(WIDTHS[width], int(height))})
    settled(page)
    picture = Image.open(io.BytesIO(page.screenshot()))
    # By coverage every colour stays within 7 of 255; by the median, thin lines would blend with their surroundings.
    small = picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    context.close()


main = _cli.command(screenshots)

if __name__ == "__main__":
    main()
