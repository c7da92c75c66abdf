"""Where the configuration file and the default database lie, also for an account with a home it can't enter.

Nothing here opens or makes a file of the user's, but for `unread_config`, which tries to read one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_VARIABLE = "MEMMON_CONFIG"


def config_path(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the configuration file is looked for: `MEMMON_CONFIG`, else the user's folder.

    Raises SettingsError when `MEMMON_CONFIG` names no place: a home that is unknown.
    """
    env = os.environ if environ is None else environ
    named = env.get(CONFIG_VARIABLE)
    if named:
        return absolute_path(Path(named), said=f"{CONFIG_VARIABLE}={named}")
    return (_folder(env, "XDG_CONFIG_HOME") or _home(env) / ".config") / "memmon" / "memmon.toml"


def default_database_path(environ: Mapping[str, str] | None = None) -> Path:
    """Return the one default database file, in the user's state folder."""
    env = os.environ if environ is None else environ
    named = _folder(env, "XDG_STATE_HOME")
    if sys.platform == "darwin" and named is None:
        return _home(env) / "Library" / "Application Support" / "memmon" / "memmon.db"
    return (named or _home(env) / ".local" / "state") / "memmon" / "memmon.db"


def unread_config(environ: Mapping[str, str] | None = None) -> str | None:
    """Return why a default configuration file that may be there is not read; None: it is, or there is none."""
    env = os.environ if environ is None else environ
    if env.get(CONFIG_VARIABLE):
        return None
    path = config_path(env)
    try:
        path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"{path}: can't be read ({error.strerror}): no setting is taken from it"
    return None


def absolute_path(path: Path, *, said: str) -> Path:
    """Return a path made absolute, `~` and all; raises SettingsError, about what was `said`, where it can't be."""
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        msg = f"{said}: whose home '~' stands for is unknown here: write the whole path"
    except OSError as error:
        msg = f"{said}: the present folder can't be told ({error.strerror}): write the whole path"
    raise SettingsError(msg) from None


def _folder(environ: Mapping[str, str], variable: str) -> Path | None:
    """Return the folder that a variable names; one that is not absolute is none, as its standard asks."""
    named = environ.get(variable)
    return Path(named) if named and Path(named).is_absolute() else None


def _home(environ: Mapping[str, str]) -> Path:
    # A relative or an empty HOME would be another place in each folder that a program starts in.
    return _folder(environ, "HOME") or _home_of_account() or _present_folder()


def _home_of_account() -> Path | None:
    try:
        import pwd

        home = Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except ImportError:  # not a POSIX system
        try:
            home = Path.home()
        except RuntimeError:
            return None
    except (KeyError, OSError):
        return None
    return home if home.is_absolute() else None


def _present_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return Path(os.path.abspath(os.sep))  # noqa: PTH100 -- the root, on any system
