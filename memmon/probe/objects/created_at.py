"""The lines that create what grows, from the program's code itself: nothing runs, nothing is hooked.

Who calls the class, or who adds to the container by its name; a function that does both is first. The
code is read from the functions that the program's modules and classes hold, and from those that run.
"""

from __future__ import annotations

import dis
import gc
import re
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from memmon.guest.shielding import attempt
from memmon.probe.objects.frames import other_threads, stack
from memmon.probe.objects.plain import entry_of, module_at, module_name, module_values, namespace_of
from memmon.probe.objects.roots import is_own_module, module_names

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from memmon.probe.objects.culprit import GrownPlace

LINE_COUNT = 2
_CODES_LIMIT = 20_000
_READ_LIMIT = 150
_INSTRUCTIONS_LIMIT = 3_000
_NAMES_LIMIT = 2_000
_BETWEEN_PAUSES = 150
_STATEMENT_LENGTH = 60
_WRAPPED_DEPTH, _WRAPPED_COUNT = 5, 8
_WRAPPERS = (staticmethod, classmethod, property, partial, type(lru_cache(len)))
_ADDING = frozenset({
    "append", "appendleft", "add", "put", "put_nowait", "insert", "extend", "extendleft", "setdefault", "update",
    "push", "heappush", "subscribe", "register", "setattr", "write", "writelines",
    "warn", "warn_explicit",
})  # fmt: skip
_LOGGING = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
"""What a logger's handlers may keep."""

_STORES = frozenset({"STORE_ATTR", "STORE_GLOBAL", "STORE_DEREF", "STORE_FAST", "STORE_NAME"})
_QUESTIONS = frozenset({"isinstance", "issubclass"})
_ADDED_THERE, _ORIGIN, _MADE_THERE, _CALLED = range(1, 5)
_NAMED = 3
"""More than for any other hint: what grows hangs on the function itself."""

_FILLED_BY = {"__warningregistry__": "warnings"}
"""What Python itself fills, with the module by whose name the program makes it do so."""

