nas 1
import nas_unet
# The demo nuclei (stardist's example image, BSD-3-Clause): background, interior, boundary.

task nuclei {
  data      = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split     = "splits.json"
  classes   = [background, interior, boundary]
  channels  = 1
  patch     = [64, 64]
  normalise = zscore
  augment   = [flip, rotate90, intensity_scale(0.1), intensity_shift(0.1)]
  metric    = dice
  samples   = 8
}

search table : nas_unet(c = 16, depth = 3) on nuclei {
  strategy = bilevel(warmup = 60 steps)
  weights  = sgd(lr = 0.05, momentum = 0.9, weight_decay = 3e-4, schedule = cosine(min = 0.005))
  alphas   = adam(lr = 0.01, weight_decay = 1e-3, betas = [0.5, 0.999])
  loss     = dice_ce
  budget   = 300 steps
  batch    = 4
  split    = 0.5
  validate = 100
  stage train {
    weights  = adamw(lr = 0.003, weight_decay = 0.01, schedule = cosine(min = 1e-5))
    loss     = dice_ce
    budget   = 240 steps
    batch    = 8
    validate = 10
  }
  maximize dice
}
