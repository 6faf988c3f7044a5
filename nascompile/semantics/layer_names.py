"""Names in the rules of a layer: shapes, weights, multiply-accumulates and requirements."""

from __future__ import annotations

from nascompile.semantics.arithmetic import BUILTIN_FUNCTIONS
from nascompile.semantics.extern import extern_entry, missing_extern
from nascompile.semantics.findings import Findings, placeholders
from nascompile.semantics.layers import JOINS
from nascompile.semantics.modules import name_span
from nascompile.semantics.scopes import Names, children
from nascompile.syntax import nodes as ast


def check_layer(declaration: ast.LayerDecl, found: Findings) -> None:
    """A layer's rules know its parameters, the axes that its inputs bind, `out`, and the weights above."""
    found.parameters(declaration.parameters)
    if declaration.extern is not None and extern_entry(declaration.extern) is None:
        found.diagnostics.append(
            missing_extern(declaration.name, declaration.extern, name_span(declaration), is_needed=False)
        )
    rule = declaration.shape
    names = {p.name for p in declaration.parameters}
    for dim in (d for pattern in rule.inputs for d in pattern.dims):
        name = dim.name if isinstance(dim, ast.Star) else dim.id if isinstance(dim, ast.Name) else None
        if name is not None:
            names.add(name)
    if rule.many is not None:
        names.add(rule.many)
    inside = Names(None, names)
    for parameter in declaration.parameters:
        if parameter.default is not None and not parameter.kinds:
            _layer_expression(parameter.default, inside, found)
    for output in rule.outputs:
        if rule.many is None:
            _pattern(output, inside, found)
        elif isinstance(output, ast.Call) and isinstance(output.callee, ast.Name) and output.callee.id not in JOINS:
            message = f"`{output.callee.id}` is no shape of many inputs"
            found.unknown("unknown-name", output.callee.id, message, output.callee, JOINS)
    inside.names.add("out")
    for weight in declaration.weights:
        if weight.condition is not None:
            _layer_expression(weight.condition, inside, found)
        _pattern(weight.shape, inside, found)
    inside.names |= {w.name for w in declaration.weights}
    if declaration.macs is not None:
        _layer_expression(declaration.macs, inside, found)
    for measure in declaration.measures:
        _layer_expression(measure.value, inside, found)
    for require in declaration.requires:
        _layer_expression(require.condition, inside, found)
        for expr, place in placeholders(require):
            _layer_expression(expr, inside, found.at(place))


def _pattern(output: ast.ShapePattern | ast.Expr, names: Names, found: Findings) -> None:
    dims = output.dims if isinstance(output, ast.ShapePattern) else (output,)
    for dim in dims:
        if isinstance(dim, ast.Star):
            if dim.name is not None and dim.name not in names:
                found.unknown("unknown-name", dim.name, f"`{dim.name}` is no axis of the inputs", dim, names.all())
        else:
            _layer_expression(dim, names, found)


def _layer_expression(expr: ast.Expr, names: Names, found: Findings) -> None:
    if isinstance(expr, ast.Call) and isinstance(expr.callee, ast.Name):
        if expr.callee.id not in BUILTIN_FUNCTIONS:
            message = f"`{expr.callee.id}` is not a function of numbers"
            found.unknown("unknown-name", expr.callee.id, message, expr.callee, BUILTIN_FUNCTIONS)
        for argument in expr.arguments:
            _layer_expression(argument.value, names, found)
    elif isinstance(expr, ast.Name):
        if expr.id not in names:
            message = f"`{expr.id}` is no parameter and no axis of this layer"
            found.unknown("unknown-name", expr.id, message, expr, names.all())
    else:
        for child in children(expr):
            _layer_expression(child, names, found)
