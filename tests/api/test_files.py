"""Files: what was sent is what is read, however it was sent; what is wrong is said before anything is kept."""

import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.api.service import Service, Tenant, eventually, good, refused


def test_openai_client_uploads_lists_reads_and_deletes(service: Service, owner: Tenant, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "größe.bin").write_bytes(content)
    with openai.OpenAI(api_key=owner.key, base_url=f"{service.api.url}/v1") as client:
        file = client.files.create(file=tmp_path / "größe.bin", purpose="fine-tune")
        assert (file.bytes, file.filename, file.purpose, file.status) == (
            3_000_000,
            "größe.bin",
            "fine-tune",
            "processed",
        )
        assert file.model_extra == {"sha256": hashlib.sha256(content).hexdigest()}
        assert client.files.wait_for_processing(file.id).id == file.id
        assert client.files.content(file.id).read() == content
        assert [found.id for found in client.files.list(purpose="fine-tune")] == [file.id]
        assert list(client.files.list(purpose="dataset")) == []
        assert client.files.delete(file.id).deleted
        with pytest.raises(openai.NotFoundError) as missing:
            client.files.retrieve(file.id)
        assert missing.value.code == "not_found"
        assert missing.value.request_id is not None


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=8-100", 206, b"89"),
        ("bytes=0-9", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_ranges(owner: Tenant, asked: str, status: int, expected: bytes) -> None:
    file = owner.upload(b"0123456789")
    reply = owner.client.get(f"/v1/files/{file['id']}/content", headers={"range": asked})
    assert (reply.status_code, reply.content) == (status, expected)
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_range_behind_the_end(owner: Tenant) -> None:
    file = owner.upload(b"0123456789")
    reply = owner.client.get(f"/v1/files/{file['id']}/content", headers={"range": "bytes=10-"})
    refused(reply, 416, "range_not_satisfiable")


def test_equal_bytes_are_stored_once_and_live_as_long_as_one_file(owner: Tenant, stranger: Tenant) -> None:
    mine, theirs = owner.upload(b"the same"), stranger.upload(b"the same")
    assert mine["sha256"] == theirs["sha256"]
    good(owner.client.delete(f"/v1/files/{mine['id']}"))
    assert stranger.client.get(f"/v1/files/{theirs['id']}/content").content == b"the same"


def form(content: bytes, filename: str = "some.bin", **fields: str) -> bytes:
    """A multipart body with the boundary `frontier`, the file last."""
    parts = [f'--frontier\r\ncontent-disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    head = f'--frontier\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    return "".join(parts).encode() + head.encode() + content + b"\r\n--frontier--\r\n"


def post(tenant: Tenant, body: bytes | Iterator[bytes], boundary: str = "frontier") -> Any:
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    return tenant.client.post("/v1/files", content=body, headers=headers)


@pytest.mark.parametrize(
    "content",
    [
        b"\r",
        b"\n",
        b"--",
        b"\r\n--",
        b"\r\n--frontie",
        b"\r\n--fronti\r\n--front\r\n",
        b"\0" * 70_000,
        b"\r\n" * 70_000,
    ],
)
@pytest.mark.parametrize("size", [1, 7, 65_536])
def test_bytes_that_look_like_the_form(owner: Tenant, content: bytes, size: int) -> None:
    body = form(content, purpose="x")
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    file = good(post(owner, body if size == 1 and len(body) > 10_000 else pieces))
    assert file["bytes"] == len(content)
    assert owner.client.get(f"/v1/files/{file['id']}/content").content == content


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (form(b"x"), "required", "purpose"),
        (form(b"x", purpose=""), "invalid_request", "purpose"),
        (form(b"x", purpose="p" * 65), "invalid_request", "purpose"),
        (form(b"x", purpose="p" * 2000), "invalid_request", "purpose"),
        (form(b"x", filename="", purpose="p"), "invalid_request", "file"),
        (form(b"x", filename="a\x00b", purpose="p"), "invalid_request", "filename"),
        (form(b"", purpose="p"), "empty_file", "file"),
        (form(b"x", purpose="p", **{"expires_after[anchor]": "created_at"}), "unsupported_field", "expires_after"),
        (form(b"x", purpose="p", colour="red"), "unknown_field", "colour"),
        (form(b"x", purpose="p").replace(b"--frontier--", b"--frontier-"), "not_multipart", None),
        (form(b"x", purpose="p")[:-20], "not_multipart", None),
        (b"no form at all", "not_multipart", None),
        (b"", "not_multipart", None),
        (form(b"x", purpose="p").replace(b'name="file"', b'name="data"'), "required", "file"),
        (form(b"x", purpose="p").replace(b'name="purpose"', b'name="file"'), "invalid_request", "file"),
    ],
)
def test_forms_that_are_refused(owner: Tenant, body: bytes, code: str, param: str | None) -> None:
    assert refused(post(owner, body), 400, code)["param"] == param
    assert good(owner.client.get("/v1/files"))["data"] == []


