"""Named tuples without the price of `typing`, for what runs at every prompt.

Importing `typing` takes a third of a bare interpreter's start, and each of its named tuples twice as long as one
of `collections` (Python 3.11: 87 and 40 µs; there are thirty). Type checkers see the real thing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # a name that type checkers take for true

if TYPE_CHECKING:
    from typing import Any as Any
    from typing import NamedTuple as NamedTuple
    from typing import TextIO as TextIO
else:
    from collections import namedtuple

    Any = TextIO = object

    class _Declared(type):
        """Makes of a class with annotated fields the named tuple that it declares."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body["__annotations__"]
            defaults = [body[field] for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            for key, value in body.items():
                if key not in fields and key not in ("__module__", "__qualname__", "__annotations__"):
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Declared):
        """What a record derives from; `typing.NamedTuple` to a type checker."""
