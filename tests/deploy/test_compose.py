"""The compose files, as far as they can be judged without an engine: read by compose itself, then looked at."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from caddy_shopping.main.databases import Databases
from caddy_shopping.main.topology import NEEDS
from caddy_shopping.platform import settings
from tests.support import gateway

FOLDER = Path(__file__).parents[2] / "deploy" / "compose"
CONTEXTS = tuple(NEEDS)
FILES = (["compose.yaml"], ["compose.monolith.yaml"], ["compose.yaml", "compose.open.yaml"])
OURS = "caddy-shopping:latest"


def compose(files: list[str], *arguments: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    """Run compose on some files; skips where its package has no program for this machine."""
    program = shutil.which("docker-compose", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("docker-compose: make .venv/.development (its package has a program for Linux and macOS)")
    named = [part for name in files for part in ("-f", str(folder / name))]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    return subprocess.run([program, *named, *arguments], env=clean, capture_output=True, text=True, check=False)


def read(*files: str) -> dict[str, Any]:
    """What compose makes of them, with everything filled in."""
    done = compose(list(files), "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    whole: dict[str, Any] = json.loads(done.stdout)
    return whole


@pytest.fixture(scope="module", params=[["compose.yaml"], ["compose.monolith.yaml"]], ids=["services", "monolith"])
def services(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = read(*request.param)["services"]
    return found


@pytest.mark.parametrize("files", FILES, ids="+".join)
def test_compose_takes_them_without_a_word(files: list[str]) -> None:
    done = compose(files, "config", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("good", "bad"),
    [("[shop, data]", "[shop, nowhere]"), ("users-migrate: {", "users-migration: {"), ("mem_limit", "memory_limit")],
)
def test_compose_sees_a_fault(tmp_path: Path, good: str, bad: str) -> None:
    text = (FOLDER / "compose.yaml").read_text()
    assert good in text
    (tmp_path / "compose.yaml").write_text(text.replace(good, bad))
    assert compose(["compose.yaml"], "config", "-q", folder=tmp_path).returncode != 0


def test_every_service_says_how_it_lives(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert int(service["mem_limit"]) <= 1536 * 2**20, name
        once = service.get("command") == ["migrate"]
        assert service["restart"] == ("on-failure:5" if once else "unless-stopped"), name
        # The image of the shop brings its own check, which is for those who serve.
        assert service["image"] == OURS or service["healthcheck"]["test"], name
        if once:
            assert service["healthcheck"] == {"disable": True}, name


def test_every_image_is_a_version(services: dict[str, Any]) -> None:
    others = {service["image"] for service in services.values()} - {OURS}
    assert len(others) >= 4
    assert [image for image in others if not re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", image)] == []


def test_one_door_is_open(services: dict[str, Any]) -> None:
    doors = {name: service["ports"] for name, service in services.items() if "ports" in service}
    ((name, ((door),)),) = doors.items()
    assert name in ("gateway", "shop")
    assert (door["published"], door["target"], door["host_ip"]) == ("3000", 3000, "127.0.0.1")


def test_databases_and_brokers_are_reached_from_nowhere_else(services: dict[str, Any]) -> None:
    for name in {"postgres", "redis", "redpanda"} & services.keys():
        assert services[name]["networks"].keys() == {"data"}
    inside = {name for name, service in services.items() if "data" in service.get("networks", {})}
    assert inside & {"gateway", "prometheus", "grafana", "alertmanager", "jaeger"} == set()
    assert read("compose.yaml")["networks"]["data"]["internal"] is True


def test_the_shop_runs_without_rights(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if service["image"] == OURS:
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name


@pytest.mark.parametrize("context", CONTEXTS)
def test_each_context_migrates_before_it_runs_and_knows_one_database(context: str) -> None:
    services = read("compose.yaml")["services"]
    url = f"shop_{context}_database_url"
    for name, command in ((context, ["serve", "--no-work"]), (f"{context}-worker", ["worker", "--port", "9100"])):
        service = services[name]
        assert service["command"] == command
        assert service["depends_on"][f"{context}-migrate"]["condition"] == "service_completed_successfully"
        assert service["depends_on"]["redpanda"]["condition"] == "service_healthy"
        assert {each["source"] for each in service["secrets"]} == {url, "shop_redis_url"}
        assert service["environment"]["SHOP_CONTEXTS"] == context
        assert {peer.partition("=")[0] for peer in service["environment"]["SHOP_PEERS"].split(",")} >= {*NEEDS[context]}
    migrate = services[f"{context}-migrate"]
    assert migrate["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert {each["source"] for each in migrate["secrets"]} == {url}


def test_no_password_is_written_down(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|TOKEN", variable):
                assert (variable[-5:], value[:13]) == ("_FILE", "/run/secrets/"), name
        assert not re.search(r"://[^/]*:[^/]*@", json.dumps(service)), name


@pytest.mark.parametrize("files", FILES[:2], ids="+".join)
def test_all_secrets_are_made_and_all_files_are_there(tmp_path: Path, files: list[str]) -> None:
    whole = read(*files)
    shutil.copy(FOLDER / "make-secrets", tmp_path)
    subprocess.run([tmp_path / "make-secrets"], check=True, stdout=subprocess.DEVNULL)
    wanted = {Path(secret["file"]).name for secret in whole["secrets"].values()}
    assert wanted <= {path.name for path in (tmp_path / "secrets").iterdir()}
    mounted = [each for service in whole["services"].values() for each in service.get("volumes", [])]
    assert [each["source"] for each in mounted if each["type"] == "bind" and not Path(each["source"]).exists()] == []


def test_secrets_are_this_installation_s_own(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "make-secrets", tmp_path)

    def make() -> dict[str, str]:
        subprocess.run([tmp_path / "make-secrets"], check=True, stdout=subprocess.DEVNULL)
        return {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}

    first = make()
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    for context in CONTEXTS:
        password = first[f"{context}_database_password"]
        assert len(password) == 48
        assert f"shop_{context}:{password}@postgres:5432/shop_{context}" in first[f"shop_{context}_database_url"]
    assert first["redis_conf"].removeprefix("requirepass ") in first["shop_redis_url"]
    assert make() == first, "databases know their passwords since their first start"
    shutil.rmtree(tmp_path / "secrets")
    assert not set(make().values()) & set(first.values())


def test_prometheus_looks_at_what_there_is() -> None:
    monitoring = FOLDER.parent / "monitoring"
    for files, targets in (("compose.yaml", "services.yml"), ("compose.monolith.yaml", "monolith.yml")):
        services = read(files)["services"]
        groups = yaml.safe_load((monitoring / "targets" / targets).read_text())
        looked_at = {target for group in groups for target in group["targets"]}
        commands = {name: service.get("command") or () for name, service in services.items()}
        serving = {f"{name}:3000" for name, command in commands.items() if "serve" in command}
        working = {f"{name}:9100" for name, command in commands.items() if "worker" in command}
        assert looked_at == serving | working | ({"gateway:8404"} if "gateway" in services else set())


def test_traces_go_to_somebody_who_is_there_and_nobody_waits_for_them(services: dict[str, Any]) -> None:
    jaeger = services["jaeger"]
    assert {"shop", "monitoring"} == jaeger["networks"].keys()
    assert jaeger["healthcheck"]["test"][-1] == "http://127.0.0.1:13133/status"
    ours = {name: service for name, service in services.items() if service["image"] == OURS}
    assert len(ours) >= 2
    for name, service in ours.items():
        said = {key.lower(): value for key, value in service["environment"].items() if "OTLP" in key}
        read_by_us = settings.Settings(**{key.removeprefix("shop_"): value for key, value in said.items()})
        assert (read_by_us.otlp_endpoint, read_by_us.otlp_sampling) == ("http://jaeger:4318", 1.0), name
        assert "shop" in service["networks"], name
    assert [name for name, service in services.items() if "jaeger" in (service.get("depends_on") or {})] == []


def test_grafana_looks_at_what_there_is(services: dict[str, Any]) -> None:
    sources = yaml.safe_load((FOLDER.parent / "monitoring" / "grafana" / "datasources.yml").read_text())["datasources"]
    assert {source["type"]: source["url"] for source in sources} == {
        "prometheus": "http://prometheus:9090",
        "jaeger": "http://jaeger:16686",
    }
    for source in sources:
        assert "monitoring" in services[source["type"]]["networks"]


def test_monitoring_is_opened_to_this_machine_alone() -> None:
    services = read("compose.yaml", "compose.open.yaml")["services"]
    doors = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert doors.keys() == {"gateway", "grafana", "prometheus", "alertmanager", "jaeger"}
    assert {door["host_ip"] for ports in doors.values() for door in ports} == {"127.0.0.1"}


def test_the_shop_finds_its_settings_in_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(FOLDER / "make-secrets", tmp_path)
    subprocess.run([tmp_path / "make-secrets"], check=True, stdout=subprocess.DEVNULL)
    monkeypatch.setattr(settings, "SECRETS", tmp_path / "secrets")
    databases = Databases(settings.load(settings.Settings), CONTEXTS)
    for context in CONTEXTS:
        url = databases.of(context).writer.url
        password = (tmp_path / "secrets" / f"{context}_database_password").read_text().strip()
        assert (url.username, url.password, url.host) == (f"shop_{context}", password, "postgres")
    redis = settings.load(settings.Settings).redis_url.get_secret_value()
    assert redis == (tmp_path / "secrets" / "shop_redis_url").read_text().strip()


def test_the_gateway_starts_before_those_it_leads_to() -> None:
    """Their names lead nowhere yet, and later to other addresses than before: it asks for them again and again."""
    if reason := gateway.missing():
        pytest.skip(reason)
    folder = gateway.Gateway.programs()
    assert folder is not None
    environment = read("compose.yaml")["services"]["gateway"]["environment"]

    def check(configuration: Path, **others: str) -> int:
        command: list[str | Path] = [folder / "haproxy", "-c", "-q", "-f", configuration]
        return subprocess.run(command, env=environment | others, stderr=subprocess.DEVNULL, check=False).returncode

    assert check(gateway.CONFIGURATION) == 0
    assert check(gateway.CONFIGURATION, SHOP_USERS_A="users:no-port") != 0, "the control"
    assert "resolvers names" in gateway.CONFIGURATION.read_text()
