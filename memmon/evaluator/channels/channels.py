"""The channels that carry messages, and how each is named on the command line.

`log` · `callback:package.module:function` · `webhook:URL`, `webhook:env:NAME`, `webhook:file:PATH`
· `apprise:env:NAME`, `apprise:file:PATH`. A URL with a secret in it is given by reference only.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from memmon.errors import ChannelError, MissingExtraError, SettingsError
from memmon.evaluator.channels.secrets import is_reference, resolve
from memmon.evaluator.channels.webhook import WebhookChannel
from memmon.facts.masking import scrubbed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memmon.alerts.records import Message

log = logging.getLogger("memmon")

SECRET_VARIABLE = "MEMMON_WEBHOOK_SECRET"  # noqa: S105 -- the variable's name
# What is no name of a service may be a secret that was put in the wrong place.
_SERVICE = re.compile(r"[a-z]{1,12}")
_LEVELS = {"warning": logging.WARNING, "error": logging.ERROR}


class Channel(Protocol):
    """Carries messages somewhere."""

    name: str
    """How the database and the operator know it; holds no secret."""

    def send(self, message: Message) -> None:
        """Deliver a message; raises ChannelError when it did not arrive."""
        ...


class LoggingChannel:
    """Writes to the logger `memmon`."""

    name = "log"

    def send(self, message: Message) -> None:
        """Log the message, with its severity as the level; recoveries as information."""
        level = logging.INFO if message.event == "resolved" else _LEVELS[message.severity]
        log.log(level, "memmon: %s: %s", message.title, message.text.replace("\n", " | "))


class CallbackChannel:
    """Hands each message to a Python function."""

    def __init__(self, function: Callable[[Message], object], *, name: str | None = None) -> None:
        self._function = function
        self.name = (
            name
            or f"callback:{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', 'function')}"
        )

    def send(self, message: Message) -> None:
        """Call the function; what it raises means that the message did not arrive."""
        try:
            self._function(message)
        except Exception as error:
            raise ChannelError(f"{self.name}: raised {type(error).__name__}: {error}") from error


class AppriseChannel:
    """Everything that the package apprise reaches; it is loaded when the first message is sent."""

    def __init__(self, url: str, *, name: str) -> None:
        self._url = url
        self.name = name

    def send(self, message: Message) -> None:
        """Deliver through apprise."""
        try:
            import apprise
        except ImportError:
            msg = "apprise is not installed: pip install 'memmon[alerts]'"
            raise MissingExtraError(msg) from None
        # Its own log quotes parts of URLs: it speaks only where the operator set a handler up.
        logging.getLogger("apprise").addHandler(logging.NullHandler())
        kinds = apprise.NotifyType
        kind = kinds.FAILURE if message.severity == "error" else kinds.WARNING
        if message.event == "resolved":
            kind = kinds.SUCCESS
        target = apprise.Apprise()
        try:
            known = target.add(self._url)
            sent = bool(known) and target.notify(body=message.text, title=message.title, notify_type=kind)
        except Exception as error:  # noqa: BLE001 -- plug-ins raise what they like
            words = scrubbed(str(error), (self._url,))
            raise ChannelError(f"{self.name}: {type(error).__name__}: {words}") from None
        if not known:
            raise ChannelError(f"{self.name}: apprise does not understand the URL behind this reference")
        if not sent:
            raise ChannelError(f"{self.name}: not delivered")


def parse_channel(spec: str, environ: Mapping[str, str] | None = None) -> Channel:
    """Return the channel that `spec` names; raises SettingsError that says what is allowed."""
    scheme, _, rest = spec.strip().partition(":")
    if scheme in {"log", "logging"} and not rest:
        return LoggingChannel()
    if scheme == "callback" and rest:
        return CallbackChannel(_function(rest), name=f"callback:{rest}")
    if scheme == "webhook" and rest:
        return _webhook(rest, environ)
    if scheme == "apprise" and rest:
        if not is_reference(rest):
            msg = "apprise URLs hold secrets: put it into a variable or file and give apprise:env:NAME or apprise:file:PATH"
            raise SettingsError(msg)
        return AppriseChannel(resolve(rest, environ), name=f"apprise:{rest}")
    shown = scheme if rest and _SERVICE.fullmatch(scheme) else "that"
    msg = (
        f"no channel of the kind {shown!r}: use log, callback:MODULE:FUNCTION, webhook:URL (or webhook:env:NAME), "
        "or apprise:env:NAME for every other service"
    )
    raise SettingsError(msg)


def _webhook(rest: str, environ: Mapping[str, str] | None) -> WebhookChannel:
    env = os.environ if environ is None else environ
    secret = None
    for reference in (f"env:{SECRET_VARIABLE}", f"file:{env.get(SECRET_VARIABLE + '_FILE', '')}"):
        name = reference.partition(":")[2]
        if name and (reference.startswith("file:") or env.get(name)):
            secret = resolve(reference, env)
            break
    if is_reference(rest):
        return WebhookChannel(resolve(rest, env), secret=secret, name=f"webhook:{rest}")
    try:
        parts = urlsplit(rest)
    except ValueError:
        return WebhookChannel(rest, secret=secret)  # which says what is wrong with it
    if parts.username or parts.query:
        msg = "a webhook's URL with a password or query holds a secret: give webhook:env:NAME or webhook:file:PATH"
        raise SettingsError(msg)
    return WebhookChannel(rest, secret=secret)


def _function(path: str) -> Callable[[Message], object]:
    module_name, _, name = path.partition(":")
    try:
        found: object = importlib.import_module(module_name)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"callback:{path}: can't be imported ({error}); give callback:MODULE:FUNCTION"
        ) from None
    if not callable(found):
        raise SettingsError(f"callback:{path}: is no function")
    return found
