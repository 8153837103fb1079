"""HTTP requests to operations, and their outcome back to HTTP. Async edge, no rules of its own.

Guarantees that every error leaves as a `Status` object and that nothing of the server's inside
(tracebacks, tokens) leaves with it.
"""

from __future__ import annotations

import json
import logging
from contextlib import aclosing
from typing import Any

from aiohttp import web

from studiolo_local.api import discovery, guard, resources
from studiolo_local.api.entries import Entry, encode
from studiolo_local.api.journal import JournalError
from studiolo_local.api.listing import page_of
from studiolo_local.api.logs import LogProvider
from studiolo_local.api.media import decoded
from studiolo_local.api.operations import Clock, Operations
from studiolo_local.api.patch import APPLY_PATCH, PATCHES
from studiolo_local.api.paths import Target, parse_path
from studiolo_local.api.pod_logs import send_log
from studiolo_local.api.queries import flag, list_query, scope_of, watch_query
from studiolo_local.api.representation import Representation
from studiolo_local.api.status_errors import (
    ApiError,
    bad_request,
    body_too_large,
    done,
    internal,
    method_not_allowed,
    success,
    unknown_path,
    unsupported_media_type,
)
from studiolo_local.api.store import Store
from studiolo_local.api.terms import Terms, delete_options, terms_of
from studiolo_local.api.watch import WatchHub

log = logging.getLogger(__name__)

BODY_LIMIT = 3 * 1024 * 1024
_JSON = "application/json"


