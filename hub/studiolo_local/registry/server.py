"""The registry's HTTP side: the OCI distribution specification, pull and push. I/O.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
Bound to loopback, and a request that names another host is refused: a web page whose name was made
to point here can neither read nor push.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from studiolo_local.registry.access import Access
from studiolo_local.registry.blobs import BlobStore, Manifest, Refused

_MAX_MANIFEST: Final = 4 * 1024 * 1024
_MAX_BLOB: Final = 16 * 1024**3
_PAGE: Final = 100
_NAME: Final = r"{name:[a-z0-9._/\-]+}"
_VERSION: Final = {"Docker-Distribution-Api-Version": "registry/2.0"}
_EMPTY_INDEX: Final = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [],
}


class LocalRegistry:
    """A registry over one directory. `start` binds a port of 127.0.0.1 (0: any free one)."""

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        *,
        access: Access | None = None,
        middlewares: Sequence[Middleware] = (),
    ) -> None:
        self.store = BlobStore(data_dir)
        self.port = port
        self._access = access or Access()
        self._application = web.Application(
            middlewares=(_only_loopback, self._guard(), _errors, *middlewares),
            client_max_size=_MAX_MANIFEST,
        )
        self._runner: web.AppRunner | None = None
        self._add_routes(self._application.router)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Begin to serve; OSError when the port is taken."""
        await asyncio.to_thread(self.store.clear_uploads)
        self._runner = web.AppRunner(self._application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port and what is open."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v2/", self._base)
        router.add_get("/token", self._token)
        router.add_get("/v2/_catalog", self._catalogue)
        router.add_get(f"/v2/{_NAME}/tags/list", self._tags)
        router.add_get(f"/v2/{_NAME}/referrers/{{digest}}", self._referrers)
        manifests = router.add_resource(f"/v2/{_NAME}/manifests/{{reference}}")
        manifests.add_route("GET", self._get_manifest)
        manifests.add_route("HEAD", self._get_manifest)
        manifests.add_route("PUT", self._put_manifest)
        manifests.add_route("DELETE", self._delete_manifest)
        router.add_post(f"/v2/{_NAME}/blobs/uploads/", self._start_upload)
        uploads = router.add_resource(f"/v2/{_NAME}/blobs/uploads/{{upload}}")
        uploads.add_route("GET", self._upload_status)
        uploads.add_route("PATCH", self._continue_upload)
        uploads.add_route("PUT", self._finish_upload)
        uploads.add_route("DELETE", self._cancel_upload)
        router.add_get(f"/v2/{_NAME}/blobs/{{digest}}", self._get_blob)

    def _guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            push = request.method not in {"GET", "HEAD"}
            authorization = request.headers.get("Authorization", "")
            if request.path == "/token" or self._access.allows(authorization, push=push):
                return await handler(request)
            challenge = self._access.challenge(self.url, request.match_info.get("name", ""))
            answer = _error("UNAUTHORIZED", "authentication required", 401)
            answer.headers["WWW-Authenticate"] = challenge
            return answer

        return guard

    async def _base(self, _request: web.Request) -> web.Response:
        return web.json_response({}, headers=_VERSION)

    async def _token(self, request: web.Request) -> web.Response:
        if not self._access.knows(request.headers.get("Authorization", "")):
            return _error("UNAUTHORIZED", "authentication required", 401)
        return web.json_response({"token": self._access.token, "expires_in": 300})

    async def _catalogue(self, request: web.Request) -> web.Response:
        names = await asyncio.to_thread(self.store.repositories)
        return _page(request, names, lambda part: {"repositories": part})

    async def _tags(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        tags = await asyncio.to_thread(self.store.tags, name)
        return _page(request, tags, lambda part: {"name": name, "tags": part})

    async def _referrers(self, _request: web.Request) -> web.Response:
        return web.json_response(_EMPTY_INDEX, content_type=str(_EMPTY_INDEX["mediaType"]))

    async def _get_manifest(self, request: web.Request) -> web.Response:
        where = request.match_info
        manifest = await asyncio.to_thread(self.store.manifest, where["name"], where["reference"])
        headers = {**_digest_headers(manifest.digest), "Content-Type": manifest.media_type}
        # A HEAD's answer names the length of what a GET would bring
        return web.Response(body=manifest.content, headers=headers)

    async def _put_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        content = await request.read()
        kind = request.headers.get("Content-Type", "").split(";")[0].strip()
        if not kind:
            raise Refused("MANIFEST_INVALID", "The request has no Content-Type.")
        manifest: Manifest = await asyncio.to_thread(
            self.store.put_manifest, name, reference, kind, content
        )
        headers = {
            **_digest_headers(manifest.digest),
            "Location": f"/v2/{name}/manifests/{manifest.digest}",
        }
        return web.Response(status=201, headers=headers)

    async def _delete_manifest(self, request: web.Request) -> web.Response:
        where = request.match_info
        await asyncio.to_thread(self.store.delete_manifest, where["name"], where["reference"])
        return web.Response(status=202)

    async def _get_blob(self, request: web.Request) -> web.StreamResponse:
        digest = request.match_info["digest"]
        path = await asyncio.to_thread(self.store.blob, digest)
        headers = {**_digest_headers(digest), "Content-Type": "application/octet-stream"}
        return web.FileResponse(path, headers=headers)

    async def _start_upload(self, request: web.Request) -> web.Response:
        name, query = request.match_info["name"], request.query
        if "mount" in query:
            try:
                await asyncio.to_thread(self.store.blob, query["mount"])
            except Refused:
                pass  # an ordinary upload then, as the specification has it
            else:
                return _created(name, query["mount"])
        identity = await asyncio.to_thread(self.store.start_upload)
        if "digest" in query:
            await _receive(request, self.store.upload(identity))
            await asyncio.to_thread(self.store.finish_upload, identity, query["digest"])
            return _created(name, query["digest"])
        return _progress(name, identity, 0, 202)

    async def _upload_status(self, request: web.Request) -> web.Response:
        identity = request.match_info["upload"]
        size = self.store.upload(identity).stat().st_size
        return _progress(request.match_info["name"], identity, size, 204)

    async def _continue_upload(self, request: web.Request) -> web.Response:
        identity = request.match_info["upload"]
        path = self.store.upload(identity)
        start = request.headers.get("Content-Range", "").partition("-")[0]
        if start and start != str(path.stat().st_size):
            raise Refused("BLOB_UPLOAD_INVALID", "The part does not follow the last one.", 416)
        size = await _receive(request, path)
        return _progress(request.match_info["name"], identity, size, 202)

    async def _finish_upload(self, request: web.Request) -> web.Response:
        identity = request.match_info["upload"]
        digest = request.query.get("digest", "")
        await _receive(request, self.store.upload(identity))
        await asyncio.to_thread(self.store.finish_upload, identity, digest)
        return _created(request.match_info["name"], digest)

    async def _cancel_upload(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self.store.cancel_upload, request.match_info["upload"])
        return web.Response(status=204)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return _error(refused.code, str(refused), refused.status)
    except web.HTTPRequestEntityTooLarge:
        return _error("SIZE_INVALID", "That is too large.", 413)
    except web.HTTPNotFound:
        return _error("NAME_UNKNOWN", "There is nothing here.", 404)


@web.middleware
async def _only_loopback(request: web.Request, handler: Handler) -> web.StreamResponse:
    host = request.url.host or ""
    if host != "localhost" and not _is_loopback(host):
        return _error("DENIED", "This registry answers to loopback addresses only.", 403)
    return await handler(request)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _receive(request: web.Request, path: Path) -> int:
    """Append the request's body to a file; the file's size."""
    with path.open("ab") as file:
        size = file.tell()
        async for data in request.content.iter_chunked(256 * 1024):
            size += len(data)
            if size > _MAX_BLOB:
                raise Refused("SIZE_INVALID", "The blob is too large.", 413)
            await asyncio.to_thread(file.write, data)
    return size


def _page(
    request: web.Request, values: list[str], wrap: Callable[[list[str]], dict[str, object]]
) -> web.Response:
    """A part of a sorted list, with a link to the next part."""
    try:
        count = min(int(request.query.get("n", _PAGE)), 1000)
    except ValueError:
        raise Refused("PAGINATION_NUMBER_INVALID", "n is not a number.") from None
    if count < 0:
        raise Refused("PAGINATION_NUMBER_INVALID", "n is negative.")
    rest = [value for value in values if value > request.query.get("last", "")]
    part = rest[:count]
    headers = {}
    if part and len(rest) > count:
        headers["Link"] = f'<{request.path}?n={count}&last={part[-1]}>; rel="next"'
    return web.json_response(wrap(part), headers=headers)


def _digest_headers(digest: str) -> dict[str, str]:
    return {"Docker-Content-Digest": digest, "ETag": f'"{digest}"', **_VERSION}


def _created(name: str, digest: str) -> web.Response:
    headers = {**_digest_headers(digest), "Location": f"/v2/{name}/blobs/{digest}"}
    return web.Response(status=201, headers=headers)


def _progress(name: str, identity: str, size: int, status: int) -> web.Response:
    headers = {
        "Location": f"/v2/{name}/blobs/uploads/{identity}",
        "Range": f"0-{max(size - 1, 0)}",
        "Docker-Upload-UUID": identity,
    }
    return web.Response(status=status, headers=headers)


def _error(code: str, message: str, status: int) -> web.Response:
    return web.json_response(
        {"errors": [{"code": code, "message": message}]}, status=status, headers=_VERSION
    )
