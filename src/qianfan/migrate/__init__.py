"""What programs written for v1, or for the official SDK, meet on v2 and with this package.

    report = scan([Path("my_project")])

Reads files and nothing else: no program is imported, run or written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.errors import InvalidArgumentError
from qianfan.migrate import sources, texts
from qianfan.migrate.calls import Calls
from qianfan.migrate.findings import Findings
from qianfan.migrate.program import Program
from qianfan.migrate.report import Report
from qianfan.migrate.sources import Place, Source
from qianfan.migrate.statements import Statements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: What no reading of programs can see.
_LIMITS = (
    "运行时才知道的值：来自参数、配置文件、数据库、网络的模型名、地址与密钥",
    "环境变量与 .env 里已有的设置，Python 以外的文件（YAML、shell、Dockerfile 等）",
    "平台上的情况：服务是否已在 v2 发布，账号可用哪些模型，模型的回答是否合用",
    "请求的内容：messages 的顺序与条数、参数的取值范围，都由平台判断",
    "没有放在这次路径里的代码，以及其他库在内部发出的请求",
)


def scan(paths: Iterable[Path]) -> Report:
    """Read the Python files and notebooks at some paths, and report what to change.

    Raises:
        InvalidArgumentError: A path is not there, or there is nothing to read.
    """
    named = list(paths)
    for path in named:
        if not path.exists():
            raise InvalidArgumentError(f"没有 {path} (no such file or folder)")
    read = [Source(path) for path in sources.find(named)]
    if not read:
        raise InvalidArgumentError("没有 Python 文件或笔记本 (no Python files or notebooks)")
    findings = Findings(Program(read))
    _check(findings)
    for source in read:
        for unread in source.unread:
            findings.add("file-unread", unread.place, reason=unread.reason)
    for path in named:
        if findings.kinds and (path / ".env").is_file():
            findings.add("dotenv-file", Place(str(path / ".env"), 1, 1))
    return Report(
        [str(source.path) for source in read], findings.listed(), _settings(findings.kinds), _LIMITS
    )


def _check(findings: Findings) -> None:
    """Check every node of every file; texts that may be names last, when it is known which are."""
    calls, statements = Calls(findings), Statements(findings)
    nodes = [pair for module in findings.program.modules for pair in module.nodes]
    for node, scope in nodes:
        texts.check(findings, node, scope)
        if findings.program.uses_it:
            statements.check(node, scope)
            calls.check(node, scope)
    for node, scope in nodes:
        texts.check_name(findings, node, scope)


def _settings(kinds: set[str]) -> list[str]:
    """Return what to set for what the programs ask."""
    pair = "QIANFAN_ACCESS_KEY 与 QIANFAN_SECRET_KEY"
    lines = []
    if kinds - {"console"}:
        lines.append(f"QIANFAN_API_KEY=bce-v3/ALTAK-…，或 {pair}（v2 的推理）")
    if "console" in kinds:
        lines.append(f"{pair}（调优、模型、服务、数据集）")
    return lines
