"""Uploads of files: resumable (start, parts, query, finalize, cancel), multipart, and plain bytes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from email.parser import BytesHeaderParser
from typing import Any

from ...gemini.shapes import dict_of, get
from . import files
from .backend import Backend, Hash, Upload
from .call import Call, number_in, read_object, refused
from .timed_response import TimedResponse

_GRANULARITY = 8 * 1024 * 1024
"""The size of each part except the last should be a multiple of this, by Google's rules. It is not enforced."""

_BINARY = "application/octet-stream"
_STATUS = "x-goog-upload-status"
_RECEIVED = "x-goog-upload-size-received"


def begin(backend: Backend, call: Call) -> TimedResponse:
    """Start a resumable upload, or take a whole file."""
    protocol = call.request.header("x-goog-upload-protocol") or call.query.get("uploadType", "")
    if protocol == "resumable":
        return _start(backend, call)
    content_type = call.request.header("content-type")
    about: Mapping[str, Any] = {}
    data = call.request.body
    if protocol == "multipart" or content_type.startswith("multipart/"):
        about, content_type, data = _multipart(content_type, data)
    files.check_name(backend, str(about.get("name") or ""))
    mime_type = str(get(about, "mimeType") or content_type or _BINARY)
    found = files.add(backend, about, mime_type, len(data), _digest(hashlib.sha256(data)))
    return backend.object(call, {"file": found})


def _start(backend: Backend, call: Call) -> TimedResponse:
    if call.request.header("x-goog-upload-command").lower() not in ("start", ""):
        raise refused(400, "The first command of a resumable upload is start.")
    about = dict_of(call.json.get("file"))
    files.check_name(backend, str(about.get("name") or ""))
    upload = Upload(
        about=about,
        mime_type=call.request.header("x-goog-upload-header-content-type") or str(get(about, "mimeType") or _BINARY),
        total=number_in(call.request.header("x-goog-upload-header-content-length")),
        hash=hashlib.sha256(),
    )
    name = backend.uploads.new_id(40)
    backend.uploads.put(name, upload)
    url = f"{call.request.base_url}{call.request.path}?upload_id={name}&upload_protocol=resumable"
    headers = {"x-goog-upload-url": url, "x-goog-upload-control-url": url, _STATUS: "active"}
    return backend.empty(call, headers={**headers, "x-goog-upload-chunk-granularity": str(_GRANULARITY)})


def proceed(backend: Backend, call: Call) -> TimedResponse:
    """Continue a resumable upload: ``upload``, ``finalize``, both, ``query`` or ``cancel``."""
    name = call.query["upload_id"]
    upload = backend.uploads.get(name)
    if upload is None:
        raise refused(404, "There is no such upload.")
    commands = [word.strip().lower() for word in call.request.header("x-goog-upload-command").split(",")]
    if unknown := set(commands) - {"upload", "finalize", "query", "cancel"}:
        raise refused(400, f"Unknown upload command {', '.join(sorted(unknown))!r}.")
    if "cancel" in commands:
        backend.uploads.take(name)
        return backend.empty(call, headers={_STATUS: "cancelled"})
    if commands == ["query"] and upload.file is None:
        return backend.empty(call, headers={_STATUS: "active", _RECEIVED: str(upload.size)})
    if upload.file is None:
        _receive(call, upload)
        if "finalize" not in commands:
            return backend.empty(call, headers={_STATUS: "active", _RECEIVED: str(upload.size)})
        if upload.total not in (None, upload.size):
            message = f"{upload.total} bytes were announced, and {upload.size} came."
            raise refused(400, message, {_STATUS: "active", _RECEIVED: str(upload.size)})
        digest = _digest(upload.hash)
        upload.file = files.add(backend, upload.about, upload.mime_type, upload.size, digest)
    return backend.object(call, {"file": upload.file}, headers={_STATUS: "final"})


def _receive(call: Call, upload: Upload) -> None:
    """Take the bytes of a part.

    Raises:
        RefusedError: they are not the next ones, or more than were announced.
    """
    data = call.request.body
    offset = call.request.header("x-goog-upload-offset") or str(upload.size)
    ahead = {_STATUS: "active", _RECEIVED: str(upload.size)}
    if offset != str(upload.size):
        raise refused(400, f"The next part begins at {upload.size}, and not at {offset}.", ahead)
    if upload.total is not None and upload.size + len(data) > upload.total:
        raise refused(400, f"Only {upload.total} bytes were announced.", ahead)
    upload.hash.update(data)
    upload.size += len(data)


def _multipart(content_type: str, body: bytes) -> tuple[Mapping[str, Any], str, bytes]:
    """The description, the type and the bytes of a file, from the two parts of a multipart body.

    Raises:
        RefusedError: there are not two parts, or the first is not JSON.
    """
    head = BytesHeaderParser().parsebytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n")
    boundary = head.get_boundary()
    mark = b"--" + boundary.encode("latin-1") if boundary else b""
    parts = re.split(rb"(?:\A|\r?\n)" + re.escape(mark) + rb"(?:--)?[ \t]*(?:\r?\n|\Z)", body) if mark else []
    if len(parts) < 3:
        raise refused(400, "A multipart upload has two parts: the file's description and its bytes.")
    about = _part(parts[1])[1]
    mime_type, data = _part(parts[2])
    return dict_of(read_object(about).get("file")), mime_type, data


def _part(part: bytes) -> tuple[str, bytes]:
    """The type and the content of a part."""
    if part.startswith((b"\r\n", b"\n")):
        return _BINARY, part.lstrip(b"\r").removeprefix(b"\n")
    head, _, content = part.partition(b"\r\n\r\n") if b"\r\n\r\n" in part else part.partition(b"\n\n")
    found = BytesHeaderParser().parsebytes(head + b"\n\n")
    return found.get("content-type", _BINARY), content


def _digest(found: Hash) -> str:
    """A hash as Google writes it: the hex digits in base64."""
    return base64.b64encode(found.digest().hex().encode()).decode()
