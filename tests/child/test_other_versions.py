"""memmon is replaced while a program runs: the program asks as before, the children are of the new version."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from child_kit import INSPECT, answer_of

from memmon.child import AnsweredError, Child, Children, bootstrap
from memmon.child.interpreter import find_interpreter
from memmon.child.requests import Inspected
from memmon.config import parse_database
from memmon.errors import ChildError
from memmon.model import Alert, RunRecord, Snapshot
from memmon.monitor.values import MemoryLeakReport
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.batch import Batch
from memmon.store.write.writer import Writer

# What the children of programs that loaded the first version run. It is in their memory: it stays as it was.
FIRST_CODE = """
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
import json

request = json.loads(sys.stdin.buffer.readline())
known = set(sys.path)
spec = PathFinder.find_spec("memmon", request["memmon_folders"])
module = sys.modules["memmon"] = module_from_spec(spec)
spec.loader.exec_module(module)
from memmon.child.mortal import end_with_request
end_with_request(request)
sys.path += [path for path in request["import_paths"] if path not in known]
if request["editable_folders"]:
    import os, site
    for folder in request["editable_folders"]:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".pth") and "editable" in name:
                site.addpackage(folder, name, known)
from memmon.cli.child import answer
sys.exit(answer(request))
"""
AT = datetime(2026, 1, 1, tzinfo=UTC)
NOW = AT + timedelta(hours=30)


def ask_as_the_first_version(request):
    """What a child answers to a program of the first version; it must complain of nothing."""
    envelope = dataclasses.asdict(bootstrap.envelope(timeout_seconds=240.0)) | {"has_lifeline": False}
    done = subprocess.run(
        [*bootstrap.arguments(sys.executable)[:-2], FIRST_CODE, "memmon-child"],
        input=json.dumps({**request, **envelope}) + "\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture
def database(tmp_path):
    """A day and more of a bot that leaks 24 MB an hour."""
    url = f"sqlite:///{tmp_path / 'm.db'}"
    upgrade(parse_database(url))
    run = RunRecord(
        uuid="00000000-0000-4000-8000-000000000001",
        source="bot",
        source_was_given=True,
        started_at=AT,
        interval_seconds=300.0,
        host="h",
        pid=7,
    )
    snapshots = [
        Snapshot(
            at=AT + timedelta(minutes=5 * number),
            sequence=1 + number,
            uptime_seconds=300.0 * number,
            rss_bytes=(200 + 2 * number) * 2**20,
        )
        for number in range(360)
    ]
    Writer(parse_database(url)).write(Batch(run=run, snapshots=snapshots))
    return url


def check_request(database):
    return {
        "command": "check",
        "database": database,
        "source": "bot",
        "leak_check": True,
        "daily_report": True,
        "threshold_mb_per_hour": 10.0,
        "now": NOW.isoformat(),
    }


def test_the_hourly_check_of_the_first_version_goes_on(database):
    """A program that loaded the first version is told of a leak and gets its daily report, in the form that it reads."""
    found = ask_as_the_first_version({**check_request(database), "look_at_all_pages": True})
    assert found.get("damage") is None
    assert found.get("is_suspicious")
    alerts = [Alert(at=NOW, source="bot", **one) for one in found["alerts"]]
    assert [(one.kind, one.severity) for one in alerts] == [("leak", "warning")]
    report = found["report"]
    assert report["window_hours"] == 24.0
    assert "24-HOUR MEMORY USAGE REPORT" in report["text"]
    assert json.loads(report.get("data"))["command"] == "report"
    assert report["headline"]


def test_the_second_look_of_the_first_version_goes_on(database):
    """A program of the first version that asks for another look, with the fields of its check beside, is answered."""
    found = ask_as_the_first_version({**check_request(database), "command": "inspect", "in_all_pages": True})
    assert found["damage"] is None


def test_what_had_a_default_in_the_first_version_may_be_left_out(tmp_path):
    """A program of the first version need not say what had a default."""
    path = tmp_path / "older.db"
    upgrade(parse_database(str(path)), revision="0003")
    assert ask_as_the_first_version({"command": "inspect", "database": str(path)})["damage"] is None
    done = ask_as_the_first_version({"command": "migrate", "database": str(path)})
    assert (done["before"], done["after"] > "0003") == ("0003", True)


def test_the_questions_of_a_memory_monitor_of_the_first_version_go_on(database):
    """A MemoryMonitor of the first version gets its verdict and its report, in the form that it reads."""
    times = [AT + timedelta(minutes=5 * number) for number in range(60)]
    columns = {
        "timestamp": [one.isoformat() for one in times],
        "uptime_seconds": [None for _ in times],
        "rss_mb": [200.0 + number for number in range(60)],
        **{name: [None for _ in times] for name in ("vms_mb", "percent", "available_mb")},
        "deque_sizes": {"prices": 3},
    }
    deque = {"name": "prices", "length_count": 3, "maxlen_count": 9, "size_bytes": None}
    deque |= {"dropped_count": 0, "expected_maxlen_count": None, "is_alive": True}
    request = {"snapshots": columns, "threshold_mb_per_hour": 10.0, "source": "bot"}
    verdict = ask_as_the_first_version(
        {"command": "leak", **request, "min_duration_hours": 2.0, "min_samples": 24}
    )
    report = MemoryLeakReport(**verdict["leak"])
    assert (report.leak_detected, report.total_growth_mb) == (True, 59.0)
    answer = ask_as_the_first_version(
        {"command": "report", **request, "deques": [deque], "database": database, "now": NOW.isoformat()}
    )
    assert "prices: 3/9 (33.3% full)" in answer["text"]


@pytest.mark.parametrize("lacking", ["now", "command"])
def test_what_is_missing_is_told_to_an_earlier_version(database, lacking):
    """A request of another version that lacks something gets an error answer with what to do, and no traceback."""
    request = check_request(database)
    del request[lacking]
    found = ask_as_the_first_version(request)
    assert "restart the program" in found["error"]
    assert found["kind"] == "UnknownMessageError"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OtherInspect:
    """As another version might ask."""

    command = "inspect"
    answer_type = Inspected
    database: str
    in_all_pages: bool
    depth_count: int


def test_a_question_that_the_child_does_not_know_is_no_failure_of_the_child():
    """A request that the installed version does not know is told as that, and the next one of a kind it knows is answered."""
    children = Children()
    odd = OtherInspect(database=INSPECT.database, in_all_pages=False, depth_count=3)
    for _ in range(4):
        with pytest.raises(AnsweredError, match=r"depth_count.*restart the program") as caught:
            children.run(odd, timeout_seconds=60.0)
        assert caught.value.is_of_another_version
    assert (children.failure_count, children.why_none()) == (0, None)
    assert children.run(INSPECT, timeout_seconds=60.0).damage is None


def test_a_version_without_the_children_of_this_one_is_told(monkeypatch):
    """Where the installed memmon has no such tasks, as one that is just being replaced, the child's last line says so."""
    monkeypatch.setattr(bootstrap, "CODE", bootstrap.CODE.replace("memmon.tasks.serve", "memmon.tasks.gone"))
    child = Child(INSPECT, interpreter=find_interpreter(serves_itself=False), timeout_seconds=60.0)
    with pytest.raises(ChildError, match=r"No module named 'memmon.tasks.gone'"):
        answer_of(child)
