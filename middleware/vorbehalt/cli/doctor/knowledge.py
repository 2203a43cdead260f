"""What is known of crawlers and how old it is; what is switched on and not installed; how workers share."""

from __future__ import annotations

from collections.abc import Sequence

from vorbehalt.cli.doctor.found import Check, error, ok, warning
from vorbehalt.settings.model import NetworkSettings

_FEW_FILES = 4096
_NEEDED = {
    "dns": ("dnspython", "dns"),
    "refresh": ("aiohttp", "aiohttp"),
    "signatures": ("aiohttp", "aiohttp"),
}


def check_lists(ages_hours: Sequence[float], network: NetworkSettings) -> Check:
    """Say what the age of the address lists switches off."""
    id = "address-lists"
    remedy = (
        "set network.refresh = true, or run vorbehalt rules refresh daily"
        if not network.refresh
        else "network.refresh is on: see the log for what keeps it from fetching"
    )
    if not ages_hours:
        return error(id, "there are no address lists: no claim can be verified", remedy)
    oldest, youngest = max(ages_hours), min(ages_hours)
    if youngest > 24 * network.ranges_hit_max_age_days:
        return error(
            id, f"all address lists are stale ({youngest / 24:.0f} days): they verify nobody", remedy
        )
    if youngest > network.ranges_miss_max_age_hours:
        message = f"impostor detection is inactive: the address lists are {youngest / 24:.0f} days old"
        return warning(id, message, remedy)
    stale = sum(age > 24 * network.ranges_hit_max_age_days for age in ages_hours)
    if stale:
        return warning(
            id, f"{stale} of {len(ages_hours)} address lists are stale ({oldest / 24:.0f} days)", remedy
        )
    return ok(id, f"{len(ages_hours)} address lists, the oldest {oldest:.0f} hours old")


def check_extras(network: NetworkSettings, installed: frozenset[str]) -> list[Check]:
    """Say what is switched on and lacks its package; `installed` are names that can be imported."""
    wanted = {"dns": network.dns, "refresh": network.refresh, "signatures": network.signatures}
    return [
        error(
            "extras",
            f"network.{name} is on, and {_NEEDED[name][0]} is not installed",
            "pip install 'vorbehalt[verify]'",
        )
        for name, is_on in wanted.items()
        if is_on and _NEEDED[name][1] not in installed
    ]


def needed_modules() -> frozenset[str]:
    """Return the modules that `check_extras` asks about."""
    return frozenset(module for _, module in _NEEDED.values())


def check_sharing(has_directory: bool) -> list[Check]:
    """Say what processes cannot tell each other."""
    if has_directory:
        return []
    return [
        warning(
            "state-directory",
            "processes share no directory: metrics are each worker's own, and pause and spare reach nobody",
            "set state.directory",
        )
    ]


def check_files(limit: int) -> Check:
    """Say whether enough files may be open at once; -1 is no limit."""
    if 0 <= limit < _FEW_FILES:
        return warning(
            "open-files",
            f"only {limit} files may be open at once: each connection and each answer on its way takes some",
            f"raise it to {_FEW_FILES} or more (LimitNOFILE= in systemd, ulimit -n in a shell)",
        )
    return ok("open-files", "no limit of open files" if limit < 0 else f"{limit} files may be open at once")
