"""Health check of the container: 0 if the sidecar answers and is green or yellow, 1 if it is red or silent.

VORBEHALT_HEALTH_PORT names another port than 8100.
"""

import http.client
import json
import os
import sys

SECONDS = 4.0


def main() -> int:
    """Ask once and say what the answer was; container engines keep the sentence."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(os.environ.get("VORBEHALT_HEALTH_PORT", "8100")), timeout=SECONDS
    )
    try:
        connection.request("GET", "/.vorbehalt/health")
        answer = connection.getresponse()
        body = answer.read()
        health = json.loads(body) if answer.status == 200 else {}
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"no answer: {error}")
        return 1
    finally:
        connection.close()
    state = health.get("state", f"status {answer.status}")
    print(state, *health.get("reasons", ()), sep="; ")
    return 0 if state in ("green", "yellow") else 1


if __name__ == "__main__":
    sys.exit(main())
