from __future__ import annotations

import csv
import html
import io
import re
import socket
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from asgi_client import AsgiClient
from page_tables import columns_of, rows_of
from report_values import NOW

from memmon.clock import ManualClock
from memmon.config import parse_database
from memmon.dashboard import create_app
from memmon.dashboard.server import address, bind, is_loopback
from memmon.dashboard.slow_guessing import Guesses
from memmon.errors import SettingsError
from memmon.facts.series_kinds import DEQUE
from memmon.store.read import Store, open_store
from memmon.store.read.deques import Readings
from memmon.store.read.many_sources import events_of_all
from memmon.store.upkeep.migrate import upgrade

PAGES = ["/", "/source?name=quiet", "/events", "/data", "/data/v_run"]


def client_of(database, **options):
    return AsgiClient(create_app(str(database), clock=ManualClock(NOW), **options))


def names_in(page):
    return re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', page)


def test_the_overview_lists_every_source_the_leaking_one_first(client):
    """Verdict first: the leak stands at the top, whatever its name."""
    page = client.get("/").text
    names = names_in(page)
    assert names[0] == "leaky"
    assert len(names) == 3
    assert "LEAK DETECTED" in page
    assert "3 sources: 1 leaking" in page


@pytest.mark.parametrize(("order", "first"), [("asc", "&lt;script"), ("desc", "quiet")])
def test_the_overview_sorts_by_any_column(client, order, first):
    """A heading's link sorts by its column in either direction, and says so to screen readers."""
    page = client.get(f"/?sort=source&order={order}").text
    assert names_in(page)[0].startswith(first)
    assert f'aria-sort="{"ascending" if order == "asc" else "descending"}"' in page


def test_a_page_reads_the_sizes_of_its_deques_once(client, monkeypatch):
    """The verdict, the culprits and the chart of memory's parts share one reading: it is the most of a year's page."""
    made, windows = Readings.__init__, []

    def counting(self, session, window, points, **named):
        if named["kind"] == DEQUE:
            windows.append(window)
        made(self, session, window, points, **named)

    monkeypatch.setattr(Readings, "__init__", counting)
    page = client.get("/source", params={"name": "quiet", "window": "1y"}).text
    assert 'id="chart-parts"' in page
    assert windows
    assert len(set(windows)) == len(windows), windows


@pytest.mark.parametrize("window", ["", "24h", "7d", "30d", "1y"])
def test_a_source_is_shown_for_any_window(client, window):
    """The report's own page, with links to other windows, the chosen one marked."""
    answer = client.get("/source", params={"name": "leaky", "window": window})
    assert answer.status_code == 200
    assert "LEAK DETECTED" in answer.text
    assert 'aria-current="true"' in answer.text


def test_a_window_may_be_given_by_its_ends(client):
    """`since` and `until` in ISO 8601 bound the page; what is no time is one clear line."""
    answer = client.get("/source?name=leaky&since=2026-02-28T00:00:00Z&until=2026-02-28T12:00:00Z")
    assert "(12.0 h)" in answer.text
    wrong = client.get("/source?name=leaky&since=yesterday")
    assert wrong.status_code == 404
    assert "is no time" in wrong.text


def test_events_can_be_narrowed_to_a_source_or_a_kind(client):
    """All events at first; a link narrows them to one source or one kind."""
    everything = client.get("/events").text
    only = client.get("/events?name=quiet&kind=gc").text
    assert everything.count("<tr>") > only.count("<tr>") > 1
    assert "High memory usage" in everything
    assert "High memory usage" not in only


def test_the_views_are_tables_with_all_rows_as_csv(client):
    """Each view is listed; its page shows rows of the newest run, its CSV has them all."""
    assert "/data/v_snapshot.csv" in client.get("/data").text
    page = client.get("/data/v_snapshot?page=2").text
    assert "Rows 201 to 288." in page
    answer = client.get("/data/v_snapshot.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(rows) == 1 + 2 * 288 + 2 * 288 + 288


@pytest.mark.parametrize(
    ("view", "column"), [("v_run", "started_at"), ("v_event", "at"), ("v_snapshot", "at")]
)
def test_data_pages_show_the_newest_first(client, view, column):
    """What was recorded last stands at the top."""
    page = client.get(f"/data/{view}").text
    place = columns_of(page).index(column)
    times = [row[place] for row in rows_of(page)]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) > 1


