"""What may be named in a task or a search, with options and their defaults: as data, so that checking loads no torch.

The rows of losses, optimisers, schedules and metrics repeat the signatures in `nascompile.train`; a test compares them.
A default of None takes any value.
"""

from __future__ import annotations

from typing import Any

from nascompile.config.constants import Choice

Table = dict[str, dict[str, Any]]

_NO_INDEX = -100

LOSSES: Table = {
    "bce": {"positive_weight": 1.0},
    "ce": {"weight": None, "ignore_index": _NO_INDEX, "label_smoothing": 0.0},
    "dice": {
        "squared": False, "smooth": 1e-5, "background": False, "batch": False, "weight": None, "sigmoid": False,
    },
    "dice_bce": {"bce_weight": 0.5, "dice_weight": 1.0, "squared": False, "smooth": 1e-5},
    "dice_ce": {
        "dice_weight": 1.0, "ce_weight": 1.0, "squared": False, "smooth": 1e-5, "background": False, "batch": False,
        "weight": None, "ignore_index": _NO_INDEX,
    },
    "dice_focal": {
        "gamma": 2.0, "dice_weight": 1.0, "focal_weight": 1.0, "squared": False, "smooth": 1e-5, "background": True,
        "batch": False,
    },
    "focal": {"gamma": 2.0, "background": True},
}  # fmt: skip

PAIR_LOSSES: Table = {
    "angular": {
        "share": 1 / 6, "gamma": 0.0, "annealed": False, "lowest": 5.0, "highest": 1500.0, "decay": 0.1,
    },
}  # fmt: skip

SCHEDULES: Table = {
    "constant": {},
    "cosine": {"min": 0.0, "warmup": 0.0},
    "exponential": {"final": 0.01},
    "halve": {"after_warmup": (0.4, 0.8), "warmup": 0.0},
    "poly": {"power": 0.9},
    "step": {"at": (0.5, 0.75), "factor": 0.1},
}

_ADAM: dict[str, Any] = {"lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0.0, "eps": 1e-8, "amsgrad": False}

OPTIMISERS: Table = {
    "adadelta": {"lr": 1.0, "rho": 0.9, "weight_decay": 0.0},
    "adagrad": {"lr": 1e-2, "weight_decay": 0.0},
    "adam": _ADAM,
    "adamax": {"lr": 2e-3, "betas": (0.9, 0.999), "weight_decay": 0.0},
    "adamw": {"lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 1e-2, "eps": 1e-8},
    "rmsprop": {"lr": 1e-2, "alpha": 0.99, "momentum": 0.0, "weight_decay": 0.0},
    "sgd": {"lr": 0.025, "momentum": 0.9, "weight_decay": 0.0, "nesterov": False},
}

# An optimiser's options in a text also hold its schedule.
OPTIMISERS_WITH_SCHEDULE: Table = {name: {**row, "schedule": Choice("constant")} for name, row in OPTIMISERS.items()}

METRICS: dict[str, tuple[str, ...]] = {
    "dice": ("segmentation",),
    "jaccard": ("segmentation",),
    "accuracy": ("segmentation", "classification"),
    "sensitivity": ("segmentation", "classification"),
    "specificity": ("segmentation", "classification"),
    "precision": ("segmentation",),
    "hausdorff95": ("segmentation",),
    "surface_distance": ("segmentation",),
    "auc": ("classification",),
}

TEMPERATURES: Table = {
    "constant": {"start": 1.0},
    "cosine": {"start": 5.0},
    "cosine_restarts": {"start": 5.0, "period": 0.1},
    "linear": {"start": 5.0, "end": 1.0},
    "triangle": {"start": 5.0, "end": 1.0},
}

# Probabilities of dropping a candidate's output.
DROPOUTS: Table = {
    "constant": {"start": 0.3},
    "cosine": {"start": 0.3, "end": 0.0},
    "exponential": {"start": 0.3, "final": 0.01},
    "linear": {"start": 0.3, "end": 0.0},
}

# Words of published code for what has another name here.
OTHER_WORDS: dict[str, str] = {
    "alpha_begin": "warmup",
    "arch_after": "warmup",
    "batch_size": "batch",
    "epochs": "budget",
    "grad_clip": "clip",
    "train_portion": "split",
}

# Durations (`warmup = 3 epochs`) are quantities: their default is None.
STRATEGIES: Table = {
    "bilevel": {
        "order": 1,
        "warmup": None,
        "arch_first": False,
        "alphas_in_weights": False,
        "patience": None,
        "mix": 0.0,
        "mix_ways": 2,
        "temperature": Choice("constant"),
        "candidate_dropout": None,
        "dropped": None,
        "paths": None,
        "path_steps": 1,
        "path_weights": "relaxed",
    },
}
