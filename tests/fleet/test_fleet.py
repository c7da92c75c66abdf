from __future__ import annotations

import json
import math
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import memmon
from memmon import LeakPolicy
from memmon.cli import app
from memmon.many.series import analyse_series, series_task, worst_first
from memmon.store.read import open_store

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks" / "fleet"))
from simulated import build


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Twenty sources of seven days."""
    path = str(tmp_path_factory.mktemp("fleet") / "fleet.db")
    build(path, source_count=20)
    return path


@pytest.fixture(scope="module")
def expected(url):
    """What this process alone makes of them."""
    return memmon.fleet(url)


def test_fleet_puts_the_worst_first(expected):
    """Leaks stand first, steepest of equal confidence first, and are found where they were planted."""
    leaking = {one.source for one in expected.results if one.is_leak}
    assert leaking == {f"bot-{number:05d}" for number in range(20) if number % 10 in {0, 2}}
    assert [one.is_leak for one in expected.results] == [True] * 4 + [False] * 16
    steep = [
        (("high", "medium", "low").index(one.confidence), -one.slope_mb_per_hour)
        for one in expected.results[:4]
    ]
    assert steep == sorted(steep)
    assert expected.leak_count == 4
    assert {(group.name, group.leak_count) for group in expected.by_host} == {
        (f"host-{number:02d}", 1) for number in (0, 2, 10, 12)
    }
    assert sum(group.leak_count for group in expected.by_release) == 4
    assert sum(group.source_count for group in expected.by_release) <= 20


def test_fleet_function_is_pure_and_travels(url):
    """The function and its task survive pickling and give the same row again."""
    with open_store(url) as store:
        (history,) = store.histories(store.sources()[:1])
    task = series_task(history, LeakPolicy())
    function, again = pickle.loads(pickle.dumps((analyse_series, task)))
    assert function(again) == analyse_series(task) == analyse_series(task)
    assert len(pickle.dumps(task)) < 200_000


def test_fleet_is_the_same_in_any_executor(url, expected):
    """In threads and in two processes the result equals the one of this process."""
    with ThreadPoolExecutor(2) as executor:
        assert memmon.fleet(url, executor=executor) == expected
    assert memmon.fleet(url, jobs=2) == expected
    assert memmon.fleet(url, jobs=1) == expected


@pytest.mark.filterwarnings("ignore")  # a cluster's own warnings are not ours
def test_fleet_is_the_same_on_a_dask_cluster(url, expected, capfd):
    """On a Dask cluster, through its executor and by --dask, the result is the same."""
    distributed = pytest.importorskip(
        "distributed", reason="distributed is not installed (pip install 'memmon[dask]')"
    )
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="tcp://"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        assert memmon.fleet(url, executor=executor) == expected
        assert app.run(["fleet", "--db", url, "--dask", cluster.scheduler_address, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["findings"] == [one.to_dict() for one in expected.results]


def test_fleet_new_leaks_are_those_of_the_last_day():
    """A leak that a day ago was none is new; one that leaked then is not."""
    import numpy as np

    from memmon.history import History, HistoryRun

    hours = np.arange(0, 120, 1 / 12)
    noise = np.random.default_rng(5).normal(0, 0.3, hours.size)

    def row(begin_hours):
        grown = 40.0 * np.maximum(hours - begin_hours, 0)
        history = History.from_arrays(
            at_seconds=1.77e9 + hours * 3600,
            rss_bytes=(300 + grown + noise) * 2**20,
            source="bot",
            runs=(HistoryRun(run_id=0, started_at_seconds=1.77e9, release="2.0", host="h"),),
        )
        return analyse_series(series_task(history, LeakPolicy()))

    assert (row(0).is_leak, row(0).is_new) == (True, False)
    assert (row(100).is_leak, row(100).is_new) == (True, True)
    assert (row(100).release, row(100).host) == ("2.0", "h")
    assert worst_first([row(1e9), row(0)])[0].is_leak


def test_fleet_on_the_command_line(url, expected, capfd):
    """`memmon fleet` prints one table with the leaks by release and host; --json has every row."""
    assert app.run(["fleet", "--db", url, "--limit", "5"]) == 0
    text = capfd.readouterr().out
    assert text.startswith("20 sources: 4 leak")
    assert "leaks by release:" in text
    assert "leaks by host:" in text
    assert "... (20 in all" in text
    assert app.run(["fleet", "--db", url, "--json", "--jobs", "2"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert [one["source"] for one in found["findings"]] == [one.source for one in expected.results]
    assert found["leak_count"] == 4


def test_a_budget_asks_alarms_for_evidence_and_changes_no_verdict(url, expected):
    """Each leak is an alarm without a budget; with one those that are sure enough are; verdicts, order and groups stay."""
    assert expected.alarm_count == expected.leak_count == 4
    within = memmon.fleet(url, false_alarms_per_month=3)
    bars = [
        math.log(20 * 720 / 3 / rank) <= one.log_e_value
        for rank, one in enumerate(
            sorted((one for one in within.results if one.is_leak), key=lambda one: -one.log_e_value), start=1
        )
    ]
    assert [one.is_alarm for one in within.results] == [one.is_leak for one in within.results]
    assert bars == [True] * 4
    hardly = memmon.fleet(url, false_alarms_per_month=1e-200)  # no evidence reaches that bar
    assert (hardly.leak_count, hardly.alarm_count) == (4, 0)
    for found in (within, hardly):
        assert [replace(one, is_alarm=one.is_leak) for one in found.results] == list(expected.results)
        assert (found.by_release, found.by_host) == (expected.by_release, expected.by_host)
    with pytest.raises(ValueError, match="above zero"):
        memmon.fleet(url, false_alarms_per_month=0)


def test_a_budget_on_the_command_line_is_that_of_the_setting(url, capfd, monkeypatch):
    """`--false-alarms`, else the setting, gives the budget; the head counts its alarms and rows tell what is not sure."""
    assert app.run(["fleet", "--db", url]) == 0
    assert "sure enough" not in capfd.readouterr().out
    assert app.run(["fleet", "--db", url, "--false-alarms", "3"]) == 0
    assert "; 4 sure enough for 3 false alarms a month\n" in capfd.readouterr().out
    monkeypatch.setenv("MEMMON_FALSE_ALARMS_PER_MONTH", "1e-200")
    assert app.run(["fleet", "--db", url]) == 0
    text = capfd.readouterr().out
    assert "; 0 sure enough for 1e-200 false alarms a month\n" in text
    assert text.count("not sure enough yet") == 4
    assert app.run(["fleet", "--db", url, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["alarm_count"], found["leak_count"], found["false_alarms_per_month"]) == (0, 4, 1e-200)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--jobs", "2", "--dask", "tcp://x:1"], "exclude each other"),
        (["--source", "bot-00000"], "memmon leaks --source"),
        (["--jobs", "0"], "0 is not in the range"),
        (["--false-alarms", "0"], "0.0 is not in the range"),
        (["--dask", "nonsense"], "no Dask scheduler answers at nonsense"),
    ],
)
def test_fleet_wrong_words_are_one_line(url, words, said, capfd):
    """Wrong options and a cluster that is not there are told in one line, exit 2."""
    if words[0] == "--dask":
        pytest.importorskip("distributed")
    assert app.run(["fleet", "--db", url, *words]) == 2
    told = capfd.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_fleet_arguments_are_checked(url):
    """Both an executor and jobs, or no jobs, are refused; `since` narrows what is judged."""
    with pytest.raises(ValueError, match="not both"), ThreadPoolExecutor(1) as executor:
        memmon.fleet(url, executor=executor, jobs=2)
    with pytest.raises(ValueError, match="at least 1"):
        memmon.fleet(url, jobs=0)
    with open_store(url) as store:
        last_at = store.last_sample_at("bot-00000")
    found = memmon.fleet(url, since=last_at - timedelta(hours=1))
    assert {one.verdict for one in found.results} == {"cannot_say"}
