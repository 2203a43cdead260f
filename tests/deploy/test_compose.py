"""The compose file: by its schema, a linter and its own promises; its site and sidecar run for real."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from pod_support import assert_protected_and_open, run_pod
from redis_support import server
from sandbox_support import ROOT
from vorbehalt.cli.doctor.sharing import check_redis
from vorbehalt.settings import load
from vorbehalt.settings.model import StateSettings

FOLDER = ROOT / "deploy" / "compose"
FILE = FOLDER / "compose.yaml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = sorted(COMPOSE["services"])


def program(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name(name), *arguments], capture_output=True, text=True, check=False
    )


def is_of_schema(file: Path) -> bool:
    return program("check-jsonschema", "--builtin-schema", "vendor.compose-spec", file).returncode == 0


def mounts(name: str) -> list[tuple[str, str, str]]:
    """Source, target and options of the volumes of a service."""
    parts = [volume.split(":") for volume in COMPOSE["services"][name].get("volumes", [])]
    return [(part[0], part[1], part[2] if len(part) > 2 else "") for part in parts]


def test_it_is_of_the_compose_schema(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(FILE.read_text().replace("read_only:", "readonly:"))

    assert (is_of_schema(FILE), is_of_schema(wrong)) == (True, False)


def test_the_linter_finds_images_without_digest_and_nothing_else() -> None:
    done = program("compose-lint", "check", FILE)

    assert done.returncode == 0
    assert set(re.findall(r"\b(?:LOW|MEDIUM|HIGH|CRITICAL)\s+(CL-\d+)", done.stdout)) == {"CL-0019"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert {"mem_limit", "cpus", "pids_limit", "restart", "tmpfs"} - service.keys() <= {"tmpfs"}
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & service.keys()
    assert "healthcheck" in service or name == "vorbehalt", "the sidecar's is in its image"


@pytest.mark.parametrize("name", SERVICES)
def test_every_mount_is_in_the_repository_or_a_named_volume(name: str) -> None:
    for source, target, options in mounts(name):
        if source.startswith("."):
            assert (FOLDER / source).exists(), source
            assert options == "ro", f"{name} may write to {source}"
        else:
            assert source in COMPOSE["volumes"]
        assert target.startswith("/")


def test_only_the_site_and_the_dashboards_are_published_and_only_on_this_machine() -> None:
    published = {
        name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service
    }

    assert published == {"site": ["127.0.0.1:8080:8080"], "grafana": ["127.0.0.1:3000:3000"]}
    for name in ("redis", "prometheus"):
        networks = COMPOSE["services"][name]["networks"]
        assert all(COMPOSE["networks"][network].get("internal") for network in networks)


def test_no_secret_stands_in_the_files() -> None:
    (secret,) = COMPOSE["secrets"].values()
    ignored = (FOLDER / ".gitignore").read_text().split()

    assert secret["file"] == "./secrets/grafana_admin_password"
    assert "secrets/" in ignored
    for service in COMPOSE["services"].values():
        for key in service.get("environment", {}):
            assert not re.search("PASSWORD|SECRET|TOKEN", key) or key.endswith("__FILE")


def test_the_names_that_prometheus_and_grafana_use_lead_to_them() -> None:
    prometheus = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    source = yaml.safe_load(
        (ROOT / "deploy" / "grafana" / "provisioning" / "datasources" / "vorbehalt.yml").read_text()
    )
    provider = yaml.safe_load(
        (ROOT / "deploy" / "grafana" / "provisioning" / "dashboards" / "vorbehalt.yml").read_text()
    )
    aliases = COMPOSE["services"]["site"]["networks"]["metrics"]["aliases"]
    (job,) = [job for job in prometheus["scrape_configs"] if job["job_name"] == "vorbehalt"]
    listen = load(FOLDER / "config" / "vorbehalt.toml", environ={}).sidecar.metrics_listen or ""

    assert job["static_configs"][0]["targets"] == [f"{aliases[0]}:{listen.rpartition(':')[2]}"]
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    assert provider["providers"][0]["options"]["path"] in [target for _, target, _ in mounts("grafana")]
    rules = prometheus["rule_files"]
    assert [name for name in rules if not (ROOT / "deploy" / "prometheus" / name).exists()] == []


def test_the_sidecars_configuration_fits_its_container() -> None:
    service: dict[str, Any] = COMPOSE["services"]["vorbehalt"]
    settings = load(FOLDER / "config" / "vorbehalt.toml", environ={})

    assert settings.warnings == ()
    targets = [target for _, target, _ in mounts("vorbehalt")]
    assert str(settings.evidence.directory).startswith(f"{targets[1]}/")
    assert str(settings.state.directory).startswith(f"{targets[1]}/")
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    assert (FOLDER / service["build"]["context"]).resolve() == ROOT


def test_the_sidecar_shares_its_limits_through_the_redis_of_the_file() -> None:
    environment = COMPOSE["services"]["vorbehalt"]["environment"]
    settings = load(FOLDER / "config" / "vorbehalt.toml", environ=environment)
    url = urlsplit(settings.state.redis or "")

    assert settings.warnings == ()
    assert url.hostname in COMPOSE["services"]
    networks = COMPOSE["services"][url.hostname]["networks"]
    assert set(networks) & set(COMPOSE["services"]["site"]["networks"]), (
        "the sidecar lives in that of the site"
    )


@pytest.mark.real("redis-server")
def test_limits_are_counted_in_a_redis_with_the_options_of_the_file() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    assert command[0] == "redis-server"
    with server(*map(str, command[1:])) as one:
        (check,) = check_redis(StateSettings(redis=one.unix_url))
        assert check.severity == "ok"
        assert one.ask("CONFIG", "GET", "maxmemory-policy") in (
            {"maxmemory-policy": "volatile-ttl"},
            [b"maxmemory-policy", b"volatile-ttl"],
        )


@pytest.mark.real("bwrap", "nginx")
def test_readers_are_served_crawlers_refused_and_the_site_outlives_the_sidecar(tmp_path: Path) -> None:
    nginx = {target: (FOLDER / source).resolve() for source, target, _ in mounts("site")}

    answers = run_pod(
        tmp_path,
        ["serve", "-c", "/etc/vorbehalt/vorbehalt.toml"],
        nginx=nginx,
        config=FOLDER / "config",
        environment=COMPOSE["services"]["vorbehalt"]["environment"],
    )

    assert_protected_and_open(answers)
