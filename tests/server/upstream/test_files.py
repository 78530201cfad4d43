"""Files are uploaded in each way that Google knows, described, listed, deleted, and counted as part of a prompt."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx
import pytest

from gemini_replay.server import upstream

DATA = b"The moon is a stone." * 50
UPLOAD = "/upload/v1beta/files"


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).hexdigest().encode()).decode()


def begun(api: httpx.Client, size: int | None = len(DATA), **file: Any) -> str:
    """Begin a resumable upload; returns its URL."""
    headers = {
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": "start",
        "x-goog-upload-header-content-type": "text/plain",
    }
    if size is not None:
        headers["x-goog-upload-header-content-length"] = str(size)
    answer = api.post(UPLOAD, headers=headers, json={"file": file})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-goog-upload-status"] == "active"
    return answer.headers["x-goog-upload-url"]


def sent(url: str, command: str, data: bytes = b"", offset: int | None = None) -> httpx.Response:
    """Go on with an upload, without a key: its URL is enough."""
    headers = {"x-goog-upload-command": command}
    if offset is not None:
        headers["x-goog-upload-offset"] = str(offset)
    return httpx.post(url, headers=headers, content=data)


def uploaded(api: httpx.Client, data: bytes = DATA, **file: Any) -> Any:
    return sent(begun(api, len(data), **file), "upload, finalize", data, 0).json()["file"]


def test_a_file_is_uploaded_in_parts(api: httpx.Client, server: upstream.RunningUpstream) -> None:
    """The upload's URL leads to this server. It says how much has come, and at the end describes the file."""
    url = begun(api, display_name="moon.txt")
    assert url.startswith(f"{server.url}{UPLOAD}?upload_id=")
    assert sent(url, "upload", DATA[:300], 0).headers["x-goog-upload-status"] == "active"
    asked = sent(url, "query")
    assert (asked.headers["x-goog-upload-status"], asked.headers["x-goog-upload-size-received"]) == ("active", "300")
    done = sent(url, "upload, finalize", DATA[300:], 300)
    assert done.headers["x-goog-upload-status"] == "final"
    file = done.json()["file"]
    assert file["sha256Hash"] == digest(DATA)
    assert (file["sizeBytes"], file["mimeType"], file["state"]) == (str(len(DATA)), "text/plain", "ACTIVE")
    assert file["displayName"] == "moon.txt"
    assert file["uri"] == f"https://generativelanguage.googleapis.com/v1beta/{file['name']}"
    assert sent(url, "query").headers["x-goog-upload-status"] == "final"
    assert sent(url, "upload, finalize", DATA[300:], 300).json()["file"] == file


def test_an_upload_can_be_finalized_without_bytes(api: httpx.Client) -> None:
    """This works if its size was not announced."""
    url = begun(api, None)
    sent(url, "upload", DATA, 0)
    assert sent(url, "finalize").json()["file"]["sizeBytes"] == str(len(DATA))


def test_an_upload_can_be_cancelled(api: httpx.Client) -> None:
    """After that, the upload no longer exists."""
    url = begun(api)
    assert sent(url, "cancel").headers["x-goog-upload-status"] == "cancelled"
    assert sent(url, "query").status_code == 404


@pytest.mark.parametrize(
    ("command", "data", "offset"),
    [("upload", b"x", 5), ("upload", DATA + b"x", 0), ("upload, finalize", b"x", 0), ("paint", b"", None)],
    ids=["a gap", "too much", "too little", "unknown command"],
)
def test_a_wrong_part_of_an_upload_is_refused(
    api: httpx.Client, command: str, data: bytes, offset: int | None
) -> None:
    """The upload stays unchanged and can go on."""
    url = begun(api)
    assert sent(url, command, data, offset).status_code == 400
    received = int(sent(url, "query").headers["x-goog-upload-size-received"])
    assert sent(url, "upload, finalize", DATA[received:], received).status_code == 200


