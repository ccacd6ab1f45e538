"""Small changes of a source file, each of which some test should notice."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "or_": "and_", "and_": "or_"}
UNTESTED = frozenset({"LOG", "warnings"})
"""The names of what only tells a person something: their calls are left as they are."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One expression or statement of a file, and what replaces it."""

    line: int
    start: int
    end: int
    before: str
    after: str

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.after.encode() + source[self.end :]


def mutants(source: bytes) -> Iterator[Mutant]:
    """Yield all mutants of a source file, in the order of their places."""
    offsets = [0]
    for line in source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    for node in _tested(ast.parse(source)):
        for changed in _changes(node):
            assert isinstance(node, ast.expr | ast.stmt)
            start = offsets[node.lineno - 1] + node.col_offset
            end = offsets[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            before = source[start:end].decode()
            if before != changed:
                yield Mutant(node.lineno, start, end, before, changed)


def _tested(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes whose value a test can see: no annotations, docstrings, decorators, logs."""
    waiting = [tree]
    while waiting:
        node = waiting.pop(0)
        yield node
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "bases"}:
                continue
            children = value if isinstance(value, list) else [value]
            waiting += [each for each in children if isinstance(each, ast.AST) and _is_seen(each)]


def _is_seen(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.Assert | ast.JoinedStr):
        return False
    if isinstance(node, ast.Expr):
        if isinstance(node.value, ast.Constant):
            return False
        named = node.value.func if isinstance(node.value, ast.Call) else None
        while isinstance(named, ast.Attribute):
            named = named.value
        return not (isinstance(named, ast.Name) and named.id in UNTESTED)
    return True


def _changes(node: ast.AST) -> Iterator[str]:
    """Yield what may stand in place of a node."""
    yield from _changed_conditions(node)
    yield from _changed_values(node)
    match node:
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "return None"
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield "pass"
        case ast.Continue():
            yield "break"
        case ast.Break():
            yield "continue"


def _changed_conditions(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(ops=[kind]) if type(kind) in COMPARED:
            yield _with(node, ops=[COMPARED[type(kind)]()])
        case ast.BoolOp(op=ast.And()):
            yield _with(node, op=ast.Or())
            yield ast.unparse(node.values[0])
        case ast.BoolOp(op=ast.Or()):
            yield _with(node, op=ast.And())
        case ast.UnaryOp(op=ast.Not()):
            yield f"({ast.unparse(node.operand)})"


def _changed_values(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.BinOp(op=kind) if type(kind) in CALCULATED:
            yield f"({_with(node, op=CALCULATED[type(kind)]())})"
        case ast.Constant(value=bool() as value):
            yield str(not value)
        case ast.Constant(value=int() | float() as value):
            yield str(value + 1)
        case ast.IfExp():
            yield f"({ast.unparse(node.body)})"
            yield f"({ast.unparse(node.orelse)})"
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            yield _with(node, func=ast.Name(NAMES[name]))


def _with(node: ast.AST, **fields: object) -> str:
    changed = deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return ast.unparse(ast.fix_missing_locations(changed))
