nas 1
import nas_lung
# A small network of NAS-Lung's ladder on nodules at 16 x 16 x 16, for `benchmarks/analog_over_time.py`; see `lidc_ladder.nas`,
# whose search found the genotype.

task lidc {
  data      = listing("lidc_nodule_masks", label = "label")
  kind      = classification
  split     = "splits.json"
  classes   = [benign, malignant]
  rank      = 3
  patch     = [16, 16, 16]
  sampling  = resize
  normalise = scale
  augment   = [flip]
  metric    = auc
}

genotype net : nas_lung(
  ladder = [2, 4, 8, 16], shortest = 3, longest = 6, attention = false, angular = false, classes = 2
) {
  n = [2, 2, 2]
  w = [2, 2, 2, 2, 4, 8]
}

search tiles : nas_lung(
  ladder = [2, 4, 8, 16], shortest = 3, longest = 6, attention = false, angular = false
) on lidc {
  strategy = partial_order(cost = macs)
  weights  = adamw(lr = 2e-3)
  loss     = ce
  budget   = 30 trials
  batch    = 8
  maximize auc
  minimize macs
  stage train {
    weights  = adamw(lr = 2e-3, schedule = cosine(warmup = 0.05))
    budget   = 20 epochs
    validate = 4
  }
  stage analog {
    device       = pcm
    weights      = adamw(lr = 1e-3, schedule = cosine(min = 1e-6))
    budget       = 20 epochs
    validate     = 10
    times        = [1 s, 1 hour, 1 day, 1 month]
    programmings = 10
  }
}
