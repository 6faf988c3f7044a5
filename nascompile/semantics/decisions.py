"""Naming, registering and binding decisions."""

from __future__ import annotations

from typing import Any

from nascompile.diagnostics import Label
from nascompile.ir.program import (
    Decision,
)
from nascompile.semantics.context import Env, Frame
from nascompile.semantics.values import (
    PickedOperator,
)
from nascompile.source import Span
from nascompile.syntax import nodes as ast


def decision_path(frame: Frame, attributes: ast.Attributes) -> str:
    """Prefix of the frame, loop indices, and the name that the statement binds or `as` gives; empty if unnamed."""
    if attributes.alias is not None:
        name = attributes.alias + (f"[{', '.join(map(str, frame.loops))}]" if frame.loops else "")
    else:
        name = frame.binding
    return f"{frame.prefix}.{name}" if frame.prefix and name else name


def path_of(env: Env, attributes: ast.Attributes, span: Span) -> str:
    """The path of a decision. Raises NasError (`unnamed-decision`) if nothing names it."""
    path = decision_path(env.frame, attributes)
    if not path or path == env.frame.prefix:
        raise env.ctx.fail(
            "unnamed-decision",
            "this decision is bound to no name",
            span,
            "bind it (`y = ...`) or name it: `pick ... as NAME`",
        )
    return path


def declare(
    env: Env,
    path: str,
    kind: Any,
    candidates: tuple[Any, ...],
    node: ast.Pick | ast.Via | PickedOperator,
    *,
    count: int | None = 1,
    interval: tuple[float, float] | None = None,
    relax: str | None = None,
    slot: bool = False,
    tied: str | None = None,
    never: frozenset[str] = frozenset(),
    operators: str | None = None,
) -> None:
    """Register a decision. Raises NasError (`duplicate-decision`) if another text has its path."""
    ctx, attributes = env.ctx, node.attributes
    if path in ctx.decisions and ctx.decisions[path].origin.span != node.span:
        raise ctx.fail(
            "duplicate-decision",
            f"two decisions are called `{path}`",
            node.span,
            "name one of them: `pick ... as NAME`",
            Label(ctx.decisions[path].origin.span, "the other one"),
        )
    ctx.declare(
        Decision(
            path,
            kind,
            candidates,
            ctx.origin(node.span),
            count,
            interval,
            never,
            relax or attributes.relax or "softmax",  # type: ignore[arg-type]
            attributes.decode or "likeliest",  # type: ignore[arg-type]
            tied,
            ctx.parents[-1],
            ctx.exists(),
            slot,
            operators,
        )
    )


def bound(env: Env, path: str, span: Span) -> Any:
    """The value that the genotype gives a decision. Raises NasError (`missing-decision`)."""
    assert env.ctx.binding is not None
    if path not in env.ctx.binding:
        raise env.ctx.fail("missing-decision", f"the genotype does not decide `{path}`", span)
    env.ctx.bound_used.add(path)
    return env.ctx.binding[path]
