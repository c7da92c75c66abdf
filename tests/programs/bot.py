"""A small trading program that embeds memmon; what it does is said by its environment.

Its very first act is a line in a file of its folder: whoever starts it again would trade again.
"""

import os
import sys

FOLDER = os.environ["BOT_FOLDER"]
IS_SERVING = os.environ.get("BOT_FREEZE_SUPPORT") == "1"
MOST_STARTS, MOST_LOADS = 8, 400


def note(name: str) -> int:
    """Add a line to a file of the folder; returns how many there are now."""
    with open(os.path.join(FOLDER, name), "a+", encoding="utf-8") as file:  # noqa: PTH118, PTH123 -- loads nothing
        file.write(f"{os.getpid()} {sys.argv[1:]}\n")
        file.flush()
        file.seek(0)
        return len(file.readlines())


if note("loaded.txt") >= (MOST_LOADS if IS_SERVING else MOST_STARTS):
    os._exit(9)  # the brake: a test that fails must not fill the machine with bots

import dataclasses  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import time  # noqa: E402
from collections import deque  # noqa: E402
from datetime import datetime, timedelta  # noqa: E402
from pathlib import Path  # noqa: E402

EXIT_CODE = 7
TRADE_EVERY_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 90.0
LOG = Path(FOLDER, "bot.log")


def trade(on_trade) -> None:
    """Trade at a steady pace for as long as is asked for, and say so: the program's whole output."""
    for number in range(round(float(os.environ["BOT_SECONDS"]) / TRADE_EVERY_SECONDS)):
        print(f"trade {number}", flush=True)
        on_trade(number)
        time.sleep(TRADE_EVERY_SECONDS)


def shorten_schedules() -> None:
    """The scheduled check after a second, and then every few."""
    from memmon.recorder.alerts import hourly_check

    hourly_check.FIRST_CHECK_SECONDS = 1.0
    hourly_check.CHECK_EVERY_SECONDS = hourly_check.RETRY_SECONDS = float(
        os.environ.get("BOT_CHECK_SECONDS", "2")
    )


def record() -> None:
    """Trade with memmon inside."""
    import memmon

    shorten_schedules()
    prices, orders = deque(maxlen=500), deque()
    recorder = memmon.Recorder(os.environ["BOT_DATABASE"], source="bot", interval_seconds=1)
    recorder.register_deque("prices", prices)
    recorder.register_deque("orders", orders)
    recorder.start()

    def on_trade(number: int) -> None:
        prices.extend(range(number))
        orders.append(number)
        recorder.take_snapshot()

    trade(on_trade)
    wait_for_report(recorder)
    said = {"judged": judge(), "is_flushed": recorder.flush(30), "status": plain(recorder.status)}
    recorder.stop(10)
    said["at_the_end"] = plain(recorder.status)
    Path(FOLDER, "said.json").write_text(json.dumps(said), encoding="utf-8")


def plain(status) -> dict:
    """A status as JSON can hold it."""
    return json.loads(json.dumps(dataclasses.asdict(status), default=str))


def wait_for_report(recorder) -> None:
    """Wait until the hourly check has sent a daily report, where one is due, or checks are off."""
    end = time.monotonic() + float(os.environ.get("BOT_WAITS_SECONDS", "0"))
    while time.monotonic() < end and not getattr(recorder.status, "checks_off", None):
        if "daily report of bot" in LOG.read_text(encoding="utf-8"):
            return
        time.sleep(0.2)


def judge() -> str:
    """What the leak check says of a made-up leak of 60 MB/h."""
    from memmon import MemoryMonitor, MemorySnapshot

    monitor = MemoryMonitor(database_url=Path(FOLDER, "monitor.db"), source="monitor")
    now = datetime.now()  # noqa: DTZ005 -- a monitor's times are local
    for minute in range(0, 360, 5):
        monitor.snapshots.append(
            MemorySnapshot(
                timestamp=now - timedelta(minutes=360 - minute),
                rss_mb=300.0 + minute,
                vms_mb=900.0,
                percent=40.0,
                available_mb=4_000.0,
                deque_sizes={},
            )
        )
    report = monitor.detect_memory_leak()
    return f"{report.leak_detected} {report.growth_rate_mb_per_hour:.0f} {report.details}"


def main() -> None:
    """Trade as long as is asked for."""
    if IS_SERVING:
        import memmon

        memmon.freeze_support()
    if note("starts.txt") >= MOST_STARTS:
        os._exit(9)
    logging.basicConfig(filename=LOG, level=logging.INFO)
    if os.environ.get("BOT_WITHOUT_MEMMON") == "1":
        trade(lambda _number: None)
    else:
        record()
    sys.exit(EXIT_CODE)


if __name__ == "__main__":
    main()
