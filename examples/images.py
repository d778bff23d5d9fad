"""An image made from a text, kept in a file, and told in words again.

QIANFAN_LOCAL=1 python examples/images.py [FILE]
"""

import sys
from pathlib import Path

import qianfan

file = Path(sys.argv[1] if len(sys.argv) > 1 else "qianfan.png")

resp = qianfan.Text2Image().do(prompt="西湖边的一只猫，水彩", size="768x768", seed=7)
file.write_bytes(resp.images[0])
print(f"已写入 {file}，{file.stat().st_size} 字节")

print(qianfan.Image2Text().do(prompt="图里有什么？", image=file)["result"])
