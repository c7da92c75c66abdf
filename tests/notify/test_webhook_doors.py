"""Webhooks against receivers that are slow in every way there is, and headers that nobody of ours writes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmon.alerts.records import Message
from memmon.clock import ManualClock
from memmon.errors import ChannelError
from memmon.evaluator.channels.webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookChannel, sign, verify
from memmon.evaluator.runner import deliver

KEY = "hmac-Quokka-99417"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
BODY = b'{"schema_version": 1}'


def message():
    return Message(
        uuid="u1",
        source_id=1,
        source="bot",
        fingerprint="x",
        kind="leak",
        event="firing",
        severity="warning",
        at=START,
        title="title",
        text="t" * 2_000_000,  # more than a socket takes at once
        values={},
    )


def says_nothing(connection, told):
    told.wait(60)


def drips_a_status(connection, told):
    for letter in b"HTTP/1.1 2" + b"0" * 100_000:
        connection.sendall(bytes([letter]))
        if told.wait(0.02):
            return


def drips_headers(connection, told):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not told.wait(0.02):
        connection.sendall(b"X-A: b\r\n")


def drips_continues(connection, told):
    while not told.wait(0.02):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def drips_a_refusal(connection, told):
    connection.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: 100000\r\n\r\n")
    while not told.wait(0.02):
        connection.sendall(b"x")


@pytest.fixture
def receiver():
    """Start a server whose connections a function answers; return its port."""
    told = threading.Event()
    listeners, threads = [], []

    def serve(answer):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept():
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    answer(connection, told)

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[-1].start()
        return listener.getsockname()[1]

    yield serve
    told.set()
    for listener in listeners:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(20)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "answer", [says_nothing, drips_a_status, drips_headers, drips_continues, drips_a_refusal]
)
def test_no_receiver_holds_a_delivery_beyond_its_deadline(receiver, scheme, answer):
    """Whatever a receiver drips, in plain or in the handshake, the delivery fails in time and its thread ends."""
    channel = WebhookChannel(f"{scheme}://127.0.0.1:{receiver(answer)}/hook", deadline_seconds=0.3)
    outcome = []

    def send():
        with pytest.raises(ChannelError) as caught:
            channel.send(message())
        outcome.append(str(caught.value))

    thread = threading.Thread(target=send)
    thread.start()
    thread.join(20)  # far above the deadline: only a delivery without one is still there
    assert outcome
    for one in threading.enumerate():
        if one.name == "memmon-webhook":
            one.join(20)
            assert not one.is_alive()


def test_a_slow_receiver_delays_no_other(receiver):
    """While one receiver says nothing, another real one has its message: the slow one answers only then."""
    arrived = threading.Event()

    def quick(connection, _told):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        arrived.set()

    def slow(connection, _told):
        assert arrived.wait(20)
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    class Waiting:
        """One message for each channel."""

        def __init__(self):
            self.left = {"slow": 1, "quick": 1}
            self.done = []

        def claim(self, name, **_):
            self.left[name] -= 1
            text = Message(
                **{**{n: getattr(message(), n) for n in Message.__dataclass_fields__}, "text": "t"}
            )
            return SimpleNamespace(message=text, attempt_count=1) if self.left[name] == 0 else None

        def delivered(self, name, *_args, **_options):
            self.done.append(name)

    channels = [
        WebhookChannel(f"http://127.0.0.1:{receiver(answer)}/hook", name=name, deadline_seconds=60)
        for name, answer in (("slow", slow), ("quick", quick))
    ]
    assert deliver(Waiting(), channels, clock=ManualClock(START)) == (2, [])


odd = st.one_of(
    st.none(), st.integers(), st.binary(max_size=9), st.text(max_size=80), st.lists(st.text()), st.floats()
)


@given(
    stamp=st.one_of(odd, st.text("0123456789٣²-+ _.eE", max_size=20), st.just(str(int(START.timestamp())))),
    signature=st.one_of(odd, st.text("sha256=0123456789abcdef", max_size=80)),
    names=st.sampled_from(["plain", "lower", "bytes", "missing"]),
)
def test_no_malformed_header_is_genuine_or_raises(stamp, signature, names):
    """Whatever stands in the headers, without the secret nothing is genuine and nothing is raised."""
    headers = {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: signature}
    if names == "lower":
        headers = {name.lower(): value for name, value in headers.items()}
    elif names == "bytes":
        headers = {name.encode(): value for name, value in headers.items()}
    elif names == "missing":
        del headers[SIGNATURE_HEADER]
    assert verify(BODY, headers, KEY, clock=ManualClock(START)) is False


@given(
    place=st.integers(0, 70),
    letter=st.characters(codec="utf-8"),
    which=st.sampled_from([SIGNATURE_HEADER, TIMESTAMP_HEADER]),
)
def test_a_genuine_header_changed_anywhere_is_none(place, letter, which):
    """One letter more or another in the signature or in its time, and the message is not believed."""
    stamp = str(int(START.timestamp()))
    headers = {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: sign(BODY, stamp, KEY)}
    clock = ManualClock(START)
    assert verify(BODY, headers, KEY, clock=clock) is True
    text = headers[which]
    for changed in (
        text[:place] + letter + text[place:],
        text[:place] + letter + text[place + 1 :],
        text[:place],
    ):
        is_same = changed == text
        assert verify(BODY, {**headers, which: changed}, KEY, clock=clock) is is_same


def test_a_connection_made_after_the_deadline_is_closed(monkeypatch):
    """A name that is found too late leaves no connection open."""
    late, made = threading.Event(), []

    def connect(*_args, **_options):
        late.wait(20)
        mine, theirs = socket.socketpair()
        made.extend([mine, theirs])
        return mine

    monkeypatch.setattr("memmon.evaluator.channels.post.socket.create_connection", connect)
    with pytest.raises(ChannelError, match="no answer within"):
        WebhookChannel("http://127.0.0.1:1/hook", deadline_seconds=0.05).send(message())
    late.set()
    for one in threading.enumerate():
        if one.name == "memmon-webhook":
            one.join(20)
    mine, theirs = made
    assert mine.fileno() == -1
    theirs.settimeout(20)
    assert theirs.recv(1) == b""  # no other descriptor holds it open
    theirs.close()