def test_data_pages_are_narrowed_and_their_csv_with_them(client):
    """By source, release, run and kind: the page and its CSV have those rows alone, and other pages of it too."""
    page = client.get("/data/v_run?source=quiet&release=1.4.1").text
    columns = columns_of(page)
    (row,) = rows_of(page)
    assert row[columns.index("source")] == "quiet"
    assert "/data/v_run.csv?source=quiet&amp;release=1.4.1" in page
    rows = list(csv.reader(io.StringIO(client.get("/data/v_run.csv?source=quiet&release=1.4.1").text)))
    assert len(rows) == 2
    run = row[columns.index("run_id")]
    samples = client.get(f"/data/v_snapshot?run_id={run}").text
    assert f"/data/v_snapshot?run_id={run}&amp;page=2" in samples
    kinds = client.get("/data/v_event?kind=gc").text
    assert {one[columns_of(kinds).index("kind")] for one in rows_of(kinds)} == {"gc"}


@pytest.mark.parametrize(
    "asked",
    ["source=x'%20OR%20'1'='1", "run_id=1%20OR%201", "kind=gc'--", "release=9.9", "run_id=999999"],
)
def test_nothing_of_a_visitors_gets_into_a_statement(client, asked):
    """What the database does not know is said to be unknown, and never run."""
    answer = client.get(f"/data/v_event?{asked}")
    assert answer.status_code == 404
    assert "in this database" in answer.text


def test_hostile_names_can_be_asked_for_like_any_other(client):
    """A source whose name holds quotes and marks is found by it."""
    name = "<script>window.pwned=1</script>"
    page = client.get("/data/v_run", params={"source": name}).text
    assert len(rows_of(page)) == 1
    assert "<script>window.pwned" not in page


def test_events_of_all_sources_are_one_read(client, database, monkeypatch):
    """However many sources there are, their events are read at once: those that each source has, the newest first."""
    with open_store(database) as store:
        wanted = [
            (event.at, one.name, event.text)
            for one in store.sources()
            for event in store.events(one.name, None, NOW, kinds=["gc", "alert"])
        ]
        names = {one.source_id: one.name for one in store.sources()}
        found = events_of_all(store.database, None, NOW, kinds=["gc", "alert"])
        assert sorted(wanted) == sorted(
            (event.at, names[source_id], event.text) for source_id, event in found
        )
        newest = events_of_all(store.database, None, None, limit=3)
        assert [event.at for _, event in found] == sorted((event.at for _, event in found), reverse=True)
        assert len(newest) == 3
    monkeypatch.setattr(Store, "events", lambda *_, **__: pytest.fail("one source's events were read"))
    assert client.get("/events").status_code == 200


def test_a_release_leads_to_its_runs_their_window_samples_and_events(client):
    """Each link of the way is answered, and the last has a CSV."""
    runs = client.get("/data/v_run?source=quiet").text
    release = re.search(r'href="(/data/v_run\?release=[^"]*)"', runs)[1]
    assert rows_of(client.get(release).text)
    ways = dict(re.findall(r'<a href="([^"]*)">(window|samples|events)</a>', runs))
    assert set(ways.values()) == {"window", "samples", "events"}
    for href in ways:
        assert client.get(html.unescape(href)).status_code == 200
    events = next(href for href, label in ways.items() if label == "events")
    page = client.get(html.unescape(events)).text
    assert "only quiet · from " in page
    as_csv = html.unescape(re.search(r'href="(/data/v_event\.csv\?source=quiet[^"]*)"', page)[1])
    assert len(list(csv.reader(io.StringIO(client.get(as_csv).text)))) == 1 + page.count(
        '<tr><th scope="row"'
    )


