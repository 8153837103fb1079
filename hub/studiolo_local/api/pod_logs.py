"""The log subresource of pods: what a container wrote, as `kubectl logs` asks for it. Async, HTTP.

The API does not run containers: whoever does is asked through a LogProvider.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from aiohttp import web

from studiolo_local.api.entries import Entry
from studiolo_local.api.logs import LogProvider, LogRequest, LogsUnavailable
from studiolo_local.api.queries import flag, integer
from studiolo_local.api.status_errors import ApiError, bad_request

_HEADERS = {"Content-Type": "text/plain"}


async def send_log(
    request: web.BaseRequest, entry: Entry, provider: LogProvider | None
) -> web.StreamResponse:
    """Answer with a container's output, as it comes when it is followed."""
    wanted = log_request(entry, request.query, datetime.now(UTC))
    if provider is None:
        raise ApiError(
            503, "ServiceUnavailable", "no node agent that has the containers' output is running"
        )
    async with aclosing(provider(wanted)) as chunks:
        try:
            first = await anext(chunks, b"")
        except LogsUnavailable as error:
            raise bad_request(str(error)) from error
        response = web.StreamResponse(headers=_HEADERS)
        response.enable_chunked_encoding()
        await response.prepare(request)
        if first:
            await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
    await response.write_eof()
    return response


def log_request(entry: Entry, query: Mapping[str, str], now: datetime) -> LogRequest:
    """Return what is asked of the provider; raises ApiError when it cannot be given."""
    content = entry.content()
    name = entry.key.name
    return LogRequest(
        namespace=entry.key.namespace,
        pod=name,
        uid=entry.uid,
        container=_container(content["spec"], name, query.get("container", "")),
        follow=flag(query, "follow"),
        previous=flag(query, "previous"),
        timestamps=flag(query, "timestamps"),
        tail_lines=integer(query, "tailLines"),
        limit_bytes=integer(query, "limitBytes"),
        since=_since(query, now),
    )


def _container(spec: Mapping[str, list[dict[str, str]]], pod: str, asked: str) -> str:
    groups = ("containers", "initContainers")
    names = [each["name"] for group in groups for each in spec.get(group) or ()]
    if asked:
        if asked not in names:
            raise bad_request(f"container {asked} is not valid for pod {pod}")
        return asked
    if len(spec["containers"]) > 1:
        choices = " ".join(each["name"] for each in spec["containers"])
        raise bad_request(
            f"a container name must be specified for pod {pod}, choose one of: [{choices}]"
        )
    return names[0]


def _since(query: Mapping[str, str], now: datetime) -> datetime | None:
    seconds, moment = integer(query, "sinceSeconds"), query.get("sinceTime")
    if seconds is not None and moment:
        raise bad_request("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if seconds is not None:
        return now - timedelta(seconds=seconds)
    try:
        return datetime.fromisoformat(moment) if moment else None
    except ValueError as error:
        raise bad_request(f"sinceTime is not a time: {moment}") from error
