nas 1
import mixsearch

# Two stages on 16 x 16 patches, small enough to be killed often.

task nuclei {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, nucleus]
  labels  = map([0, 0], [1, 1], [2, 1])
  patch   = [16, 16]
  augment = [flip, rotate90]
}

search tiny : wdan(c = 16, layers = 3, double = false) on nuclei {
  strategy = bilevel(warmup = 1 step, mix = 0.5)
  weights  = sgd(lr = 0.025, momentum = 0.9)
  alphas   = adam(lr = 0.01, betas = [0.5, 0.999])
  loss     = dice_bce
  batch    = 2
  stage first {
    budget = 4 steps
  }
  stage second {
    layers = 5
    budget = 5 steps
    keep   = [down(4), up(2), normal(4)]
  }
  stage train {
    budget = 2 steps
  }
}
