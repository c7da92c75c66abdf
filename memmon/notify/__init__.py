"""Telling the right people: alerts with a memory, and the channels that carry them.

`machine` decides, as a pure function, what is told; `conditions` and `evaluate` say what is seen
in the store; `messages` puts it into words; `channels` carry it; `runner` does one round of all.
"""

from __future__ import annotations

from memmon.notify.channels import CallbackChannel, Channel, LoggingChannel, parse_channel
from memmon.notify.machine import Observation, Rule, step
from memmon.notify.policy import AlertPolicy
from memmon.notify.runner import Round, run_once
from memmon.notify.webhook import WebhookChannel, verify

__all__ = [
    "AlertPolicy",
    "CallbackChannel",
    "Channel",
    "LoggingChannel",
    "Observation",
    "Round",
    "Rule",
    "WebhookChannel",
    "parse_channel",
    "run_once",
    "step",
    "verify",
]
