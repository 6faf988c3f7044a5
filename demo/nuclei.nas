nas 1
import nas_unet
import unets

# The main job of `make search`: NAS-Unet on real microscopy images, at a size that two cores can do in minutes.
# See nuclei/README.md for the images: one experiment, so this shows that the tool works, not how good a network is.

task nuclei {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [64, 64]
  samples = 8  # patches of each tile in an epoch
  augment = [flip, rotate90, intensity_shift(0.1), intensity_scale(0.1)]
  metric  = dice
}

search quick : nas_unet(c = 16, depth = 3) on nuclei {
  strategy = bilevel(order = 1, warmup = 8 epochs, arch_first = false)
  weights  = sgd(lr = 0.05, momentum = 0.9, weight_decay = 3e-4, schedule = cosine(min = 1e-4))
  alphas   = adam(lr = 3e-3, betas = [0.5, 0.999], weight_decay = 1e-3)
  loss     = dice_ce(main)
  budget   = 40 epochs
  batch    = 8
  validate = 4
  compare  = [background, threshold, random, unet(c = 5, depth = 3)]
  maximize dice
  stage train {
    weights  = adamw(lr = 2e-3, weight_decay = 1e-2, schedule = cosine(warmup = 0.05))
    budget   = 60 epochs
    validate = 4
  }
}
