"""The command `qianfan`; its commands need the extra `cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from qianfan.cli.app import app
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in {"typer", "rich", "click", "shellingham"}:
            raise
        sys.exit(
            "qianfan: 命令行需要附加依赖 (the command line needs an extra): pip install 'qianfan[cli,local]'"
        )
    app()
