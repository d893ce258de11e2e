"""What schemathesis cannot know of the site: which series there are. A value that is valid stays one."""

import os
from typing import Any

import schemathesis

SERIES = os.environ["SERIES"].split("\n")


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Series that exist in place of made-up ones, where nothing else of the body is in doubt."""
    ids = body.get("unique_ids") if isinstance(body, dict) else None
    if not isinstance(ids, list) or not all(isinstance(one, str) and 0 < len(one) <= 300 for one in ids):
        return body
    valid = 0 < len(ids) == len(set(ids)) <= 100 and body.get("future") is None
    return {**body, "unique_ids": SERIES[: len(ids)]} if valid else body
