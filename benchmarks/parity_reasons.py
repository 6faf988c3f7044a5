"""What each file of `tests/golden` holds, and why some of its values are not compared."""

from __future__ import annotations

MODULES = "Python modules that only hold others, activations that are registered with a block and never run"
JOINED = "that a cell joins all its nodes, which holds for every published genotype"
SURROGATES = "what trained surrogates (XGBoost files of the authors) predict"

HOLDS = {
    "analognas_aihwkit": "aihwkit: converters, products on tiles, noise models, compensation of drift, splits",
    "analognas_archs": "13 configurations of AnalogNAS: ranges, widths, parameters, operations, outputs",
    "analognas_search": "four of its evolutionary searches",
    "analognas_segnet": "NAS-SegNet: networks, its loss and overlap",
    "dints_bilevel": "DiNTS: complete bilevel steps, losses and alphas",
    "dints_blocks": "every block alone, its memory",
    "dints_connectivity": "the grid: edges, which blocks may follow which, numbers of topologies",
    "dints_decode": "decoded genotypes, their nodes and the lengths of their paths",
    "dints_forward": "outputs of fixed networks and supernets, gradients of alphas",
    "dints_losses": "terms of the architecture loss with gradients, memory by edge and operator",
    "dints_params": "parameters of 112 networks and 32 supernets, one state",
    "dints_published": "the published genotype: parameters, operations, memory",
    "dints_seglosses": "segmentation losses, Dice, sliding windows",
    "dints_shapes": "sizes of outputs, and which inputs are legal",
    "naslung_losses": "NAS-Lung: the angular head and its loss, blocks, a training step",
    "naslung_models": "57 networks: parameters, layers, outputs",
    "naslung_search": "enumerations, partial orders, four traces of partial-order pruning",
    "nasunet_baselines": "the baselines of NAS-Unet's repository",
    "nasunet_discretize": "decoded genotypes",
    "nasunet_fixed": "34 retrained networks: parameters, layers, operations, outputs, maps inside",
    "nasunet_genotypes": "the published genotypes",
    "nasunet_losses_metrics": "losses and metrics",
    "nasunet_ops": "every operator alone",
    "nasunet_search_trace": "bilevel steps, losses, alphas, the genotype",
    "nasunet_supernet": "supernets: outputs, gradients, layers, decoded genotypes",
    "stated_counts": "parameters of every published genotype at other settings",
    "wdan_discretize": "MixSearch: two stages of decoding, operators that survive the first",
    "wdan_fixed_all": "68 retrained networks",
    "wdan_fixed_key": "12 more, the published ones among them, with maps inside",
    "wdan_fixed_variants": "ablations, other depths, widths and sizes",
    "wdan_genotypes": "the 60 published genotypes",
    "wdan_losses_metrics_mixup": "losses, metrics, mixed batches",
    "wdan_ops": "every operator alone",
    "wdan_profile": "published networks at full size, baselines",
    "wdan_search_trace": "bilevel steps on mixed batches",
    "wdan_supernet": "supernets: outputs, gradients, layers, decoded genotypes",
}

REASONS: dict[str, tuple[str, ...]] = {
    "analognas_aihwkit": ("formulas in words, types of numbers", "scales that a case does not have"),
    "analognas_archs": (
        SURROGATES,
        "numbers of groups that a configuration does not have, and `convblock`, which the original ignores",
        "`get_nb_convs`, which counts what the network does not build",
        "Python modules and the length of a state that holds every tensor twice",
    ),
    "analognas_search": (
        SURROGATES + ", and what hangs on them: which configuration a search returns",
        "rank correlations of its evaluation script",
    ),
    "analognas_segnet": (
        "the shipped checkpoint and its training log",
        "`SegmentNet`, `ResNet3DSegment` and `UpSampleBlock`, classes that no script uses",
        "Python modules",
    ),
    "dints_bilevel": ("how many of the weights are alphas in the original's lists",),
    "dints_blocks": (
        "names of tensors (their number is compared), and arguments that follow from others",
        "a second deviation",
    ),
    "dints_connectivity": ("names of the blocks that change the resolution",),
    "dints_decode": (
        "the best block by block, which is no legal path in most records and which nothing uses",
        "seconds",
    ),
    "dints_forward": ("how sensitive the original is to rounding", "a second deviation"),
    "dints_losses": (
        "the single-precision values beside the double-precision ones",
        "single subsets of edges: ours are never listed; the terms that sum over them are compared",
    ),
    "dints_params": (MODULES, "module types are recorded for one in seven networks"),
    "dints_published": (
        MODULES,
        "array types of a file that holds code and that we do not load",
        "the largest operators' memory",
    ),
    "dints_seglosses": ("windows of constant weight: ours are Gaussian", "the table of the Gaussian itself"),
    "dints_shapes": ("a multiple that the original prints, and does not need",),
    "naslung_losses": (
        "`phiflag = False` (a mistyped power) and the angle at other margins than 4, by the polynomial of 4",
        "`LSoftmaxLinear` and `dpn3d.Bottleneck`, which no script uses",
        "`train_transform`, which pads on one side only",
        MODULES,
    ),
    "naslung_models": ("names of tensors", MODULES),
    "naslung_search": (
        "limits that leave stages empty, and networks below the least depth, which its own space does not hold",
        "samples of lists that are compared as a whole by their hash",
        "the error that ends three of four traces, an index one too high",
    ),
    "nasunet_baselines": ("other baselines than U-Net",),
    "nasunet_discretize": ("ties, where rounding decides", "that double precision gives the same", JOINED),
    "nasunet_losses_metrics": (
        "run-length codes, class weights and surface voxels of single data sets: their conventions are their own",
        "schedules that raise or never decay",
        "smoothed and frequency-weighted scores",
    ),
    "nasunet_ops": (MODULES,),
    "nasunet_search_trace": (JOINED,),
    "nasunet_supernet": (MODULES, JOINED),
    "stated_counts": ("names of settings",),
    "wdan_discretize": (
        "the normal operator that the original logs after the second stage, from another rule than its genotype",
    ),
    "wdan_fixed_all": (MODULES,),
    "wdan_fixed_key": (MODULES,),
    "wdan_fixed_variants": ("`BuildNasUnet`, which misplaces a parenthesis", MODULES),
    "wdan_genotypes": ("second names",),
    "wdan_losses_metrics_mixup": (
        "losses that raise on the tensors that the scripts pass, and soft Dice over the background",
        "metrics on a version of torch where they are wrong; histograms without the last class; cup and disc",
    ),
    "wdan_ops": (MODULES,),
    "wdan_profile": (
        "the repository's rule for operations, which enlarges dilated kernels",
        "other variants of attention and recurrent U-Nets, published scores and times",
    ),
}

ELSEWHERE = "Recorded, and not copied here:"

SKIPPED = {
    "*_timing, naslung_latency": "seconds of one machine",
    "wdan_fixed_root": "an older copy of the code, whose cells enlarge the wrong map",
    "wdan_pruning": "pruning of channels after training, which this project does not do",
    "analognas_analog_unet": "one network of one seed under noise: what is drawn differs from version to version",
}
