"""What the SDK writes itself: NPZ and safetensors."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from stillhouse import Stillhouse, weights
from stillhouse.models import config, weights_in
from tests.sdk.conftest import Scripted


def test_from_arrays_sends_an_npz_and_says_what_is_what(client: Stillhouse, script: Scripted) -> None:
    x, y = np.arange(24, dtype=np.uint8).reshape(6, 2, 2), np.array([0, 1, 0, 1, 0, 1])
    script.will({"id": "file-1"}, {"id": "ds_1"})
    client.datasets.from_arrays(x, y, name="small", splits={"train": (0, 4), "test": (4, 6)})
    upload, create = script.requests
    body = upload.body
    packed = np.load(io.BytesIO(body[body.index(b"PK\x03\x04") :]))
    assert packed["x"].dtype == np.uint8
    np.testing.assert_array_equal(packed["x"], x)
    sent = json.loads(create.body)
    assert sent["columns"] == {"input": "x", "label": "y"}
    assert sent["splits"] == {"train": [0, 4], "test": [4, 6]}
    assert sent["files"] == ["file-1"]


def test_ids_and_odd_names(client: Stillhouse, script: Scripted) -> None:
    """A name is the user's own; no path is made of it."""
    script.will({"id": "file-1"}, {"id": "ds_1"})
    client.datasets.from_arrays(np.zeros((2, 3)), name="../mnist/v1", ids=["a", "b"])
    upload, create = script.requests
    assert b'filename="../mnist/v1.npz"' in upload.body
    assert json.loads(create.body)["columns"] == {"input": "x", "label": None, "id": "id"}


def test_arrays_of_different_lengths_are_refused_here(client: Stillhouse, script: Scripted) -> None:
    with pytest.raises(ValueError, match="different lengths"):
        client.datasets.from_arrays(np.zeros((3, 2)), np.zeros(2))
    assert not script.requests


def test_a_state_dict_becomes_safetensors(tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    state = {**net.state_dict(), "half": torch.ones(2, dtype=torch.bfloat16), "turned": torch.arange(6).reshape(2, 3).T}
    found = load_file(weights.write(state, tmp_path / "m.safetensors"))
    assert found["1.num_batches_tracked"].shape == ()
    assert found["half"].dtype == np.float32
    np.testing.assert_array_equal(found["turned"], np.arange(6).reshape(2, 3).T)
    np.testing.assert_array_equal(found["0.weight"], net.state_dict()["0.weight"].numpy())


def test_what_is_no_tensor_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="epoch is a int"):
        weights.write({"epoch": 3}, tmp_path / "m.safetensors")


def test_a_folder_tells_its_weights_and_architecture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither"):
        weights_in(tmp_path)
    (tmp_path / "model.onnx").touch()
    assert weights_in(tmp_path).name == "model.onnx"
    (tmp_path / "model.safetensors").touch()
    assert weights_in(tmp_path).name == "model.safetensors"
    (tmp_path / "config.json").write_text('{"student": {"type": "mlp"}}')
    assert config(tmp_path)["student"] == {"type": "mlp"}
    (tmp_path / "other.safetensors").touch()
    with pytest.raises(ValueError, match="several"):
        weights_in(tmp_path)
