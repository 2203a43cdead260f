"""What a configuration renders for the host that is asked."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from vorbehalt.engine import HostPlan
from vorbehalt.facts import Headers, normal_path
from vorbehalt.probe.exchange import Exchange, Kind
from vorbehalt.reservation.bundle import Document


@dataclass(frozen=True, slots=True)
class Expected:
    """The signals of one host. `base` is the origin that is asked; it may stand in for the configured one."""

    plan: HostPlan
    base: str

    @property
    def origin(self) -> str:
        """The origin that the signals name."""
        return self.plan.settings.terms.origin

    @property
    def digest(self) -> str:
        """The digest of the whole set of signals."""
        return self.plan.bundle.digest

    def headers(self, one: Exchange) -> Headers:
        """The reservation headers of a reply: those of its path, and of its media type where that matters."""
        normal = _normal(one.path)
        return self.plan.headers(normal, self.plan.sections.find(normal)).for_answer(one.headers).headers

    def depends_on_media(self, path: str) -> bool:
        """True if the headers of a path depend on the media type, which no document can say."""
        return bool(self.plan.sections.refinements(_normal(path)))

    def document(self, path: str) -> Document | None:
        """The signal document at a path."""
        return self.plan.bundle.documents.get(path)

    def document_paths(self) -> dict[Kind, str]:
        """Where each signal document is served."""
        terms = self.plan.settings.terms
        paths: dict[Kind, str] = {
            "robots": terms.robots_path,
            "tdmrep": terms.tdmrep_path,
            "policy": terms.tdm_policy_path,
            "rsl": terms.rsl_path,
            "terms": terms.page_path,
        }
        return {kind: path for kind, path in paths.items() if path in self.plan.bundle.documents}

    def section_paths(self) -> list[tuple[str, str]]:
        """The name of every section with its first pattern."""
        return [
            (section.name, section.paths[0]) for section in self.plan.settings.terms.sections if section.paths
        ]

    def section_of(self, path: str) -> str:
        return self.plan.sections.find(_normal(path))


def local(url: str, base: str, origin: str) -> str:
    """Return a URL at the origin that is asked, if it names the configured one (or already this one)."""
    parts = urlsplit(url)
    if origin and f"{parts.scheme}://{parts.netloc}" == origin:
        there = urlsplit(base)
        return urlunsplit((there.scheme, there.netloc, parts.path or "/", parts.query, ""))
    return url


def _normal(path: str) -> str:
    return normal_path(unquote(path.partition("?")[0]))