def test_only_views_can_be_asked_for(client):
    """A table, or a statement in place of a view's name, is refused."""
    for name in ("run", "v_run%20LIMIT%201", "v_run;drop", "sqlite_master"):
        assert client.get(f"/data/{name}").status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_escaped_and_hardened(client, path):
    """No hostile name stands raw, and the headers forbid foreign scripts, frames, sniffing and caching."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert "<script>window.pwned" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8787", "localhost.evil.example", "", "127.0.0.1.evil.example"]
)
def test_a_foreign_host_header_is_refused(client, host):
    """A page elsewhere that points a name of its own at this machine reads nothing."""
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 400
    assert "leaky" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8787", "LOCALHOST:9"])
def test_this_machines_own_names_are_allowed(client, host):
    """Loopback names are answered on any port."""
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_reading_methods_are_answered(client, method):
    """There is nothing to write: everything but GET and HEAD is 405."""
    answer = client.request(method, "/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert client.head("/").status_code == 200


def test_a_token_is_asked_by_a_form_and_becomes_a_cookie(database):
    """Without the token nothing is shown; the form's answer is a strict cookie, and no address takes the token."""
    client = client_of(database, token="s3cret-token")
    refused = client.get("/")
    assert refused.status_code == 401
    assert "leaky" not in refused.text
    assert 'method="post"' in refused.text
    assert "form-action 'self'" in refused.headers["content-security-policy"]
    assert client.get("/?token=s3cret-token").status_code == 401
    wrong = client.request("POST", "/login", data={"token": "wrong"})
    assert wrong.status_code == 401
    assert "This is not the token of this dashboard." in wrong.text
    assert "This is not the token" not in refused.text
    assert client.request("POST", "/login", content=b"x" * 5000).status_code == 400
    answer = client.request("POST", "/login", data={"token": "s3cret-token"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "s3cret" not in cookie
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/source?name=leaky&window=7d", "/source?name=leaky&window=7d"),
        ("/data/v_run?page=2", "/data/v_run?page=2"),
        ("//evil.example/x", "/evil.example/x"),
        ("/\\evil.example", "/evil.example"),
        ("/%C3%A4?b=%20c", "/%C3%A4?b=%20c"),
        ("/login", "/"),
    ],
)
def test_the_form_leads_where_one_was_going_and_never_elsewhere(database, asked, given):
    """Whoever opens a page and gives the token sees that page; an address of another host is none."""
    client = client_of(database, token="s3cret-token")
    answer = client.request("POST", f"http://localhost:8787{asked}", data={"token": "s3cret-token"})
    assert (answer.status_code, answer.headers["location"]) == (303, given)


def test_two_dashboards_on_one_host_keep_their_visitors(database):
    """Cookies are shared by all ports of a host: each dashboard has one of its own name."""
    one, other = (client_of(database, token=f"s3cret-token-{name}") for name in ("one", "other"))
    names = set()
    for client, port in ((one, 8787), (other, 8788)):
        answer = client.request(
            "POST",
            f"http://localhost:{port}/login",
            data={"token": "s3cret-token-one" if client is one else "s3cret-token-other"},
        )
        names.add(answer.headers["set-cookie"].partition("=")[0])
    assert names == {"memmon_token_8787", "memmon_token_8788"}


def test_a_cookie_outlives_the_server_and_not_the_token(database):
    """After a restart with the same token nobody has to log in again; with another token everybody has."""
    cookie = (
        client_of(database, token="s3cret-token")
        .request("POST", "/login", data={"token": "s3cret-token"})
        .headers["set-cookie"]
        .partition(";")[0]
    )
    assert client_of(database, token="s3cret-token").get("/", headers={"cookie": cookie}).status_code == 200
    assert client_of(database, token="other-token").get("/", headers={"cookie": cookie}).status_code == 401


def test_guessing_is_slowed(database):
    """After five wrong tokens an address waits, longer each time, also with the right one; a cookie still opens."""
    clock = ManualClock(NOW)
    client = AsgiClient(create_app(database, token="s3cret-token", clock=clock))
    right = {"authorization": "Bearer s3cret-token"}
    for _ in range(5):
        assert client.get("/", headers={"authorization": "Bearer no"}).status_code == 401
    slowed = client.get("/", headers=right)
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "2")
    clock.advance(2)
    assert client.get("/", headers={"authorization": "Bearer no"}).status_code == 401
    assert client.get("/", headers=right).headers["retry-after"] == "4"
    clock.advance(4)
    assert client.get("/", headers=right).status_code == 200
    assert client.get("/", headers={"authorization": "Bearer no"}).status_code == 401


def test_guessers_are_remembered_in_bounded_memory():
    """However many addresses guess, a thousand are remembered."""
    guesses = Guesses(ManualClock(NOW))
    for number in range(3000):
        guesses.was_wrong(f"address {number}")
    assert len(guesses._wrong) == 1000


