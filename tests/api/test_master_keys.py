"""A new master key, in the rounds of docs/operations.md: what a restarted process has sealed, one that is not restarted yet opens."""

import base64
import os
import subprocess
import sys

import httpx

from standalone.process import ROOT
from standalone.services import Api
from tests.acceptance.teacher import served
from tests.api.service import Service, Tenant, good, refused

KEY = {"key": "sk-planted-1b77"}
PROBE = "/v1/endpoints/ep_sealed/probe"


def opens(client: httpx.Client) -> bool:
    """Whether its process has the endpoint's key."""
    return bool(good(client.post(PROBE, json={}))["state"] == "ready")


def test_keys_move_under_a_new_master_without_a_pause(service: Service, boss: Tenant) -> None:
    def at(api: Api) -> httpx.Client:
        client = service.client(boss.key)
        client.base_url = api.url
        return client

    old = service.environment["STILLHOUSE_SEALING_KEYS"]
    new = base64.b64encode(os.urandom(32)).decode()
    with served() as teacher:
        made = {"name": "sealed", "url": teacher.url, "model": "words", "allow_private": True, **KEY}
        good(boss.client.post("/v1/endpoints", json=made))
        with service.another(sealing_keys=f"{old},{new}") as api:
            behind = at(api)
            good(behind.patch("/v1/endpoints/ep_sealed", json=KEY))
            assert opens(boss.client) and opens(behind)
            with service.another(sealing_keys=f"{new},{old}") as restarted:
                first = at(restarted)
                assert opens(first)
                good(first.patch("/v1/endpoints/ep_sealed", json=KEY))
                assert opens(behind)
                refused(boss.client.post(PROBE, json={}), 409, "endpoint_key")  # which is why there are two rounds
                good(behind.patch("/v1/endpoints/ep_sealed", json=KEY))
        environment = {**service.environment, "STILLHOUSE_SEALING_KEYS": f"{new},{old}"}
        command = [sys.executable, "-m", "api.admin", "reseal"]
        said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        assert int(said.stdout.split()[0]) >= 1
        with service.another(sealing_keys=new) as api:
            assert opens(at(api))
        refused(boss.client.post(PROBE, json={}), 409, "endpoint_key")
