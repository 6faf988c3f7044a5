nas 1
import nas_unet
# Hippocampus, Task04 of the Medical Segmentation Decathlon (CC BY-SA 4.0), in 3-D: the same text of the space.

task hippocampus {
  data      = pairs("hippocampus_msd", image = "images/*.nii.gz", label = "labels/*.nii.gz")
  split     = "splits.json"
  classes   = [background, anterior, posterior]
  channels  = 1
  patch     = [32, 32, 32]
  normalise = zscore
  augment   = [intensity_scale(0.1), intensity_shift(0.1)]
  metric    = dice
}

search quick : nas_unet(c = 16, depth = 2) on hippocampus {
  strategy = bilevel(warmup = 10 steps)
  weights  = sgd(lr = 0.05, momentum = 0.9, weight_decay = 3e-4, schedule = cosine(min = 0.005))
  alphas   = adam(lr = 0.01, weight_decay = 1e-3, betas = [0.5, 0.999])
  loss     = dice_ce
  budget   = 30 steps
  batch    = 1
  split    = 0.5
  validate = 100
  stage train {
    weights  = adamw(lr = 0.003, weight_decay = 0.01, schedule = cosine(min = 1e-5))
    loss     = dice_ce
    budget   = 80 steps
    batch    = 2
    validate = 4
  }
  maximize dice
}
