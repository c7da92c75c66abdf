"""A real trading bot: freqtrade trades dry, and its strategy records; it takes SIGTERM as an interrupt and ends in its own time.

Its 770 MB are no part of the checks' environment: FREQTRADE_PYTHON names the interpreter of one that has it beside memmon's dependencies.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import sys
import textwrap
from dataclasses import replace

import pytest
from host_kit import OPTIONS, Running, Seen, assert_unharmed, both, lay
from program_kit import ROOT

pytestmark = pytest.mark.programs

LAUNCHER = """
    from freqtrade.exchange import Exchange

    MARKET = {
        "id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "active": True, "spot": True, "type": "spot",
        "margin": False, "swap": False, "future": False, "contract": False, "taker": 0.001, "maker": 0.001, "info": {},
        "limits": {"amount": {"min": 0.0001, "max": 100}, "cost": {"min": 1}, "price": {"min": 0.01}},
        "precision": {"amount": 0.0001, "price": 0.01},
    }

    def markets(exchange, reload=False):
        for api in (exchange._api, exchange._api_async):
            api.set_markets([MARKET])

    # Nobody is asked over the network.
    Exchange._load_async_markets = markets
    Exchange.check_time_offset = lambda self: None
    Exchange.refresh_latest_ohlcv = lambda self, *arguments, **options: {}

    from freqtrade.main import main

    main(["trade", "-c", "config.json", "--userdir", "user", "-s", "Waits"])
"""
STRATEGY = """
    from freqtrade.strategy import IStrategy
    from memmon import Recorder
    from pausing import FOLDER

    class Waits(IStrategy):
        timeframe = "5m"
        stoploss = -0.1
        minimal_roi = {"0": 0.1}

        def bot_start(self, **kwargs):
            self.round_count = 0
            self.recorder = Recorder("host.db", source="trader", OPTIONS)
            self.recorder.start()

        def bot_loop_start(self, current_time, **kwargs):
            self.round_count += 1
            if self.round_count <= 3:
                print("round", self.round_count, flush=True)
                self.recorder.take_snapshot()
                self.recorder.flush(60)
            if self.round_count == 4:
                open(FOLDER + "/ready-trader", "w").write("1")

        def populate_indicators(self, dataframe, metadata):
            return dataframe

        populate_entry_trend = populate_exit_trend = populate_indicators
"""
CONFIG = {
    "dry_run": True,
    "dry_run_wallet": 1000,
    "stake_currency": "USDT",
    "stake_amount": 100,
    "max_open_trades": 1,
    "timeframe": "5m",
    "initial_state": "running",
    "exchange": {"name": "binance", "pair_whitelist": ["BTC/USDT"], "enable_ws": False},
    "pairlists": [{"method": "StaticPairList"}],
    "entry_pricing": {"price_side": "same", "use_order_book": False},
    "exit_pricing": {"price_side": "same", "use_order_book": False},
    "internals": {"process_throttle_secs": 1},
    "db_url": "sqlite:///trades.sqlite",
}
_WRONG = re.compile(r"^.*(?:ERROR|CRITICAL|Traceback).*$", re.MULTILINE)


def run(folder, is_recorded) -> Seen:
    bot = lay(folder, LAUNCHER, is_recorded=is_recorded)
    (folder / "user" / "strategies").mkdir(parents=True)
    code = textwrap.dedent(STRATEGY).replace("OPTIONS", OPTIONS)
    (folder / "user" / "strategies" / "waits.py").write_text(code, encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    paths = os.pathsep.join([str(ROOT if is_recorded else folder / "without"), str(folder)])
    with Running(folder, [interpreter(), bot], PYTHONPATH=paths) as trader:
        trader.wait_for(lambda: trader.read("ready-trader"), "the fourth round")
        trader.look("trader", trader.process.pid)
        seen = trader.end(signal.SIGTERM)
    # Its log tells how long things took, and more where they took long: what went wrong can be compared.
    return replace(seen, err="\n".join(_WRONG.findall(seen.err)))


def interpreter() -> str:
    return os.environ.get("FREQTRADE_PYTHON") or sys.executable


def test_trading_bot_that_is_ended_by_sigterm(tmp_path):
    """It trades as without memmon, all that its strategy took is stored, and its end in its own time is an exit."""
    if "FREQTRADE_PYTHON" not in os.environ and importlib.util.find_spec("freqtrade") is None:
        pytest.skip(
            "freqtrade is not installed: FREQTRADE_PYTHON names the interpreter of an environment that has it"
        )
    recorded, without = both(tmp_path, run)
    assert_unharmed(recorded, without, recording=("trader",))
    assert recorded.code == 130
    assert recorded.out == "round 1\nround 2\nround 3\n"
    assert recorded.stored_counts == {"trader": 4}
    assert recorded.ends == {"trader": ["exit"]}
