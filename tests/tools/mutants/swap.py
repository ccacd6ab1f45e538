"""Puts a changed source into a process that has already imported the module."""

import ast
import gc
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType


def swap(path: Path, before: bytes, after: bytes) -> bool:
    """Give the functions of a module the code of a changed source; return False where it takes more.

    More is needed for class bodies and default values, which are computed when the module is imported.
    """
    changed = _changed_statement(before, after)
    if isinstance(changed, ast.FunctionDef | ast.ClassDef):
        return _swap_functions(path, before, after)
    return changed is not None and _assign(path, changed)


def _changed_statement(before: bytes, after: bytes) -> ast.stmt | None:
    """Return the statement of the module that is changed, if what is changed is not in its head."""
    pairs = zip(ast.parse(before).body, ast.parse(after).body, strict=True)
    here, there = next(pair for pair in pairs if ast.dump(pair[0]) != ast.dump(pair[1]))
    return there if _heads(here) == _heads(there) else None


def _heads(statement: ast.stmt) -> list[str]:
    """Return what Python computes when it meets definitions: all but the bodies of functions."""
    if isinstance(statement, ast.ClassDef):
        return [head for each in statement.body for head in _heads(each)]
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return [ast.dump(statement.args), *map(ast.dump, statement.decorator_list)]
    return []


def _swap_functions(path: Path, before: bytes, after: bytes) -> bool:
    old, new = (list(_codes(compile(each, path, "exec"))) for each in (before, after))
    if [name for name, _code in old] != [name for name, _code in new]:
        return False
    codes = {
        (code.co_qualname, code.co_firstlineno): changed
        for (_name, code), (_same, changed) in zip(old, new, strict=True)
    }
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename == str(path):
            was = function.__code__
            code = codes[was.co_qualname, was.co_firstlineno]
            if code.co_freevars != was.co_freevars:
                return False
            function.__code__ = code
    return True


def _codes(code: CodeType) -> Iterator[tuple[tuple[str, int], CodeType]]:
    """Yield the code of all functions in a module, each with its name and its number of that name."""
    seen: Counter[str] = Counter()
    waiting = [code]
    while waiting:
        for each in waiting.pop().co_consts:
            if isinstance(each, CodeType):
                seen[each.co_qualname] += 1
                yield (each.co_qualname, seen[each.co_qualname]), each
                waiting.append(each)


def _assign(path: Path, statement: ast.stmt) -> bool:
    """Repeat an assignment of a module, for those that imported the name, too."""
    targets = (
        statement.targets
        if isinstance(statement, ast.Assign)
        else [getattr(statement, "target", None)]
    )
    names = [each.id for each in targets if isinstance(each, ast.Name)]
    module = next(
        (m for m in sys.modules.values() if getattr(m, "__file__", "") == str(path)), None
    )
    if not names or module is None or len(names) < len(targets):
        return False
    was = {name: vars(module)[name] for name in names}
    exec(compile(ast.Module([statement], []), path, "exec"), vars(module))
    for other in list(sys.modules.values()):
        for name, value in was.items():
            if getattr(other, "__dict__", {}).get(name) is value:
                setattr(other, name, vars(module)[name])
    return True
