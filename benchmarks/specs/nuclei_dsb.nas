nas 1
import nas_unet
# Nuclei of the Data Science Bowl 2018 (BBBC038, CC0); read from the data root: `--data FOLDER`.

task nuclei {
  data      = pairs("nuclei_dsb2018", image = "images/*.png", label = "masks/*.png")
  split     = "splits.json"
  classes   = [background, nucleus]
  channels  = 3
  labels    = threshold(127)
  patch     = [64, 64]
  normalise = zscore
  augment   = [flip, rotate90, intensity_scale(0.1), intensity_shift(0.1)]
  metric    = dice
  samples   = 2
}

search quick : nas_unet(c = 16, depth = 3) on nuclei {
  strategy = bilevel(warmup = 30 steps)
  weights  = sgd(lr = 0.05, momentum = 0.9, weight_decay = 3e-4, schedule = cosine(min = 0.005))
  alphas   = adam(lr = 0.01, weight_decay = 1e-3, betas = [0.5, 0.999])
  loss     = dice_ce
  budget   = 120 steps
  batch    = 4
  split    = 0.5
  validate = 100
  stage train {
    weights  = adamw(lr = 0.003, weight_decay = 0.01, schedule = cosine(min = 1e-5))
    loss     = dice_ce
    budget   = 160 steps
    batch    = 8
    validate = 6
  }
  maximize dice
}
