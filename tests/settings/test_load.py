"""A configuration becomes Settings: defaults, paths, the environment, hosts, and one digest."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.errors import ConfigError
from vorbehalt.facts import AI_PURPOSES, Action, Purpose
from vorbehalt.policy.rules import Quota
from vorbehalt.reservation.uses import Uses
from vorbehalt.settings import Settings, load
from vorbehalt.settings.load import load_rules

HEAD = 'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:ask@label.example"\n'
SMALLEST: dict[str, object] = {"format": 1, "site": {"origin": "https://label.example"}}
FULL = """format = 1

[site]
origin = "https://label.example"
hosts = ["label.example", "WWW.label.example"]
operator = "Label Example GmbH"
contact = "mailto:licensing@label.example"
languages = ["de", "en"]
robots = "file:site/robots.txt"

[reservation]
search = "allow"
training = "reserve"
ai_input = "allow"
tdm = "reserve"
capacity = "licensee"
on_behalf_of = ["Somebody"]
rightsholder = "Label Example GmbH"
policy_url = "/terms"
licence_contact = "https://label.example/licences"
may_license = true
paths = { rsl = "/rsl.xml", page = "/ki", tdm_policy = "/tdm.json" }

[[reservation.section]]
name = "press"
paths = ["/press/", "/*/press/"]
training = "allow"

[policy]
preset = "reserve-all"
mode = "observe"
open_paths = ["/webhooks/"]

[[policy.rule]]
name = "friend"
match = { token = "GPTBot", path = ["/press/"] }
action = "limit"
limit = "100/10min per operator burst 5"
mode = "enforce"
until = 2027-01-31T12:00:00+01:00

[network]
trusted_proxies = ["loopback", "private", "192.0.2.7", "unix", "::ffff:198.51.100.0/120"]
client_header = "CF-Connecting-IP"
ranges_hit_max_age = "14d"
ranges_miss_max_age = "12h"

[state]
directory = "state"

[evidence]
directory = "proof"
origin = "log.label.example/1"
reply_deadline = "100ms"
query_keys = ["page"]
[evidence.record]
feed = "none"

[metrics]
listen = "[::1]:9100"

[log]
format = "json"
level = "warning"

