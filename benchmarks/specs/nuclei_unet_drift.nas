nas 1
import std.layers
# Nuclei of the Data Science Bowl 2018 (BBBC038, CC0), read from the data root: `--data FOLDER`. A small U-Net whose widths,
# kernels, depths, norm and way up are open, searched for what is left of its Dice a month after programming, and beside it for
# its digital Dice. `benchmarks/analog_search.py --space unet` runs both, and random search, with equal numbers of trials.

task nuclei {
  data      = pairs("nuclei_dsb2018", image = "images/*.png", label = "masks/*.png")
  split     = "splits.json"
  classes   = [background, nucleus]
  channels  = 3
  labels    = threshold(127)
  patch     = [32, 32]
  sampling  = resize
  normalise = zscore
  augment   = [flip, rotate90]
  metric    = dice
}

# `group` and `instance` norms are computed anew from what drifted tiles put out; `batch` keeps what it averaged in training.
op norm(kind) = (
  batch_norm
  if kind == 0
  else group_norm(2, affine = true)
  if kind == 1
  else instance_norm(affine = true) if kind == 2 else identity
)
op stage(c, kernel, kind) = conv(c, kernel, bias = true) -> norm(kind) -> relu

space tile_unet(x: image = [3, 32, 32]; classes = 2, depth = 2) {
  kind = pick one of [0, 1, 2, 3]
  learned = pick one of [0, 1]
  for d in 0 .. depth {
    w[d] = pick one of [4, 6, 8, 12, 16, 24]
    k[d] = pick one of [1, 3, 5]
    y = x if d == 0 else e[d - 1] -> max_pool(2)
    repeat n[d] in 1 .. 3 as i { y = y -> stage(w[d], k[d], kind) }
    e[d] = y
  }
  z = e[depth]
  for i in 0 ..< depth {
    d = depth - 1 - i
    u = z
      -> (
        conv_transpose(w[d], 2, stride = 2, bias = true)
        if learned == 1
        else interpolate(2, nearest) -> conv(w[d], 3, bias = true)
      )
    z = concat([e[d], u]) -> stage(w[d], 3, kind)
  }
  z -> conv(classes, 1, bias = true)
}

search drift : tile_unet on nuclei {
  strategy  = evolution(
    population = 8, sample = 3, start = latin, crossover = 0.5, moves = steps, survivors = best
  )
  weights   = adamw(lr = 3e-3, weight_decay = 1e-2)
  loss      = dice_ce
  budget    = 32 trials
  batch     = 8
  reference = [0.2, 60k]
  maximize analog_metric(after = 1 month)
  minimize params
  where params < 60k and macs < 20M and analog_drop(after = 1 month) < 0.8
  stage trial {
    weights      = adamw(lr = 3e-3, weight_decay = 1e-2, schedule = cosine)
    budget       = 300 steps
    programmings = 3
    validate     = 1000
    limit        = 5 minutes
  }
}

search digital : tile_unet on nuclei {
  strategy  = evolution(
    population = 8, sample = 3, start = latin, crossover = 0.5, moves = steps, survivors = best
  )
  weights   = adamw(lr = 3e-3, weight_decay = 1e-2)
  loss      = dice_ce
  budget    = 32 trials
  batch     = 8
  reference = [0.2, 60k]
  maximize dice
  minimize params
  where params < 60k and macs < 20M
  stage trial {
    weights  = adamw(lr = 3e-3, weight_decay = 1e-2, schedule = cosine)
    budget   = 300 steps
    validate = 1000
    limit    = 5 minutes
  }
}
