"""The parties of a dossier, as the configuration names them, and the operator, as the rules know it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import file_digest
from pathlib import Path
from urllib.parse import urlsplit

from vorbehalt.claims.dossier.contents import Crawler, Parties, Site
from vorbehalt.identify.registry import Means, Party
from vorbehalt.reservation.uses import USES
from vorbehalt.settings import Settings
from vorbehalt.settings.model import HostSettings


def parties_of(settings: Settings, operator: Party) -> Parties:
    """Return section 1. Reads the catalogue's files for their digests; raises OSError."""
    registry = settings.registry
    hosts = (settings.default_host, *settings.hosts)
    files = dict.fromkeys(path for host in hosts for path in host.catalogue)
    return Parties(
        sites=tuple(_site(host, _names(settings, host)) for host in hosts),
        operator=operator.name,
        operator_id=operator.id,
        homepage=operator.homepage,
        crawlers=tuple(
            Crawler(
                token=one.token,
                purpose=one.purpose.value,
                basis=one.purpose_basis,
                robots_tokens=one.robots_tokens,
                documentation=one.documentation,
                means=tuple(map(_means, one.verify)),
            )
            for one in registry.crawlers
            if one.operator == operator.name
        ),
        configuration=settings.digest,
        rules=registry.version,
        catalogue_files=tuple((Path(path).name, _digest(Path(path))) for path in files),
    )


def tokens_of(settings: Settings, operator: Party) -> frozenset[str]:
    """Return the product tokens of an operator."""
    return frozenset(one.token for one in settings.registry.crawlers if one.operator == operator.name)


def _site(host: HostSettings, names: Iterable[str]) -> Site:
    terms = host.terms
    return Site(
        names=tuple(names),
        origin=terms.origin,
        operator=terms.operator,
        rightsholder=terms.rightsholder,
        capacity=terms.capacity,
        on_behalf_of=terms.on_behalf_of,
        contact=terms.contact,
        licence_contact=terms.licence_contact,
        may_license=terms.may_license,
        uses=tuple((use, terms.uses.of(use)) for use in USES),
        sections=tuple((section.name, section.paths) for section in terms.sections),
    )


def _names(settings: Settings, host: HostSettings) -> Iterator[str]:
    """The default host goes by the names of [site], or else by its origin's."""
    if host.names:
        yield from host.names
    else:
        own = urlsplit(host.terms.origin).hostname or ""
        yield from dict.fromkeys(name for name in (own, *settings.site_hosts) if name)


def _means(means: Means) -> str:
    what = means.list or ", ".join(means.suffixes) or means.directory
    return f"{means.method}: {what}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
