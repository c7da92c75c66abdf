"""What a child runs first: it takes over the program's import paths, behind the standard library.

The interpreter starts without `site` and without the program's `PYTHON*` variables, so that no
start-up hook of the program's runs in the child, and knows the standard library alone. Then it
gets the program's import paths (one folder per package, zip files, editable installations, all
as the program has them) at the end: a package that bears the name of a module of the standard
library (a back-port) does not shadow it. memmon itself is loaded from where the program has it, and first:
what ends the child with its program is at work before anything of others runs that could hang.

A child that was started as nobody's (`memmon.child.hidden`) is told by one more argument: from which
descriptor it reads. It has its session, its signals and its descriptors still to set right.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from memmon.child.requests import Envelope
from memmon.child.session import started_ticks

CODE = """
import sys
if len(sys.argv) > 2:
    import _signal, posix
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    posix.setsid()
    posix.dup2(int(sys.argv[2]), 0)
    posix.closerange(3, 65536)
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
from memmon.tasks.serve import answer
sys.exit(answer(request))
"""

_KEPT_VARIABLES = frozenset(
    {"PYTHONHOME", "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE"}
)
_EDITABLE = "editable"


def arguments(interpreter_path: str) -> list[str]:
    """Return the command line of a child: nothing of the program's is read before `CODE` runs."""
    flags = ["-S", "-s", "-P", "-X", "utf8"]
    if sys.dont_write_bytecode:
        flags.append("-B")
    return [interpreter_path, *flags, "-c", CODE, "memmon-child"]


def environment(environ: dict[str, str]) -> dict[str, str]:
    """Return the child's environment: the program's, without what steers the interpreter."""
    ignored = bool(sys.flags.ignore_environment)
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("PYTHON", "COVERAGE_"))
        or (name in _KEPT_VARIABLES and not (ignored and name == "PYTHONHOME"))
    }


def envelope(*, timeout_seconds: float) -> Envelope:
    """Return what a request bears for `CODE`: the program's import paths for the child, absolute.

    The folders that the program's own script and modules lie in come last: a `click.py` beside a
    bot is none of memmon's business.
    """
    # One with a NUL, which no folder has, would end every search that comes as far in the child.
    entries = [path for path in sys.path if isinstance(path, str) and "\0" not in path]
    paths = list(dict.fromkeys(_searched(path) for path in entries))
    own = _own_folders()
    has_hooks = any(_EDITABLE in _names(one).lower() for one in sys.meta_path)
    return Envelope(
        import_paths=(*(path for path in paths if path not in own), *(path for path in paths if path in own)),
        memmon_folders=tuple(str(Path(path).parent) for path in sys.modules["memmon"].__path__),
        editable_folders=tuple(path for path in paths if has_hooks and Path(path).is_dir()),
        timeout_seconds=timeout_seconds,
        has_lifeline=True,
        program_pid=os.getpid(),
        program_started_ticks=started_ticks(os.getpid()),
    )


def _own_folders() -> set[str]:
    folders = {_absolute("")}
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if isinstance(file, str):
        folders.add(str(Path(_absolute(file)).parent))
    return folders


def _searched(entry: str) -> str:
    """Return the folder that an entry of `sys.path` stands for.

    A relative one was looked up when something was first imported from it: the program may have
    gone to another folder since, as daemons do.
    """
    found = getattr(sys.path_importer_cache.get(entry), "path", None)
    return found if isinstance(found, str) and Path(found).is_absolute() else _absolute(entry)


def _absolute(path: str) -> str:
    try:
        return os.path.normpath(Path(path).absolute())
    except OSError:  # the working folder is gone
        return path


def _names(finder: object) -> str:
    """Return the modules that a finder and its class are of; nothing of an instance's own is asked."""
    return " ".join(str(one.__module__) for one in (type(finder), finder) if issubclass(type(one), type))
