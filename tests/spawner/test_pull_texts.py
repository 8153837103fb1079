"""What container runtimes write when an image cannot be pulled, and what it means.

The texts stand as they are written, one to a line, so that they can be compared with a log.
"""

# ruff: noqa: E501

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.causes import Kind
from studiolo_spawner.pull_texts import cause_of_pull_text

IMAGE = "registry.example/ml/pytorch:2.9"

TEXTS = {
    # --- the image is not there
    "containerd, tag": (
        "image_missing",
        'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/ml/pytorch:2.9": failed to resolve reference "registry.example/ml/pytorch:2.9": registry.example/ml/pytorch:2.9: not found',
    ),
    "containerd 2, tag": (
        "image_missing",
        'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/ml/pytorch:2.9": failed to resolve image: registry.example/ml/pytorch:2.9: not found',
    ),
    "kubelet 1.30, backing off": (
        "image_missing",
        'Back-off pulling image "registry.example/ml/pytorch:2.9": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/ml/pytorch:2.9": failed to resolve reference "registry.example/ml/pytorch:2.9": registry.example/ml/pytorch:2.9: not found',
    ),
    "cri-o, tag": (
        "image_missing",
        "rpc error: code = Unknown desc = reading manifest 2.9 in registry.example/ml/pytorch: manifest unknown",
    ),
    "cri-o, tag, with source": (
        "image_missing",
        "rpc error: code = Unknown desc = initializing source docker://registry.example/ml/pytorch:2.9: reading manifest 2.9 in registry.example/ml/pytorch: manifest unknown: manifest unknown",
    ),
    "cri-o, repository": (
        "image_missing",
        "initializing source docker://registry.example/ml/pytorch:2.9: reading manifest 2.9 in registry.example/ml/pytorch: name unknown: repository name not known to registry",
    ),
    "dockerd, tag": (
        "image_missing",
        "rpc error: code = Unknown desc = Error response from daemon: manifest for registry.example/ml/pytorch:2.9 not found: manifest unknown: manifest unknown",
    ),
    "google, tag": (
        "image_missing",
        'Error response from daemon: manifest for gcr.io/p/x:1 not found: manifest unknown: Failed to fetch "1" from request "/v2/p/x/manifests/1".',
    ),
    # --- it may not be read
    "containerd, docker hub, private or missing": (
        "image_forbidden",
        'rpc error: code = Unknown desc = failed to pull and unpack image "docker.io/nosuch/thing:1": failed to resolve reference "docker.io/nosuch/thing:1": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    ),
    "containerd, anonymous token refused": (
        "image_forbidden",
        'failed to pull and unpack image "ghcr.io/acme/x:1": failed to resolve reference "ghcr.io/acme/x:1": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aacme%2Fx%3Apull&service=ghcr.io: 401 Unauthorized',
    ),
    "containerd, 403": (
        "image_forbidden",
        'failed to resolve reference "registry.example/ml/pytorch:2.9": unexpected status from HEAD request to https://registry.example/v2/ml/pytorch/manifests/2.9: 403 Forbidden',
    ),
    "cri-o, quay": (
        "image_forbidden",
        "reading manifest 2.9 in quay.io/acme/x: unauthorized: access to the requested resource is not authorized",
    ),
    "cri-o, docker hub": (
        "image_forbidden",
        "initializing source docker://nosuch/thing:1: reading manifest 1 in docker.io/nosuch/thing: requested access to the resource is denied",
    ),
    "dockerd": (
        "image_forbidden",
        "Error response from daemon: pull access denied for nosuch/thing, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    ),
    "gitlab, wrong password": (
        "image_forbidden",
        "initializing source docker://registry.gitlab.com/x/y:1: unable to retrieve auth token: invalid username/password: unauthorized: HTTP Basic: Access denied",
    ),
    # --- too often
    "docker hub's limit": (
        "registry_busy",
        'failed to pull and unpack image "docker.io/library/python:3": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/python/manifests/sha256:00: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit',
    ),
    "cri-o, limit": (
        "registry_busy",
        "reading manifest 3 in docker.io/library/python: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
    ),
    "the kubelet's own limit": ("registry_busy", "pull QPS exceeded"),
    # --- the wrong platform
    "containerd, platform": (
        "wrong_platform",
        'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/ml/pytorch:2.9": no match for platform in manifest: not found',
    ),
    "containerd 1.6, platform": (
        "wrong_platform",
        'failed to pull and unpack image "x": no match for platform in manifest sha256:0ee2018667de173d071d53fff6ee4e2783443d72035a406d0d257c109f14c97d: not found',
    ),
    "cri-o, index": (
        "wrong_platform",
        'choosing image instance: no image found in image index for architecture "amd64", variant "", OS "linux"',
    ),
    "cri-o, manifest list": (
        "wrong_platform",
        'Error choosing image instance: no image found in manifest list for architecture arm64, variant "v8", OS linux',
    ),
    "cri-o, mismatch": (
        "wrong_platform",
        'rpc error: code = Unknown desc = Image architecture mismatch: image uses "amd64", expecting "arm64"',
    ),
    "dockerd, platform": (
        "wrong_platform",
        "no matching manifest for linux/amd64 in the manifest list entries",
    ),
    # --- its format, its bytes, its signature
    "containerd 2.1, schema 1": (
        "image_format",
        'failed to pull and unpack image "x": media type "application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported since containerd v2.1, please rebuild the image as "application/vnd.docker.distribution.manifest.v2+json" or "application/vnd.oci.image.manifest.v1+json"',
    ),
    "cri-o, schema": (
        "image_format",
        "reading manifest 1 in registry.example/x: unsupported schema version 1",
    ),
    "containerd, layer damaged": (
        "image_damaged",
        'failed commit on ref "layer-sha256:aa": unexpected commit digest sha256:bb, expected sha256:aa: failed precondition',
    ),
    "containerd, layer cut short": (
        "image_damaged",
        'failed commit on ref "layer-sha256:aa": "layer-sha256:aa" failed size validation: 10 != 20: failed precondition',
    ),
    "cri-o, manifest is another": (
        "image_damaged",
        "Manifest does not match provided manifest digest sha256:3181b2fff8cbdefa2302a04b1eb2273251749e9320d0083b807d32e9f0e18961",
    ),
    "cri-o, signature": (
        "image_unsigned",
        "Source image rejected: A signature was required, but no signature exists",
    ),
    "reference": (
        "bad_reference",
        'Failed to apply default image tag "x:y:z": couldn\'t parse image name "x:y:z": invalid reference format',
    ),
    # --- the registry is away
    "no such host": (
        "registry_away",
        'failed to resolve reference "registry.example/ml/pytorch:2.9": failed to do request: Head "https://registry.example/v2/ml/pytorch/manifests/2.9": dial tcp: lookup registry.example on 10.96.0.10:53: no such host',
    ),
    "refused": (
        "registry_away",
        'failed to do request: Head "https://registry.example/v2/ml/pytorch/manifests/2.9": dial tcp 10.0.0.9:443: connect: connection refused',
    ),
    "timed out": (
        "registry_away",
        'failed to do request: Head "https://registry.example/v2/ml/pytorch/manifests/2.9": dial tcp 10.0.0.9:443: i/o timeout',
    ),
    "TLS timed out": (
        "registry_away",
        "rpc error: code = Unknown desc = pinging container registry registry.example: Get \"https://registry.example/v2/\": net/http: TLS handshake timeout",
    ),
    "own certificate authority": (
        "registry_away",
        'failed to do request: Head "https://registry.example/v2/ml/pytorch/manifests/2.9": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ),
    "HTTP in the place of HTTPS": (
        "registry_away",
        'failed to do request: Head "https://registry.example/v2/x/manifests/1": http: server gave HTTP response to HTTPS client',
    ),
    "503": (
        "registry_away",
        'failed to resolve reference "registry.example/ml/pytorch:2.9": unexpected status from HEAD request to https://registry.example/v2/ml/pytorch/manifests/2.9: 503 Service Unavailable',
    ),
    "502 for a layer": (
        "registry_away",
        "failed to copy: httpReadSeeker: failed open: unexpected status code https://registry.example/v2/ml/pytorch/blobs/sha256:404: 502 Bad Gateway",
    ),
    "sign-in is away": (
        "registry_away",
        'failed to authorize: failed to fetch anonymous token: Get "https://auth.example/token": dial tcp: lookup auth.example: Temporary failure in name resolution',
    ),
    "sign-in answers 500": (
        "registry_away",
        "failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://auth.example/token: 500 Internal Server Error",
    ),
    "deadline": ("registry_away", "rpc error: code = DeadlineExceeded desc = context deadline exceeded"),
    "cut off": ("registry_away", 'failed to copy: read tcp 10.1.1.1:4444->10.0.0.9:443: read: connection reset by peer'),
    "ended early": ("registry_away", 'failed to do request: Head "https://registry.example/v2/": EOF'),
    "proxy": ("registry_away", 'failed to do request: Head "https://registry.example/v2/": proxyconnect tcp: dial tcp 10.0.0.3:3128: connect: connection refused'),
    "cri-o, away": (
        "registry_away",
        'pinging container registry registry.example: Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host',
    ),
    "cri-o, 5xx": (
        "registry_away",
        "initializing source docker://registry.example/x:1: reading manifest 1 in registry.example/x: received unexpected HTTP status: 503 Service Unavailable",
    ),
    # --- the machine
    "disk full": (
        "disk_full",
        'failed to pull and unpack image "registry.example/ml/pytorch:2.9": failed to extract layer sha256:aa: write /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/9/fs/opt/conda/lib/libtorch_cuda.so: no space left on device: unknown',
    ),
    "nothing said": ("pull_failed", 'Back-off pulling image "registry.example/ml/pytorch:2.9"'),
    "empty": ("pull_failed", ""),
}  # fmt: skip

NOT_THE_IMAGES = {"registry_busy", "registry_away", "disk_full", "pull_failed"}


@pytest.mark.parametrize(("reason", "text"), TEXTS.values(), ids=TEXTS)
def test_text(reason: str, text: str) -> None:
    found = cause_of_pull_text(text, IMAGE)
    assert found.reason == reason
    assert found.kind is (Kind.CLUSTER if reason in NOT_THE_IMAGES else Kind.IMAGE)
    assert found.terminal is (found.kind is Kind.IMAGE)


NAMES = ["forbidden", "404", "unauthorized", "denied", "x509", "eof", "429", "no-match", "5xx-503"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "template",
    [
        'failed to pull and unpack image "{0}": failed to do request: Head "https://registry.example/v2/{1}/manifests/{1}": dial tcp: lookup registry.example: no such host',
        "initializing source docker://{0}: reading manifest {1} in registry.example/{1}: received unexpected HTTP status: 503 Service Unavailable",
    ],
    ids=["containerd", "cri-o"],
)
def test_the_images_own_name_does_not_decide(template: str, name: str) -> None:
    image = f"registry.example/{name}:{name}"
    assert cause_of_pull_text(template.format(image, name), image).reason == "registry_away"


@given(st.text(max_size=2000), st.text(max_size=50))
def test_any_text_has_a_cause(text: str, image: str) -> None:
    assert cause_of_pull_text(text, image).message


def test_endless_text_is_cut() -> None:
    assert cause_of_pull_text("a" * 5_000_000 + "manifest unknown").reason == "pull_failed"
