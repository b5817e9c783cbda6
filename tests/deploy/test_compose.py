"""docker-compose.yml says what settings.py understands, and runs nothing as root that is ours."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from settings import Settings
from standalone.process import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE: str = (ROOT / "deploy" / "Dockerfile").read_text()
STAGES = DOCKERFILE.split("\nFROM ")[1:]
EXAMPLE = (ROOT / "deploy" / "env.example").read_text()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("api", "gpu-worker", "cpu-worker", "migrate", "bucket")
LASTING = [name for name in SERVICES if name not in ("migrate", "bucket")]


def test_every_part_is_there() -> None:
    assert set(SERVICES) == {*OURS, "postgres", "redis", "s3"}


@pytest.mark.parametrize("name", OURS)
def test_variables_are_settings(name: str) -> None:
    known = {f"STILLHOUSE_{field.upper()}" for field in Settings.model_fields}
    given = {variable for variable in SERVICES[name]["environment"] if variable.startswith("STILLHOUSE_")}
    assert given <= known
    assert given >= {f"STILLHOUSE_{field}" for field in ("DATABASE_URL", "BROKER_URL", "STORAGE")}


def test_secrets_are_where_they_are_needed() -> None:
    """As SECURITY.md says: the pepper makes keys; master keys open those of endpoints, for a probe and for a step that asks."""
    holding = {
        secret: {name for name in OURS if f"STILLHOUSE_{secret}" in SERVICES[name]["environment"]}
        for secret in ("PEPPER", "SEALING_KEYS")
    }
    assert holding == {"PEPPER": {"api"}, "SEALING_KEYS": {"api", "cpu-worker"}}


@pytest.mark.parametrize("name", LASTING)
def test_whatever_goes_on_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_queues_are_all_drained_and_workers_are_started_as_documented() -> None:
    drained = []
    for name in ("gpu-worker", "cpu-worker"):
        command = SERVICES[name]["command"]
        drained += command[command.index("-Q") + 1].split(",")
        assert command[:6] == ["python", "-m", "celery", "-A", "workers.app", "worker"]
        assert {"--without-gossip", "--without-mingle", "--without-heartbeat"} <= set(command)
    assert sorted(drained) == ["cpu", "gpu", "io"]


def test_images_are_pinned() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+:\S+)", DOCKERFILE, re.MULTILINE)
    assert len(images) == 4
    assert all(re.search(r":v?\d+\.\d+", image) for image in images)


def test_our_processes_are_not_root() -> None:
    _, *stages = STAGES
    assert len(stages) == 2
    assert all("\nUSER stillhouse\n" in stage for stage in stages)


def test_the_images_hold_every_package_that_they_need() -> None:
    """Read from the import contracts: what may import what."""
    base, api, worker = (set(re.findall(r"^COPY (\w+) \1$", stage, re.MULTILINE)) for stage in STAGES)
    assert base == {"spec", "models", "storage", "gateway", "migrations"}
    assert api == {"api"}
    assert worker == {"workers", "distill"}


def test_every_secret_is_in_the_example() -> None:
    wanted = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert wanted == set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))


def test_docker_agrees() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no `docker compose` here")
    argv = [docker, "compose", "--env-file", "/dev/stdin", "config", "--quiet"]
    filled = re.sub(r"=$", "=secret", EXAMPLE, flags=re.MULTILINE)
    done = subprocess.run(argv, input=filled, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
