"""TOML to Settings; the only room that loads vorbehalt_rules."""

from __future__ import annotations

from vorbehalt.settings.describe import describe as describe
from vorbehalt.settings.load import load as load
from vorbehalt.settings.load import load_rules as load_rules
from vorbehalt.settings.model import Settings as Settings
from vorbehalt.settings.robots_files import read_robots_files as read_robots_files