class Handlers:
    """Serves one request after another over a store and its operations."""

    def __init__(
        self,
        store: Store,
        operations: Operations,
        watches: WatchHub,
        *,
        token: str,
        clock: Clock,
    ) -> None:
        self._store = store
        self._operations = operations
        self._watches = watches
        self._token = token
        self._clock = clock
        self.logs: LogProvider | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, whatever becomes of it."""
        try:
            guard.check(request, self._token)
            return await self._route(request)
        except ApiError as error:
            return _refusal(error)
        except RecursionError:
            return _refusal(bad_request("the body is nested too deeply"))
        except web.HTTPRequestEntityTooLarge:
            return _refusal(body_too_large(BODY_LIMIT))
        except JournalError as error:
            log.error("cannot write: %s", error)  # noqa: TRY400 (the message says all there is)
            return _refusal(internal("the change could not be saved; see the log of the cluster"))
        except ConnectionResetError:
            raise  # The client has gone: there is nobody to tell.
        except Exception:
            log.exception("cannot serve %s %s", request.method, ascii(request.path))
            return _refusal(internal("the request could not be served; see the log of the cluster"))

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path in guard.OPEN_PATHS:
            return web.Response(text="ok")
        if document := discovery.documents().get(path.rstrip("/")):
            _require(request, "GET")
            return _answer(document)
        target = parse_path(path)
        if target is None:
            raise unknown_path()
        if target.subresource in {"binding", "eviction"}:
            return await self._post_part(request, target)
        if target.subresource == "log":
            _require(request, "GET")
            entry = self._operations.get(target.resource, target.key)
            return await send_log(request, entry, self.logs)
        if request.method == "GET":
            return await self._read(request, target)
        self._representation(request).check()
        if target.name is None:
            return await self._write_collection(request, target)
        return await self._write_object(request, target)

    async def _read(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        query = dict(request.query)
        shown = self._representation(request)
        if flag(query, "watch"):
            if target.name is not None:
                query["fieldSelector"] = f"metadata.name={target.name}"
            return await self._watch(request, target, query, shown)
        if target.name is not None:
            return _answer(shown.one(self._operations.get(target.resource, target.key)))
        scope = scope_of(target.resource, target.namespace, query)
        page = page_of(self._store, list_query(scope, query))
        return _answer(shown.page(target.resource, page))

    async def _watch(
        self,
        request: web.BaseRequest,
        target: Target,
        query: dict[str, str],
        shown: Representation,
    ) -> web.StreamResponse:
        wanted = watch_query(scope_of(target.resource, target.namespace, query), query)
        render = shown.render()
        response = web.StreamResponse(headers={"Content-Type": _JSON})
        response.enable_chunked_encoding()
        await response.prepare(request)
        async with aclosing(self._watches.stream(wanted, render)) as chunks:
            async for chunk in chunks:
                await response.write(chunk)
        await response.write_eof()
        return response

    async def _write_collection(self, request: web.BaseRequest, target: Target) -> web.Response:
        if target.namespace is None and target.resource.namespaced:
            raise method_not_allowed()
        if request.method == "POST":
            terms = terms_of(request.query)
            body = await _body(request)
            entry = self._operations.create(target.resource, target.namespace or "", body, terms)
            return self._shown(request, entry, terms, code=201)
        _require(request, "DELETE")
        options, terms = delete_options(await _optional_body(request), request.query)
        scope = scope_of(target.resource, target.namespace, request.query)
        page = page_of(self._store, list_query(scope, request.query))
        for entry in page.entries:
            self._operations.delete(target.resource, entry.key, options, terms)
        return _answer(page.document(target.resource))

    async def _write_object(self, request: web.BaseRequest, target: Target) -> web.Response:
        if request.method == "DELETE":
            if target.subresource:
                raise method_not_allowed()
            return await self._delete(request, target)
        terms = terms_of(request.query)
        if request.method == "PATCH":
            return await self._patch(request, target, terms)
        _require(request, "PUT")
        body = await _body(request)
        entry = self._operations.replace(
            target.resource, target.key, body, terms, subresource=target.subresource
        )
        return self._shown(request, entry, terms)

    async def _patch(self, request: web.BaseRequest, target: Target, terms: Terms) -> web.Response:
        resource, key, part = target.resource, target.key, target.subresource
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type == APPLY_PATCH:
            config = await _body(request)
            entry, made = self._operations.apply(resource, key, config, terms, subresource=part)
            return self._shown(request, entry, terms, code=201 if made else 200)
        if media_type not in PATCHES:
            raise unsupported_media_type((*PATCHES, APPLY_PATCH))
        patch = await _body(request)
        entry = self._operations.patch(resource, key, media_type, patch, terms, subresource=part)
        return self._shown(request, entry, terms)

    async def _delete(self, request: web.BaseRequest, target: Target) -> web.Response:
        options, terms = delete_options(await _optional_body(request), request.query)
        outcome = self._operations.delete(target.resource, target.key, options, terms)
        entry = outcome.entry
        if outcome.gone and not entry.resource.returns_deleted:
            return _answer(encode(success(entry.resource, entry.key.name, entry.uid)))
        return self._shown(request, entry, terms)

    async def _post_part(self, request: web.BaseRequest, target: Target) -> web.Response:
        _require(request, "POST")
        body = await _body(request)
        if target.subresource == "binding":
            self._operations.bind(target.key, body, terms_of(request.query))
        else:
            asked = body.get("deleteOptions") if isinstance(body, dict) else None
            options, terms = delete_options(asked, request.query)
            self._operations.delete(resources.PODS, target.key, options, terms)
        return _answer(encode(done(201)), code=201)

    def _representation(self, request: web.BaseRequest) -> Representation:
        return Representation.of(request.headers, request.query, self._clock)

    def _shown(
        self, request: web.BaseRequest, entry: Entry, terms: Terms, *, code: int = 200
    ) -> web.Response:
        answer = _answer(self._representation(request).one(entry), code=code)
        for warning in terms.warnings:
            answer.headers.add("Warning", f"299 - {json.dumps(warning)}")
        return answer


def _answer(body: bytes, *, code: int = 200) -> web.Response:
    return web.Response(body=body, status=code, headers={"Content-Type": _JSON})


def _refusal(error: ApiError) -> web.Response:
    answer = _answer(encode(error.status()), code=error.code)
    if error.code == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


async def _body(request: web.BaseRequest) -> Any:
    return decoded(request.headers.get("Content-Type", ""), await request.read())


async def _optional_body(request: web.BaseRequest) -> Any:
    raw = await request.read()
    return decoded(request.headers.get("Content-Type", ""), raw) if raw.strip() else None


def _require(request: web.BaseRequest, method: str) -> None:
    if request.method != method:
        raise method_not_allowed()
