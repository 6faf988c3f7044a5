nas 1
import dints
import unets
# A grid of blocks x depths (DiNTS) searched on Task04 of the Medical Segmentation Decathlon (CC BY-SA 4.0), in 3-D. The
# published recipe at a budget for two CPU cores: half of the search is warm-up, then the topology is learned under
# entropy, consistency and a memory budget of 0.8, all ramped.

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

search quick : dints(blocks = 6, depths = 3, mul = 0.25) on hippocampus {
  strategy = bilevel(warmup = 120 steps)
  weights  = sgd(lr = 0.05, momentum = 0.9, weight_decay = 4e-5, schedule = cosine(min = 0.005))
  alphas   = adam(lr = 0.02, betas = [0.5, 0.999])
  loss     = dice_ce
  penalty  = ramp(
    entropy(kept)
      + entropy(edge)
      + abs(0.8 - expected(ram) / expected(ram, all = kept))
      + 0.001 * consistency(kept)
  )
  budget   = 240 steps
  batch    = 1
  validate = 4
  compare  = [threshold, background, random(2), unet(c = 9, depth = 2)]
  stage train {
    weights  = adamw(lr = 0.003, weight_decay = 0.01, schedule = cosine(min = 1e-5))
    loss     = dice_ce
    budget   = 500 steps
    batch    = 2
    validate = 4
  }
  maximize dice
}
