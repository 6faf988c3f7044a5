"""Programs of searched and hand-written networks for a task's channels, size and classes. Loads no torch."""

from __future__ import annotations

from nascompile.compilation import Compilation, Input
from nascompile.config.constants import SpaceCall, with_classes
from nascompile.data.task import Task
from nascompile.ir.program import Program
from nascompile.space.genotype import Genotype


def input_for(task: Task) -> Input:
    """Channels and patch of a task."""
    return (task.channels, *task.patch)


def call_for_task(text: Compilation, call: SpaceCall, task: Task) -> SpaceCall:
    """A call whose `classes` are the task's. Raises NasError (`class-count`) if the text says another number."""
    return with_classes(call, text.library, task)


def open_program(text: Compilation, call: SpaceCall, task: Task) -> Program:
    """The space of a call for a task's images and classes."""
    return text.program(call_for_task(text, call, task), input_for(task))


def fixed_call(text: Compilation, genotype: Genotype, task: Task) -> SpaceCall:
    """The space of a genotype with its arguments, for a task's classes."""
    arguments = dict(genotype.arguments)
    arguments.pop("classes", None)
    return call_for_task(text, text.call_for(Genotype(genotype.space, arguments, genotype.values)), task)


def fixed_program(text: Compilation, genotype: Genotype, task: Task) -> Program:
    """The network to train of a genotype, for a task's channels, size and classes, whatever it was found on."""
    return text.network(genotype, input_for(task), fixed_call(text, genotype, task).arguments)


def plain_program(text: Compilation, call: SpaceCall, task: Task) -> Program:
    """The network of a space without decisions. Raises NasError (`has-decisions`)."""
    call = call_for_task(text, call, task)
    program = text.program(call, input_for(task), {}, is_fixed=True)
    return program
