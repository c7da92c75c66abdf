"""Secrets by reference: `env:NAME` or `file:PATH`. What they hold is never shown, logged or stored."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "***"
REFERENCES = ("env:", "file:")


def is_reference(text: str) -> bool:
    """Tell whether `text` says where a secret is, and is not the secret itself."""
    return text.startswith(REFERENCES)


def resolve(reference: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the secret behind `env:NAME` or `file:PATH` (white space at its ends removed).

    Raises SettingsError when it is not there or empty; the message names the reference alone.
    """
    env = os.environ if environ is None else environ
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = env.get(name, "").strip()
        where = f"the variable {name}"
    elif kind == "file":
        where = f"the file {name}"
        try:
            value = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{where} with a secret can't be read ({type(error).__name__}); correct {reference}"
            ) from None
    else:
        raise SettingsError("a secret is given by reference: env:NAME or file:PATH")
    if not value:
        raise SettingsError(f"{where} is empty or not set; it should hold the secret that {reference} names")
    return value


def shown_specs(specs: str) -> str:
    """Return channels as they may be shown: references as they are, of a plain URL the host alone.

    >>> shown_specs("log webhook:env:HOOK webhook:https://host/services/T0/B1")
    'log webhook:env:HOOK webhook:https://host/***'
    """
    return " ".join(_shown_spec(spec) for spec in specs.split())


def _shown_spec(spec: str) -> str:
    scheme, _, rest = spec.partition(":")
    if not rest or is_reference(rest) or scheme == "callback":
        return spec
    kind, mark, place = rest.partition("://")
    host = place.split("/", 1)[0].split("?", 1)[0].rsplit("@", 1)[-1]
    return f"{scheme}:{kind}://{host}/{MASK}" if mark else f"{scheme}:{MASK}"


def scrubbed(text: str, secrets: tuple[str, ...]) -> str:
    """Return `text` with every secret in it masked, also where only its longest part is quoted."""
    for secret in sorted({part for one in secrets for part in _parts(one)}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _parts(secret: str) -> list[str]:
    """Return a secret and, of a URL, the pieces that libraries quote in their errors."""
    if not secret:
        return []
    parts = [secret]
    if "://" in secret:
        rest = secret.split("://", 1)[1]
        parts += [
            rest,
            *(piece for piece in rest.replace("@", "/").replace(":", "/").replace("?", "/").split("/")),
        ]
    return [part for part in parts if len(part) >= 6]  # noqa: PLR2004 -- shorter pieces are no secrets
