"""`python -m worker` is `lesart`."""

from worker.cli.commands import main

main()
