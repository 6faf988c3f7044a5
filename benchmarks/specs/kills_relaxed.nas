nas 1
import nas_unet
# What `benchmarks/kills.py` kills: small relaxed searches on the demo nuclei.

task nuclei {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
  augment = [flip, rotate90]
}

search relaxed : nas_unet(c = 16, depth = 2, nodes = 2) on nuclei {
  strategy = bilevel(warmup = 4 steps)
  weights  = sgd(lr = 0.05, momentum = 0.9)
  alphas   = adam(lr = 0.01, betas = [0.5, 0.999])
  loss     = dice_ce
  budget   = 24 steps
  batch    = 2
  validate = 3
  maximize dice
}

search staged : nas_unet(c = 16, depth = 2, nodes = 2) on nuclei {
  strategy = bilevel(warmup = 2 steps)
  weights  = sgd(lr = 0.05, momentum = 0.9)
  alphas   = adam(lr = 0.01, betas = [0.5, 0.999])
  loss     = dice_ce
  batch    = 2
  validate = 3
  maximize dice
  stage first {
    budget = 12 steps
  }
  stage second {
    budget = 12 steps
    keep   = [normal(4), down(3), up(2)]
  }
}
