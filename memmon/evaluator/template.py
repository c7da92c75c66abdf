"""The operator's own text for a message: a Jinja2 template, sandboxed; loaded only where one is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def read_template(path: Path) -> str:
    """Return a template's text; raises SettingsError for one that can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: the template can't be read ({error}); correct --template") from None


def filler(template: str) -> Callable[[Mapping[str, object], str], str]:
    """Return what fills `template`; where that fails the standard text comes, and says so."""

    def fill(fields: Mapping[str, object], standard: str) -> str:
        from jinja2 import TemplateError
        from jinja2.sandbox import SandboxedEnvironment

        try:
            filled = SandboxedEnvironment(autoescape=False).from_string(template).render(fields)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            return f"{standard}\n(the template failed: {type(error).__name__}: {error})"
        return filled if filled.strip() else standard

    return fill
