"""The table [state]: what the processes of one site share, and where."""

from __future__ import annotations

import re
from pathlib import Path

from vorbehalt.policy.tables import Table, shown
from vorbehalt.settings.model import StateSettings
from vorbehalt.settings.values import resolved
from vorbehalt.stores.redis.place import flaw_of_url

_PREFIX = re.compile(r"[A-Za-z0-9:._-]{1,64}")
_SHORT_SECRET = 16


def read_state(table: Table, base: Path, evidence: Path | None) -> StateSettings:
    """Read [state]; without a directory of its own the state lies in `run/` of the evidence, if any."""
    usual = StateSettings()
    redis = table.text("redis") or None
    cluster, strict = table.flag("cluster"), table.flag("strict")
    prefix = table.text("prefix", usual.prefix)
    secret = table.text("secret") or None
    if redis is not None and (flaw := flaw_of_url(redis, cluster=cluster)):
        # The URL is not repeated: it may hold a password.
        table.flaw("redis", "V009", f"state.redis cannot be used: {flaw}")
        redis = None
    elif redis is None:
        for name in ("cluster", "strict", "prefix", "secret"):
            if table.has(name):
                table.flaw(name, "V124", f"state.{name} has no effect without state.redis")
    if not _PREFIX.fullmatch(prefix):
        table.flaw("prefix", "V007", f"{shown(prefix)} is no prefix; use letters, digits, ':', '.', '_', '-'")
        prefix = usual.prefix
    if secret is not None and len(secret) < _SHORT_SECRET:
        table.flaw("secret", "V119", f"state.secret is shorter than {_SHORT_SECRET} characters")
    directory = table.text("directory")
    if directory:
        place: Path | None = resolved(base, directory)
    else:
        place = None if evidence is None else evidence / "run"
    table.finish()
    return StateSettings(redis, place, cluster, prefix, secret, strict)
