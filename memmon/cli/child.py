"""Where programs that loaded an earlier memmon, and run on, have their children answer from.

Such a program goes on when memmon is replaced under it; the text that its children run first imports
`answer` from here.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from memmon.child.requests import REQUESTS
from memmon.tasks import serve
from memmon.tasks.decode import ENVELOPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULTS: Mapping[str, object] = {"file_mode": 0o600, "in_all_pages": False, "look_at_all_pages": False}


def answer(raw: Mapping[str, object]) -> int:
    """Answer a request, which may say more than is read for it, and leave out what had a default."""
    kind = REQUESTS.get(str(raw.get("command")))
    if kind is None:
        return serve.answer(raw)
    names = {one.name for one in fields(kind)}
    known = {name: value for name, value in raw.items() if name in names | ENVELOPE_NAMES | {"command"}}
    return serve.answer({**{name: _DEFAULTS[name] for name in names & _DEFAULTS.keys()}, **known})
