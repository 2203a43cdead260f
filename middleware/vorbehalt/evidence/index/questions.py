"""Questions that are ready for the index. `:operator` ("" for all) and `:ref` are filled in."""

from __future__ import annotations

from collections.abc import Mapping

READY: Mapping[str, str] = {
    "by-operator": """
        SELECT operator, standing,
            sum(type = 'request') AS requests,
            sum(type = 'request' AND action <> 'allow') AS refused,
            sum(type = 'completion' AND delivered = 1) AS delivered,
            sum(CASE WHEN type = 'completion' AND delivered = 1 THEN bytes ELSE 0 END) AS bytes
        FROM records
        WHERE type IN ('request', 'completion') AND (:operator = '' OR operator = :operator)
        GROUP BY operator, standing ORDER BY requests DESC, operator, standing""",
    "by-day": """
        SELECT day,
            sum(type = 'request') AS requests,
            sum(type = 'request' AND action <> 'allow') AS refused,
            sum(type = 'completion' AND delivered = 1) AS delivered,
            sum(CASE WHEN type = 'completion' AND delivered = 1 THEN bytes ELSE 0 END) AS bytes
        FROM records
        WHERE type IN ('request', 'completion') AND (:operator = '' OR operator = :operator)
        GROUP BY day ORDER BY day""",
    "by-path": """
        SELECT host, path, count(*) AS requests, count(DISTINCT operator) AS operators,
            sum(action <> 'allow') AS refused
        FROM records
        WHERE type = 'request' AND (:operator = '' OR operator = :operator)
        GROUP BY host, path ORDER BY requests DESC, host, path""",
    "by-work": """
        SELECT work, count(*) AS requests, count(DISTINCT operator) AS operators,
            sum(action <> 'allow') AS refused
        FROM records
        WHERE type = 'request' AND work <> '' AND (:operator = '' OR operator = :operator)
        GROUP BY work ORDER BY requests DESC, work""",
    "by-signal": """
        SELECT operator, standing, document, count(*) AS fetched, min(day) AS first, max(day) AS last
        FROM records
        WHERE type = 'signal-served' AND (:operator = '' OR operator = :operator)
        GROUP BY operator, standing, document ORDER BY operator, document, standing""",
    "by-type": """
        SELECT type, count(*) AS records, min(day) AS first, max(day) AS last
        FROM records
        WHERE :operator = '' OR operator = :operator
        GROUP BY type ORDER BY records DESC, type""",
    "by-ref": """
        SELECT idx, day, type, operator, token, standing, action, host, method, path, status, bytes
        FROM records
        WHERE (ref = :ref OR of = :ref) AND (:operator = '' OR operator = :operator)
        ORDER BY idx""",
}
