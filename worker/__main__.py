"""`python -m worker` is `lesart`."""

from worker.cli import main

main()
