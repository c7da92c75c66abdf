"""No surface shows a secret, however oddly it was spelt."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memmon.config import parse_database
from memmon.errors import SettingsError
from memmon.evaluator.channels.channels import parse_channel
from memmon.facts.masking import mask_url, shown_specs

if TYPE_CHECKING:
    from collections.abc import Callable

CORE = "Quokka7781"
"""Every secret here holds it, so that a piece of one is found too."""
ends = st.text(st.sampled_from("aZ9/:#?=+-._~!*;,"), max_size=6)
secrets = st.builds(lambda before, after: f"{before}{CORE}{after}", ends, ends)

URLS = (
    "postgresql://bob:{}@h/db",
    "postgresql+psycopg://bob:{}@h:5432/db?sslmode=require",
    "postgres:bob:{}@h",
    "postgresql:bob:{}@h/db",
    "sqlite://bob:{}@h",
    "sqlite:bob:{}@h",
    "mysql://bob:{}@h/db",
    "//bob:{}@h/db",
    "bob:{}@h:5432/db",
)
QUOTED = (
    "postgresql://bob@h/db?password={}",
    "postgresql://bob@h/db?application_name=x&sslpassword={}",
    "postgresql://h/db?passw%6Frd={}",
    "postgresql://bob@h/db?user=x;password={}",
    "sqlite:///x.db?key={}",
    "sqlite:///?token={}",
)
WORDS = (
    "host=h user=bob password={}",
    "password = {}",
    "password='{} and more' host=h",
    "dbname=x password={} port=1",
)
CHANNELS = (
    "webhook:https://h/services/{}",
    "webhook:https://h?key={}",
    "webhook:https://h#{}",
    "webhook:https://bob:{}@h/x",
    "webhook:{}",
    "apprise:slack://{}/x",
    "apprise:mailto://bob:{}@h",
    "slack:{}",
    "{}",
)

texts = st.one_of(
    st.builds(str.format, st.sampled_from(URLS), secrets),
    st.builds(str.format, st.sampled_from(QUOTED), secrets.map(lambda secret: quote(secret, safe=""))),
    st.builds(str.format, st.sampled_from(WORDS), secrets),
)


def told_of(say: Callable[[], str]) -> str:
    try:
        return say()
    except SettingsError as error:
        return str(error)


@given(texts)
@example(f"bob://{CORE}@h:5432/db")
def test_no_spelling_of_a_url_shows_its_secret(text):
    """Neither what is shown of a database, nor its repr, nor the error over a wrong one holds the password."""
    assert CORE not in mask_url(text)
    assert CORE not in told_of(lambda: repr(parse_database(text)))


@given(st.builds(str.format, st.sampled_from(CHANNELS), secrets.map(lambda secret: f"x{secret}")))
@example(f"webhook:x{CORE}:///")
def test_no_spelling_of_a_channel_shows_its_secret(text):
    """A webhook's path, query and password, and all of another service's address, stay out of sight."""
    assert CORE not in shown_specs(text)
    assert CORE not in told_of(lambda: parse_channel(text, {}).name)


@pytest.mark.parametrize(
    "text",
    ["/var/lib/bot/memory.db", "memory.db", "a@b.db", "b=c.db", "sqlite:////data/a@b.db", "C:memory.db"],
)
def test_plain_paths_are_shown_as_they_are(text):
    """What holds no secret is not masked, and a path with odd signs in it stays a path."""
    assert mask_url(text) == text
    assert parse_database(text).path is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ("doctor",),
        ("report",),
        ("config", "show"),
        ("config", "show", "--json"),
        ("db", "status"),
        ("check",),
        ("runs", "--json"),
    ],
)
@pytest.mark.parametrize(
    "url",
    [
        f"sqlite://bob:{CORE}@h",
        f"postgresql:bob:{CORE}@h",
        f"host=127.0.0.1 port=1 user=bob password={CORE}",
        f"postgresql://bob:{CORE}@127.0.0.1:1/db?connect_timeout=1",
        f"postgresql://bob@127.0.0.1:1/db?password={CORE}&colour=blue",
    ],
)
@pytest.mark.slow
def test_no_command_shows_a_secret(tmp_path, arguments, url):
    """Whatever a command says of a database that it can't use, the password is not in it."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "memmon", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "MEMMON_DATABASE_URL": url, "MEMMON_ALERT_CHANNELS": f"webhook:https://h/{CORE}"},
    )
    assert CORE not in done.stdout + done.stderr
    assert done.stdout + done.stderr
    assert not [one for one in tmp_path.rglob("*") if CORE in one.name]
