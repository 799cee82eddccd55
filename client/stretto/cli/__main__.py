"""`python -m stretto.cli`."""

from stretto.cli import main

main()
