"""Image references: what is accepted, what is refused, and that both are exact."""

import string
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.errors import InvalidReference
from studiolo_spawner.reference import MAX_LENGTH, ImageReference, parse_reference

SHA256 = "sha256:" + "0a" * 32
SHA512 = "sha512:" + "0a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python:3.13", ImageReference("docker.io", "library/python", "3.13")),
        ("your-lab/python:3", ImageReference("docker.io", "your-lab/python", "3")),
        ("index.docker.io/python:3", ImageReference("docker.io", "library/python", "3")),
        ("ghcr.io/a/b/c:1", ImageReference("ghcr.io", "a/b/c", "1")),
        ("localhost/x:1", ImageReference("localhost", "x", "1")),
        ("registry.lab:5000/x:1", ImageReference("registry.lab:5000", "x", "1")),
        ("lab:5000/x:1", ImageReference("lab:5000", "x", "1")),
        ("10.0.0.1/x:1", ImageReference("10.0.0.1", "x", "1")),
        ("[2001:db8::1]:5000/x:1", ImageReference("[2001:db8::1]:5000", "x", "1")),
        ("[::1]/x:1", ImageReference("[::1]", "x", "1")),
        (f"ghcr.io/x@{SHA256}", ImageReference("ghcr.io", "x", None, SHA256)),
        (f"ghcr.io/x:1@{SHA256}", ImageReference("ghcr.io", "x", "1", SHA256)),
        (f"ghcr.io/x@{SHA512}", ImageReference("ghcr.io", "x", None, SHA512)),
        (
            "ghcr.io/a.b/c_d/e__f/g---h:_1.X-y",
            ImageReference("ghcr.io", "a.b/c_d/e__f/g---h", "_1.X-y"),
        ),
    ],
    ids=lambda v: v[:40] if isinstance(v, str) else "",
)
def test_accepted(text: str, expected: ImageReference) -> None:
    assert parse_reference(text) == expected
    assert parse_reference(str(expected)) == expected


REFUSED = {
    "empty": "",
    "space": "ghcr.io/x y:1",
    "leading space": " ghcr.io/x:1",
    "line end": "ghcr.io/x:1\n",
    "second line": "ghcr.io/x:1\nghcr.io/y:1",
    "carriage return": "ghcr.io/x:1\r",
    "nul": "ghcr.io/x:1\0",
    "braces": "ghcr.io/{0.__class__}:1",
    "template": "ghcr.io/{{7*7}}:1",
    "dollar": "ghcr.io/$(POD_IP):1",
    "percent": "ghcr.io%2fx:1",
    "percent in path": "ghcr.io/a%2fb:1",
    "backslash": "ghcr.io\\x:1",
    "query": "ghcr.io/x:1?y",
    "fragment": "ghcr.io/x:1#y",
    "scheme": "https://ghcr.io/x:1",
    "user": "user@ghcr.io/x:1",
    "user and password": "user:secret@ghcr.io/x:1",
    "unicode host": "ghcr.іo/x:1",
    "unicode digit": "ghcr.io/x:١",
    "full width": "ghcr.io/\uff58:1",
    "ligature": "ghcr.io/ﬁ:1",
    "upper case host": "GHCR.io/x:1",
    "upper case path": "ghcr.io/X:1",
    "dots": "ghcr.io/../x:1",
    "dot path": "ghcr.io/./x:1",
    "double slash": "ghcr.io//x:1",
    "leading slash": "/x:1",
    "trailing slash": "ghcr.io/x/:1",
    "trailing evil host": "registry.corp/x:1.evil.example/pwn",
    "no repository": "ghcr.io/:1",
    "no tag": "ghcr.io/x",
    "empty tag": "ghcr.io/x:",
    "tag begins with dot": "ghcr.io/x:.1",
    "tag begins with dash": "ghcr.io/x:-1",
    "long tag": "ghcr.io/x:" + "1" * 129,
    "two tags": "ghcr.io/x:1:2",
    "empty digest": "ghcr.io/x@",
    "short digest": "ghcr.io/x@sha256:00",
    "upper case digest": "ghcr.io/x@sha256:" + "0A" * 32,
    "other digest": "ghcr.io/x@md5:" + "0" * 32,
    "two digests": f"ghcr.io/x@{SHA256}@{SHA256}",
    "tag after digest": f"ghcr.io/x@{SHA256}:1",
    "port zero": "ghcr.io:0/x:1",
    "port too large": "ghcr.io:65536/x:1",
    "port with letters": "ghcr.io:5a/x:1",
    "port with zero": "ghcr.io:080/x:1",
    "label begins with dash": "-ghcr.io/x:1",
    "label ends with dash": "ghcr-.io/x:1",
    "empty label": "ghcr..io/x:1",
    "trailing dot": "ghcr.io./x:1",
    "bad address": "[::g]/x:1",
    "address with zone": "[fe80::1%25eth0]/x:1",
    "open bracket": "[::1/x:1",
    "long": "ghcr.io/" + "x" * 250 + ":1",
    "very long": "x" * 1_000_000,
    "three underscores": "ghcr.io/a___b:1",
    "begins with dash": "ghcr.io/-x:1",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_refused(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert caught.value.user_message.isprintable()
    assert len(caught.value.user_message) < 300


@pytest.mark.parametrize("value", [None, 3, b"ghcr.io/x:1", ["ghcr.io/x:1"]], ids=repr)
def test_what_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidReference, match="it is not text"):
        parse_reference(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("ghcr.io/x", "add one, such as :1.0"),
        ("https://ghcr.io/x:1", "leave out the scheme"),
        ("GHCR.io/x:1", "write it in lower case"),
        ("ghcr.io/x@user", "sha256: and 64"),
    ],
    ids=["no tag", "scheme", "case", "digest"],
)
def test_the_message_says_what_to_do(text: str, part: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert part in caught.value.user_message


def test_the_administrator_may_choose_a_default_tag() -> None:
    assert parse_reference("ghcr.io/x", default_tag="latest").tag == "latest"
    assert parse_reference("ghcr.io/x:1", default_tag="latest").tag == "1"
    assert parse_reference(f"ghcr.io/x@{SHA256}", default_tag="latest").tag is None
    with pytest.raises(InvalidReference):
        parse_reference("ghcr.io/x", default_tag="a/b")


def test_pinning() -> None:
    tagged = parse_reference("ghcr.io/x:1")
    pinned = tagged.with_digest(SHA256)
    assert not tagged.pinned
    assert pinned.pinned
    assert str(pinned) == f"ghcr.io/x:1@{SHA256}"
    with pytest.raises(InvalidReference):
        tagged.with_digest("sha256:00")


def test_immutable() -> None:
    reference = parse_reference("ghcr.io/x:1")
    with pytest.raises(FrozenInstanceError):
        reference.tag = "2"  # type: ignore[misc]


def test_the_length_bound_is_exact() -> None:
    room = MAX_LENGTH - len("ghcr.io/:1")
    assert parse_reference(f"ghcr.io/{'x' * room}:1")
    with pytest.raises(InvalidReference, match="longer than"):
        parse_reference(f"ghcr.io/{'x' * (room + 1)}:1")


@given(st.text() | st.text(string.ascii_letters + string.digits + "._-/:@[]", max_size=80))
def test_any_text_is_refused_or_round_trips(text: str) -> None:
    try:
        reference = parse_reference(text)
    except InvalidReference:
        return
    assert parse_reference(str(reference)) == reference
    assert str(reference).isascii()
    assert len(str(reference).partition("@")[0]) <= MAX_LENGTH
    assert text.rpartition("/")[2] in str(reference)
