"""Kept for programs that import by this path: see `memmon.alerts` and `memmon.evaluator`."""

from __future__ import annotations

from memmon.alerts.policy import AlertPolicy
from memmon.alerts.state_machine import Observation, Rule, step
from memmon.evaluator.channels.channels import CallbackChannel, Channel, LoggingChannel, parse_channel
from memmon.evaluator.channels.webhook import WebhookChannel, verify
from memmon.evaluator.runner import Round, run_once

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
