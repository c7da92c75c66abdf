"""The demo's live bot: an asyncio program with 32 deques that embeds memmon as an operator would."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from memmon import Recorder

ASSETS = ("BTC", "ETH", "SOL", "XRP")
TIMEFRAMES = ("1m", "5m", "15m")
TICK_SECONDS = 0.02
SNAPSHOT_SECONDS = 0.25


def make_deques() -> dict[str, deque[float]]:
    """Return the 32 deques of a small trading bot: prices and volumes, whole and by timeframe."""
    deques: dict[str, deque[float]] = {}
    for kind in ("price", "volume"):
        for asset in ASSETS:
            deques[f"binance_{kind}_history_{asset}"] = deque(maxlen=5_000)
            for timeframe in TIMEFRAMES:
                deques[f"mtf_{kind}_{asset}_{timeframe}"] = deque(maxlen=60)
    return deques


async def trade(deques: dict[str, deque[float]], *, seconds: float) -> None:
    """Let prices and volumes come in for some seconds."""
    generator = random.Random(7)
    for _tick in range(round(seconds / TICK_SECONDS)):
        for history in deques.values():
            history.append(generator.gauss(100.0, 1.0))
        await asyncio.sleep(TICK_SECONDS)


def main(database: str, seconds: float) -> None:
    """Run the bot, recorded into `database` under the name `demo-bot`."""
    deques = make_deques()
    recorder = Recorder(database, source="demo-bot", release="demo", interval_seconds=SNAPSHOT_SECONDS)
    for name, history in deques.items():
        recorder.register_deque(name, history)
    recorder.start()
    try:
        asyncio.run(trade(deques, seconds=seconds))
    finally:
        recorder.stop()
