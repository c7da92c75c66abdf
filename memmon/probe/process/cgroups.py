"""Which control groups hold a process, and in which folders their memory files are.

Three layouts occur: version 2 alone, version 1 (one mount per controller), and the hybrid of both.
A container may see only its own part of the tree, under a mount whose root is some inner group,
while `/proc/self/cgroup` may still speak of the path on the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from memmon.guest.shielding import attempt
from memmon.probe.process.files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULT_MOUNTS = (
    (2, "/sys/fs/cgroup"),
    (2, "/sys/fs/cgroup/unified"),
    (1, "/sys/fs/cgroup/memory"),
    (1, "/sys/fs/cgroup/memory,hugetlb"),
)
_LIMIT_FILES = {1: ("memory.limit_in_bytes",), 2: ("memory.max", "memory.stat")}
_MAX_DEPTH = 64
_ESCAPES = (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGroup:
    """One control group: its interface's version, the folder of its files, and its name for people."""

    version: int
    folder: str
    path: str
    is_innermost: bool

    @property
    def origin(self) -> str:
        """The group as shown to an operator, such as `cgroup v2 /docker/ab12`."""
        return f"cgroup v{self.version} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mount:
    version: int
    mount_root: str
    mount_point: str


def read_text(path: str, *, in_pieces: bool = False) -> str | None:
    """Return a small kernel file's text, or None when it can't be read."""
    content = attempt(read_bytes, path, in_pieces=in_pieces)
    return None if content is None else content.decode("utf-8", "replace")


def find_groups(root: str, membership: str) -> tuple[MemoryGroup, ...]:
    """Return the groups around a process that can be seen here, the innermost first, version 2 first.

    `root` stands before every absolute path (empty for the real tree), `membership` is the text of
    `/proc/<pid>/cgroup`. The mounts are those that this process sees, whichever process is asked for.
    """
    paths = _memberships(membership)
    groups: list[MemoryGroup] = []
    for mount in _mounts(root):
        groups.extend(_ancestry(root, mount, paths.get(mount.version, "/")))
    return tuple(groups)


def _memberships(text: str) -> dict[int, str]:
    """Return the process's path in version 2 (`0::/path`) and in version 1's memory controller."""
    paths: dict[int, str] = {}
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        path = path.removesuffix(" (deleted)") or "/"
        if number == "0" and not controllers:
            paths[2] = path
        elif "memory" in controllers.split(","):
            paths[1] = path
    return paths


def _mounts(root: str) -> tuple[_Mount, ...]:
    """Return where control groups with memory files are mounted; the usual places when it isn't told."""
    text = read_text(f"{root}/proc/self/mountinfo", in_pieces=True) or ""
    mounts = {mount: None for line in text.splitlines() if (mount := _parse_mount(line)) is not None}
    if not mounts:
        mounts = {_Mount(version=v, mount_root="/", mount_point=point): None for v, point in _DEFAULT_MOUNTS}
    return tuple(sorted(mounts, key=lambda mount: -mount.version))


def _parse_mount(line: str) -> _Mount | None:
    """Return the mount that a line of mountinfo tells of, None when it holds no memory files."""
    before, separator, after = line.partition(" - ")
    fields, kinds = before.split(" "), after.split(" ")
    if not separator or len(fields) < 6 or len(kinds) < 3:  # noqa: PLR2004 - the columns of proc(5)
        return None
    if kinds[0] == "cgroup2":
        version = 2
    elif kinds[0] == "cgroup" and "memory" in kinds[2].split(","):
        version = 1
    else:
        return None
    return _Mount(version=version, mount_root=_unescape(fields[3]), mount_point=_unescape(fields[4]))


def _ancestry(root: str, mount: _Mount, path: str) -> Iterator[MemoryGroup]:
    """Yield the groups from the process's own up to the mount's root, those that have memory files."""
    names = _path_below(mount.mount_root, path)
    is_innermost = True
    for depth in range(len(names), -1, -1):
        inner = "/".join(names[:depth])
        folder = f"{root}{mount.mount_point.rstrip('/')}/{inner}".rstrip("/")
        if any(read_text(f"{folder}/{name}") is not None for name in _LIMIT_FILES[mount.version]):
            shown = (PurePosixPath(mount.mount_root) / inner).as_posix()
            yield MemoryGroup(version=mount.version, folder=folder, path=shown, is_innermost=is_innermost)
            is_innermost = False


def _path_below(mount_root: str, path: str) -> list[str]:
    """Return the names from the mount's root down to the group.

    A path that climbs out of the namespace (`/../other`), or that is not below the mount's root,
    is the host's view of a group that is mounted here as the root itself.
    """
    names = [name for name in path.split("/") if name]
    outer = [name for name in mount_root.split("/") if name]
    if ".." in names or len(names) > _MAX_DEPTH:
        return []
    if names[: len(outer)] == outer:
        return names[len(outer) :]
    # Within a namespace the path is relative to it while the mount may show the host's root, and
    # the reverse: groups of that name decide, missing ones are passed over on the way up.
    return names


def _unescape(text: str) -> str:
    for code, character in _ESCAPES:
        text = text.replace(code, character)
    return text
