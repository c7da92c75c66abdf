"""gunicorn: each kind of worker, workers that are replaced, and an application that was loaded before the fork."""

from __future__ import annotations

import signal

import pytest
from host_page import command, lay
from server_kit import Host, assert_as_without, both, figure_of, needs

pytestmark = pytest.mark.programs

WORKER_COUNT = 2


def finish(host, *, recorded_count):
    host.wait_for(lambda: "Control socket listening" in host.out, "control socket")
    host.measure(1 + WORKER_COUNT, recorded_count=recorded_count)
    return host.end()


def renew_by_hup(host):
    host.wait_for_recorded(WORKER_COUNT)
    before = set(host.pids())
    host.process.send_signal(signal.SIGHUP)
    host.wait_for(lambda: len(set(host.pids()) - before) == WORKER_COUNT, "new workers")
    host.wait_for(lambda: len(set(host.pids()) & before) == 1, "end of the old workers")
    host.ask()


def ask_until_renewed(host):
    """Ask until each worker that there was is gone, at its most requests."""
    before = set(host.pids())
    host.wait_for(lambda: host.ask() and len(set(host.pids()) & before) == 1, "recycled workers")


@pytest.mark.parametrize(
    ("text", "options", "act", "run_count"),
    [
        ("gunicorn --workers 2 shop:app", [], renew_by_hup, 4),
        ("gunicorn --workers 2 --worker-class gthread", ["--max-requests", "5"], ask_until_renewed, None),
        ("gunicorn --workers 2 --worker-class gevent", [], lambda host: None, 2),
    ],
    ids=["sync-hup", "gthread-max-requests", "gevent"],
)
def test_each_worker_is_recorded(text, options, act, run_count, tmp_path, figures):
    """All that each worker took is stored, also of those that were replaced, which end as they did; the server is as it is without memmon."""
    needs("gunicorn")
    green = "gevent" in text
    if green:
        needs("gevent")

    def run(folder, is_recorded):
        lay(folder, "shop.py")
        words = [*command(text), *options, "--bind", "unix:SOCKET"]
        host = Host(folder, words, is_recorded=is_recorded)
        host.ask()
        act(host)
        return finish(host, recorded_count=WORKER_COUNT)

    found, plain = both(tmp_path, run)
    figures(text, figure_of(found, plain))
    assert_as_without(
        found,
        plain,
        recorded_count=WORKER_COUNT,
        green=green,
        out=run_count is not None,
        spare_thread_count=WORKER_COUNT if "gthread" in text else 0,
    )
    assert set(found.ends) == {"exit"}
    assert run_count is None or len(found.ends) == run_count


def test_a_preloaded_application_is_recorded_in_each_fork(tmp_path, figures):
    """The master and each worker have a run of their own; the workers name the master's as their parent's."""
    needs("gunicorn")

    def run(folder, is_recorded):
        lay(folder, "preloaded.py")
        words = [*command("gunicorn --workers 2 --preload"), "--bind", "unix:SOCKET"]
        host = Host(folder, words, is_recorded=is_recorded)
        host.ask()
        return finish(host, recorded_count=1 + WORKER_COUNT)

    found, plain = both(tmp_path, run)
    figures("gunicorn --preload", figure_of(found, plain))
    assert_as_without(found, plain, recorded_count=1 + WORKER_COUNT)
    assert found.ends == ["exit"] * 3
    assert found.parent_counts == {0: 1, 1: 2}


def test_a_preloaded_application_under_gevent_is_recorded_too(tmp_path):
    """Where the worker makes threads green after the fork, under those that record, they go on, and no request waits for them."""
    needs("gunicorn")
    needs("gevent")
    lay(tmp_path, "preloaded.py")
    words = [*command("gunicorn --workers 2 --preload"), "--worker-class", "gevent", "--bind", "unix:SOCKET"]
    host = Host(tmp_path, words, is_recorded=True)
    host.ask()
    host.measure(1 + WORKER_COUNT, recorded_count=1 + WORKER_COUNT)
    assert host.ask() == "hello\n"
    found = host.end()
    assert (found.code, found.left) == (0, [])
    assert len(found.ends) == 1 + WORKER_COUNT
