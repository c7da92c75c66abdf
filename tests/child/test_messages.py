"""What a program and its child say to each other: exactly this, or a sentence on what it is not."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from message_kit import ANSWER_TYPES, JSON, REQUEST_TYPES, made_up, objects_of

from memmon.child import AnsweredError, bootstrap
from memmon.child.requests import (
    REQUESTS,
    AnyAnswer,
    AnyRequest,
    Envelope,
    Failed,
    Inspect,
    Inspected,
    JudgeLeak,
)
from memmon.child.wire import UnknownMessageError, decode_answer, encode
from memmon.tasks import serve
from memmon.tasks.decode import LATER_NAMES, read_exactly, read_request

INSPECT = Inspect(database="sqlite:////nowhere/at/all.db", in_all_pages=False)
LATER = "of_a_later_version"

made = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is slow at making things up."""


def on_the_way(message):
    """A message as it comes out of its line of JSON."""
    return json.loads(json.dumps(encode(message)))


def asking(answer_type):
    """Some request that answers of this type are given to; only its names are looked at."""
    return next(one for one in REQUEST_TYPES if one.answer_type is answer_type)


@made
@given(st.sampled_from(REQUEST_TYPES).flatmap(made_up))
def test_a_request_arrives_as_it_was_said(request_):
    """Whatever a request holds, the child reads the very same value out of its line, envelope or not."""
    raw = on_the_way(request_)
    envelope = on_the_way(bootstrap.envelope(timeout_seconds=60.0))
    assert read_request(raw) == request_
    assert read_request({**raw, **envelope}) == request_


@made
@given(st.sampled_from(ANSWER_TYPES).flatmap(made_up))
def test_an_answer_arrives_as_it_was_said(answer):
    """Whatever an answer holds, the program reads the very same value out of its line, and so does the exact reader."""
    raw = on_the_way(answer)
    assert decode_answer(asking(type(answer)), raw) == answer
    assert read_exactly(type(answer), raw) == answer


@made
@given(st.data())
def test_a_request_that_lacks_or_adds_a_field_is_refused(data):
    """A field left out or added anywhere in a request, also in a part that has defaults elsewhere, is named and refused."""
    kind = data.draw(st.sampled_from(REQUEST_TYPES))
    raw = on_the_way(data.draw(made_up(kind)))
    place = data.draw(st.sampled_from(list(objects_of(kind, raw))))
    name = data.draw(st.sampled_from([LATER, *(one for one in place if one not in LATER_NAMES)]))
    if name == LATER:
        place[LATER] = data.draw(JSON)
    else:
        del place[name]
    with pytest.raises(UnknownMessageError, match="restart the program") as caught:
        read_request(raw)
    assert name in str(caught.value) or name == "command"


@made
@given(st.data())
def test_an_answer_that_lacks_a_field_is_refused(data):
    """A field left out anywhere in an answer is refused at the program's end, and by the exact reader."""
    kind = data.draw(st.sampled_from(ANSWER_TYPES))
    raw = on_the_way(data.draw(made_up(kind)))
    place = data.draw(st.sampled_from(list(objects_of(kind, raw))))
    name = data.draw(st.sampled_from(list(place)))
    del place[name]
    with pytest.raises(AnsweredError, match="restart the program") as caught:
        decode_answer(asking(kind), raw)
    assert caught.value.is_of_another_version
    with pytest.raises(UnknownMessageError, match=name):
        read_exactly(kind, raw)


@made
@given(st.data())
def test_an_answer_of_a_later_version_may_say_more(data):
    """A field added anywhere in an answer is passed over by the program, and refused by the exact reader."""
    kind = data.draw(st.sampled_from(ANSWER_TYPES))
    answer = data.draw(made_up(kind))
    raw = on_the_way(answer)
    data.draw(st.sampled_from(list(objects_of(kind, raw))))[LATER] = data.draw(JSON)
    assert decode_answer(asking(kind), raw) == answer
    with pytest.raises(UnknownMessageError, match=LATER):
        read_exactly(kind, raw)


@made
@given(st.data())
def test_both_ends_take_the_same_answers(data):
    """With any value put in the place of any other, the program and the exact reader agree on whether it is an answer."""
    kind = data.draw(st.sampled_from(ANSWER_TYPES))
    raw = on_the_way(data.draw(made_up(kind)))
    place = data.draw(st.sampled_from(list(objects_of(kind, raw))))
    place[data.draw(st.sampled_from(sorted(place.keys() - {"command"})))] = data.draw(JSON)
    try:
        expected = read_exactly(kind, raw)
    except UnknownMessageError:
        with pytest.raises(AnsweredError):
            decode_answer(asking(kind), raw)
    else:
        assert decode_answer(asking(kind), raw) == expected


@made
@given(st.dictionaries(st.sampled_from([*REQUESTS, "command", "database", "error", "leak", "a"]), JSON))
def test_anything_else_is_told_in_a_sentence(raw):
    """Any JSON object at all is refused at both ends by an error of memmon's, and by no other."""
    with pytest.raises(UnknownMessageError):
        read_request({**raw, LATER: 1})
    with pytest.raises(AnsweredError):
        decode_answer(JudgeLeak, {**raw, "leak": 1})


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"command": "inspect"}, "database"),
        ({"command": "inspect", "database": "x", "in_all_pages": 1}, "in_all_pages"),
        ({"command": "inspect", "database": "x", "in_all_pages": True, "\udcff": 1}, "udcff"),
        ({"command": "defragment"}, "'defragment'"),
        ({"command": ["inspect"]}, "inspect"),
        ({}, "None"),
    ],
)
def test_what_the_child_does_not_know_is_answered(raw, words, capsys):
    """A request that is none of this version gets an error answer that says what is wrong and what to do; no traceback."""
    assert serve.answer(raw) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert read_exactly(Failed, answer) == Failed(
        error=answer["error"], kind="UnknownMessageError", sqlite_code=None, error_number=None
    )
    assert answer["error"].startswith("the memmon installed now")
    assert words in answer["error"]
    assert "restart the program" in answer["error"]
    assert said.err == ""
    with pytest.raises(AnsweredError) as caught:
        decode_answer(INSPECT, answer)
    assert caught.value.is_of_another_version


