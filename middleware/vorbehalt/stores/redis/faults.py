"""What went wrong with Redis, in words of ours: an error of redis-py may repeat host, user or command."""

from __future__ import annotations

_BY_CODE = {
    "OOM": "it is full (maxmemory)",
    "READONLY": "it is a replica that takes no writes",
    "WRONGTYPE": "a key of ours holds something else; is the prefix used by another program?",
    "MISCONF": "it takes no writes because it cannot save to its disk",
    "NOPERM": "its user may not do what is needed (see docs/redis.md, rights)",
    "NOAUTH": "it asks for a password",
    "WRONGPASS": "it does not know this user and password",
    "LOADING": "it is still loading",
    "BUSY": "it is busy with another script",
    "CLUSTERDOWN": "its cluster is down",
    "CROSSSLOT": "it is a cluster, and state.cluster is not set",
    "MOVED": "it is a cluster, and state.cluster is not set",
    "MASTERDOWN": "it is a replica that lost its primary",
    "NOREPLICAS": "it has too few replicas to take writes",
}


def sentence_of_code(text: str) -> str:
    """Say what an error of the server means; its text is looked at, never told."""
    code = "NOPERM" if "ACL failure" in text else text.lstrip("-").partition(" ")[0]
    known = _BY_CODE.get(code)
    if known is not None:
        return known
    return f"it answers with the error {code}" if code.isascii() and code.isalpha() and code.isupper() else (
        "it answers with an error"
    )  # fmt: skip


def sentence_of(error: BaseException) -> str:
    """Say what an error of redis-py means. Never holds a host, a user, a password or a key."""
    from redis import exceptions as of_redis

    if isinstance(error, of_redis.NoPermissionError):
        return _BY_CODE["NOPERM"]
    if isinstance(error, of_redis.AuthenticationWrongNumberOfArgsError | of_redis.AuthenticationError):
        text = str(error)
        return _BY_CODE["NOAUTH"] if "required" in text.lower() else _BY_CODE["WRONGPASS"]
    if isinstance(error, of_redis.OutOfMemoryError):
        return _BY_CODE["OOM"]
    if isinstance(error, of_redis.ReadOnlyError):
        return _BY_CODE["READONLY"]
    if isinstance(error, of_redis.BusyLoadingError):
        return _BY_CODE["LOADING"]
    if isinstance(error, of_redis.TimeoutError | TimeoutError):
        return "it does not answer in time"
    if isinstance(error, of_redis.ClusterDownError):
        return _BY_CODE["CLUSTERDOWN"]
    if isinstance(error, of_redis.MovedError):
        return _BY_CODE["MOVED"]
    if isinstance(error, of_redis.RedisClusterException):
        return "no node of its cluster can be used"
    if isinstance(error, of_redis.ConnectionError | OSError):
        text = str(error)
        if "CERTIFICATE" in text or "certificate" in text or "SSL" in text:
            return "TLS with it fails; see ssl_ca_certs in docs/redis.md"
        return "it cannot be reached"
    if isinstance(error, of_redis.ResponseError):
        return sentence_of_code(str(error))
    return f"its client failed with {type(error).__name__}"
