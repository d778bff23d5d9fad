"""`python -m qianfan` is the command `qianfan`."""

from qianfan.cli import main

main()
