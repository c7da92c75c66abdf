"""The frame of every page that is not a report: same templates, same style, same policy."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import jinja2

from memmon.report.html import asset, content_policy, environment, page_script, stylesheet
from memmon.report.html.view_model import PageLink

REFRESH_SECONDS = 60
"""So often a page of many sources asks for itself."""
PAGES = (("/", "Overview"), ("/events", "Events"), ("/data", "Data"))


@cache
def own_asset(name: str) -> str:
    """Return a file of the dashboard's own style or script as text."""
    return (resources.files("memmon.dashboard") / "assets" / name).read_text(encoding="utf-8")


@cache
def page_policy() -> str:
    """Return the Content-Security-Policy of every page: its own scripts and styles, and nothing but what it asks of itself."""
    policy = content_policy(
        styles=[stylesheet(), own_asset("dashboard.css")],
        scripts=[
            asset("vendor/uplot/uPlot.iife.min.js"),
            page_script(),
            asset("live.js"),
            own_asset("dashboard.js"),
        ],
        asks_itself=True,
    )
    return policy.replace("form-action 'none'", "form-action 'self'")


@cache
def _environment() -> jinja2.Environment:
    shared = environment()
    loaders = [jinja2.PackageLoader("memmon.dashboard"), shared.loader]
    return shared.overlay(loader=jinja2.ChoiceLoader([one for one in loaders if one is not None]))


def navigation(here: str) -> tuple[PageLink, ...]:
    """Return the links to the dashboard's pages."""
    return tuple(PageLink(href=href, label=label, is_here=href == here) for href, label in PAGES)


def render(
    template: str, *, title: str, here: str = "", policy: str = "", refresh_seconds: int = 0, **values: Any
) -> str:
    """Return a page of the dashboard as HTML; `refresh_seconds`: how often it loads anew (0: never)."""
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            page_name=template.split(".", maxsplit=1)[0],
            style=stylesheet(),
            own_style=own_asset("dashboard.css"),
            own_script=own_asset("dashboard.js"),
            policy=policy or page_policy(),
            navigation=navigation(here),
            refresh_seconds=refresh_seconds,
            live_script=asset("live.js") if refresh_seconds else "",
            **values,
        )
    )