[sidecar]
upstream = "http://127.0.0.1:8000"
listen = "0.0.0.0:8100"
metrics_listen = "127.0.0.1:9200"
secret = "a secret that is long enough"
"""


def test_the_smallest_configuration_has_the_documented_defaults(load_text: Any, tmp_path: Path) -> None:
    settings = load_text(HEAD)
    host = settings.default_host
    assert settings.source == str(tmp_path / "vorbehalt.toml")
    assert settings.warnings == ()
    assert (host.names, host.preset, host.mode, host.robots) == ((), "allow-search", "enforce", "app")
    assert host.terms.uses == Uses("allow", "reserve", "reserve", "reserve")
    assert [rule.name for rule in host.rules[:4]] == [
        "findings-block",
        "findings-challenge",
        "findings-limit",
        "control-token",
    ]
    assert [rule.mode for rule in host.rules[:3]] == ["observe"] * 3
    assert settings.hosts == ()
    assert settings.evidence.directory == str(tmp_path / "vorbehalt-evidence")
    assert settings.evidence.origin == "label.example/evidence"
    assert settings.evidence.reply_deadline_seconds == 0.25
    assert settings.state.directory == tmp_path / "vorbehalt-evidence" / "run"
    assert (settings.network.trusted_proxies, settings.network.client_header) == ((), "")
    assert (settings.network.refresh, settings.network.dns, settings.network.signatures) == (False,) * 3
    assert (settings.network.ranges_hit_max_age_days, settings.network.ranges_miss_max_age_hours) == (30, 24)
    assert settings.patterns.mode == "observe"
    assert (settings.log_format, settings.log_level, settings.metrics_listen) == ("console", "INFO", None)
    assert settings.ai_product_hosts[b"chatgpt.com"] == "openai"


def test_every_answered_purpose_leaves_the_documented_record(load_text: Any) -> None:
    record = load_text(HEAD).evidence.record
    rolled_up = {"search-engine", "preview", "monitor", "feed", "seo", "archiver"}
    assert {purpose for purpose in Purpose if record[purpose] == "full"} == AI_PURPOSES
    assert {purpose.value for purpose in Purpose if record[purpose] == "rollup"} == rolled_up
    assert {purpose.value for purpose in Purpose if record[purpose] == "none"} == {"tool", "headless"}


def test_every_key_arrives(load_text: Any, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "robots.txt").write_text("User-agent: *\n")
    settings = load_text(FULL)
    host, terms = settings.default_host, settings.default_host.terms
    assert {warning.id for warning in settings.warnings} <= {"V120"}
    assert settings.site_hosts == ("label.example", "www.label.example")
    assert terms.languages == ("de", "en")
    assert terms.uses == Uses("allow", "reserve", "allow", "reserve")
    assert (terms.capacity, terms.on_behalf_of, terms.may_license) == ("licensee", ("Somebody",), True)
    assert terms.policy_url == "https://label.example/terms"
    assert (terms.rsl_path, terms.page_path, terms.tdm_policy_path) == ("/rsl.xml", "/ki", "/tdm.json")
    (section,) = terms.sections
    assert (section.name, section.paths) == ("press", ("/press/", "/*/press/"))
    assert section.uses == Uses("allow", "allow", "allow", "reserve")
    assert host.robots == f"file:{tmp_path / 'site' / 'robots.txt'}"
    assert (host.mode, host.preset, host.open_paths) == ("observe", "reserve-all", ("/webhooks/",))
    assert host.upstream == settings.sidecar.upstream == "http://127.0.0.1:8000"
    friend = host.rules[0]
    assert (friend.action, friend.limit, friend.mode) == (
        Action.ALLOW,
        Quota(100, 600, "operator", 5),
        "enforce",
    )
    assert friend.until is not None
    assert friend.until.isoformat() == "2027-01-31T11:00:00+00:00"
    assert friend.reason == "site-rule-token"
    assert settings.network.trusted_proxies == (
        "127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "192.0.2.7/32",
        "unix", "198.51.100.0/24"
    )  # fmt: skip
    assert settings.network.client_header == "cf-connecting-ip"
    assert (settings.network.ranges_hit_max_age_days, settings.network.ranges_miss_max_age_hours) == (14, 12)
    assert settings.state.directory == tmp_path / "state"
    assert settings.evidence.directory == str(tmp_path / "proof")
    assert settings.evidence.origin == "log.label.example/1"
    assert settings.evidence.reply_deadline_seconds == 0.1
    assert settings.evidence.query_keys == ("page",)
    assert settings.evidence.record[Purpose.FEED] == "none"
    assert (settings.metrics_listen, settings.sidecar.metrics_listen) == ("[::1]:9100", "127.0.0.1:9200")
    assert (settings.log_format, settings.log_level) == ("json", "WARNING")


@pytest.mark.parametrize("directory", ["off", "memory:"])
def test_evidence_that_is_not_kept_has_no_folder_for_state(directory: str, load_text: Any) -> None:
    settings = load_text(f'{HEAD}[evidence]\ndirectory = "{directory}"\n')
    assert settings.evidence.directory == directory
    assert settings.state.directory is None


def test_a_mapping_is_as_good_as_a_file(
    load_text: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mapping = {
        "format": 1,
        "site": {"origin": "https://label.example", "contact": "mailto:ask@label.example"},
    }
    from_mapping = load({**mapping, "evidence": {"directory": tmp_path / "vorbehalt-evidence"}}, environ={})
    assert from_mapping.source == "<mapping>"
    assert from_mapping.digest == load_text(HEAD).digest == load(mapping, environ={}).digest
    assert mapping["site"] == {"origin": "https://label.example", "contact": "mailto:ask@label.example"}


def test_settings_pass_unchanged_whatever_the_environment(load_text: Any) -> None:
    settings = load_text(HEAD)
    assert load(settings, environ={"VORBEHALT_POLICY__MODE": "observe"}) is settings


class TestEnvironment:
    def test_it_overrides_single_keys_as_toml_or_as_bare_text(self, load_text: Any) -> None:
        settings = load_text(
            HEAD,
            {
                "VORBEHALT_POLICY__MODE": "observe",
                "VORBEHALT_POLICY__PRESET": '"reserve-all"',
                "VORBEHALT_EVIDENCE__DIRECTORY": "off",
                "VORBEHALT_NETWORK__TRUSTED_PROXIES": '["loopback"]',
                "VORBEHALT_RESERVATION__AI_INPUT": "allow",
                "VORBEHALT_RESERVATION__MAY_LICENSE": "true",
                "VORBEHALT_EVIDENCE__RECORD__USER_FETCH": "rollup",
                "VORBEHALT_EVIDENCE__REPLY_DEADLINE": "1.5",
                "VORBEHALT_SITE__OPERATOR": "2027",
                "VORBEHALT_LOG__LEVEL": "",
                "VORBEHALT_ENABLED": "0",
                "PATH": "/bin",
            },
        )
        host = settings.default_host
        assert (host.mode, host.preset, settings.evidence.directory) == ("observe", "reserve-all", "off")
        assert settings.network.trusted_proxies == ("127.0.0.0/8", "::1/128")
        assert (host.terms.uses.ai_input, host.terms.may_license, host.terms.operator) == (
            "allow",
            True,
            "2027",
        )
        assert settings.evidence.record[Purpose.USER_FETCH] == "rollup"
        assert settings.evidence.reply_deadline_seconds == 1.5
        assert settings.log_level == "INFO"

    def test_one_proxy_needs_no_brackets(self, load_text: Any) -> None:
        settings = load_text(HEAD, {"VORBEHALT_NETWORK__TRUSTED_PROXIES": "loopback"})
        assert settings.network.trusted_proxies == ("127.0.0.0/8", "::1/128")

    def test_a_mistake_names_the_variable(self, load_text: Any) -> None:
        with pytest.raises(ConfigError) as caught:
            load_text(HEAD, {"VORBEHALT_POLICY__MODE": "maybe", "VORBEHALT_POLCY__MODE": "observe"})
        assert [(p.file, p.line, p.id) for p in caught.value.problems] == [
            ("<environment>", 0, "V003"),
            ("<environment>", 0, "V007"),
        ]
        assert {p.message.partition(":")[0] for p in caught.value.problems} == {
            "VORBEHALT_POLICY__MODE",
            "VORBEHALT_POLCY__MODE",
        }

    def test_it_cannot_smuggle_in_further_keys(self, load_text: Any) -> None:
        settings = load_text(HEAD, {"VORBEHALT_EVIDENCE__DIRECTORY": '"off"'})
        assert settings.evidence.directory == "off"
        with pytest.raises(ConfigError, match="V008"):
            load_text(HEAD, {"VORBEHALT_SITE__OPERATOR": '"a"\n[policy]\nmode = "observe"'})

    def test_the_process_environment_is_read_unless_another_is_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VORBEHALT_POLICY__MODE", "observe")
        assert load(SMALLEST).default_host.mode == "observe"
        assert load(SMALLEST, environ={}).default_host.mode == "enforce"
        assert os.environ["VORBEHALT_POLICY__MODE"] == "observe"


HOSTS = """
[policy]
open_paths = ["/hooks/"]
[[policy.rule]]
name = "common"
match = { path = "/x/" }
action = "block"
mode = "observe"

