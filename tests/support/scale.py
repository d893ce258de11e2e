"""How often a proof tries: a few times beside the other tests, and as often as asked where PROOF is `full`.

`scripts/dev/benchmark.py proof` sets it, and makes a page of what the proofs tell with `record_property`.
"""

import os


def times(usual: int, full: int) -> int:
    """How many tries."""
    return full if os.environ.get("PROOF") == "full" else usual
