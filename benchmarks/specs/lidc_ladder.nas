nas 1
import nas_lung
# Lung nodules, malignant or not, from the contours that radiologists drew (LIDC-IDRI annotations, CC BY 3.0; no CT grey values);
# read from the data root: `--data FOLDER`. The ladder of NAS-Lung at small widths, pruned by its partial orders.

task lidc {
  data      = listing("lidc_nodule_masks", label = "label")
  kind      = classification
  split     = "splits.json"
  classes   = [benign, malignant]
  rank      = 3
  patch     = [32, 32, 32]
  normalise = scale
  augment   = [flip]
  metric    = auc
}

search ladder : nas_lung(
  ladder = [2, 4, 8, 16], shortest = 3, longest = 6, attention = false, angular = false
) on lidc {
  strategy = partial_order(cost = macs)
  weights  = adamw(lr = 2e-3)
  loss     = ce
  budget   = 30 trials
  batch    = 8
  compare  = [brightness, random]
  maximize auc
  minimize macs
  stage trial {
    budget   = 40 steps
    validate = 2
    limit    = 10 minutes
  }
  stage train {
    weights  = adamw(lr = 2e-3, schedule = cosine(warmup = 0.05))
    budget   = 10 epochs
    validate = 2
  }
}