[[reservation.section]]
name = "press"
paths = ["/press/"]
training = "allow"

[[host]]
names = ["B.example", "www.b.example"]
upstream = "http://127.0.0.1:9000"
site = { operator = "B GmbH" }
[host.reservation]
tdm = "allow"
[host.policy]
preset = "reserve-all"

[[host]]
names = ["c.example"]
site = { origin = "https://shop.c.example:8443" }
[host.policy]
mode = "observe"
[[host.policy.rule]]
name = "own"
match = { purpose = "seo" }
action = "block"
"""


class TestHosts:
    def test_what_a_host_does_not_say_is_as_for_the_default_host(self, load_text: Any) -> None:
        settings = load_text(HEAD + HOSTS)
        b, c = settings.hosts
        assert b.names == ("b.example", "www.b.example")
        assert (b.terms.origin, b.terms.operator) == ("https://b.example", "B GmbH")
        assert b.terms.contact == "mailto:ask@label.example"
        assert b.terms.uses == Uses("allow", "reserve", "reserve", "allow")
        assert b.terms.sections[0].uses == Uses("allow", "allow", "reserve", "allow")
        assert (b.preset, b.mode, b.open_paths, b.upstream) == (
            "reserve-all", "enforce", ("/hooks/",), "http://127.0.0.1:9000"
        )  # fmt: skip
        assert [rule.name for rule in b.rules if not rule.name.startswith("findings-")][:2] == [
            "common",
            "impostor-refused",
        ]
        assert (c.terms.origin, c.mode, c.preset, c.upstream) == (
            "https://shop.c.example:8443", "observe", "allow-search", None
        )  # fmt: skip
        assert [rule.name for rule in c.rules][:5:4] == ["own", "control-token"]
        assert settings.default_host.terms.origin == "https://label.example"
        assert settings.default_host.terms.uses == Uses()

    def test_the_default_host_is_not_changed_by_others(self, load_text: Any) -> None:
        common, _, _ = HOSTS.partition("[[host]]")
        assert load_text(HEAD + HOSTS).default_host == load_text(HEAD + common).default_host


class TestDigest:
    def test_spelling_does_not_matter_and_content_does(self, load_text: Any) -> None:
        base = load_text(HEAD)
        spelled = load_text("# why\n" + HEAD + '[policy]\npreset = "allow-search"\nmode = "enforce"\n')
        assert base.digest == spelled.digest
        assert len(base.digest) == 64
        for more in (
            '[policy]\nmode = "observe"\n',
            "[reservation]\nmay_license = true\n",
            '[log]\nformat = "json"\n',
        ):
            assert load_text(HEAD + more).digest != base.digest

    def test_a_secret_counts_by_its_presence_only(self, load_text: Any) -> None:
        one, two = (load_text(f'{HEAD}[sidecar]\nsecret = "{letter * 20}"\n') for letter in "ab")
        assert one.digest == two.digest != load_text(HEAD).digest
        stores = [
            load_text(f'{HEAD}[state]\nredis = "redis://u:{word}@127.0.0.1/0"\n') for word in ("x", "y")
        ]
        assert stores[0].digest == stores[1].digest

    def test_other_rules_make_another_digest(self, load_text: Any) -> None:
        documents, registry = load_rules(None)
        other = dataclasses.replace(registry, digest="0" * 64)
        one = load(SMALLEST, environ={}, rules=lambda path: (documents, registry))
        two = load(SMALLEST, environ={}, rules=lambda path: (documents, other))
        assert one.digest != two.digest


def test_an_overlay_of_rules_is_found_beside_the_file(load_text: Any, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "presets"
    folder.mkdir(parents=True)
    (folder / "calm.toml").write_text('format = 1\nname = "calm"\nabout = "Answers everybody."\n')
    settings = load_text(HEAD + '[rules]\npath = "mine"\n[policy]\npreset = "calm"\n')
    assert {rule.name.partition("-")[0] for rule in settings.default_host.rules} == {"findings"}
    assert settings.registry.digest != load_text(HEAD).registry.digest


def test_settings_cannot_be_changed(load_text: Any) -> None:
    settings: Settings = load_text(HEAD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.digest = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.rules_documents["x"] = b""  # type: ignore[index]


def test_a_reload_with_the_same_rules_keeps_the_registry(load_text: Any) -> None:
    assert load_text(HEAD).registry is load_text(HEAD).registry
