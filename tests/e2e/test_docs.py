"""The documentation is true: its code runs, its tables are the code's, its two READMEs are one."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "README.en.md",
    *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs/guides").glob("*.md"))),
]

# Runs a page's blocks one after another in one namespace, `await` and all.
RUNNER = """
import ast, asyncio, inspect, sys
from pathlib import Path
namespace = {"__name__": "docs"}
for name in sys.argv[1:]:
    code = compile(Path(name).read_text("utf-8"), name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)
"""


def blocks(page: str, language: str) -> list[str]:
    """Return a page's code blocks of a language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def environment() -> dict[str, str]:
    """Return an environment with the local platform, without keys, and with the command on its path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QIANFAN_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, "PATH": path, "QIANFAN_LOCAL": "1", "PYTHONIOENCODING": "utf-8"}


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks_run(page, tmp_path):
    """Every Python block of a page runs as it stands, in the page's order, without a warning."""
    files = []
    for index, block in enumerate(blocks(page, "python")):
        if "def test_" not in block:
            files.append(tmp_path / f"block{index}.py")
            files[-1].write_text(block, encoding="utf-8")
    if not files:
        pytest.skip("the page has no code")

    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", RUNNER, *files],
        env=environment(),
        cwd=tmp_path,  # what a page writes is nobody's
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr


# What tests that are coroutines need of pytest-asyncio.
ASYNCIO = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any("def test_" in b for b in blocks(page, "python"))]
)
def test_test_blocks_pass(page, tmp_path):
    """What a page shows as tests passes when pytest runs it."""
    tests = [block for block in blocks(page, "python") if "def test_" in block]
    for index, block in enumerate(tests):
        (tmp_path / f"test_block{index}.py").write_text("import qianfan\n" + block, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", *ASYNCIO, tmp_path],
        env={name: value for name, value in environment().items() if name != "QIANFAN_LOCAL"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout


COMMANDS = [
    (page, line.partition("  #")[0].strip())
    for page in PAGES
    for block in blocks(page, "sh")
    for line in block.splitlines()
    if re.search(r"(^|\| )(qianfan|python examples/\S+) ", line)
]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_commands_run(page, command):
    """Every command a page shows ends well."""
    done = subprocess.run(
        command,
        shell=True,
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, ""), page
    assert done.stdout.strip()


def bare(block: str) -> str:
    """Return a block's code without its comments and the words in its strings."""
    tree = ast.parse(block)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.isascii():
            node.value = "…"
    return ast.dump(tree)


def test_both_readmes_show_the_same_code():
    """README.md and README.en.md show the same code, comments and non-ASCII words apart."""
    chinese, english = (
        [bare(block) for block in blocks(page, "python")] for page in ("README.md", "README.en.md")
    )

    assert chinese == english


def test_both_readmes_have_the_same_parts():
    """README.md and README.en.md have as many headings, of the same levels, and the same number of blocks."""
    headings = [
        re.findall(r"^#+", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE) for page in PAGES[:2]
    ]
    shells = [len(blocks(page, "sh")) for page in PAGES[:2]]

    assert headings[0] == headings[1]
    assert shells[0] == shells[1]


def test_tables_are_the_codes():
    """The guides' tables are those that the code's tables make; `scripts/docs` writes them."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import tables
    finally:
        sys.path.pop(0)

    for guide in tables.TABLES:
        assert (tables.GUIDES / guide).read_text(encoding="utf-8") == tables.render(guide), (
            f"run scripts/docs: {guide}"
        )


def test_first_code_stands_near_the_top():
    """A newcomer meets working code within the README's first thirty lines."""
    for page in PAGES[:2]:
        lines = (ROOT / page).read_text(encoding="utf-8").splitlines()

        assert "```python" in lines[:30], page


def anchors(page: Path) -> set[str]:
    """Return what links can name in a page: its headings, in small letters, blanks as hyphens."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """Every link of a page into the repository names a file that is there, and a heading that is in it."""
    here = ROOT / page
    links = [
        link for link in re.findall(r"\]\(([^)]+)\)", here.read_text(encoding="utf-8")) if "://" not in link
    ]

    missing = []
    for link in links:
        name, _, anchor = link.partition("#")
        target = here.parent / name if name else here
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)

    assert missing == []
