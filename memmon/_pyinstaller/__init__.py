"""Lets PyInstaller pack a program that embeds memmon: it finds the hooks here by memmon's entry point."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """Return the folder that PyInstaller looks for hooks in."""
    return [str(Path(__file__).resolve().parent)]
