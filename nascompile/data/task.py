"""What a task is: where its cases lie, how they are split, read and sampled. Plain data; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from nascompile.diagnostics import Diagnostic, Label, error
from nascompile.source import Span

Kind = Literal["segmentation", "classification"]
Sampling = Literal["crop", "balanced", "resize"]
SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Images and label maps found by glob patterns relative to the root.

    A case's id is what the wildcards of the image pattern matched (`images/*.png` gives the stem, `*/image.png` the
    folder); the label map of a case is the pattern `label` with the same text in its wildcards. Several image patterns
    are the channels of one case. A pattern that ends in `/` names folders, each one DICOM series.
    """

    image: str | tuple[str, ...]
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Cases listed in a JSON file: `{"cases": {id: {"image": path, "mask": path, "label": value, "patient": name}}}`.

    `label` is the key of the class in a classification task.
    """

    path: str = "splits.json"
    label: str = "label"


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV of class labels: one row a case. `image` is the path of a case's image with `{id}` for its id."""

    image: str
    path: str = "labels.csv"
    id: str = "id"
    label: str = "label"
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Folders:
    """One folder a class, named as in `Task.classes`; every image file in it is a case."""


Layout = Pairs | Listing | Table | Folders


@dataclass(frozen=True, slots=True)
class SplitFile:
    """A JSON file with the lists of ids `train`, `val`, `test`."""

    path: str = "splits.json"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A seeded split by shares. Cases of one group (patient) stay together."""

    train: float = 0.7
    val: float = 0.15
    test: float = 0.15
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ByFolder:
    """The first folder of a case's image path is the name of its split: `train/`, `val/`, `test/`."""


Split = SplitFile | Ratio | ByFolder


@dataclass(frozen=True, slots=True)
class Natural:
    """Raw label values are class indices. In a task of two classes, a map of 0 and 255 alone also counts as 0 and 1."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Raw values above `at` are class 1, the others class 0 (for masks saved as JPEG)."""

    at: float = 127.0


@dataclass(frozen=True, slots=True)
class ValueMap:
    """Raw value to class index; a raw value that is not listed is an error."""

    pairs: tuple[tuple[int, int], ...]


LabelRule = Natural | Threshold | ValueMap


@dataclass(frozen=True, slots=True)
class Window:
    """Clip to [low, high], then scale to 0..1 (CT: Hounsfield units)."""

    low: float
    high: float


Normalise = Literal["zscore", "scale", "none"] | Window

Plane = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
"""By the array axis that a plane lies across, once a volume is turned to slices, rows, columns."""


@dataclass(frozen=True, slots=True)
class Slices:
    """Which planes of a volume are images: every `every`-th one, and with `foreground` only where an object is."""

    plane: Plane = "axial"
    every: int = 1
    foreground: bool = True


@dataclass(frozen=True, slots=True)
class Augment:
    """A random transform by name. `amount` None takes the default of `data.augment.AUGMENTATIONS`."""

    name: str
    amount: float | None = None
    probability: float = 0.5
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Task:
    """A data set with the rules for reading it.

    `patch` and `spacing` are in array order: rows, columns; or slices, rows, columns. `spacing` is in millimetres;
    None keeps the spacing of the files. `pad` pads images that are smaller than the patch with zeros (after
    normalisation). `samples` is the number of patches a case gives in one epoch. With `slices` a task of rank 2 has
    the planes of volumes as its images, normalised as volumes; `spacing` is then of the volume. `spans` says where
    a field stands in the user's text; its keys are the words of the text: name, data, split, classes, labels, channels,
    rank, patch, spacing, normalise, augment, metric.
    A union has its data sets in `parts`; its own `root`, `layout` and reading rules are then unused.
    """

    name: str
    root: Path
    layout: Layout
    kind: Kind = "segmentation"
    classes: tuple[str, ...] = ("background", "foreground")
    channels: int = 1
    rank: int = 2
    patch: tuple[int, ...] = (96, 96)
    split: Split = SplitFile()
    spacing: tuple[float, ...] | None = None
    normalise: Normalise = "zscore"
    augment: tuple[Augment, ...] = ()
    labels: LabelRule = Natural()
    metric: str = "dice"
    sampling: Sampling = "crop"
    samples: int = 1
    pad: bool = True
    slices: Slices | None = None
    parts: tuple[Task, ...] = ()
    spans: Mapping[str, Span] = field(default_factory=lambda: MappingProxyType({}), compare=False, repr=False)

    def span(self, name: str) -> Span | None:
        """The span of a field, else that of the whole task, else None."""
        return self.spans.get(name) or self.spans.get("name")

    def problem(self, code: str, message: str, at: str = "name", *, hint: str | None = None) -> Diagnostic:
        """An error about this task that points at the field `at`."""
        span = self.span(at)
        return Diagnostic(code, message, None if span is None else Label(span), hint=hint)

    @property
    def volume(self) -> Task:
        """The task as its files are: of rank 3 where planes of volumes are the images."""
        return self if self.slices is None else replace(self, rank=3, slices=None)

    @property
    def sources(self) -> tuple[Task, ...]:
        """The tasks whose files are read: the parts of a union, else the task itself."""
        return self.parts or (self,)


def union(name: str, parts: tuple[Task, ...], *, spans: Mapping[str, Span] | None = None) -> Task:
    """One task over several data sets (MixSearch, arXiv 2102.13280).

    Patch, names of classes and metric are those of the first part; every part is read, sampled and augmented by its own
    rules. Grey images of a part repeat their channel when another part has colour. Raises `NasError`
    (`tasks-disagree`) when kind, rank, patch or the number of classes differ.
    """
    first = parts[0]
    at = (spans or {}).get("name")
    for other in parts[1:]:
        for noun, ours, theirs in (
            ("kind", first.kind, other.kind),
            ("rank", first.rank, other.rank),
            ("patch", first.patch, other.patch),
            ("number of classes", len(first.classes), len(other.classes)),
        ):
            if ours != theirs:
                raise error(
                    "tasks-disagree",
                    f"the {noun} of `{first.name}` is {ours}, that of `{other.name}` is {theirs}",
                    at,
                    hint="tasks of a union share their kind, rank, patch and number of classes",
                )
    channels = max(part.channels for part in parts)
    aligned = tuple(replace(part, channels=channels) for part in parts)
    return replace(aligned[0], name=name, parts=aligned, spans=MappingProxyType(dict(spans or {})))
