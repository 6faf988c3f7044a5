nas 1
import nas_segnet
# Nuclei of the Data Science Bowl 2018 (BBBC038, CC0), read from the data root: `--data FOLDER`. NAS-SegNet on whole images at
# 32 x 32, searched for what is left of its Dice a month after programming, and beside it for its digital Dice.
# `benchmarks/analog_search.py` runs both, and random search, with equal numbers of trials.

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

# Nets that a trial of seconds can train: few channels, and up to 12 blocks of one or two branches.
narrow slim : nas_segnet {
  out_channel0 in [8, 12]
  b[0] in [1, 2]
  b[1] in [1, 2]
  b[2] in [1, 2]
  b[3] in [1, 2]
  r[0] in [1, 2, 3, 4]
  r[1] in [1, 2, 3]
  r[2] in [1, 2, 3]
  r[3] in [1, 2]
}

search drift : nas_segnet on nuclei {
  strategy  = evolution(
    population = 8, sample = 3, start = latin, crossover = 0.5, moves = steps, survivors = best
  )
  weights   = adamw(lr = 1e-2, weight_decay = 1e-2)
  loss      = dice_ce
  budget    = 24 trials
  narrowing = slim
  batch     = 8
  reference = [0.2, 120k]
  maximize analog_metric(after = 1 month)
  minimize params
  where params < 120k and macs < 40M and analog_drop(after = 1 month) < 0.5
  stage trial {
    weights      = adamw(lr = 1e-2, weight_decay = 1e-2, schedule = cosine)
    budget       = 160 steps
    programmings = 3
    validate     = 1000
    limit        = 5 minutes
  }
}

search digital : nas_segnet on nuclei {
  strategy  = evolution(
    population = 8, sample = 3, start = latin, crossover = 0.5, moves = steps, survivors = best
  )
  weights   = adamw(lr = 1e-2, weight_decay = 1e-2)
  loss      = dice_ce
  budget    = 24 trials
  narrowing = slim
  batch     = 8
  reference = [0.2, 120k]
  maximize dice
  minimize params
  where params < 120k and macs < 40M
  stage trial {
    weights  = adamw(lr = 1e-2, weight_decay = 1e-2, schedule = cosine)
    budget   = 160 steps
    validate = 1000
    limit    = 5 minutes
  }
}
