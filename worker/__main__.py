"""`python -m worker` is `lesart`."""

from worker.cli.program import main

main()
