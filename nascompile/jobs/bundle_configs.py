"""The three files of a bundle's `configs/`, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nascompile.config.search import Training
from nascompile.data.task import Task, Window
from nascompile.jobs.bundle_losses import loss_of, optimiser_of, schedule_of
from nascompile.jobs.bundle_steps import (
    augmenting,
    component,
    image_patterns,
    inferer,
    is_flat,
    reading,
    sampling,
    saving,
)

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
WEIGHTS = "models/model.safetensors"
_DEVICE = "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')"
_IMPORTS = ["$import numpy", "$import torch"]


def metadata(
    task: Task,
    name: str,
    channels: int,
    spatial: Sequence[str | int],
    versions: Mapping[str, str],
    ours: Mapping[str, Any],
) -> dict[str, Any]:
    """`metadata.json` by MONAI's schema.

    `channels` are those of the logits, `spatial` the sizes that the network takes, `ours` what nascompile notes about
    where the network came from.
    """
    is_map = task.kind == "segmentation"
    classes = dict(enumerate(task.classes)) if channels > 1 else {0: task.classes[-1]}
    ranges = [0, 1] if task.normalise == "scale" or isinstance(task.normalise, Window) else []
    windowed = is_map and task.sampling != "resize"
    listed = ", ".join(f"{index} is {label}" for index, label in enumerate(task.classes))
    return {
        "schema": SCHEMA,
        "version": "0.1.0",
        "changelog": {"0.1.0": "exported"},
        "monai_version": versions["monai"],
        "pytorch_version": versions["torch"],
        "numpy_version": versions["numpy"],
        "required_packages_version": {k: v for k, v in versions.items() if k not in ("monai", "torch", "numpy")},
        "name": name,
        "task": f"{task.name}: {task.kind} of {task.rank}-D images",
        "description": f"A network found by architecture search for {task.kind} into {len(task.classes)} classes",
        "authors": "to be filled in by who publishes it",
        "copyright": "to be filled in by who publishes it",
        "intended_use": "for research, not a medical device",
        "data_type": "png" if is_flat(task) else "nibabel",
        "image_classes": f"{task.channels} channel{'s' if task.channels > 1 else ''}, normalised: {_normalised(task)}",
        "label_classes": listed,
        "pred_classes": listed,
        "network_data_format": {
            "inputs": {
                "image": {
                    "type": "image",
                    "format": "magnitude",
                    "modality": "n/a",
                    "num_channels": task.channels,
                    "spatial_shape": list(spatial),
                    "dtype": "float32",
                    "value_range": ranges,
                    "is_patch_data": windowed,
                    "channel_def": {str(c): "image" for c in range(task.channels)},
                }
            },
            "outputs": {
                "pred": {
                    "type": "image" if is_map else "probabilities",
                    "format": "segmentation" if is_map else "classes",
                    "num_channels": channels,
                    "spatial_shape": list(spatial) if is_map else [1, channels],
                    "dtype": "float32",
                    "value_range": [],
                    "is_patch_data": windowed,
                    "channel_def": {str(index): label for index, label in classes.items()},
                }
            },
        },
        "nascompile": dict(ours),
    }


def _normalised(task: Task) -> str:
    match task.normalise:
        case Window(low, high):
            return f"clipped to {low:g} .. {high:g}, scaled to 0 .. 1"
        case "zscore":
            return "mean 0 and standard deviation 1 for each channel of an image"
        case "scale":
            return "scaled to 0 .. 1 over an image"
        case "none":
            return "as stored"


def inference(task: Task, channels: int) -> dict[str, Any]:
    """`inference.json`: masks into `output_dir`, or for classifications a CSV."""
    patterns = image_patterns(task)
    evaluator = {"network": "@network_def", "dataloader": "@dataloader", "inferer": "@inferer", "device": "@device"}
    found: dict[str, Any] = {
        "imports": _IMPORTS,
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/images'",
        "pattern": patterns[0] if len(patterns) == 1 else patterns,
        "output_dir": "$@bundle_root + '/eval'",
        "weights": f"$@bundle_root + '/{WEIGHTS}'",
        "device": _DEVICE,
        "network_def": component("scripts.network.load", path="@weights"),
        "preprocessing": component("Compose", transforms=reading(task)),
        "datalist": component("scripts.images.find_images", folder="@dataset_dir", pattern="@pattern"),
        "dataset": component("Dataset", data="@datalist", transform="@preprocessing"),
        "dataloader": component("DataLoader", dataset="@dataset", batch_size=1, shuffle=False, num_workers=0),
        "inferer": inferer(task),
    }
    if task.kind == "segmentation":
        found["postprocessing"] = component("Compose", transforms=saving(task, channels))
        found["evaluator"] = component("scripts.predicting.MapEvaluator", **evaluator, postprocessing="@postprocessing")
    else:
        table = {"path": "$@output_dir + '/predictions.csv'", "classes": list(task.classes)}
        found["evaluator"] = component("scripts.predicting.TableEvaluator", **evaluator, **table)
    return {**found, "run": ["$@evaluator.run()"]}


def train(task: Task, training: Training, main: str, channels: int) -> dict[str, Any] | None:
    """`train.json`: the training that the text describes, of a new network; None if no term of the loss is of `main`.

    `dataset_dir` holds `dataset.json` with the lists `training` and `validation` of `{"image": path, "label": path}`.
    """
    loss = loss_of(training.loss, main, channels)
    if loss is None:
        return None
    is_map = task.kind == "segmentation"

    def listed(key: str) -> dict[str, Any]:
        file = "$@dataset_dir + '/dataset.json'"
        return component(
            "monai.data.load_decathlon_datalist", data_list_file_path=file, is_segmentation=is_map, data_list_key=key,
            base_dir="@dataset_dir",
        )  # fmt: skip

    read = reading(task, with_map=is_map)
    budget = {"budget": training.budget.amount, "unit": training.budget.unit}
    trainer = component(
        "scripts.training.Trainer",
        network="@network_def",
        dataloader="@train#dataloader",
        loss="@loss",
        optimiser="@optimizer",
        schedule=schedule_of(training.optimiser),
        **budget,
        validation="@validate#dataloader",
        inferer="@inferer",
        classes=len(task.classes),
        path="$@bundle_root + '/models/trained.safetensors'",
        device="@device",
        clip=training.clip,
        validate=training.validate,
    )
    return {
        "imports": _IMPORTS,
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/data'",
        "device": _DEVICE,
        "network_def": component("scripts.network.Network"),
        "loss": loss,
        "optimizer": optimiser_of(training.optimiser),
        "inferer": inferer(task),
        "train": {
            "datalist": listed("training"),
            "dataset": component(
                "CacheDataset",
                data="@train#datalist" if task.samples == 1 else f"$@train#datalist * {task.samples}",
                transform=component("Compose", transforms=[*read, *sampling(task), *augmenting(task)]),
                progress=False,
            ),
            "dataloader": component(
                "DataLoader", dataset="@train#dataset", batch_size=training.batch, shuffle=True, num_workers=0
            ),
            "trainer": trainer,
        },
        "validate": {
            "dataset": component(
                "CacheDataset",
                data=listed("validation"),
                transform=component("Compose", transforms=read),
                progress=False,
            ),
            "dataloader": component(
                "DataLoader", dataset="@validate#dataset", batch_size=1, shuffle=False, num_workers=0
            ),
        },
        "initialize": [f"$monai.utils.set_determinism(seed={training.seed})"],
        "run": ["$@train#trainer.run()"],
    }
