"""`python -m bot` is the same as `taperline`."""

from bot.cli import main

main()
