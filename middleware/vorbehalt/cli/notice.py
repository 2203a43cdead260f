"""`notice`: letters to operators, and what became of them."""

from __future__ import annotations

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Letters to operators: what was written to whom, when it is due, what came back.",
)
