"""`python -m bot`: the same as the `redgreen` script."""

from bot.cli import main

main()
