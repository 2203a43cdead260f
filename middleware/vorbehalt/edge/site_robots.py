"""The site's own robots.txt, asked of the app itself, so that its rules are merged and never lost."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import Any

from vorbehalt.edge.asking_site import SiteAnswer, ask_site
from vorbehalt.edge.live import Live
from vorbehalt.edge.runtime import Runtime
from vorbehalt.engine import HostPlan

log = logging.getLogger("vorbehalt")

_DEADLINE_SECONDS = 2.0
_FRESH_SECONDS = 300.0
_RETRY_SECONDS = 10.0
_GLANCE_SECONDS = 0.02
_NO_ROBOTS = (404, 410)
_REDIRECTS = 5


async def ensure(runtime: Runtime, live: Live, plan: HostPlan, app: Any, scope: Any) -> None:
    """Fetch the site's robots.txt if it was never fetched; the asking client waits at most two seconds.

    Who comes while another is asking waits for that answer. After a failure nobody waits for ten seconds.
    Never raises.
    """
    key = plan.settings.key
    deadline = monotonic() + _DEADLINE_SECONDS
    while key in runtime.robots_reading and key not in runtime.robots_read_at and monotonic() < deadline:  # noqa: ASYNC110
        # No asyncio.Event: it would be bound to one of the loops that ask.
        await asyncio.sleep(_GLANCE_SECONDS)
    if key not in runtime.robots_read_at and _is_due(runtime, key):
        await _read(runtime, live, plan, app, scope)


async def refresh_if_old(runtime: Runtime, live: Live, plan: HostPlan, app: Any, scope: Any) -> None:
    """Fetch again after five minutes; runs when the answer has already been sent. Never raises."""
    key = plan.settings.key
    read_at = runtime.robots_read_at.get(key)
    if (read_at is None or monotonic() - read_at > _FRESH_SECONDS) and _is_due(runtime, key):
        await _read(runtime, live, plan, app, scope)


def _is_due(runtime: Runtime, key: str) -> bool:
    tried_at = runtime.robots_tried_at.get(key)
    rested = tried_at is None or monotonic() - tried_at > _RETRY_SECONDS
    return rested and key not in runtime.robots_reading


async def _read(runtime: Runtime, live: Live, plan: HostPlan, app: Any, scope: Any) -> None:
    key = plan.settings.key
    runtime.robots_reading.add(key)
    trouble = ""
    try:
        answer = await asyncio.wait_for(_follow(app, plan, scope), _DEADLINE_SECONDS)
        status, body = answer.status, answer.body
        if status == 200 or status in _NO_ROBOTS:
            # Merging a hostile robots.txt of full size takes most of a second; a usual one milliseconds.
            await asyncio.to_thread(runtime.set_site_robots, plan, body if status == 200 else None)
            runtime.robots_read_at[key] = monotonic()
        else:
            # A refusal or a redirect to elsewhere says nothing about the rules: those known go on.
            trouble = f"the app answered {status or 'nothing'}"
    except Exception as error:
        # Whatever the app does here, the last good copy goes on and health says so.
        trouble = f"it could not be read from the app: {type(error).__name__}"
    finally:
        runtime.robots_reading.discard(key)
    code = f"robots {key}".rstrip()
    if trouble:
        runtime.robots_tried_at[key] = monotonic()
        runtime.reasons[code] = f"robots.txt of {plan.settings.terms.origin}: {trouble}"
        log.warning("%s", runtime.reasons[code])
        runtime.announcer.note_missing(runtime.live.engine, key)
    else:
        runtime.reasons.pop(code, None)


async def _follow(app: Any, plan: HostPlan, scope: Any) -> SiteAnswer:
    """Ask for the robots.txt as a crawler would: five redirects are followed (RFC 9309 section 2.3.1.2)."""
    answer = await ask_site(app, plan, scope, plan.settings.terms.robots_path)
    for _ in range(_REDIRECTS):
        if not answer.moved_to:
            break
        answer = await ask_site(app, plan, scope, answer.moved_to)
    return answer
