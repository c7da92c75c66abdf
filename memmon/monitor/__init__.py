"""MemoryMonitor, the interface that bots embed already."""
