"""What grows, as it is told and kept: where it hangs, of which class it is, and where that is created."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 -- read when a kept one is decoded
from typing import TYPE_CHECKING, Any

from memmon.facts.plain import as_plain
from memmon.facts.suspicion import Suspicion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class GrownThing:
    """One thing that grew between looks at the objects of a process; counts and sizes are estimates.

    `path`: how it is reached, such as `feed.FEED._handlers['orders']` or `local seen of main()`; `kind`: its type;
    `state`: whether a later look confirmed it; `at`: when that was told, `run_id`: in which run.
    `grown_bytes`: by how much it grew since the first of these looks, in bytes with all that hangs on it; `entry_count_before`, `entry_count`:
    its entries then and now, `item_bytes`: what one more takes (None: one object got larger). `class_name`: of which
    there are more and more in it, `class_at`: the `file:line` of its definition; `created_at`: lines that probably create
    it, as `file:line (function)`, the likeliest first. `signature`: the same in other processes and releases while the same thing
    grows. `words`: all that in a clause.
    """

    path: str
    kind: str
    state: Suspicion
    at: datetime
    run_id: int | None
    grown_bytes: int
    entry_count_before: int | None
    entry_count: int | None
    item_bytes: int | None
    class_name: str | None
    class_at: str | None
    created_at: tuple[str, ...]
    signature: str
    words: str

    @property
    def sentence(self) -> str:
        """What is to be said of it, as a sentence."""
        said = f"{self.state.beginning}: {self.words}."
        return said[:1].upper() + said[1:]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: the same names."""
        plain: dict[str, Any] = as_plain(self)
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthTold:
    """An event that told what grows: `data` as it was stored."""

    at: datetime
    run_id: int | None
    data: Mapping[str, object]


def grown_of(told: Iterable[GrowthTold], *, run_id: int | None = None) -> GrownThing | None:
    """Return what is known to grow by what was told, the newest last: of the newest run, and there what is confirmed first.

    `run_id`: of which of several processes, where that one has told anything. What another run confirmed is confirmed
    here too. None where nothing was told, or all of it was cleared since.
    """
    found = list(told)
    of_run = [one for one in found if one.run_id == run_id]
    newest = (of_run or found)[-1:]
    ours = _standing(one for one in found if newest and one.run_id == newest[0].run_id)
    others = _standing(one for one in found if newest and one.run_id != newest[0].run_id)
    confirmed = {one.signature for one in others if one.state is Suspicion.CONFIRMED}
    ours = [replace(one, state=Suspicion.CONFIRMED) if one.signature in confirmed else one for one in ours]
    return min(ours, key=lambda one: one.state is not Suspicion.CONFIRMED, default=None)


def _standing(told: Iterable[GrowthTold]) -> list[GrownThing]:
    """Return what was told and not cleared since, the newest event's first."""
    standing: list[GrownThing] = []
    for one in told:
        cleared = {thing.signature for thing in _things(one, "cleared", Suspicion.CLEARED)}
        state = Suspicion.CONFIRMED if one.data.get("state") == Suspicion.CONFIRMED else Suspicion.SUSPECT
        new = _things(one, "chains", state)
        gone = cleared | {thing.signature for thing in new}
        standing = [*new, *(thing for thing in standing if thing.signature not in gone)]
    return standing


def _things(told: GrowthTold, name: str, state: Suspicion) -> list[GrownThing]:
    """Return the things under a name in an event's data; what has another form is passed over."""
    found = told.data.get(name)
    chains = found if isinstance(found, list) else []
    things = (_thing(one, told, state) for one in chains if isinstance(one, dict))
    return [one for one in things if one is not None]


def _thing(data: Mapping[str, object], told: GrowthTold, state: Suspicion) -> GrownThing | None:
    path, kind, words, signature = (_text(data.get(name)) for name in ("path", "kind", "words", "signature"))
    grown_bytes = _whole(data.get("grown_bytes"))
    if path is None or kind is None or words is None or signature is None or grown_bytes is None:
        return None
    lines = data.get("created_at")
    return GrownThing(
        path=path,
        kind=kind,
        state=state,
        at=told.at,
        run_id=told.run_id,
        grown_bytes=grown_bytes,
        entry_count_before=_whole(data.get("entry_count_before")),
        entry_count=_whole(data.get("entry_count")),
        item_bytes=_whole(data.get("item_bytes")),
        class_name=_text(data.get("class_name")),
        class_at=_text(data.get("class_at")),
        created_at=tuple(
            f"{line.get('file')}:{line.get('line')} ({line.get('function')})"
            for line in (lines if isinstance(lines, list) else [])
            if isinstance(line, dict)
        ),
        signature=signature,
        words=words,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
