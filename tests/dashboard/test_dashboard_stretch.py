"""Events and rows between two moments, as pages and as CSV."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from page_tables import columns_of, rows_of

from memmon.dashboard import data_pages


@pytest.mark.parametrize(
    "asked",
    [
        "since=2026-02-28T12:00Z",
        "until=2026-02-28T12:00Z",
        "name=quiet&since=2026-02-28T00:00Z&until=2026-03-01T00:00Z",
        "kind=gc&until=2026-02-28T12:00Z",
        "name=+quiet+&kind=&since=&until=",
    ],
)
def test_events_and_their_csv_are_of_the_same_stretch(client, asked):
    """What the page has between two moments, by source and kind, its CSV has: those events, and no other."""
    page = client.get(f"/events?{asked}").text
    shown = [
        re.sub(r"<[^>]*>", "", one) for one in re.findall(r'<tr><th scope="row">.*?</th>', page, re.DOTALL)
    ]
    as_csv = html.unescape(re.search(r'href="(/data/v_event\.csv[^"]*)"', page)[1])
    head, *rows = csv.reader(io.StringIO(client.get(as_csv).text))
    found = sorted((row[head.index("at")][:16].replace("T", " ") for row in rows), reverse=True)
    assert 0 < len(shown) < 12
    assert [one.strip()[:16] for one in shown] == found


def test_older_events_and_rows_between_two_moments_are_reached(client, monkeypatch):
    """More events than a page has lead on to those before; a table over samples is narrowed to a stretch as well."""
    monkeypatch.setattr(data_pages, "EVENT_COUNT", 2)
    seen, href = [], "/events?name=quiet"
    for _ in range(10):
        page = client.get(href).text
        seen += re.findall(r"title=\"the hours around it\">([^<]*)<", page)
        older = re.search(r'<a href="([^"]*)">Older</a>', page)
        if older is None:
            break
        href = html.unescape(older[1])
    assert len(set(seen)) == 6
    assert seen == sorted(seen, reverse=True)
    stretch = "since=2026-03-01T10:00Z&until=2026-03-01T11:00Z"
    page = client.get(f"/data/v_snapshot?{stretch}").text
    at = columns_of(page).index("at")
    times = [row[at][11:16] for row in rows_of(page)]
    assert times[0] == "11:00"
    assert times[-1] == "10:00"
    assert len(times) == 13
    assert 'value="2026-03-01T10:00:00+00:00"' in page
    refused = client.get("/data/v_snapshot?since=yesterday")
    assert refused.status_code == 404
    assert "give one as" in refused.text
