"""HTTP requests to operations, and their outcome back to HTTP. Async edge, no rules of its own.

Guarantees that every error leaves as a `Status` object and that nothing of the server's inside
(tracebacks, tokens) leaves with it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from studiolo_local.api import deletion, discovery, guard, resources
from studiolo_local.api.entries import Entry, encode
from studiolo_local.api.journal import JournalError
from studiolo_local.api.listing import page_of
from studiolo_local.api.logs import LogProvider
from studiolo_local.api.media import best_accepted, decoded
from studiolo_local.api.operations import Deleted, Operations
from studiolo_local.api.patch import PATCHES
from studiolo_local.api.paths import Target, parse_path
from studiolo_local.api.queries import flag, list_query, scope_of, watch_query
from studiolo_local.api.status_errors import (
    ApiError,
    bad_request,
    body_too_large,
    internal,
    method_not_allowed,
    success,
    unknown_path,
    unsupported_media_type,
)
from studiolo_local.api.store import Store
from studiolo_local.api.tables import as_shape, renderer
from studiolo_local.api.watch import WatchHub

log = logging.getLogger(__name__)

BODY_LIMIT = 3 * 1024 * 1024
_JSON_HEADERS = {"Content-Type": "application/json"}


class Handlers:
    """Serves one request after another over a store and its operations."""

    def __init__(
        self,
        store: Store,
        operations: Operations,
        watches: WatchHub,
        *,
        token: str,
        logs: LogProvider | None = None,
    ) -> None:
        self._store = store
        self._operations = operations
        self._watches = watches
        self._token = token
        self._logs = logs

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, whatever becomes of it."""
        try:
            guard.check(request, self._token)
            return await self._route(request)
        except ApiError as error:
            return _refusal(error)
        except web.HTTPRequestEntityTooLarge:
            return _refusal(body_too_large(BODY_LIMIT))
        except JournalError as error:
            log.error("cannot write: %s", error)  # noqa: TRY400 (the message says all there is)
            return _refusal(internal("the change could not be saved; see the log of the cluster"))
        except ConnectionResetError:
            raise
        except Exception:
            log.exception("cannot serve %s %s", request.method, ascii(request.path))
            return _refusal(internal("the request could not be served; see the log of the cluster"))

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path in guard.OPEN_PATHS:
            return web.Response(text="ok")
        if document := discovery.documents().get(path.rstrip("/")):
            _require(request, "GET")
            return web.Response(body=document, headers=_JSON_HEADERS)
        target = parse_path(path)
        if target is None:
            raise unknown_path()
        if target.subresource in {"binding", "eviction"}:
            return await self._post_part(request, target)
        if target.subresource == "log":
            return await self._log(request, target)
        if target.name is None:
            return await self._collection(request, target)
        return await self._object(request, target)

    async def _collection(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        if request.method == "GET":
            if flag(request.query, "watch"):
                return await self._watch(request, target, {})
            return self._list(request, target)
        if target.namespace is None and target.resource.namespaced:
            raise method_not_allowed()
        if request.method == "POST":
            body = await _body(request)
            entry = self._operations.create(
                target.resource, target.namespace or "", body, dry_run=_dry_run(request.query)
            )
            return _shown(request, entry, 201)
        _require(request, "DELETE")
        return await self._delete_collection(request, target)

    async def _object(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        resource, key, dry_run = target.resource, target.key, _dry_run(request.query)
        if request.method == "GET":
            if flag(request.query, "watch"):
                return await self._watch(
                    request, target, {"fieldSelector": f"metadata.name={key.name}"}
                )
            return _shown(request, self._operations.get(resource, key), 200)
        if request.method == "PUT":
            body = await _body(request)
            entry = self._operations.replace(
                resource, key, body, subresource=target.subresource, dry_run=dry_run
            )
            return _shown(request, entry, 200)
        if request.method == "PATCH":
            media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if media_type not in PATCHES:
                raise unsupported_media_type(tuple(PATCHES))
            patch = await _body(request)
            entry = self._operations.patch(
                resource, key, media_type, patch, subresource=target.subresource, dry_run=dry_run
            )
            return _shown(request, entry, 200)
        _require(request, "DELETE")
        if target.subresource:
            raise method_not_allowed()
        return await self._delete(request, target)

    def _list(self, request: web.BaseRequest, target: Target) -> web.Response:
        accepted = best_accepted(request.headers.get("Accept", ""))
        scope = scope_of(target.resource, target.namespace, request.query)
        page = page_of(self._store, list_query(scope, request.query))
        if accepted.shape:
            body = as_shape(accepted, target.resource, page.entries, page.metadata(), request.query)
        else:
            body = page.document(target.resource)
        return web.Response(body=body, headers=_JSON_HEADERS)

    async def _watch(
        self, request: web.BaseRequest, target: Target, extra: Mapping[str, str]
    ) -> web.StreamResponse:
        accepted = best_accepted(request.headers.get("Accept", ""))
        scope = scope_of(target.resource, target.namespace, {**request.query, **extra})
        query = watch_query(scope, request.query)
        render = renderer(accepted, target.resource, request.query)
        response = web.StreamResponse(headers=_JSON_HEADERS)
        response.enable_chunked_encoding()
        await response.prepare(request)
        async for chunk in self._watches.stream(query, render):
            await response.write(chunk)
        await response.write_eof()
        return response

    async def _delete(self, request: web.BaseRequest, target: Target) -> web.Response:
        options, dry_run = _delete_options(await _optional_body(request), request.query)
        outcome = self._operations.delete(target.resource, target.key, options, dry_run=dry_run)
        return _deleted(request, outcome)

    async def _delete_collection(self, request: web.BaseRequest, target: Target) -> web.Response:
        options, dry_run = _delete_options(await _optional_body(request), request.query)
        scope = scope_of(target.resource, target.namespace, request.query)
        page = page_of(self._store, list_query(scope, request.query))
        for entry in page.entries:
            self._operations.delete(target.resource, entry.key, options, dry_run=dry_run)
        return web.Response(body=page.document(target.resource), headers=_JSON_HEADERS)

    async def _post_part(self, request: web.BaseRequest, target: Target) -> web.Response:
        _require(request, "POST")
        body = await _body(request)
        dry_run = _dry_run(request.query)
        if target.subresource == "binding":
            self._operations.bind(target.key, body, dry_run=dry_run)
        else:
            asked = body.get("deleteOptions") if isinstance(body, dict) else None
            options, also_dry = _delete_options(asked, request.query)
            self._operations.delete(
                resources.PODS, target.key, options, dry_run=dry_run or also_dry
            )
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "code": 201,
        }
        return web.Response(body=encode(status), status=201, headers=_JSON_HEADERS)

    async def _log(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        raise unknown_path()


def _shown(request: web.BaseRequest, entry: Entry, code: int) -> web.Response:
    accepted = best_accepted(request.headers.get("Accept", ""))
    if accepted.shape:
        body = as_shape(
            accepted,
            entry.resource,
            [entry],
            {"resourceVersion": str(entry.version)},
            request.query,
        )
    else:
        body = entry.document
    return web.Response(body=body, status=code, headers=_JSON_HEADERS)


def _deleted(request: web.BaseRequest, outcome: Deleted) -> web.Response:
    entry = outcome.entry
    if outcome.gone and not entry.resource.returns_deleted:
        body = encode(success(entry.resource, entry.key.name, entry.uid))
        return web.Response(body=body, headers=_JSON_HEADERS)
    return _shown(request, entry, 200)


def _refusal(error: ApiError) -> web.Response:
    headers = dict(_JSON_HEADERS)
    if error.code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return web.Response(body=encode(error.status()), status=error.code, headers=headers)


async def _body(request: web.BaseRequest) -> Any:
    return decoded(request.headers.get("Content-Type", ""), await request.read())


async def _optional_body(request: web.BaseRequest) -> Any:
    raw = await request.read()
    return decoded(request.headers.get("Content-Type", ""), raw) if raw.strip() else None


def _require(request: web.BaseRequest, method: str) -> None:
    if request.method != method:
        raise method_not_allowed()


def _dry_run(query: Mapping[str, str]) -> bool:
    value = query.get("dryRun")
    if value not in {None, "", "All"}:
        raise bad_request(f'invalid dryRun value: "{value}", only All is supported')
    return value == "All"


def _delete_options(body: Any, query: Mapping[str, str]) -> tuple[deletion.Options, bool]:
    """Return what a delete asks for, in its body or in its query, and whether it is only tried."""
    asked = body if isinstance(body, dict) else {}
    grace = asked.get("gracePeriodSeconds")
    if grace is None and (text := query.get("gracePeriodSeconds")):
        try:
            grace = int(text)
        except ValueError as error:
            raise bad_request(f"gracePeriodSeconds is not a number: {text}") from error
    if grace is not None and (isinstance(grace, bool) or not isinstance(grace, int)):
        raise bad_request("gracePeriodSeconds is not a number")
    policy = asked.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
    orphan = policy == "Orphan" or bool(asked.get("orphanDependents"))
    options = deletion.Options(grace, asked.get("preconditions") or {}, orphan)
    return options, _dry_run(query) or asked.get("dryRun") == ["All"]
