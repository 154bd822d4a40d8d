# MuJoCo's bindings are compiled and come without type stubs: to pyright, every name in them is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
