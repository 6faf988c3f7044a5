nas 1
import nas_unet

task nuclei {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
  augment = [flip, rotate90]
}

search sampled : nas_unet(c = 16, depth = 2, nodes = 2) on nuclei {
  strategy = bilevel(
    warmup = 2 steps, paths = 2, path_steps = 3, candidate_dropout = linear(start = 0.5),
    dropped = [identity, max_pool, conv]
  )
  weights  = sgd(lr = 0.05, momentum = 0.9)
  alphas   = adam(lr = 0.01, betas = [0.5, 0.999])
  loss     = dice_ce
  budget   = 10 steps
  batch    = 2
  validate = 2
  maximize dice
}
