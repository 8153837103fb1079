"""What a kubelet's text about a failed image pull means.

Pure. The text is written by the container runtime (containerd, CRI-O, dockerd) and differs
between them and between versions; it is matched against a table, first match wins, and never
shown to anybody. The order is the heart of it: trouble on the way to the registry is recognised
before anything is said against the image, because a runtime's text about a dead proxy can carry
the words "not found" too.
"""

from __future__ import annotations

import re

from studiolo_spawner.causes import Cause, cause
from studiolo_spawner.text_table import MAX_TEXT, TextTable

# (reason, patterns). Where the words come from: containerd core/remotes/docker and internal/cri,
# containers/image (CRI-O), moby/distribution, Go's net, net/http, crypto/tls and crypto/x509.
_TABLE = TextTable(
    (
        (
            "registry_busy",
            (
                r"toomanyrequests",
                r"\b429\b",
                r"too many requests",
                r"pull rate limit",
                r"pull qps exceeded",
            ),
        ),
        (
            "disk_full",
            (r"no space left on device", r"disk quota exceeded", r"read-only file system"),
        ),
        # containerd adds ": not found" to this one, so it stands before the missing image
        (
            "wrong_platform",
            (
                r"no match for (?:current )?platform",
                r"no matching manifest for \S+ in the manifest list",
                r"no image found in (?:manifest list|image index) for architecture",
                r"image architecture mismatch",
                r"image operating system .* cannot be used on this platform",
            ),
        ),
        (
            "image_format",
            (
                r"media ?type .* (?:is )?no longer supported",
                r"unsupported (?:manifest )?media ?type",
                r"mediatype in manifest should be",
                r"unsupported schema version",
                r"unsupported docker v1",
                r"not an image configuration",
            ),
        ),
        (
            "image_unsigned",
            (
                r"source image rejected",
                r"signature ?validation ?failed",
                r"a signature was required",
            ),
        ),
        (
            "image_damaged",
            (
                r"unexpected commit digest",
                r"unexpected commit size",
                r"failed size validation",
                r"does not match provided manifest digest",
                r"digest did not match",
                r"filesystem layer verification failed",
                r"error processing tar file",
                r"invalid tar header",
                r"gzip: invalid",
                r"unmarshal(?:l?ing)? manifest",
                r"invalid character .* looking for beginning of value",
            ),
        ),
        # The name server knows no such host, a gateway is in the way, a certificate is broken
        (
            "registry_away",
            (
                r"no such host",
                r"server misbehaving",
                r"temporary failure in name resolution",
                r"connection refused",
                r"connection reset by peer",
                r"no route to host",
                r"network is unreachable",
                r"broken pipe",
                r"i/o timeout",
                r"tls handshake timeout",
                r"tls: ",
                r"x509: ",
                r"context deadline exceeded",
                r"deadline_?exceeded",
                r"context canceled",
                r"client\.timeout exceeded",
                r"timeout (?:exceeded )?while awaiting",
                r"server gave http response to https client",
                r"proxyconnect",
                r"proxy authentication required",
                r"unexpected eof",
                r": eof\b",
                r"http2: ",
                r"received unexpected http status: 5\d\d",
                r"unexpected (?:http )?status[^:]{0,120}: 5\d\d\b",
                r"internal server error",
                r"bad gateway",
                r"service unavailable",
                r"gateway time-?out",
                r"registry (?:is )?unavailable",
                r"pull progress timeout",
            ),
        ),
        (
            "bad_reference",
            (
                r"invalid reference format",
                r"couldn't parse image name",
                r"failed to parse (?:image )?reference",
                r"did not resolve to an alias",
                r"repository name must be lowercase",
            ),
        ),
        # Before "not found": registries say "denied" of what they will not even admit to have, and
        # the two cannot be told apart from outside
        (
            "image_forbidden",
            (
                r"pull access denied",
                r"insufficient_scope",
                r"authorization failed",
                r"failed to authorize",
                r"failed to fetch (?:anonymous|oauth) token",
                r"requested access to the resource is denied",
                r"access to the requested resource is not authorized",
                r"unauthorized",
                r"authentication required",
                r"no basic auth credentials",
                r"unable to retrieve auth token",
                r"invalid username/password",
                r"\b40[13]\b",
                r"\bforbidden\b",
                r"\bdenied\b",
            ),
        ),
        (
            "image_missing",
            (
                r"manifest unknown",
                r"manifest_unknown",
                r"name unknown",
                r"name_unknown",
                r"repository .* not found",
                r"repository does not exist",
                r"manifest for \S+ not found",
                r"failed to resolve (?:reference|image)\b.*: not found",
                r"code = notfound\b",
                r"\b404\b",
                r"no such image",
                r"not found: manifest",
            ),
        ),
    )
)

# The runtime quotes the reference and the URLs that it asked: a repository called "forbidden" or a
# tag "404" must not decide
_QUOTED = re.compile(r'"[^"\s]{0,2048}"|\b(?:https?|docker)://[^\s"]+?(?=[:,;]?(?:\s|$))')
_MANIFEST_OF = re.compile(r"\b(manifest) \S+ (in) \S+")


def cause_of_pull_text(text: str, image: str = "") -> Cause:
    """The cause behind a pull error's text; ``pull_failed`` (not the image's fault) when unknown.

    ``image`` is the reference as it stands in the pod; it is taken out of the text before matching.
    """
    cleaned = text[:MAX_TEXT]
    if image:
        cleaned = cleaned.replace(image, "IMAGE")
    cleaned = _MANIFEST_OF.sub(r"\1 IMAGE \2 IMAGE:", _QUOTED.sub("IMAGE", cleaned))
    return cause(_TABLE.reason_of(cleaned) or "pull_failed")
