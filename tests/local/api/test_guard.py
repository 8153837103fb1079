from __future__ import annotations

import pytest
from studiolo_local.api.guard import is_loopback


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8001", True),
        ("127.77.3.4:80", True),
        ("localhost:6443", True),
        ("LocalHost", True),
        ("[::1]:6443", True),
        ("[::1]", True),
        ("", False),
        ("evil.example", False),
        ("evil.example:80", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("10.0.0.1", False),
        ("0.0.0.0:80", False),
        ("[::]:80", False),
        ("127.0.0.1:80@evil.example", False),
        ("127.0.0.1:8a", False),
        ("127.1", False),
    ],
)
def test_only_this_machines_own_names_are_its_own(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
