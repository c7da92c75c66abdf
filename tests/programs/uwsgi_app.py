"""An application that embeds memmon, in a server that embeds Python; each worker loads it and records."""

import json
import logging
import os
import sys

import bot

import memmon

bot.note("starts.txt")
logging.basicConfig(filename=bot.LOG, level=logging.INFO)
bot.shorten_schedules()
recorder = memmon.Recorder(os.environ["BOT_DATABASE"], source="bot", interval_seconds=1)
recorder.start()


def application(environ, start_response):
    """Take a snapshot, and tell how this worker is; `/judge` asks the leak check, `/flush` stores first."""
    recorder.take_snapshot()
    answer = {"pid": os.getpid(), "executable": sys.executable}
    if environ["PATH_INFO"] == "/judge":
        answer["judged"] = bot.judge()
    if environ["PATH_INFO"] == "/flush":
        answer["is_flushed"] = recorder.flush(30)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer | {"status": bot.plain(recorder.status)}).encode()]
