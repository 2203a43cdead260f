"""Writes the dashboards as JSON; `--check` only says whether they are current."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from vorbehalt_dashboards import crawler, operating, owner
from vorbehalt_dashboards.frame import as_json

DASHBOARDS = {"owner": owner.build, "operator": operating.build, "crawler": crawler.build}
FOLDER = Path(__file__).parent / "dashboards"


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 fine, 1 a file is not current (with `--check`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if a file is not current")
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="DIR", help="where the files lie")
    chosen = parser.parse_args(arguments)
    old = 0
    for name, build in DASHBOARDS.items():
        path = chosen.to / f"{name}.json"
        text = as_json(build())
        if chosen.check:
            if not path.is_file() or path.read_text("utf-8") != text:
                old += 1
                print(f"{path} is not current: run python deploy/grafana/build.py")
        else:
            path.write_text(text, "utf-8")
            print(path)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
