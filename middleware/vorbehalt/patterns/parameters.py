"""The findings that this version makes, and the parameters that their code takes from the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PARAMETERS: Final[Mapping[str, Mapping[str, type]]] = {
    "claim.no_fetch_metadata": {"chromium_from": float, "firefox_from": float, "safari_from": float},
    "claim.partial_fetch_metadata": {"chromium_from": float, "firefox_from": float, "safari_from": float},
    "claim.hints_missing": {"chromium_from": float, "samsung_from": float},
    "claim.hints_contradict": {},
    "claim.no_such_browser": {},
    "claim.dead_browser": {"years": float, "android_years": float, "safari_years": float},
    "claim.headless": {"tokens": tuple},
    "claim.accept_not_html": {},
    "claim.no_language": {"chromium_from": float, "firefox_from": float},
    "claim.encoding": {"chromium_from": float, "firefox_from": float},
    "proto.header_order": {},
    "proto.impossible": {},
    "proto.tls_contradicts": {"proofs": float},
    "trap.hit": {"distinct": float, "repeated_weight": float},
    "robots.violation": {"hours": float},
    "robots.no_read_crawl": {"pages": float, "disallowed": float},
    "chain.no_assets": {"pages": float, "full_pages": float, "first_weight": float},
    "chain.all_typed": {"pages": float, "minutes": float},
    "chain.no_cookie": {"pages": float},
    "volume.breadth": {"pages": float, "revisit_share": float},
    "volume.enumeration": {"run": float, "combinations": float},
    "volume.errors_or_head": {
        "requests": float, "error_share": float, "head_share": float, "site_factor": float,
    },
    "media.bulk": {"files": float, "parallel_ranges": float},
    "cohort.orphans": {
        "addresses": float, "orphan_share": float, "deep_share": float, "baseline_factor": float,
        "pages": float, "soon_seconds": float, "orphan_seconds": float, "baseline_days": float,
        "people_share": float, "address_views": float,
    },
}  # fmt: skip
"""Every finding this version makes, in the order of the documentation, with the parameters its code reads."""
