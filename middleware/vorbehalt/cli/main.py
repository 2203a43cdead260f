"""`vorbehalt`: results on stdout, progress on stderr; exit 0 fine, 1 a check failed, 2 wrong usage."""

from __future__ import annotations

import sys

_NEEDS = (
    "The command line needs an extra: pip install 'vorbehalt[cli]'   (with the sidecar: 'vorbehalt[sidecar]')"
)


def main() -> None:
    """Run the command line; say what to install where the extra is missing."""
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ImportError:
        print(_NEEDS, file=sys.stderr)
        sys.exit(2)
    from vorbehalt.cli.app import run

    run()


if __name__ == "__main__":
    main()
