"""What holds for every error that a test provokes."""

import json

from pipelines.core.codes import CODES
from pipelines.core.errors import ForecastError


def message_of(error: ForecastError, *hidden: object) -> str:
    """The message for people, once the error is data, too: a documented code, a remedy that is in the message, and
    nothing `hidden`, such as a path, in what may leave the service.
    """
    told = str(error)
    assert error.code in CODES
    assert error.code != "failed"
    assert error.remedy
    assert told.endswith(error.remedy)
    assert error.field is None or error.field in told
    leaving = f"{error.text} {json.dumps(error.members(), allow_nan=False)}"
    assert not [one for one in hidden if str(one) in leaving]
    return told
