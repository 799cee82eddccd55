"""What is left of docket's own ways."""

import logging

from redis.exceptions import ConnectionError as Disconnected
from structlog.testing import capture_logs

from stretto.server.cluster._docket import set_up_docket_log


def test_docket_warns_in_our_log_but_not_of_each_task_nor_of_a_redis_that_is_away() -> None:
    set_up_docket_log()
    log = logging.getLogger("docket.worker")
    with capture_logs() as logs:
        log.info("A task.")
        log.warning("Redis is unavailable.", exc_info=Disconnected("away"))
        log.warning("Something %s.", "odd")

    assert [(line["event"], line["said"], line["log_level"]) for line in logs] == [
        ("docket_says", "Something odd.", "warning")
    ]
