nas 1
import nasbench201

# Lung nodules, malignant or not, from the contours that radiologists drew: no CT grey values (see lidc/README.md).
# The size of a nodule alone gives an AUC of about 0.75 here: that is `brightness` below, and what a network has to beat.

task lidc {
  data      = listing("lidc", label = "label")
  kind      = classification
  split     = "splits.json"
  classes   = [benign, malignant]
  rank      = 3
  patch     = [32, 32, 32]
  normalise = scale
  augment   = [flip]
  metric    = auc
}

search quick : nasbench201(c = 4, cells = 1) on lidc {
  strategy = bilevel(order = 1, warmup = 2 epochs)
  weights  = sgd(lr = 0.025, weight_decay = 3e-4, schedule = cosine(min = 1e-3))
  alphas   = adam(lr = 3e-3, betas = [0.5, 0.999], weight_decay = 1e-3)
  loss     = ce
  budget   = 10 epochs
  batch    = 8
  validate = 2
  compare  = [brightness, random]
  maximize auc
  stage train {
    weights  = adamw(lr = 1e-3, schedule = cosine(warmup = 0.05))
    budget   = 15 epochs
    validate = 3
  }
}
