"""The engine `ray` where there is no Ray."""

from __future__ import annotations

from support.processes import python

WITHOUT = """
import sys
import qianfan

class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *more):
        return None if name.partition(".")[0] == "ray" else self.finder.find_spec(name, *more)

sys.meta_path[:] = map(Without, sys.meta_path)
with qianfan.Qianfan(access_token="24.x") as client:
    for way in (client.map, client.amap):
        try:
            way(["你好"], engine="ray")
        except qianfan.errors.InvalidArgumentError as error:
            print(error)
"""


def test_ray_is_not_installed():
    """It says what to install, before anything is read or sent."""
    assert python(WITHOUT) == "Ray is not installed → pip install 'qianfan[ray]'\n" * 2