_INNER_NAMES = frozenset({"queue", "_queue"})
_NAME = re.compile(r"(?:^local |\.)([^\W\d]\w*)(?= of |[.\[(]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLine:
    """A line of the program's code."""

    file: str
    line: int
    function: str


def created_at(culprit: GrownPlace, between: Callable[[], object]) -> tuple[CodeLine, ...]:
    """Return the lines that probably create what grows in a place, the likeliest first."""
    modules = _modules_of(culprit)
    found = _found(_Search(culprit, container_names(culprit.path)), modules, between)
    if not found and culprit.class_name is None:
        # What got larger may lie deep in a library's object: then the program's variable that leads there is filled.
        found = _found(_Search(culprit, _variable_names(culprit.path)), modules, between)
    if not found:
        names = frozenset(_NAME.findall(culprit.path))
        found = _found(_Search(culprit, names, is_wide=True), modules, between)
    return found


def _found(search: _Search, modules: dict[str, str], between: Callable[[], object]) -> tuple[CodeLine, ...]:
    ranked: dict[tuple[str, int], tuple[int, CodeLine]] = {}
    read_count = 0
    for number, code in enumerate(_program_codes(modules, between)):
        if number % _BETWEEN_PAUSES == 0:
            between()
        if not search.is_of_interest(code):
            continue
        read_count += 1
        if read_count > _READ_LIMIT:
            break
        for rank, line in search.lines(code, between):
            place = (line.file, line.line)
            if place not in ranked or ranked[place][0] < rank:
                ranked[place] = (rank, line)
    near = set(modules.values())
    best = sorted(
        ranked.values(), key=lambda one: (-one[0], one[1].file not in near, one[1].file, one[1].line)
    )
    return tuple(line for _, line in best[:LINE_COUNT])


def container_names(path: str) -> frozenset[str]:
    """Return the names by which a container may be spoken of: of what lies in a queue also the queue's own."""
    found = _NAME.findall(path)
    if found[1:] and found[-1] == "__dict__":
        found.pop()
    if not found:
        return frozenset({path})
    if found[-1] in _FILLED_BY:
        return frozenset({_FILLED_BY[found[-1]]})
    return frozenset(found[-2:] if found[-1] in _INNER_NAMES else found[-1:])


def _variable_names(path: str) -> frozenset[str]:
    """Return the names before the first key of a path: the variable, and its attributes."""
    return frozenset(_NAME.findall(path.partition("[")[0] + "[")[-1:])


def _modules_of(culprit: GrownPlace) -> dict[str, str]:
    """Return the modules in which the container hangs and the class is defined, with their files: of lines alike theirs are meant."""
    found = {}
    for path in (culprit.path, culprit.class_name or ""):
        parts = path.partition("[")[0].split(".")
        for count in range(len(parts) - 1, 0, -1):
            name = ".".join(parts[:count])
            file = entry_of(module_values(module_at(name)), "__file__")
            if type(file) is str:
                found[name] = file
                break
    return found


class _Search:
    """What to look for in a function's code."""

    def __init__(self, culprit: GrownPlace, containers: frozenset[str], *, is_wide: bool = False) -> None:
        self._is_wide = is_wide
        """Whether what is on the way counts too, and a line that hands the class on for others to call."""
        self._adding = _ADDING | _LOGGING if is_wide else _ADDING
        self._makes_missing = culprit.kind.rpartition(".")[2] == "defaultdict"
        self._class = (culprit.class_name or "").removesuffix("()").rpartition(".")[2]
        self._is_of_program = culprit.is_class_of_program or self._class == "type"
        self._is_built_in = not self._is_of_program and "." not in (culprit.class_name or "")
        self._is_context = ".__context__" in culprit.path
        self._containers = containers
        self._on_the_way = frozenset(_NAME.findall(culprit.path))
        """Among them the function that a cache is of, or in whose default values or closure the container lies."""

    def is_of_interest(self, code: CodeType) -> bool:
        """Return whether a function mentions the class or the container."""
        return any(self._is_class(name) or name in self._containers for name in _names(code))

    def lines(self, code: CodeType, between: Callable[[], object]) -> Iterator[tuple[int, CodeLine]]:
        """Yield the lines of a function that may create what grows, with a rank each."""
        instructions = []
        for number, one in enumerate(islice(dis.get_instructions(code), _INSTRUCTIONS_LIMIT)):
            if number % _BETWEEN_PAUSES == 0:
                between()
            instructions.append(one)
        lines = _line_numbers(instructions, code)
        added = [
            found
            for place, one in enumerate(instructions)
            if type(one.argval) is str and one.argval in self._containers and one.opname.startswith("LOAD")
            for found in self._additions(code, instructions, lines, place)
        ]
        yield from added
        nearness = int(not self._containers.isdisjoint(_names(code)))
        if code.co_name in self._on_the_way:
            nearness += _NAMED
        if self._is_built_in and not nearness:
            return
        filling = {line.line for _, line in added}
        for place, one in enumerate(instructions):
            if (
                self._is_class(one.argval)
                and one.opname.startswith("LOAD")
                and _is_called(instructions, place)
            ):
                rank = _CALLED if one.argval == self._class else _ORIGIN
                rank += self._is_context and _is_in_handler(instructions, place)
                yield rank + nearness + (lines[place] in filling), _line(code, lines[place])
            elif self._is_wide and self._is_class(one.argval) and _is_handed_on(instructions, lines, place):
                yield nearness, _line(code, lines[place])

    def _additions(
        self, code: CodeType, instructions: list[Any], lines: list[int], place: int
    ) -> Iterator[tuple[int, CodeLine]]:
        """Yield the lines by which something comes into the container that is loaded at a place."""
        if _is_stored_on_its_line(instructions, lines, place):
            yield _ADDED_THERE, _line(code, lines[place])
        added = self._added_after(instructions, lines, place)
        if added is None:
            return
        yield (_MADE_THERE if _makes(instructions, lines, added) else _ADDED_THERE, _line(code, added))
        for origin in _origins(instructions, lines, place, added):
            yield _ORIGIN, _line(code, origin)

    def _is_class(self, name: object) -> bool:
        """Return whether a name is the class's, or for one that isn't the program's, of a function that makes it."""
        if type(name) is not str or not self._class:
            return False
        return name == self._class or (
            not (self._is_of_program or self._is_built_in) and self._class.lower() in name.lower()
        )

    def _added_after(self, instructions: list[Any], lines: list[int], place: int) -> int | None:
        """Return the line on which something is added to the container that is loaded at a place."""
        end = min(len(instructions), place + _STATEMENT_LENGTH)
        following = instructions[place + 1 : end]
        for offset, one in enumerate(following[:4]):
            if one.argval in self._adding:
                return lines[place + 1 + offset]
        for offset, one in enumerate(following):
            if lines[place + 1 + offset] != lines[place]:
                return None
            is_made = self._makes_missing and one.opname == "BINARY_SUBSCR"
            if is_made or one.opname == "STORE_SUBSCR" or one.argval in _ADDING:
                return lines[place]
        return (
            lines[place]
            if instructions[place - 1].argval in _ADDING
            else _stored_into(instructions, lines, place)
        )


def _is_stored_on_its_line(instructions: list[Any], lines: list[int], place: int) -> bool:
    """Return whether what is loaded at a place is stored again on its line: `log += text`, `items = (*items, one)`."""
    name, line = instructions[place].argval, lines[place]
    for one, number in zip(instructions[place + 1 :], lines[place + 1 :], strict=True):
        if number == line and one.argval == name and one.opname in _STORES:
            return True
    return False


def _stored_into(instructions: list[Any], lines: list[int], place: int) -> int | None:
    """Return the line of `container[key] = value`, whose value may come from lines before."""
    for offset, one in enumerate(instructions[place + 1 : place + _STATEMENT_LENGTH]):
        if one.opname == "STORE_SUBSCR":
            return lines[place + 1 + offset]
        if one.opname.startswith(("STORE", "POP_TOP", "RETURN")):
            return None
    return None


def _origins(instructions: list[Any], lines: list[int], place: int, added: int) -> Iterator[int]:
    """Yield the lines on which the variables got their values that are added on a line."""
    used = {
        one.argval
        for one, line in zip(instructions, lines, strict=True)
        if line == added and one.opname.startswith("LOAD_FAST") and type(one.argval) is str
    }
    for before in range(place - 1, -1, -1):
        one = instructions[before]
        if one.opname.startswith("STORE_FAST") and one.argval in used:
            used.discard(one.argval)
            if _is_of_loop(instructions, before):
                continue
            yield lines[before]


def _is_of_loop(instructions: list[Any], place: int) -> bool:
    """Return whether a variable gets its value from a loop: what goes round was made elsewhere."""
    while place and instructions[place].opname.startswith(("STORE_FAST", "UNPACK")):
        place -= 1
    return bool(instructions[place].opname == "FOR_ITER")


def _is_called(instructions: list[Any], place: int) -> bool:
    """Return whether what is loaded at a place is loaded to be called: its own name, or `module.name`."""
    if instructions[place].opname == "LOAD_METHOD":
        return True
    while instructions[place].opname == "LOAD_ATTR" and "NULL" not in instructions[place].argrepr and place:
        place -= 1
    if "NULL" in instructions[place].argrepr:
        return True
    return any(near.opname == "PUSH_NULL" for near in instructions[max(0, place - 1) : place + 2])


def _is_in_handler(instructions: list[Any], place: int) -> bool:
    """Return whether a place is where an error is handled: what is raised there has that one for its context."""
    for one in reversed(instructions[:place]):
        if one.opname in {"PUSH_EXC_INFO", "POP_EXCEPT", "RERAISE"}:
            return bool(one.opname == "PUSH_EXC_INFO")
    return False


def _is_handed_on(instructions: list[Any], lines: list[int], place: int) -> bool:
    """Return whether a class that is loaded at a place is an argument of a call on its line, and no question of what something is."""
    on_line = [one for one, line in zip(instructions, lines, strict=True) if line == lines[place]]
    asks = any(one.argval in _QUESTIONS or one.opname == "CHECK_EXC_MATCH" for one in on_line)
    is_loaded = instructions[place].opname.startswith("LOAD")
    return is_loaded and not asks and any(one.opname.startswith("CALL") for one in on_line)


def _makes(instructions: list[Any], lines: list[int], added: int) -> bool:
    """Return whether something is called on the line beside what adds to the container."""
    on_line = [one for one, line in zip(instructions, lines, strict=True) if line == added]
    call_count = sum(1 for one in on_line if one.opname.startswith("CALL"))
    return call_count > int(any(one.argval in _ADDING for one in on_line))


def _line_numbers(instructions: list[Any], code: CodeType) -> list[int]:
    last = code.co_firstlineno
    found = []
    for one in instructions:
        last = (one.positions.lineno if one.positions is not None else None) or last
        found.append(last)
    return found


def _line(code: CodeType, number: int) -> CodeLine:
    return CodeLine(file=code.co_filename, line=number, function=code.co_qualname)


def _names(code: CodeType) -> tuple[str, ...]:
    return code.co_names + code.co_varnames + code.co_freevars + code.co_cellvars


def _program_codes(first: Container[str], between: Callable[[], object]) -> Iterator[CodeType]:
    """Yield the code of the functions that run, of modules in `first`, and of the program's other modules."""
    seen: set[int] = set()
    waiting = [frame.f_code for frame in _running() if is_own_module(_module_of(frame))]
    for name in sorted(module_names(), key=lambda name: name not in first):
        between()
        if is_own_module(name):
            waiting += _codes_of(module_values(module_at(name)), name)
        while waiting and len(seen) < _CODES_LIMIT:
            code = waiting.pop()
            if id(code) in seen:
                continue
            seen.add(id(code))
            yield code
            waiting += [one for one in code.co_consts if type(one) is CodeType]


def _running() -> list[Any]:
    found = []
    for thread_id in other_threads():
        found += stack(thread_id)
    return found


def _module_of(frame: Any) -> str:
    name = dict.get(frame.f_globals, "__name__")
    return name if type(name) is str else ""


def _codes_of(values: Any, module: str) -> list[CodeType]:
    """Return the code of the functions that a module or class of the program's holds."""
    found = []
    for value in attempt(lambda: list(islice(values.values(), _NAMES_LIMIT))) or []:
        kind = type(value)
        if kind is FunctionType or any(
            kind is wrapper for wrapper in _WRAPPERS
        ):  # not `in`: an `__eq__` may be called
            found += _wrapped(value, _WRAPPED_DEPTH)
        elif issubclass(kind, type) and module_name(value) == module:
            found += _codes_of(namespace_of(value), f"{module}.")
    return found


def _wrapped(value: Any, depth: int) -> list[CodeType]:
    """Return the code of a function and of those that it, a decorator's, keeps in its closure."""
    held: list[Any] = []
    if type(value) is FunctionType:
        held = [one for cell in value.__closure__ or () for one in gc.get_referents(cell)]
    elif any(type(value) is wrapper for wrapper in _WRAPPERS):
        held = gc.get_referents(value)
    found = [value.__code__] if type(value) is FunctionType else []
    if depth:
        for one in held[:_WRAPPED_COUNT]:
            if type(one) is FunctionType or any(type(one) is wrapper for wrapper in _WRAPPERS):
                found += _wrapped(one, depth - 1)
    return found


def defined_at(class_name: str) -> str | None:
    """Return where a class of the program's is defined, as `file:line`; None when its file doesn't tell."""
    module, _, name = class_name.rpartition(".")
    file = dict.get(module_values(module_at(module or "__main__")), "__file__")
    if type(file) is not str:
        return None
    pattern = re.compile(rf"\s*class {re.escape(name)}\b")
    for number, line in enumerate(attempt(_lines_of, file) or [], start=1):
        if pattern.match(line):
            return f"{file}:{number}"
    return None


def _lines_of(file: str) -> list[str]:
    with open(file, encoding="utf-8", errors="replace") as opened:  # noqa: PTH123 -- a plain path of the program's
        return list(islice(opened, 50_000))
