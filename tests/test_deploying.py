"""The files of docs/deploy.md are ones that Docker, Compose and systemd take, and their commands are memmon's."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
UNITS = {
    text.splitlines()[0].removeprefix("# /etc/systemd/system/"): text
    for text in re.findall(r"^```ini\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}


def block(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


def test_both_units_are_there():
    """The page has a unit for the bot and one for the alerts, each named by its first line."""
    assert sorted(UNITS) == ["bot.service", "memmon-alerts.service"]


@pytest.mark.parametrize("name", sorted(UNITS))
def test_a_unit_has_a_user_a_restart_a_limit_and_a_folder(name):
    """A unit runs as a user of its own with a folder of its own, is started again, and has a limit that memmon sees."""
    unit = configparser.ConfigParser(interpolation=None, delimiters="=", strict=True)
    unit.optionxform = str
    unit.read_string(UNITS[name])
    assert sorted(unit.sections()) == ["Install", "Service", "Unit"]
    service = unit["Service"]
    assert {"User", "Restart", "MemoryMax", "StateDirectory", "ExecStart"} <= set(service)
    assert (
        service["Environment"]
        == f"MEMMON_DATABASE_URL=sqlite:////var/lib/{service['StateDirectory']}/memmon.db"
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_takes_the_units(tmp_path):
    """`systemd-analyze verify` complains of nothing, with the programs where they are here."""
    paths = []
    for name, text in UNITS.items():
        path = tmp_path / name
        path.write_text(text.replace("/srv/bot/.venv/bin", str(BIN)), encoding="utf-8")
        paths.append(str(path))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True, check=False
    )
    said = [line for line in done.stderr.splitlines() if any(name in line for name in UNITS)]
    assert said == []


def test_compose_has_a_limit_and_one_volume_for_both():
    """The services share one volume; the bot has a limit, an init as process 1 and time to end."""
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load(block("yaml"))
    bot, alerts = found["services"]["bot"], found["services"]["alerts"]
    assert {"mem_limit", "memswap_limit", "restart", "stop_grace_period"} <= set(bot)
    assert bot["volumes"] == alerts["volumes"] == ["memmon:/data"]
    assert list(found["volumes"]) == ["memmon"]
    assert bot["init"] is alerts["init"] is True


def test_the_image_gives_the_volume_to_its_user():
    """The folder of the volume is made for the user that the bot runs as, before it is declared a volume, and the database lies there."""
    lines = [line.split(" ", 1) for line in block("dockerfile").splitlines()]
    known = {"FROM", "RUN", "COPY", "USER", "WORKDIR", "ENV", "VOLUME", "CMD"}
    assert {name for name, _ in lines} <= known
    told = {name: rest for name, rest in lines if name in {"USER", "VOLUME", "ENV"}}
    made = next(number for number, (_, rest) in enumerate(lines) if f"install -d -o {told['USER']}" in rest)
    assert lines[made][1].endswith(told["VOLUME"])
    assert made < [name for name, _ in lines].index("USER") < [name for name, _ in lines].index("VOLUME")
    assert told["ENV"] == f"MEMMON_DATABASE_URL=sqlite:///{told['VOLUME']}/memmon.db"


COMMANDS = sorted(
    {
        tuple(re.findall(r"[\w:./-]+", text))
        for text in (
            *re.findall(r'command: \["memmon", (.*?)\]', PAGE),
            *re.findall(r"bin/memmon ([^`\n]+)", PAGE),
            *re.findall(r"`(?:docker [^`]+ )?memmon ([a-z][^`]*)`", PAGE),
        )
    }
)


def test_commands_are_found():
    """The commands of the page are seen at all."""
    assert ("report",) in COMMANDS
    assert any("--every" in command for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_is_memmons(command):
    """Every memmon command of the page exists, with the options that it is given."""
    words = [word for word in command if re.fullmatch(r"[a-z]+", word)]
    told = subprocess.run(
        [sys.executable, "-m", "memmon", *words, "--help"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    for option in (word for word in command if word.startswith("--")):
        assert option in told.stdout
