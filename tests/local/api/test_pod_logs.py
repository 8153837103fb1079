from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest
from studiolo_local.api import LogRequest, LogsUnavailable, resources
from studiolo_local.api.pod_logs import log_request
from studiolo_local.api.status_errors import ApiError

from tests.embedded import EmbeddedApi
from tests.local.api.samples import cluster, pod

LOG = "/api/v1/namespaces/default/pods/one/log"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def asked(query: dict[str, str], *names: str) -> LogRequest:
    _, operations = cluster()
    body = pod()
    body["spec"]["containers"] = [{"name": name, "image": "i"} for name in names or ("main",)]
    return log_request(operations.create(resources.PODS, "default", body), query, NOW)


def test_a_request_is_read_whole() -> None:
    query = {
        "container": "side",
        "follow": "true",
        "previous": "1",
        "timestamps": "true",
        "tailLines": "5",
        "limitBytes": "10",
        "sinceSeconds": "60",
    }
    request = asked(query, "main", "side")
    assert (request.pod, request.container, request.follow, request.previous) == (
        "one",
        "side",
        True,
        True,
    )
    assert (request.tail_lines, request.limit_bytes, request.timestamps) == (5, 10, True)
    assert request.since == datetime(2026, 1, 1, 11, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "names", "message"),
    [
        ({"container": "other"}, ("main",), "container other is not valid for pod one"),
        ({}, ("a", "b"), r"must be specified for pod one, choose one of: \[a b\]"),
        ({"tailLines": "x"}, ("main",), "tailLines is not a number"),
        ({"sinceTime": "x"}, ("main",), "sinceTime is not a time"),
        ({"sinceTime": "x", "sinceSeconds": "1"}, ("main",), "at most one of"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_request_that_makes_no_sense_is_refused(
    query: dict[str, str], names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ApiError, match=message):
        asked(query, *names)


async def test_the_output_comes_from_whoever_runs_the_container(
    embedded_api: EmbeddedApi,
) -> None:
    api = embedded_api
    await api.expect("POST", "/api/v1/namespaces/default/pods", pod())
    code, status = await api.call("GET", LOG)
    assert (code, status["reason"]) == (503, "ServiceUnavailable")

    async def provider(request: LogRequest) -> AsyncGenerator[bytes, None]:
        if request.previous:
            raise LogsUnavailable('previous terminated container "main" in pod "one" not found')
        yield b"first\n"
        yield b"second\n"

    api.server.provide_logs(provider)
    async with api.session.get(LOG) as answer:
        assert (answer.content_type, await answer.text()) == ("text/plain", "first\nsecond\n")
    code, status = await api.call("GET", LOG, previous="true")
    assert (code, status["message"].startswith("previous terminated")) == (400, True)
