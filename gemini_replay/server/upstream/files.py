"""Files: get, list, delete; and the tokens of a request with files. `uploads` makes them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...gemini.addresses import base_url
from ...gemini.shapes import dict_of, get
from . import contents
from .backend import Backend
from .call import Call, refused
from .shelf import page, stamp
from .timed_response import TimedResponse

Json = dict[str, Any]

_LIFE = datetime.timedelta(hours=48)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_URI = re.compile(r"^https?://[^/]+/v1\w*/(?P<name>files/[^/?#]+)$")


def check_name(backend: Backend, name: str) -> None:
    """Raise `RefusedError` if a new file cannot have this name. Without a name it gets one."""
    if name and not _NAME.fullmatch(name.removeprefix("files/")):
        raise refused(
            400,
            "* CreateFileRequest.file.name: File name may only contain lowercase alphanumeric characters or dashes "
            "(-) and cannot begin or end with a dash.\n",
        )
    if f"files/{name.removeprefix('files/')}" in backend.files:
        raise refused(409, "Requested entity already exists")


def add(backend: Backend, about: Mapping[str, Any], mime_type: str, size: int, sha256: str) -> Json:
    """Keep a file that has been uploaded, and return its description. Its bytes are not kept.

    Args:
        backend: keeps the file.
        about: the client's description of the file: ``name``, ``displayName``.
        mime_type: its type.
        size: its size in bytes.
        sha256: its hash, in base64.
    """
    given = str(about.get("name") or "").removeprefix("files/")
    name = f"files/{given or backend.files.new_id(12)}"
    now = backend.calendar.now()
    found: Json = {"name": name}
    if display := get(about, "displayName"):
        found["displayName"] = str(display)
    found |= {
        "mimeType": mime_type,
        "sizeBytes": str(size),
        "createTime": stamp(now),
        "updateTime": stamp(now),
        "expirationTime": stamp(now + _LIFE),
        "sha256Hash": sha256,
        "uri": f"{base_url()}/v1beta/{name}",
        "state": "ACTIVE",
        "source": "UPLOADED",
    }
    backend.files.put(name, found)
    return found


def list_files(backend: Backend, call: Call) -> TimedResponse:
    """``files.list``, in pages, the newest first."""
    return backend.object(call, page(backend.files, call.query, "files", usual=10, largest=100))


def get_file(backend: Backend, call: Call) -> TimedResponse:
    """``files.get``."""
    return backend.object(call, _find(backend, f"files/{call.names['file']}"))


def delete(backend: Backend, call: Call) -> TimedResponse:
    """``files.delete``."""
    backend.files.take(_find(backend, f"files/{call.names['file']}")["name"])
    return backend.object(call, {})


def tokens_of(backend: Backend, found: Sequence[Any]) -> dict[str, int]:
    """The tokens of the files that contents name, by their URI.

    Raises:
        RefusedError: one of them does not exist.
    """
    tokens = {}
    for part in contents.parts_of(found):
        uri = str(get(dict_of(get(part, "fileData")), "fileUri") or "")
        if named := _URI.match(uri):
            file = _find(backend, named["name"])
            text = str(file["mimeType"]).startswith("text/")
            tokens[uri] = max(1, int(file["sizeBytes"]) // 4) if text else contents.MEDIA_TOKENS
    return tokens


def _find(backend: Backend, name: str) -> Json:
    found = backend.files.get(name)
    if found is None:
        short = name.removeprefix("files/")
        raise refused(403, f"You do not have permission to access the File {short} or it may not exist.")
    return found
