"""The cache: what clients can make it keep has an end, whatever they ask and however little there is to answer."""

import asyncio
import sys
from collections.abc import Hashable

from backend.core.cache import Cache, fingerprint
from backend.core.metrics import Metrics


class Empty:
    """An answer that says of itself that it takes nothing."""

    nbytes = 0


def kept(cache: Cache, keys: list[Hashable], value: object) -> list[Hashable]:
    """Which of these keys still have a value after all were asked for, the oldest first."""

    async def ask() -> None:
        for key in keys:
            await cache.get("metrics", key, lambda: value)

    asyncio.run(ask())
    return [key for key in keys if ("metrics", key) in cache._values]


def test_empty_answers_are_evicted_too() -> None:
    """A million distinct questions with nothing to answer would be kept for ever if an empty answer weighed nothing."""
    keys: list[Hashable] = list(range(3_000))
    found = kept(Cache(1, Metrics()), keys, Empty())
    assert 500 < len(found) <= 1_048
    assert found == keys[-len(found) :]


def test_a_key_counts_with_all_that_it_is_made_of() -> None:
    """Names that a client sends lie in the key; 40 kB of them are not free because the answer is short."""
    keys: list[Hashable] = [
        ("run", tuple(f"{number}-{part}-" + "😀" * 100 for part in range(100))) for number in range(60)
    ]
    found = kept(Cache(1, Metrics()), keys, b"")
    assert sum(sum(map(sys.getsizeof, names)) for _, names in found) < 2**20
    assert len(found) < 30


def test_a_large_value_is_kept_alone() -> None:
    """A table that is larger than the cache is still read only once."""
    cache = Cache(0.01, Metrics())
    assert kept(cache, ["small", "large"], bytes(2**20)) == ["large"]


def test_a_fingerprint_is_short_and_tells_parts_apart() -> None:
    """As long for 100 names as for none, for any text; the same parts in other places make another one."""
    odd = ("a" * 10**5, None, ("b", "\ud800"))
    assert len(fingerprint(*odd)) == len(fingerprint()) == 32
    assert (
        len({fingerprint(*parts) for parts in (odd, ("ab",), ("a", "b"), (("a", "b"),), ("b", "a"), ("a", None))}) == 6
    )
