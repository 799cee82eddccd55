"""Argv becomes a listening simulator."""

from tests.simulators.openai_api.api import Api
from tests.simulators.serving import parser_of, run

if __name__ == "__main__":
    arguments = parser_of("tests.simulators.openai_api").parse_args()
    run(arguments.host, arguments.port, Api().handle)
