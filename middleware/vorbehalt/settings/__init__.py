"""TOML to Settings; the only room that loads vorbehalt_rules."""

from __future__ import annotations

from vorbehalt.settings.model import Settings as Settings
