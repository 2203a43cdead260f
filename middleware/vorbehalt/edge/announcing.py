"""What the evidence is told of ourselves: which software opened it, and which signals are in force."""

from __future__ import annotations

import time

from vorbehalt.engine import HostPlan
from vorbehalt.evidence.receipt import Draft, Evidence
from vorbehalt.settings import Settings


def opening_of(settings: Settings) -> dict[str, object]:
    """Return what stands in the first record of a writer."""
    from vorbehalt import __version__

    return {
        "software": f"vorbehalt {__version__}",
        "rules": settings.registry.version,
        "rules_digest": settings.registry.digest,
        "config": settings.digest,
    }


def announce(evidence: Evidence, plan: HostPlan, versions: dict[str, str]) -> None:
    """Keep every document of a host's signals as an object, then record that this set is in force.

    Blocks on the disk; raises EvidenceError if an object cannot be kept.
    """
    bundle = plan.bundle
    documents = {path: evidence.put_object(doc.body) for path, doc in sorted(bundle.documents.items())}
    documents |= {
        f"{path}?lang={variant.language}": evidence.put_object(variant.body)
        for path, document in sorted(bundle.documents.items())
        for variant in document.variants
    }
    headers = {
        name or "*": evidence.put_object(
            b"".join(key + b": " + value + b"\n" for key, value in section.headers)
        )
        for name, section in sorted(bundle.sections.items())
    }
    seen: dict[str, object] = {
        "hosts": list(plan.settings.names),
        "origin": plan.settings.terms.origin,
        "signals": bundle.digest,
        "documents": documents,
        "headers": headers,
        "objects": sorted({*documents.values(), *headers.values()}),
        "mode": plan.settings.mode,
        "preset": plan.settings.preset,
        "versions": versions,
    }
    evidence.append(Draft(type="policy-active", ref="", at=time.time_ns(), seen=seen))
