"""``python -m neurorun`` is the command ``neurorun``."""

from neurorun.cli import main

main()
