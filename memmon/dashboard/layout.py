"""The frame of every page that is not a report: same templates, same style, same policy."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2

from memmon.report.html import asset, content_policy, environment, page_script, stylesheet
from memmon.report.html.view_model import Link

PAGES = (("/", "Overview"), ("/events", "Events"), ("/data", "Data"))


@cache
def page_policy() -> str:
    """Return the Content-Security-Policy of every page: the reports' own scripts and style, nothing else."""
    return content_policy(
        styles=[stylesheet()],
        scripts=[asset("vendor/uplot/uPlot.iife.min.js"), page_script(), asset("live.js")],
    )


@cache
def _environment() -> jinja2.Environment:
    shared = environment()
    loaders = [jinja2.PackageLoader("memmon.dashboard"), shared.loader]
    return shared.overlay(loader=jinja2.ChoiceLoader([one for one in loaders if one is not None]))


def navigation(here: str) -> tuple[Link, ...]:
    """Return the links to the dashboard's pages."""
    return tuple(Link(href=href, label=label, is_here=href == here) for href, label in PAGES)


def render(
    template: str, *, title: str, here: str = "", policy: str = "", refresh_seconds: int = 0, **values: Any
) -> str:
    """Return a page of the dashboard as HTML; `refresh_seconds`: how often it loads anew (0: never)."""
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            style=stylesheet(),
            policy=policy or page_policy(),
            navigation=navigation(here),
            refresh_seconds=refresh_seconds,
            live_script=asset("live.js") if refresh_seconds else "",
            **values,
        )
    )
