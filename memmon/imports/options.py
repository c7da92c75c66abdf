"""What the operator says of a file that the file does not say itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memmon.facts.process_size import unit_named

if TYPE_CHECKING:
    from collections.abc import Mapping

SEPARATORS: Mapping[str, str] = {
    ",": ",",
    "comma": ",",
    ";": ";",
    "semicolon": ";",
    "\t": "\t",
    "\\t": "\t",
    "tab": "\t",
    "|": "|",
    "pipe": "|",
    " ": " ",
    "space": " ",
}
"""What `--separator` takes; `space` is any number of blanks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How a file is to be read; nothing given: as its header says.

    Raises ValueError for a unit, separator or name that is not known.
    """

    unit: str | None = None
    """`B`, `kB`, `MB` or `GB`: of sizes under a name that ends in `_bytes`."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """memmon's name, and the column of the file that it is."""
    separator: str | None = None
    split: str | None = None
    """The column that tells several processes of one file apart."""

    def __post_init__(self) -> None:
        """Bring the unit and the separator into one spelling."""
        if self.unit is not None:
            object.__setattr__(self, "unit", unit_named(self.unit))
        if self.separator is not None:
            found = SEPARATORS.get(self.separator.lower())
            if found is None:
                raise ValueError(f"separator {self.separator!r}: expected `,` `;` `|` `tab` or `space`")
            object.__setattr__(self, "separator", found)


NO_OPTIONS = ReadOptions()
