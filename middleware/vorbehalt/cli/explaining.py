"""`explain`: the verdict for a request that is described, or that was recorded, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import typer

from vorbehalt.cli.conduct import conduct_for_one
from vorbehalt.cli.lists import lists_of_the_time
from vorbehalt.cli.operator_actions import overriding_of
from vorbehalt.cli.output import CONFIG, JSON, moment, note, print_json, printable, quoted, say, utc
from vorbehalt.cli.told_words import sent_sentences, told_sentences
from vorbehalt.cli.works_now import named, titles_in, works_now
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.engine import Engine
from vorbehalt.evidence.vault.by_reference import find_request
from vorbehalt.facts import Headers, Visit, host_name, normal_path
from vorbehalt.policy.reasons import REASONS
from vorbehalt.settings import Settings, load, read_robots_files
from vorbehalt.stores.memory import MemoryLimits

_URL = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//([^/?#]*)([^#]*)(?:#.*)?", re.S)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def explain(
    url: str = typer.Argument(None, help="The URL that is asked for, or its path alone."),
    config: Path = CONFIG,
    as_json: bool = JSON,
    ip: str = typer.Option(None, "--ip", help="The address of the connection's peer."),
    header: list[str] = typer.Option(
        [], "-H", "--header", help='A request header, "Name: value"; repeatable.'
    ),
    method: str = typer.Option("GET", "-X", "--method", help="The request's method."),
    at: str = typer.Option(None, "--at", help="Judge as of this time (ISO 8601; UTC if no zone is given)."),
    ref: str = typer.Option(None, "--ref", help="Explain a recorded request by its reference id."),
) -> None:
    """Say what would be decided for a request, and why; or look up a recorded one by its reference."""
    if (url is None) == (ref is None):
        raise typer.BadParameter("give either a URL, or --ref with a reference id", param_hint="URL")
    if ref is not None:
        _explain_reference(load(config), ref, as_json)
        return
    pairs, peer, time = _headers(header), _address(ip), moment(at)
    settings = load(config)
    visit = visit_of(settings, url, method, pairs, peer, time)
    works = works_now(settings)
    engine = Engine(
        settings,
        MemoryLimits(),
        read_robots_files(settings),
        ranges=lists_of_the_time(settings),
        overriding=overriding_of(settings),
        conduct=conduct_for_one(settings),
    )
    verdict = {
        **engine.judge(visit).as_json(),
        **named(works.works_at(engine.plan(visit.host).settings, visit)),
    }
    if as_json:
        print_json(verdict)
        return
    for line in sentences(verdict, titles_in(works.index_of(engine.plan(visit.host).settings))):
        say(printable(line))


def _headers(pairs: list[str]) -> Headers:
    found: list[tuple[bytes, bytes]] = []
    for pair in pairs:
        name, colon, value = pair.partition(":")
        name = name.strip()
        if not colon or not _HEADER_NAME.fullmatch(name):
            raise typer.BadParameter(f'{quoted(pair)} is not of the form "Name: value"', param_hint="-H")
        found.append((name.lower().encode("ascii"), value.strip().encode("utf-8", "surrogateescape")))
    return tuple(found)


def _address(text: str | None) -> str | None:
    try:
        return None if text is None else str(ip_address(text.strip("[]")))
    except ValueError:
        raise typer.BadParameter(f"{quoted(text or '')} is no network address", param_hint="--ip") from None


def visit_of(settings: Settings, url: str, method: str, headers: Headers, peer: str | None, at: int) -> Visit:
    """Describe a request. The Host header picks the host, without one the URL does, else the site itself."""
    scheme, authority, target = _split(settings, url)
    if not any(key == b"host" for key, _ in headers):
        headers = ((b"host", authority.encode("utf-8", "surrogateescape")), *headers)
    host = next(value for key, value in headers if key == b"host")
    path = target.partition("?")[0]
    return Visit(
        received_at=at,
        method=method.upper(),
        scheme=scheme,
        host=host_name(host),
        path=normal_path(unquote(path)),
        target=target.encode("utf-8", "surrogateescape"),
        http_version="1.1",
        headers=headers,
        client=_resolver(settings).resolve((peer,) if peer else None, headers),
    )


def _resolver(settings: Settings) -> AddressResolver:
    return AddressResolver(settings.network.trusted_proxies, settings.network.client_header)


def _split(settings: Settings, url: str) -> tuple[str, str, str]:
    """Return scheme, authority and target of a URL, of `host/path` with a host of ours, or of a path."""
    origin = urlsplit(settings.default_host.terms.origin)
    scheme, authority, target = origin.scheme, origin.netloc, url.partition("#")[0]
    if (found := _URL.fullmatch(url)) and (found[1] or found[2]):
        scheme, authority, target = (found[1] or scheme).lower(), found[2].rpartition("@")[2], found[3]
        if not authority:
            raise typer.BadParameter(f"{quoted(url)} names no host", param_hint="URL")
    elif not url.startswith(("/", "?")):
        first, slash, rest = target.partition("/")
        if host_name(first.encode("utf-8", "surrogateescape")) in _known_hosts(settings):
            authority, target = first, slash + rest
    return scheme, authority, target if target.startswith("/") else f"/{target}"


def _known_hosts(settings: Settings) -> set[str]:
    hosts = {urlsplit(host.terms.origin).hostname or "" for host in (settings.default_host, *settings.hosts)}
    return hosts.union(settings.site_hosts, *(host.names for host in settings.hosts))


def _explain_reference(settings: Settings, ref: str, as_json: bool) -> None:
    directory = settings.evidence.directory
    if directory in ("off", "memory:"):
        raise typer.BadParameter(
            f"no evidence is kept on disk (evidence.directory is {directory!r})", param_hint="--ref"
        )
    if not (Path(directory) / "log").is_dir():
        note(f"nothing has been recorded yet: there is no evidence log in {directory}")
        raise typer.Exit(1)
    reference = ref.strip().upper()
    record = find_request(Path(directory), reference)
    if record is None:
        note(f"no request with the reference {ref} is in the evidence of {directory}")
        raise typer.Exit(1)
    verdict = recorded_verdict(record)
    if as_json:
        print_json(verdict)
        return
    seen = _mapping(record["seen"])
    asked = f"{seen.get('method')} {seen.get('scheme')}://{seen.get('host')}{seen.get('path')}"
    index = "not sealed yet" if record["index"] is None else record["index"]
    say(f"record {index}, {utc(int(str(record['at'])))}: {printable(asked)}")
    sent = sent_sentences(Path(directory), record)
    for line in (*sentences(verdict), *told_sentences(seen), *sent):
        say(printable(line))
    now = moment(None)
    for spare in overriding_of(settings).now.spares_at(now):
        if spare.ref == reference:
            say(f"since then: this visitor is let in until {utc(spare.until)}")


def recorded_verdict(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict of a `request` record in the same form as that of a request described now."""
    seen = _mapping(record["seen"])
    decision, reservation = _mapping(seen.get("decision")), _mapping(seen.get("reservation"))
    claim = seen.get("claim")
    keys = ("token", "operator", "purpose", "standing", "how")
    return {
        **{key: decision.get(key) for key in ("action", "would", "enforced", "rule", "reasons")},
        "identity": {key: _mapping(claim).get(key) for key in keys} if claim else None,
        "findings": [{"expected": None, **_mapping(finding)} for finding in seen.get("findings") or ()],
        "score": seen.get("score", 0),
        "reservation": {"section": reservation.get("section"), "digest": reservation.get("signals")},
        **named(tuple(map(str, seen.get("works") or ([seen["work"]] if seen.get("work") else ())))),
    }