@pytest.mark.parametrize("line", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_file_is_uploaded_with_its_description(api: httpx.Client, line: bytes) -> None:
    """One multipart/related request has both. Bytes that look like a boundary stay."""
    data = b"\r\n--moo\r\n--\r\n" + DATA
    lines = [
        b"--moon",
        b"Content-Type: application/json; charset=utf-8",
        b"",
        b'{"file": {"displayName": "moon"}}',
        b"--moon",
        b"Content-Type: text/plain",
        b"",
        data,
        b"--moon--",
        b"",
    ]
    headers = {"content-type": "multipart/related; boundary=moon", "x-goog-upload-protocol": "multipart"}
    file = api.post(UPLOAD, headers=headers, content=line.join(lines)).json()["file"]
    assert (file["sha256Hash"], file["displayName"], file["mimeType"]) == (digest(data), "moon", "text/plain")


def test_an_upload_may_be_the_bytes_alone(api: httpx.Client) -> None:
    """The file's type is the request's content type."""
    file = api.post(UPLOAD, headers={"content-type": "text/csv"}, content=DATA).json()["file"]
    assert (file["sha256Hash"], file["mimeType"]) == (digest(DATA), "text/csv")


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "multipart/related; boundary=x"}, {"content-type": "multipart/related"}],
)
def test_a_broken_multipart_body_is_refused(api: httpx.Client, headers: dict[str, str]) -> None:
    """The error is an invalid argument."""
    assert api.post(UPLOAD, headers=headers, content=DATA).status_code == 400


def test_names_can_be_chosen_once(api: httpx.Client) -> None:
    """A name has lower-case letters, digits and dashes, and must be new."""
    assert uploaded(api, name="files/my-moon")["name"] == "files/my-moon"
    for name, status in (("files/my-moon", 409), ("files/-moon", 400), ("files/Moon", 400)):
        answer = api.post(UPLOAD, headers={"x-goog-upload-protocol": "resumable"}, json={"file": {"name": name}})
        assert answer.status_code == status


def test_files_are_listed_and_deleted(api: httpx.Client) -> None:
    """The list has pages, with the newest file first."""
    names = [uploaded(api)["name"] for _ in range(3)][::-1]
    first = api.get("/v1beta/files?pageSize=2").json()
    second = api.get("/v1beta/files", params={"pageSize": 2, "pageToken": first["nextPageToken"]}).json()
    assert [file["name"] for file in first["files"] + second["files"]] == names
    assert api.delete(f"/v1beta/{names[0]}").json() == {}
    for method in ("GET", "DELETE"):
        answer = api.request(method, f"/v1beta/{names[0]}")
        assert (answer.status_code, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert api.get(f"/v1beta/{names[1]}").json()["name"] == names[1]


def test_a_file_counts_as_part_of_the_prompt(api: httpx.Client) -> None:
    """A text file counts by its length. A missing file is refused."""

    def asked(uri: str) -> httpx.Response:
        part = {"fileData": {"fileUri": uri, "mimeType": "text/plain"}}
        return api.post("/v1beta/models/gemini-2.5-flash:generateContent", json={"contents": [{"parts": [part]}]})

    assert asked(uploaded(api)["uri"]).json()["usageMetadata"]["promptTokenCount"] == len(DATA) // 4
    missing = asked("https://generativelanguage.googleapis.com/v1beta/files/none")
    assert missing.json()["error"]["message"].startswith("You do not have permission to access the File none")
    assert asked("gs://bucket/files/none").status_code == 200


def test_the_same_uploads_get_the_same_names() -> None:
    """The names depend on seed and order only."""

    def names(seed: int) -> list[str]:
        with upstream.start(pace=0, seed=seed) as server, httpx.Client(base_url=server.url) as api:
            api.headers["x-goog-api-key"] = "k"
            return [uploaded(api)["name"] for _ in range(2)]

    assert names(1) == names(1) != names(2)
