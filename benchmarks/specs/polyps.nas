nas 1
import nas_unet
# Kvasir-SEG polyps (CC BY 4.0), resized to 64 x 64; read from the data root: `--data FOLDER`.

task polyps {
  data      = pairs("polyp_kvasir", image = "images/*.jpg", label = "masks/*.jpg")
  split     = "splits.json"
  classes   = [background, polyp]
  channels  = 3
  labels    = threshold(127)
  patch     = [64, 64]
  sampling  = resize
  normalise = zscore
  augment   = [flip, rotate90, intensity_scale(0.1), intensity_shift(0.1)]
  metric    = dice
  samples   = 2
}

search quick : nas_unet(c = 16, depth = 3) on polyps {
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
