"""Reading this process and its machine: memory, control groups, limit, kinds of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import forward

if TYPE_CHECKING:
    from memmon.probe.process.process import ProcessProbe, ProcessReading, SystemReading, read_system

__all__ = ["ProcessProbe", "ProcessReading", "SystemReading", "read_system"]

__getattr__ = forward(
    __name__, {"process": ("ProcessProbe", "ProcessReading", "SystemReading", "read_system")}
)
