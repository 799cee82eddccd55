"""Argv becomes a listening simulator."""

from tests.simulators.prometheus.api import Api
from tests.simulators.serving import parser_of, run

if __name__ == "__main__":
    parser = parser_of("tests.simulators.prometheus")
    parser.add_argument("--delay-seconds", type=float, default=0, help="time that each answer takes")
    arguments = parser.parse_args()
    run(arguments.host, arguments.port, Api(arguments.delay_seconds).handle)
