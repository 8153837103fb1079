from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_hub.claims import (
    SignInRefused,
    canonical_name,
    canonical_names,
    exact_name,
    groups_of,
    username_of,
)

ANA = {"email": "Ana@Example.org", "email_verified": True, "sub": "CgNBbmE", "groups": ["ml"]}


@pytest.mark.parametrize(
    ("claims", "claim", "name"),
    [
        pytest.param(ANA, "email", "ana@example.org", id="e-mail-lower-case"),
        pytest.param(ANA, "sub", "~cg~n~bbm~e", id="sub-keeps-capitals-apart"),
        pytest.param({"preferred_username": "ana"}, "preferred_username", "ana", id="plain"),
        pytest.param({"preferred_username": "a~b"}, "preferred_username", "a~~b", id="tilde"),
        pytest.param({"sub": "Ärzte"}, "sub", "~0c4.rzte", id="capital-outside-ascii"),
        pytest.param({"sub": "名前"}, "sub", "名前", id="letters-without-case"),
    ],
)
def test_user_name(claims: dict[str, Any], claim: str, name: str) -> None:
    assert username_of(claims, claim=claim) == name


@pytest.mark.parametrize(
    ("claims", "claim", "reason"),
    [
        pytest.param({}, "email", "claim_missing", id="no-claims"),
        pytest.param({"email": ""}, "email", "claim_missing", id="empty"),
        pytest.param({"sub": 7}, "sub", "claim_missing", id="number"),
        pytest.param({"sub": ["ana"]}, "sub", "claim_missing", id="list"),
        pytest.param({"email": "a@b"}, "email", "email_not_verified", id="verification-unknown"),
        *[
            pytest.param(
                {"email": "a@b", "email_verified": value},
                "email",
                "email_not_verified",
                id=f"verified-is-{value!r}",
            )
            for value in (False, None, "true", "false", 1, [True])
        ],
        *[
            pytest.param({**ANA, "email": email}, "email", "email_malformed", id=name)
            for name, email in {
                "no-at": "ana",
                "two-ats": "a@b@c",
                "blank-inside": "a b@c",
                "line-break": "ana@example.org\nadmin",
                "kelvin-sign": "\u212aim@example.org",
            }.items()
        ],
        *[
            pytest.param({"sub": sub}, "sub", "name_malformed", id=name)
            for name, sub in {
                "control": "ana\x00",
                "cr-lf": "ana\r\nInjected: yes",
                "right-to-left": "ana\u202egnp",
                "surrogate": "ana\ud800",
                "blank-at-end": "ana ",
                "slash": "ana/../ben",
                "dots": "..",
            }.items()
        ],
        pytest.param({"sub": "a" * 256}, "sub", "name_too_long", id="256"),
        pytest.param({"sub": "A" * 255}, "sub", "name_too_long", id="255-capitals-escaped"),
        pytest.param({"sub": "x" * 2**20}, "sub", "name_too_long", id="1-MiB"),
    ],
)
def test_user_name_refused(claims: dict[str, Any], claim: str, reason: str) -> None:
    with pytest.raises(SignInRefused) as refusal:
        username_of(claims, claim=claim)
    assert refusal.value.reason == reason
    assert refusal.value.status == 403
    # What came from outside is not repeated: it may hold anything, and the log would show it.
    assert "\n" not in refusal.value.user_message
    assert len(refusal.value.user_message) < 300


def test_unverified_e_mail_passes_when_the_operator_says_so() -> None:
    assert username_of({"email": "a@b"}, require_verified=False) == "a@b"


@given(st.text(), st.text())
def test_no_two_exact_names_become_one(one: str, other: str) -> None:
    assert (exact_name(one).lower() == exact_name(other).lower()) == (one == other)


@given(st.text())
def test_lower_casing_leaves_exact_names_alone(name: str) -> None:
    assert exact_name(name).lower() == exact_name(name)


def test_names_of_the_settings_meet_the_names_of_the_claims() -> None:
    assert canonical_names(["Ana@Example.org"], claim="email") == {username_of(ANA)}
    assert canonical_name("CgNBbmE", claim="sub") == username_of(ANA, claim="sub")


@pytest.mark.parametrize(
    ("value", "groups"),
    [
        pytest.param(["ml", "vision"], {"ml", "vision"}, id="list"),
        pytest.param([], set(), id="empty"),
        pytest.param(None, set(), id="null"),
        pytest.param(["ml", "ml"], {"ml"}, id="twice"),
        pytest.param(["Ml", "ml "], {"Ml", "ml "}, id="exactly-as-sent"),
        pytest.param([f"g{n}" for n in range(1000)], {f"g{n}" for n in range(1000)}, id="1000"),
    ],
)
def test_groups(value: object, groups: set[str]) -> None:
    assert groups_of({"groups": value}) == groups


def test_a_person_without_a_groups_claim_is_in_no_group() -> None:
    assert groups_of({}) == frozenset()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("team", "groups_malformed", id="string"),
        pytest.param("", "groups_malformed", id="empty-string"),
        pytest.param({"admins": True}, "groups_malformed", id="dict"),
        pytest.param(7, "groups_malformed", id="number"),
        pytest.param(False, "groups_malformed", id="false"),
        pytest.param([["admins"]], "groups_malformed", id="nested"),
        pytest.param(["ml", None], "groups_malformed", id="null-inside"),
        pytest.param(["ml", 7], "groups_malformed", id="number-inside"),
        pytest.param([{"name": "ml"}], "groups_malformed", id="dict-inside"),
        pytest.param(["ml", ""], "groups_malformed", id="empty-name"),
        pytest.param(["ml\n"], "groups_malformed", id="line-break"),
        pytest.param(["g" * 256], "groups_malformed", id="long-name"),
        pytest.param([f"g{n}" for n in range(10_000)], "groups_too_many", id="10000"),
    ],
)
def test_groups_refused(value: object, reason: str) -> None:
    with pytest.raises(SignInRefused) as refusal:
        groups_of({"groups": value})
    assert refusal.value.reason == reason


def test_another_claim_and_another_limit() -> None:
    assert groups_of({"roles": ["a", "b"]}, claim="roles", limit=2) == {"a", "b"}
    with pytest.raises(SignInRefused, match="3 groups; at most 2"):
        groups_of({"roles": ["a", "b", "c"]}, claim="roles", limit=2)
