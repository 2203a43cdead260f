"""What the middleware finds around itself: an event loop, whoever builds it, the end of the process."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import sys
import weakref

from vorbehalt.edge.runtime import Runtime
from vorbehalt.errors import VorbehaltError


def refuse_other_loops() -> None:
    """Raise VorbehaltError with a sentence unless asyncio runs here."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise VorbehaltError("Vorbehalt runs on asyncio only; this server runs another event loop") from None


def inside_asgi_call() -> bool:
    """True if our caller is being built while an application handles a scope (add_middleware is lazy).

    Raising there would be taken for "lifespan not supported" by servers, and every request would fail.
    """
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_flags & inspect.CO_COROUTINE and {"scope", "receive", "send"} <= set(
            code.co_varnames[: code.co_argcount]
        ):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def flush_at_exit(runtime: Runtime) -> None:
    """Stop a runtime at the end of the interpreter, if it is still alive by then."""
    reference = weakref.ref(runtime)

    def flush() -> None:
        if (alive := reference()) is not None:
            alive.stop()

    atexit.register(flush)
