from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_local.api.protobuf import ProtobufError, decode_object, field_numbers
from studiolo_local.api.schema import types

Part = tuple[int, "int | str | bytes | list[Part]"]


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    result = b""
    while value >= 0x80:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def message(*parts: Part) -> bytes:
    result = b""
    for number, value in parts:
        if isinstance(value, int):
            result += varint(number << 3) + varint(value)
            continue
        data = message(*value) if isinstance(value, list) else value
        raw = data.encode() if isinstance(data, str) else data
        result += varint(number << 3 | 2) + varint(len(raw)) + raw
    return result


def request(kind: str, *parts: Part) -> bytes:
    identity: list[Part] = [(1, "v1"), (2, kind)]
    return b"k8s\x00" + message((1, identity), (2, message(*parts)), (3, ""), (4, ""))


def test_a_pod_is_read_as_its_json_would_be() -> None:
    resources: list[Part] = [(1, [(1, "cpu"), (2, [(1, "500m")])])]
    probe: list[Part] = [
        (1, [(2, [(1, "/"), (2, [(1, 0), (2, 8888), (3, "")])])]),
        (2, 5),
        (7, 0),
    ]
    container: list[Part] = [
        (1, "main"),
        (2, "image:1"),
        (4, "--one"),
        (4, "--two"),
        (5, ""),
        (8, resources),
        (11, probe),
        (16, 0),
    ]
    volume: list[Part] = [(1, "v"), (2, [(2, [])])]
    metadata: list[Part] = [
        (1, "one"),
        (3, ""),
        (8, []),
        (9, [(1, 1_700_000_000), (2, 0)]),
        (11, [(1, "a"), (2, "b")]),
    ]
    spec: list[Part] = [(1, volume), (2, container), (4, 0), (5, -1)]
    assert decode_object(request("Pod", (1, metadata), (2, spec), (3, []))) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "one",
            "labels": {"a": "b"},
            "deletionTimestamp": "2023-11-14T22:13:20Z",
        },
        "spec": {
            "volumes": [{"name": "v", "emptyDir": {}}],
            "containers": [
                {
                    "name": "main",
                    "image": "image:1",
                    "args": ["--one", "--two"],
                    "resources": {"limits": {"cpu": "500m"}},
                    "readinessProbe": {
                        "httpGet": {"path": "/", "port": 8888},
                        "initialDelaySeconds": 5,
                        "terminationGracePeriodSeconds": 0,
                    },
                }
            ],
            "terminationGracePeriodSeconds": 0,
            "activeDeadlineSeconds": -1,
        },
    }


def test_bytes_become_base64_and_names_stay_names() -> None:
    secret = request("Secret", (2, [(1, "k"), (2, b"\xff\x00")]), (3, "Opaque"))
    assert decode_object(secret)["data"] == {"k": "/wA="}
    target: list[Part] = [(1, 1), (2, 0), (3, "http")]
    service = request("Service", (2, [(1, [(3, 80), (4, target)])]))
    assert decode_object(service)["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]


def test_what_a_delete_is_asked_for_is_kept_when_it_is_zero() -> None:
    options = decode_object(request("DeleteOptions", (1, 0), (2, [(1, "uid")]), (4, "Orphan")))
    assert options["gracePeriodSeconds"] == 0
    assert options["preconditions"] == {"uid": "uid"}


def test_fields_of_a_later_version_are_passed_over() -> None:
    body = request("ConfigMap", (1, [(1, "a")]), (999, "new"), (998, 7), (997, [(1, "deep")]))
    assert decode_object(body)["metadata"] == {"name": "a"}


@pytest.mark.parametrize(
    ("body", "message_part"),
    [
        (b"", "does not begin"),
        (b"{}", "does not begin"),
        (request("Gadget"), "no kind 'Gadget'"),
        (request("Pod", (1, 5)), "a number where text should be"),
        (request("Pod", (2, [(4, "text")])), "text where a number should be"),
        (request("Pod", (1, [(1, b"\xff")])), "not UTF-8"),
        (request("Pod")[:-1], "ends too early"),
        (b"k8s\x00" + b"\xff" * 11, "number is too long"),
        (b"k8s\x00\x0b", "no wire type 3"),
        (request("Pod", (1, [(9, [(1, 2**62)])])), "no such time"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_object_is_refused(body: bytes, message_part: str) -> None:
    with pytest.raises(ProtobufError, match=message_part):
        decode_object(body)


@given(st.binary(max_size=60), st.sampled_from([*sorted(types()), "ProbeHandler", ""]))
def test_any_bytes_are_an_object_or_refused_as_none(data: bytes, kind: str) -> None:
    with suppress(ProtobufError):
        decode_object(request(kind)[:-4] + message((2, data)))


def test_every_type_and_field_of_the_schema_has_a_number() -> None:
    def names(kind: str) -> set[str]:
        found: set[str] = set()
        for name in field_numbers()[kind].values():
            found |= names(name[1:]) if name.startswith("@") else {name.lstrip("*")}
        return found

    missing = {
        f"{kind}.{field}"
        for kind, fields in types().items()
        for field in set(fields) - names(kind) - {"apiVersion", "kind"}
    }
    # Replaced by a field of another name since.
    assert missing <= {"NodeAllocatableResourceClaimStatus.resources"}
