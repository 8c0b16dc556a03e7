"""``python -m cli``: the command in a clone, without installing it."""

from cli.main import main

main()
