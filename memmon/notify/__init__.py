"""Telling the right people, from outside the programs: alerts of a whole database, and their channels.

What is told, when and in which words is in `memmon.alerts`; `evaluate` says what is known of each
source of a store; `channels` carry the messages; `runner` does one round of all.
"""

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
