"""What a run folder says besides the step's own params."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.models.world import HINTON, World
from workers.folder import Folder
from workers.post import Post


@pytest.mark.parametrize(("verb", "told"), [("package", {"latency_seconds": 1.5}), ("train", {})])
def test_who_measures_latency_is_told_how_long(world: World, post: Post, verb: Any, told: dict[str, float]) -> None:
    world.submit(world.project(), HINTON[:1])
    work = replace(world.begin(), verb=verb, context={}, files={}, checkpoints=[])
    folder = Folder(post.settings.scratch, work)
    folder.prepare(work, post.storage, threads=1, device="cpu", copied=True, latency=1.5)
    assert json.loads((folder.run / "spec.json").read_text())["context"] == told
    folder.remove()
