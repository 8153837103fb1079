"""Each pod has an address of its own, on the whole machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest
from studiolo_local.kubelet.addresses import AddressPool


@pytest.fixture
def pool() -> Iterator[AddressPool]:
    found = AddressPool()
    yield found
    found.close()


def test_addresses_are_different_and_loopback(pool: AddressPool) -> None:
    taken = [pool.take() for _ in range(300)]
    assert len(set(taken)) == 300
    assert all(
        ipaddress.IPv4Address(each) in ipaddress.IPv4Network("127.77.0.0/16") for each in taken
    )
    assert not any(each.endswith((".0", ".255")) for each in taken)


def test_a_released_address_is_not_the_next(pool: AddressPool) -> None:
    first = pool.take()
    pool.release(first)
    assert pool.take() != first


def test_the_preferred_address_if_it_is_free(pool: AddressPool) -> None:
    address = pool.take()
    assert pool.take(address) != address
    pool.release(address)
    assert pool.take(address) == address


@pytest.mark.parametrize("preferred", ["127.0.0.1", "10.0.0.1"])
def test_other_networks_are_never_given(pool: AddressPool, preferred: str) -> None:
    assert pool.take(preferred) != preferred


def test_two_clusters_of_one_machine_do_not_meet(pool: AddressPool) -> None:
    mine = [pool.take() for _ in range(5)]
    other = AddressPool(after=address_before(mine[0]))
    try:
        assert not {other.take() for _ in range(5)} & set(mine)
    finally:
        other.close()


def address_before(address: str) -> str:
    """The address before another."""
    return str(ipaddress.IPv4Address(address) - 1)


def test_it_goes_on_where_it_stopped(pool: AddressPool) -> None:
    other = AddressPool(after="127.77.3.254")
    try:
        assert other.take().startswith("127.77.4.")
    finally:
        other.close()
