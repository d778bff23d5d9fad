"""Search a text file of your own: the lines nearest to a question, by their vectors.

QIANFAN_LOCAL=1 python examples/semantic_search.py FILE [QUESTION]

Without a question it asks for one after the other. Any UTF-8 file will do, in Chinese or English. The
local platform's vectors compare words, a model's compare meaning.
"""

import re
import sys
from math import hypot
from operator import mul
from pathlib import Path
from typing import NamedTuple

import qianfan

SHOWN = 5  # lines for each question
LONGEST = 300  # characters of a piece: in any language fewer tokens than the 384 of Embedding-V1

# As much as fits: up to the line's end, else up to the end of a sentence or word, else to the limit.
PIECE = re.compile(rf".{{1,{LONGEST}}}$|.{{1,{LONGEST - 1}}}[。！？；，.!?;,\s]|.{{1,{LONGEST}}}")


class Piece(NamedTuple):
    """A line of the file, or a part of a long one."""

    line: int
    text: str


def read(path: str) -> list[Piece]:
    """Return the pieces of a file; exit with a message where there are none."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        sys.exit(f"读不了 {path} (cannot be read): {error.strerror}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        sys.exit(f"{path} 不是 UTF-8 文本 (is no UTF-8 text)")
    if "\0" in text:
        sys.exit(f"{path} 是二进制文件 (is a binary file)")
    pieces = [
        Piece(number, part.strip())
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1)
        for part in PIECE.findall(line.rstrip())
        if part.strip()
    ]
    if not pieces:
        sys.exit(f"{path} 里没有文字 (is empty)")
    return pieces


def embed(embedding: qianfan.Embedding, texts: list[str]) -> list[list[float]]:
    """Return the vectors of texts, each of length 1, so that a product says how near two are."""
    vectors = [item["embedding"] for item in embedding.do(texts=texts)["data"]]
    return [[number / (hypot(*vector) or 1) for number in vector] for vector in vectors]


def main() -> None:
    """Answer the question of the command line, or those that are typed."""
    if len(sys.argv) < 2:
        sys.exit("用法 (usage): python examples/semantic_search.py FILE [QUESTION]")
    pieces = read(sys.argv[1])
    embedding = qianfan.Embedding()
    vectors = embed(embedding, [piece.text for piece in pieces])

    def answer(question: str) -> None:
        asked = embed(embedding, [question[:LONGEST]])[0]
        scores = [sum(map(mul, asked, vector)) for vector in vectors]
        for index in sorted(range(len(pieces)), key=lambda i: -scores[i])[:SHOWN]:
            print(f"{scores[index]:5.2f}  {pieces[index].line:>5}: {pieces[index].text}")

    if question := " ".join(sys.argv[2:]).strip():
        answer(question)
        return
    print(f"{len(pieces)} 段文字；输入问题，空行结束 (ask; an empty line ends)")
    while question := input("> ").strip():
        answer(question)


if __name__ == "__main__":
    try:
        main()
    except (EOFError, KeyboardInterrupt):
        print()
    except qianfan.errors.QianfanError as error:
        sys.exit(str(error))
