"""A JSON schema that the caller wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qianfan.schema.shapes import Loader, Mismatch, quoted, same

if TYPE_CHECKING:
    from qianfan.schema.shapes import Path

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


class Given(Loader):
    """JSON that a schema of the caller's describes; its value is the JSON itself.

    Checked is what says where a value belongs: `type`, `enum`, `const`, `properties`, `required`,
    `additionalProperties`, `prefixItems`, `items`, `anyOf`, `oneOf` (as `anyOf`), `allOf` and `$ref` within the
    schema. What else it says (`minimum`, `pattern`, `format`, …) is not: a library such as jsonschema can.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def load(self, value: Any, path: Path) -> Any:
        """Return the JSON itself."""
        self._check(self._schema, value, path)
        return value

    def _check(self, schema: Any, value: Any, path: Path) -> None:
        if schema is False:
            raise Mismatch(path, "nothing", value)
        if not isinstance(schema, Mapping):
            return
        if "$ref" in schema:
            self._check(self._referred(schema["$ref"]), value, path)
        _check_type(schema, value, path)
        for part in schema.get("allOf", ()):
            self._check(part, value, path)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                self._check_any(schema[word], value, path)
        if type(value) is dict:
            self._check_object(schema, value, path)
        elif type(value) is list:
            self._check_array(schema, value, path)

    def _check_any(self, schemas: Any, value: Any, path: Path) -> None:
        deepest = Mismatch(path, "one of the alternatives of the schema", value)
        for schema in schemas:
            try:
                return self._check(schema, value, path)
            except Mismatch as mismatch:  # noqa: PERF203  # the one that fitted furthest says most
                if len(mismatch.path) > len(deepest.path):
                    deepest = mismatch
        raise deepest

    def _check_object(self, schema: Mapping[str, Any], value: dict[str, Any], path: Path) -> None:
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                raise Mismatch((*path, name), "a value", got="nothing")
        others = True if "patternProperties" in schema else schema.get("additionalProperties", True)
        for name, part in value.items():
            self._check(properties.get(name, others), part, (*path, name))

    def _check_array(self, schema: Mapping[str, Any], value: list[Any], path: Path) -> None:
        items = schema.get("items", True)
        first = schema.get("prefixItems", ())
        for index, part in enumerate(value):
            self._check(first[index] if index < len(first) else items, part, (*path, index))

    def _referred(self, reference: str) -> Any:
        """Return what a reference within the schema refers to; True, which fits all, for any other."""
        found: Any = self._schema
        start, *parts = reference.split("/")
        if start != "#":
            return True
        for part in parts:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                return True
            found = found[name]
        return found


def _check_type(schema: Mapping[str, Any], value: Any, path: Path) -> None:
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if not any(_is(value, name) for name in names):
            raise Mismatch(path, " or ".join(names), value)
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if allowed is not None and not any(same(one, value) for one in allowed):
        raise Mismatch(path, f"one of {', '.join(map(quoted, allowed))}", value)


def _is(value: Any, name: str) -> bool:
    if name == "integer" and type(value) is float:
        return value.is_integer()
    return type(value) in _TYPES.get(name, (type(value),))