def _mapping(value: object) -> Mapping[str, Any]:
    """A record that was cut to fit may lack parts."""
    return value if isinstance(value, Mapping) else {}


def sentences(verdict: Mapping[str, Any], title: Callable[[str], str] = lambda _: "") -> list[str]:
    """Return a verdict in its public form as lines for people; `title` knows what works are called."""
    identity = verdict["identity"]
    differs = verdict["would"] != verdict["action"] and not verdict["enforced"]
    why = "enforcement was paused" if "paused" in (verdict["reasons"] or ()) else "observed only"
    lines = [f"action: {verdict['action']}" + (f" ({why}; would: {verdict['would']})" if differs else "")]
    lines.append(f"rule: {verdict['rule']}")
    lines += [f"reason: {code}: {REASONS.get(code, '')}" for code in verdict["reasons"] or ()]
    if identity is None:
        lines.append("identity: no claim")
    else:
        who = f"of {identity['operator']}" if identity["operator"] else "(software that anybody can run)"
        lines.append(
            f"identity: {identity['token']} {who}, purpose {identity['purpose']}, {identity['standing']}"
        )
        lines.append(f"how: {identity['how']}")
    for finding in verdict["findings"]:
        expected = f"; expected: {finding['expected']}" if finding.get("expected") else ""
        lines.append(f"finding: {finding['id']} ({finding['weight']}): {finding['observed']}{expected}")
    if verdict["findings"]:
        lines.append(f"score: {verdict['score']}")
    reservation = verdict["reservation"]
    lines.append(
        f"reservation: section {reservation['section'] or '(whole site)'}, signals {reservation['digest']}"
    )
    lines += [f"work: {work}{title(work)}" for work in verdict.get("works") or [verdict["work"]] if work]
    if verdict["action"] == "allow":
        lines.append("allow means that the request is answered; it grants no permission")
    return lines