def test_a_program_gives_the_token_as_a_header(database):
    """A scraper sends a bearer token; the health check alone asks for none."""
    client = client_of(database, token="s3cret-token")
    assert client.get("/events", headers={"authorization": "Bearer s3cret-token"}).status_code == 200
    assert client.get("/events", headers={"authorization": "Bearer no"}).status_code == 401
    assert client.get("/healthz").json() == {"status": "ok"}


def test_an_absent_database_is_said_and_shown_once_it_is_there(tmp_path):
    """Before the first recording the page says so; the moment there is a database it is shown."""
    path = tmp_path / "later.db"
    client = client_of(path)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "No database yet" in answer.text
    assert 'data-seconds="10"' in answer.text
    assert client.get("/healthz").status_code == 503
    upgrade(parse_database(str(path)))
    assert "Nothing has been recorded" in client.get("/").text


def test_a_damaged_database_is_said(tmp_path):
    """A file that is no database is a clear page, not a traceback; and it is left as it is."""
    path = tmp_path / "broken.db"
    path.write_bytes(b"not a database at all" * 100)
    answer = client_of(path).get("/")
    assert answer.status_code == 503
    assert "Traceback" not in answer.text
    assert path.read_bytes() == b"not a database at all" * 100


def test_a_locked_database_is_said(tmp_path):
    """Another process that holds the file for itself: the page says locked, and shows it once it is free."""
    path = tmp_path / "locked.db"
    upgrade(parse_database(str(path)))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    client = client_of(path)
    answer = client.get("/")
    holder.close()
    assert answer.status_code == 503
    assert "The database is locked" in answer.text
    assert client.get("/").status_code == 200


def test_a_database_damaged_in_its_middle_is_said(database, tmp_path):
    """Pages overwritten while it was in use: a clear page for what can't be read, never a traceback."""
    path = tmp_path / "holes.db"
    whole = bytearray(Path(database).read_bytes())
    for start in range(8 * 4096, len(whole), 3 * 4096):
        whole[start : start + 4096] = b"\xa5" * 4096
    path.write_bytes(bytes(whole))
    client = client_of(path)
    answers = [client.get(page) for page in ("/", "/source?name=leaky", "/events", "/data/v_snapshot")]
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert 503 in {answer.status_code for answer in answers}
    assert all("Traceback" not in answer.text for answer in answers)


