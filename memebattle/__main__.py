"""`python -m memebattle`."""

from memebattle.cli.app import main

main()
