"""The manifests: by the schemas of Kubernetes and their own promises; gate and sidecar run for real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pod_support import assert_protected_and_open, run_pod
from process_support import VORBEHALT, ask, free_port, running, vorbehalt, wait_for
from sandbox_support import ROOT
from vorbehalt.settings import load

FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
FILES = [*KUSTOMIZATION["resources"], *(f"optional/{path.name}" for path in (FOLDER / "optional").iterdir())]
FOREIGN = {"optional/servicemonitor.yaml"}  # of the Prometheus operator: no schema at hand
VERSIONS = ["1.28", "1.37"]


def objects(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


OBJECTS = {(item["kind"], item["metadata"]["name"]): item for name in FILES for item in objects(name)}
WORKLOADS = {"vorbehalt": OBJECTS["StatefulSet", "vorbehalt"], "gate": OBJECTS["Deployment", "gate"]}


def is_of_schema(file: Path, version: str) -> bool:
    program = Path(sys.executable).with_name("kubernetes-validate")
    done = subprocess.run(
        [program, "--strict", "-k", version, file], capture_output=True, text=True, check=False
    )
    assert "find schema" not in done.stdout + done.stderr, done.stdout
    return done.returncode == 0


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", sorted({*FILES} - FOREIGN))
def test_each_manifest_is_of_its_schema(name: str, version: str) -> None:
    assert is_of_schema(FOLDER / name, version)


def test_the_schema_sees_a_misspelt_key(tmp_path: Path) -> None:
    wrong = tmp_path / "gate.yaml"
    wrong.write_text((FOLDER / "gate.yaml").read_text().replace("readinessProbe:", "readynessProbe:"))

    assert not is_of_schema(wrong, VERSIONS[-1])


def test_every_file_of_the_kustomization_exists() -> None:
    named = [*KUSTOMIZATION["resources"]]
    for generator in KUSTOMIZATION["configMapGenerator"]:
        named += [entry.rpartition("=")[2] for entry in generator["files"]]

    assert [name for name in named if not (FOLDER / name).is_file()] == []
    snippets = {path.name for path in (ROOT / "deploy" / "nginx" / "snippets").iterdir()}
    assert {Path(name).name for name in named if "snippets" in name} == snippets


def test_the_gates_nginx_differs_from_the_shipped_one_by_the_sidecars_address_only() -> None:
    shipped = (ROOT / "deploy" / "nginx" / "conf.d" / "vorbehalt.conf").read_text()
    ours = re.sub(r"server 127\.0\.0\.1:8100;", "server vorbehalt:8100;", shipped)

    assert ours != shipped
    assert (FOLDER / "gate" / "vorbehalt.conf").read_text() == ours, (
        "sed 's|server 127.0.0.1:8100;|server vorbehalt:8100;|' deploy/nginx/conf.d/vorbehalt.conf"
        " > deploy/kubernetes/gate/vorbehalt.conf"
    )


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_every_pod_keeps_the_restricted_profile(name: str) -> None:
    pod = WORKLOADS[name]["spec"]["template"]["spec"]
    context = pod["securityContext"]

    assert (context["runAsNonRoot"], context["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    assert context["runAsUser"] > 0
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
    assert {next(iter({*volume} - {"name"})) for volume in pod["volumes"]} <= {"configMap", "emptyDir"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert {"readinessProbe", "livenessProbe"} <= container.keys()
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        claims = {
            claim["metadata"]["name"] for claim in WORKLOADS[name]["spec"].get("volumeClaimTemplates", [])
        }
        assert mounted == {volume["name"] for volume in pod["volumes"]} | claims


def test_selectors_ports_and_budgets_meet() -> None:
    for name, workload in WORKLOADS.items():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        ports = {
            port["name"]: port["containerPort"]
            for container in workload["spec"]["template"]["spec"]["containers"]
            for port in container["ports"]
        }
        assert workload["spec"]["selector"]["matchLabels"] == labels
        assert OBJECTS["PodDisruptionBudget", name]["spec"]["selector"]["matchLabels"] == labels
        assert OBJECTS["Service", name]["spec"]["selector"] == labels
        assert OBJECTS["NetworkPolicy", name]["spec"]["podSelector"]["matchLabels"] == labels
        for port in OBJECTS["Service", name]["spec"]["ports"]:
            assert port["targetPort"] in ports
    assert WORKLOADS["vorbehalt"]["spec"]["serviceName"] == "vorbehalt-pods"
    assert OBJECTS["Service", "vorbehalt-pods"]["spec"]["clusterIP"] == "None"
    monitor = OBJECTS["ServiceMonitor", "vorbehalt"]["spec"]
    assert monitor["selector"]["matchLabels"] == OBJECTS["Service", "vorbehalt"]["metadata"]["labels"]


def test_the_configuration_fits_the_pod_and_each_pod_has_a_log_of_its_own() -> None:
    (container,) = WORKLOADS["vorbehalt"]["spec"]["template"]["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    environment = {"VORBEHALT_EVIDENCE__ORIGIN": origin(container, "vorbehalt-1")}

    settings = load(FOLDER / "config" / "vorbehalt.toml", environ=environment)

    assert settings.warnings == ()
    assert settings.evidence.origin == "www.example.org/evidence/vorbehalt-1"
    assert str(settings.evidence.directory).startswith(f"{mounts['evidence']}/")
    assert str(settings.state.directory).startswith(f"{mounts['evidence']}/")
    listening = (settings.sidecar.listen, settings.sidecar.metrics_listen)
    assert [f"0.0.0.0:{port['containerPort']}" for port in container["ports"]] == list(listening)


def origin(container: dict[str, Any], pod: str) -> str:
    (value,) = [entry["value"] for entry in container["env"] if entry["name"] == "VORBEHALT_EVIDENCE__ORIGIN"]
    return str(value).replace("$(POD_NAME)", pod)


def config_map(folder: Path) -> Path:
    """The files as a kubelet mounts them: links to a folder that is replaced as a whole."""
    (generator,) = [
        item for item in KUSTOMIZATION["configMapGenerator"] if item["name"] == "vorbehalt-config"
    ]
    assert generator["options"] == {"disableNameSuffixHash": True}
    version = folder / "..2026_11_26"
    version.mkdir(parents=True)
    (folder / "..data").symlink_to(version.name)
    for name in generator["files"]:
        (version / Path(name).name).write_bytes((FOLDER / name).read_bytes())
        (folder / Path(name).name).symlink_to(f"..data/{Path(name).name}")
    return folder


@pytest.mark.real("bwrap", "nginx")
def test_the_gate_serves_readers_refuses_crawlers_and_outlives_the_sidecar(tmp_path: Path) -> None:
    (container,) = WORKLOADS["vorbehalt"]["spec"]["template"]["spec"]["containers"]
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.html").write_text("a page of the site")
    nginx = {
        "/etc/nginx/conf.d/default.conf": FOLDER / "gate" / "site.conf",
        "/etc/nginx/conf.d/vorbehalt.conf": FOLDER / "gate" / "vorbehalt.conf",
        "/etc/nginx/snippets": ROOT / "deploy" / "nginx" / "snippets",
    }

    answers = run_pod(
        tmp_path,
        container["args"],
        nginx=nginx,
        config=config_map(tmp_path / "config"),
        environment={"VORBEHALT_EVIDENCE__ORIGIN": origin(container, "vorbehalt-0")},
        more={"site": [sys.executable, "-I", "-m", "http.server", "8000", "-d", "/pages"]},
        more_ports=[8000],
        read={"/pages": pages},
    )

    assert_protected_and_open(answers)
    assert answers["reader"]["body"] == "a page of the site"
    key = (tmp_path / "volume" / "evidence" / "log" / "vkey").read_text()
    assert key.startswith("www.example.org/evidence/vorbehalt-0+")


def test_a_changed_config_map_is_in_force_without_a_restart(tmp_path: Path) -> None:
    config, port = config_map(tmp_path / "config"), free_port()
    environment = {
        "VORBEHALT_EVIDENCE__DIRECTORY": "memory:",
        "VORBEHALT_STATE__DIRECTORY": str(tmp_path / "state"),
        "VORBEHALT_SIDECAR__METRICS_LISTEN": f"127.0.0.1:{free_port()}",
    }
    serve = [*VORBEHALT, "serve", "-c", str(config / "vorbehalt.toml"), "--listen", f"127.0.0.1:{port}"]
    with running(serve, port, tmp_path, environment):
        before = ask(port, "/robots.txt").body
        version = config / "..2026_11_27"
        version.mkdir()
        for path in (config / "..data").iterdir():
            text = path.read_text().replace("/intern/", "/secret/").replace("licensing@", "rights@")
            (version / path.name).write_text(text)
        (config / "..data_tmp").symlink_to(version.name)
        os.replace(config / "..data_tmp", config / "..data")

        wait_for(lambda: b"/secret/" in ask(port, "/robots.txt").body, "the new robots.txt never came", 8)
        wait_for(lambda: b"rights@" in ask(port, "/ai-policy").body, "the new terms never came", 8)

    assert b"/intern/" in before


def test_keys_that_the_group_may_read_are_refused_and_so_the_volume_is_left_alone(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    assert vorbehalt("evidence", "init", evidence, "--origin", "www.example.org/evidence").returncode == 0
    for path in (evidence / "keys").iterdir():
        path.chmod(path.stat().st_mode | 0o060)  # what fsGroup does without fsGroupChangePolicy

    done = vorbehalt("evidence", "seal", evidence)

    assert done.returncode == 2
    assert b"can be read by other users (mode 0660)" in done.stderr
    context = WORKLOADS["vorbehalt"]["spec"]["template"]["spec"]["securityContext"]
    assert context["fsGroupChangePolicy"] == "OnRootMismatch"
