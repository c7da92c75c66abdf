"""Secrets by reference: `env:NAME` or `file:PATH`. What they hold is never shown, logged or stored."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.errors import SettingsError
from memmon.facts.masking import REFERENCES

if TYPE_CHECKING:
    from collections.abc import Mapping


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
