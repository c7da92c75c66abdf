"""The HTML report: one self-contained page that asks nothing of any network.

Pictures are drawn twice: as SVG, complete without scripts and used for print, and by uPlot (vendored,
MIT) for zoom and hover. The Content-Security-Policy names the hash of every style and script
on the page, so that nothing else can run, whatever a name holds.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import jinja2
import markupsafe

from memmon.formatting import shown
from memmon.report.html.encoding import script_json
from memmon.report.html.page import fixed_offset, page_of
from memmon.report.html.payload import payload_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from memmon.report.chart_values import Charts
    from memmon.report.data import Report
    from memmon.report.html.view_model import PageLink

__all__ = ["asset", "content_policy", "environment", "page_script", "render_html", "stylesheet"]

_SCRIPTS = ("copy.js", "tables.js", "age.js")
_SCRIPTS_WITHOUT_CHARTS = ("copy.js", "age.js")
"""What needs nothing of the charts."""

_SCRIPT_PARTS = ("data", "bins", "draw", "marks", "view", "gestures", "charts", "start")
"""The script's files in their order (html/script)."""


def render_html(
    report: Report,
    charts: Charts | None,
    *,
    tz: tzinfo | None = None,
    navigation: Sequence[PageLink] = (),
    windows: Sequence[PageLink] = (),
    refresh_seconds: int = 0,
) -> str:
    """Return the page for `report` as one string.

    `charts` None, or a report without a sample, gives a page that says so. Times are in the local
    offset at the window's end, or in `tz`. A dashboard adds `navigation`, other `windows` and how often
    to load the page anew (`refresh_seconds`, 0: never).
    """
    page = page_of(report, charts, tz=tz, navigation=tuple(navigation))
    script_data = library = ""
    has_command = any(step.command for step in page.steps)
    script = "".join(map(asset, _SCRIPTS_WITHOUT_CHARTS)) if has_command else ""
    live_script = asset("live.js") if refresh_seconds else ""
    if charts is not None and not page.is_empty:
        zone = tz or fixed_offset(report.until or report.generated_at)
        script_data = script_json(payload_of(charts, zone))
        library, script = asset("vendor/uplot/uPlot.iife.min.js"), page_script()
    style = stylesheet()
    return (
        environment()
        .get_template("report.html.jinja")
        .render(
            page=page,
            windows=tuple(windows),
            refresh_seconds=refresh_seconds,
            policy=content_policy(
                styles=[style],
                scripts=[text for text in (library, script, live_script) if text],
                asks_itself=bool(live_script),
            ),
            style=style,
            library=library,
            library_licence=asset("vendor/uplot/LICENSE"),
            script=script,
            script_data=script_data,
            live_script=live_script,
        )
    )


def content_policy(*, styles: Sequence[str], scripts: Sequence[str], asks_itself: bool = False) -> str:
    """Return the Content-Security-Policy that allows these inline styles and scripts, and nothing else.

    `asks_itself`: a script may ask where the page came from, and nobody else.
    """
    style_sources = " ".join(_hash_source(text) for text in styles) or "'none'"
    script_sources = " ".join(_hash_source(text) for text in scripts) or "'none'"
    return (
        f"default-src 'none'; style-src {style_sources}; script-src {script_sources}; "
        "img-src data:; base-uri 'none'; form-action 'none'" + ("; connect-src 'self'" if asks_itself else "")
    )


def _hash_source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def stylesheet() -> str:
    """Return the one style sheet of every page."""
    return asset("vendor/uplot/uPlot.min.css") + "\n" + asset("report.css")


def page_script() -> str:
    """Return the one script of a report's page: its parts share their names, and nobody else sees them."""
    parts = "\n".join(asset(f"script/{name}.js") for name in _SCRIPT_PARTS)
    return f'(function () {{\n  "use strict";\n{parts}}})();\n' + "".join(map(asset, _SCRIPTS))


@cache
def asset(name: str) -> str:
    """Return a file of this package as text."""
    return (resources.files(__name__) / name).read_text(encoding="utf-8")


@cache
def environment() -> jinja2.Environment:
    """Return the templates' environment: everything is escaped, undefined names are errors."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("memmon.report.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["shown"] = shown
    return found


def _finalize(value: object) -> object:
    """Make invisible characters visible in every string that a template places."""
    return shown(value) if isinstance(value, str) and not isinstance(value, markupsafe.Markup) else value