def test_a_body_that_is_no_form(owner: Tenant) -> None:
    refused(owner.client.post("/v1/files", json={"purpose": "x"}), 400, "not_multipart")
    refused(post(owner, b"x", boundary="b" * 300), 400, "not_multipart")


def test_an_upload_that_is_broken_off_leaves_nothing(service: Service, owner: Tenant) -> None:
    uploads = service.home / "scratch" / "uploads"
    before = blobs(service)
    half = form(os.urandom(5_000_000), purpose="x")[:4_000_000]
    head = "POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=frontier\r\n"
    head += f"content-length: 5000000\r\nauthorization: Bearer {owner.key}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.api.port)) as connection:
        connection.sendall(head.encode() + half)
        eventually(lambda: any(path.stat().st_size > 2_000_000 for path in uploads.glob("up_*")))
    eventually(lambda: not list(uploads.iterdir()))
    assert blobs(service) == before
    assert good(owner.client.get("/v1/files"))["data"] == []


def blobs(service: Service) -> set[str]:
    return {path.name for path in (service.home / "blobs").rglob("*") if path.is_file()}


def test_memory_stays_flat(service: Service, owner: Tenant, tmp_path: Path) -> None:
    size = 256 * 2**20
    with (tmp_path / "large").open("wb") as large:
        large.truncate(size)
    Path(f"/proc/{service.api.pid}/clear_refs").write_text("5")  # the peak begins anew
    before = peak(service.api.pid)
    with (tmp_path / "large").open("rb") as large:
        file = good(owner.client.post("/v1/files", files={"file": large}, data={"purpose": "x"}))
    growth = peak(service.api.pid) - before
    print(f"256 MiB uploaded, peak memory grew by {growth / 2**20:.1f} MiB")
    assert file["bytes"] == size
    assert growth < 64 * 2**20


def peak(pid: int) -> int:
    """VmHWM in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_quota(service: Service) -> None:
    small = service.tenant(quota_bytes=1_000_000)
    first = small.upload(b"a" * 600_000)
    refused(post(small, form(b"b" * 600_000, purpose="x")), 507, "quota_exceeded")
    pieces = iter([form(b"b" * 600_000, purpose="x")])
    reply = post(small, pieces)
    assert refused(reply, 507, "quota_exceeded")["type"] == "server_error"
    assert reply.headers["x-should-retry"] == "false"
    good(small.client.delete(f"/v1/files/{first['id']}"))
    small.upload(b"b" * 600_000)


def test_what_is_too_large(service: Service, owner: Tenant) -> None:
    with service.another(max_upload_bytes="1000000") as api:
        owner.client.base_url = api.url
        good(post(owner, form(b"a" * 1_000_000, purpose="x")))
        refused(post(owner, form(b"a" * 1_000_001, purpose="x")), 413, "too_large")
        refused(post(owner, form(b"a" * 9_000_000, purpose="x")), 413, "too_large")
        refused(post(owner, iter([form(b"a" * 1_000_001, purpose="x")])), 413, "too_large")


def test_pages(owner: Tenant) -> None:
    ids = [owner.upload(filename=f"{n}")["id"] for n in range(5)]
    assert ids == sorted(ids)
    page: dict[str, Any] = {"has_more": True}
    seen, after = [], None
    while page["has_more"]:
        page = good(owner.client.get("/v1/files", params={"limit": 2, **({"after": after} if after else {})}))
        assert [page["first_id"], page["last_id"]] == [page["data"][0]["id"], page["data"][-1]["id"]]
        seen += [file["id"] for file in page["data"]]
        after = page["last_id"]
    assert seen == ids[::-1]
    ascending = good(owner.client.get("/v1/files", params={"order": "asc", "after": ids[1], "limit": 3}))
    assert [file["id"] for file in ascending["data"]] == ids[2:]
    refused(owner.client.get("/v1/files", params={"limit": 101}), 400, "invalid_value")