def test_a_foreign_database_is_said(tmp_path):
    """Another program's database is refused."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    answer = client_of(path).get("/")
    assert answer.status_code == 503
    assert "other.db" in answer.text


def test_a_database_that_waits_for_its_migration_is_said(tmp_path):
    """An older schema: the page says what to do and tries again by itself."""
    path = tmp_path / "old.db"
    upgrade(parse_database(str(path)))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    answer = client_of(path).get("/")
    assert answer.status_code == 503
    assert "memmon db upgrade" in answer.text
    assert answer.headers["retry-after"] == "10"


def test_an_unknown_source_and_an_unknown_page_are_said(client):
    """404 with the known sources, and with the pages that there are."""
    unknown = client.get("/source?name=nobody").text
    assert "known: " in unknown
    assert '<a href="/source?name=leaky">leaky</a>' in unknown
    which = client.get("/source").text
    assert "choose one" in which
    assert "--source" not in which
    assert '<a href="/source?name=quiet">quiet</a>' in which
    nothing = client.get("/nothing")
    assert nothing.status_code == 404
    assert '<a href="/events">Events</a>' in nothing.text


def test_a_fault_is_logged_and_hides_its_details(database, monkeypatch, caplog):
    """A fault of our own is one sentence for the visitor and a traceback for the log."""
    from memmon.dashboard import overview

    monkeypatch.setattr(overview, "_words", lambda rows: 1 / 0)
    answer = client_of(database).get("/")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_a_port_in_use_is_one_clear_line():
    """The second dashboard on a port is told to take another."""
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} on 127.0.0.1 is in use"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.4", False),
        ("bot.example", False),
    ],
)
def test_only_loopback_goes_without_a_token(host, alone):
    """What others can reach is never taken for this machine alone."""
    assert is_loopback(host) is alone


def test_the_address_opens_the_dashboard_and_holds_no_token():
    """What is printed is an address for a browser, IPv6 included."""
    assert address("::1", 80) == "http://[::1]:80/"
    assert address("0.0.0.0", 8787) == "http://127.0.0.1:8787/"


def test_serving_beyond_loopback_makes_a_token_of_its_own(database, monkeypatch):
    """Nobody said a token, yet everybody could connect: one is made and told beside the address; twice over."""
    from memmon import dashboard
    from memmon.dashboard import server

    told, tokens = [], []
    monkeypatch.setattr(server.uvicorn.Server, "run", lambda self, sockets: None)
    for _ in range(2):
        dashboard.serve(database, host="0.0.0.0", port=0, on_ready=told.append, on_token=tokens.append)
    dashboard.serve(database, port=0, on_ready=told.append, on_token=tokens.append)
    assert len(told) == 3
    assert not any("token" in one for one in told)
    assert len(set(tokens)) == 2
    assert min(map(len, tokens)) >= 32
    for token in ("short", "a" * 40, "password"):
        with pytest.raises(SettingsError, match=r"secrets\.token_urlsafe"):
            dashboard.serve(database, host="0.0.0.0", port=0, token=token)
    dashboard.serve(database, port=0, token="short")


def test_a_slow_head_and_a_crowd_are_cut(database, monkeypatch):
    """A connection that drips its request's head, and one too many, are closed; others are answered."""
    from memmon.dashboard import connections, server

    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    bound = bind("127.0.0.1", 0)
    config = server.uvicorn.Config(
        create_app(database), http=connections.BoundedProtocol, log_level="error", lifespan="off"
    )
    running = server.uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        crowd = [socket.create_connection(bound.getsockname(), timeout=20) for _ in range(3)]
        crowd[0].sendall(b"GET / HTTP/1.1\r\nHost: loc")
        for one in crowd:
            with one, suppress(ConnectionResetError):
                assert one.recv(100) == b""
        with socket.create_connection(bound.getsockname(), timeout=20) as one:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        running.should_exit = True
        thread.join(20)
        bound.close()


def test_one_address_does_not_hold_all_connections(database, monkeypatch):
    """What an address has too many is cut, while another address is answered."""
    from memmon.dashboard import connections, server

    monkeypatch.setattr(connections, "MOST_OF_AN_ADDRESS", 2)
    bound = bind("127.0.0.1", 0)
    config = server.uvicorn.Config(
        create_app(database), http=connections.BoundedProtocol, log_level="error", lifespan="off"
    )
    running = server.uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        crowd = [socket.create_connection(bound.getsockname(), timeout=20) for _ in range(3)]
        with suppress(ConnectionResetError):
            assert crowd[2].recv(100) == b""
        with socket.create_connection(
            bound.getsockname(), timeout=20, source_address=("127.0.0.2", 0)
        ) as one:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(100).startswith(b"HTTP/1.1 200")
        for one in crowd:
            one.close()
    finally:
        running.should_exit = True
        thread.join(20)
        bound.close()


def test_metrics_are_scraped_with_the_token_in_a_header(database):
    """Prometheus gets every source's present state as text; nobody gets it without the token."""
    client = client_of(database, token="t0ken")
    assert client.get("/metrics").status_code == 401
    answer = client.get("/metrics", headers={"authorization": "Bearer t0ken"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'source="leaky"' in answer.text


def test_metrics_without_their_extra_say_what_to_install(database, monkeypatch):
    """Without prometheus-client the other pages work, and this one has the install command."""
    from memmon.dashboard import metrics
    from memmon.errors import MissingExtraError

    def missing(*_, **__):
        raise MissingExtraError("pip install 'memmon[metrics]'")

    monkeypatch.setattr(metrics, "render_metrics", missing)
    answer = client_of(database).get("/metrics")
    assert answer.status_code == 501
    assert "pip install" in answer.text


@pytest.mark.parametrize("number", ["9" * 5000, "0", "-1", "²", "two", ""])
def test_a_page_that_can_not_be_is_refused(client, number):
    """A page number of thousands of digits, or none at all, is told as such, and is no fault of the dashboard."""
    answer = client.get(f"/data/v_snapshot?{urlencode({'page': number})}")
    assert answer.status_code == 404
    assert "there is no page" in answer.text
