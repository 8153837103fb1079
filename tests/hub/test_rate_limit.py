"""So many at once, then so many a second."""

from studiolo_hub.rate_limit import RateLimit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_so_many_at_once_and_then_one_after_another() -> None:
    clock = Clock()
    limit = RateLimit(at_once=3, per_second=0.5, clock=clock)
    assert [limit.take("ana") for _ in range(4)] == [0, 0, 0, 2]
    clock.now = 1
    assert limit.take("ana") == 1
    clock.now = 2
    assert [limit.take("ana") for _ in range(2)] == [0, 2]


def test_a_refusal_costs_nothing_and_everybody_has_their_own() -> None:
    clock = Clock()
    limit = RateLimit(at_once=1, per_second=1, clock=clock)
    assert limit.take("ana") == 0
    assert [limit.take("ana") for _ in range(5)] == [1] * 5
    assert limit.take("ben") == 0
    clock.now = 1
    assert limit.take("ana") == 0


def test_a_bucket_never_overflows() -> None:
    clock = Clock()
    limit = RateLimit(at_once=2, per_second=10, clock=clock)
    limit.take("ana")
    clock.now = 1_000_000
    assert [limit.take("ana") == 0 for _ in range(3)] == [True, True, False]


def test_names_are_bounded() -> None:
    limit = RateLimit(at_once=1, per_second=1, names=10, clock=Clock())
    for number in range(1000):
        limit.take(f"user-{number}")
    assert len(limit) == 10
