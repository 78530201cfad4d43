"""Cached contents: create, get, list, patch, delete; and the tokens of a request with one."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ...gemini.shapes import dict_of, get
from . import contents, files, models
from .backend import Backend
from .call import Call, RefusedError, refused
from .keys import model_not_found
from .shelf import page, stamp
from .timed_response import TimedResponse

Json = dict[str, Any]

_USUAL_LIFE = datetime.timedelta(hours=1)


def create(backend: Backend, call: Call) -> TimedResponse:
    """``cachedContents.create``. Only the contents' number of tokens is kept."""
    body = call.json
    model = str(body.get("model") or "").rpartition("/")[2]
    if not model:
        raise refused(400, "* CreateCachedContentRequest.model: model is not specified\n")
    if not models.exists(model):
        raise RefusedError(model_not_found(model, call.version, "createCachedContent"))
    found: list[Any] = []
    more = [one for name in ("systemInstruction", "tools") if (one := get(body, name))]
    if body.get("contents") or not more:
        found = contents.read_contents(body)
    tokens = contents.prompt_tokens(found, *more, files=files.tokens_of(backend, found))
    name = f"cachedContents/{backend.caches.new_id(28)}"
    now = backend.calendar.now()
    cache: Json = {
        "name": f"{call.project}/{name}" if call.project else name,
        "model": body["model"],
        "createTime": stamp(now),
        "updateTime": stamp(now),
        "expireTime": _expiry(body, now) or stamp(now + _USUAL_LIFE),
        "displayName": str(get(body, "displayName") or ""),
        "usageMetadata": {"totalTokenCount": tokens},
    }
    backend.caches.put(cache["name"], cache)
    return backend.object(call, cache)


def list_caches(backend: Backend, call: Call) -> TimedResponse:
    """``cachedContents.list``, in pages, the newest first."""
    found = [cache for cache in backend.caches if cache["name"].rpartition("/")[0] == _folder(call)]
    return backend.object(call, page(found, call.query, "cachedContents", usual=50, largest=1000))


def get_cache(backend: Backend, call: Call) -> TimedResponse:
    """``cachedContents.get``."""
    return backend.object(call, _find(backend, _name(call)))


def patch(backend: Backend, call: Call) -> TimedResponse:
    """``cachedContents.patch``: only the expiry can be changed."""
    cache = _find(backend, _name(call))
    now = backend.calendar.now()
    expiry = _expiry(call.json, now)
    if expiry is None:
        raise refused(400, "Only the expiration (ttl or expire_time) of CachedContent can be updated.")
    cache = {**cache, "updateTime": stamp(now), "expireTime": expiry}
    backend.caches.put(cache["name"], cache)
    return backend.object(call, cache)


def delete(backend: Backend, call: Call) -> TimedResponse:
    """``cachedContents.delete``."""
    backend.caches.take(_find(backend, _name(call))["name"])
    return backend.object(call, {})


def tokens_of(backend: Backend, body: Mapping[str, Any], model: str) -> int:
    """The tokens of the cached content that a request to a model names; 0 if it names none.

    Raises:
        RefusedError: there is no such content, it is another model's, or the request has members that belong to it.
    """
    name = get(body, "cachedContent")
    if not name:
        return 0
    cache = _find(backend, str(name))
    theirs = str(cache["model"]).rpartition("/")[2]
    if theirs != model:
        raise refused(
            400,
            f"Model used by GenerateContent request (models/{model}) and CachedContent (models/{theirs}) "
            "has to be the same.",
        )
    if any(get(body, field) for field in ("systemInstruction", "tools", "toolConfig")):
        raise refused(
            400,
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
            "tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request.",
        )
    tokens: int = cache["usageMetadata"]["totalTokenCount"]
    return tokens


def _folder(call: Call) -> str:
    return f"{call.project}/cachedContents" if call.project else "cachedContents"


def _name(call: Call) -> str:
    return f"{_folder(call)}/{call.names['cache']}"


def _find(backend: Backend, name: str) -> Json:
    found = backend.caches.get(name)
    if found is None:
        raise refused(403, "CachedContent not found (or permission denied)")
    return found


def _expiry(body: Mapping[str, Any], now: datetime.datetime) -> str | None:
    """The expiry of a cache in a request's body, or None.

    Raises:
        RefusedError: it is neither a duration nor a time.
    """
    inner = dict_of(get(body, "cachedContent")) or body
    ttl, expiry = inner.get("ttl"), get(inner, "expireTime")
    try:
        if ttl is not None:
            seconds = float(str(ttl).removesuffix("s"))
            return stamp(now + datetime.timedelta(seconds=seconds))
        if expiry is not None:
            found = datetime.datetime.fromisoformat(str(expiry))
            if found.tzinfo is not None:
                found = found.astimezone(datetime.UTC).replace(tzinfo=None)
            return stamp(found)
    except (ValueError, OverflowError):
        raise refused(400, f"Invalid value at 'cached_content': {str(expiry if ttl is None else ttl)!r}") from None
    return None