def test_what_a_task_raises_is_answered_with_its_codes(monkeypatch, capsys):
    """Any error in a task becomes an answer with the error's class and codes."""
    monkeypatch.setattr(serve, "perform", lambda _request: (_ for _ in ()).throw(OSError(28, "no room")))
    monkeypatch.setattr(serve, "lower_own_priority", lambda **_: None)
    serve.answer(on_the_way(INSPECT))
    with pytest.raises(AnsweredError) as caught:
        decode_answer(INSPECT, json.loads(capsys.readouterr().out))
    found = caught.value
    assert (str(found), found.kind) == ("OSError: [Errno 28] no room", "OSError")
    assert (found.error_number, found.sqlite_errorcode, found.is_of_another_version) == (28, None, False)


@pytest.mark.parametrize("extra", [{}, {"kind": 7, "sqlite_code": "x", "error_number": []}, {LATER: 1}])
def test_a_failure_is_understood_whichever_version_tells_it(extra):
    """An error answer that lacks codes, has odd ones or says more is a failure with its text all the same."""
    with pytest.raises(AnsweredError, match=r"^no room$") as caught:
        decode_answer(INSPECT, {"error": "no room", **extra})
    found = caught.value
    assert (found.kind, found.sqlite_errorcode, found.error_number) == (None, None, None)


@pytest.mark.parametrize("odd", [{}, {"command": "check", "damage": None}, {"damage": None}])
def test_an_answer_to_another_question_is_none(odd):
    """An answer without the request's name is not taken for its answer."""
    with pytest.raises(AnsweredError, match="'inspect'"):
        decode_answer(INSPECT, odd)


def test_a_time_of_an_odd_zone_arrives():
    """A time of a zone whose offset has seconds, which not every reader knows, arrives as the same moment."""
    moment = datetime(1900, 1, 1, tzinfo=timezone(timedelta(minutes=53, seconds=28)))

    @dataclasses.dataclass
    class Told:
        at: datetime

    assert datetime.fromisoformat(encode(Told(moment))["at"]).utcoffset() == timedelta(0)
    assert datetime.fromisoformat(encode(Told(moment))["at"]) == moment


def test_each_name_on_the_line_means_one_thing():
    """No request has a field that the envelope has too, and what a child runs first reads the envelope's fields alone."""
    envelope = {one.name for one in dataclasses.fields(Envelope)}
    for kind in REQUEST_TYPES:
        assert envelope.isdisjoint({one.name for one in dataclasses.fields(kind)} | {"command", "error"})
        assert kind.command == kind.answer_type.command
    read = set(re.findall(r'request\["(\w+)"\]', bootstrap.CODE))
    assert read <= envelope
    assert Inspected.command in REQUESTS


def test_each_request_is_known_by_its_name():
    """Every kind of request and answer is in the types that mypy holds `perform` to, and is found by its name."""
    assert set(get_args(AnyRequest)) == set(REQUESTS.values())
    assert set(get_args(AnyAnswer)) == {kind.answer_type for kind in REQUEST_TYPES}
    assert all(kind.command == name for name, kind in REQUESTS.items())


def run_alone(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_a_program_does_not_load_the_exact_reader_for_it():
    """Writing a request and reading an answer loads nothing beyond the standard library and memmon's own light modules."""
    code = """
import sys
from memmon.child import Children
from memmon.child.process import _request_line
from memmon.child.requests import Inspect, Inspected
from memmon.child.wire import decode_answer
request = Inspect(database="x", in_all_pages=False)
assert b'"command": "inspect"' in _request_line(request, 60.0)
assert decode_answer(request, {"command": "inspect", "damage": "page 7"}) == Inspected(damage="page 7")
heavy = {"msgspec", "memmon.config", "memmon.tasks", "memmon.store", "sqlalchemy", "numpy"}
print(sorted(heavy & set(sys.modules)))
"""
    assert run_alone(code) == "[]\n"


@pytest.mark.parametrize("command", ["migrate", "inspect"])
def test_what_the_programs_first_write_waits_for_is_light(tmp_path, command):
    """Bringing a database forward, or looking whether it is damaged, loads neither the analysis nor what reads a history."""
    code = f"""
import sys
from memmon.config import parse_database
from memmon.store.upkeep.migrate import upgrade
upgrade(parse_database({str(tmp_path / "m.db")!r}), revision="0003")
from memmon.tasks import serve
more = dict(file_mode=0o600) if {command!r} == "migrate" else dict(in_all_pages=True)
serve.answer(dict(command={command!r}, database={str(tmp_path / "m.db")!r}, **more))
heavy = ("numpy", "pandas", "scipy", "statsmodels", "memmon.analysis", "memmon.report", "memmon.store.read", "click")
print(sorted(set(heavy) & set(sys.modules)))
"""
    answer, heavy = run_alone(code).splitlines()
    assert "error" not in json.loads(answer)
    assert heavy == "[]"
