nas 1
import nas_segnet
# NAS-SegNet's three steps in one text, on nuclei of the Data Science Bowl 2018 (BBBC038, CC0), read from the data root
# (`--data FOLDER`), whole images at 32 x 32 as in the original: search, digital training, training for analog tiles. Then what
# the original never ran: the network after 1 s, 1 hour, 1 day and 1 month on phase-change memory, programmed ten times.

task nuclei {
  data      = pairs("nuclei_dsb2018", image = "images/*.png", label = "masks/*.png")
  split     = "splits.json"
  classes   = [background, nucleus]
  channels  = 3
  labels    = threshold(127)
  patch     = [32, 32]
  sampling  = resize
  normalise = zscore
  augment   = [flip, rotate90, intensity_scale(0.1), intensity_shift(0.1)]
  metric    = dice
}

search segnet : nas_segnet on nuclei {
  strategy = evolution(population = 10, sample = 4)
  weights  = adamw(lr = 3e-3, weight_decay = 1e-2)
  loss     = dice_ce
  budget   = 20 trials
  batch    = 8
  compare  = [threshold, random]
  maximize dice
  where params < 200k
  stage trial {
    budget   = 40 steps
    validate = 6
    limit    = 10 minutes
  }
  stage train {
    weights  = adamw(lr = 3e-3, weight_decay = 1e-2, schedule = cosine(min = 1e-5))
    budget   = 60 epochs
    validate = 4
  }
  stage analog {
    device       = pcm
    weights      = adamw(lr = 1e-3, weight_decay = 1e-2, schedule = cosine(min = 1e-5))
    budget       = 20 epochs
    validate     = 10
    times        = [1 s, 1 hour, 1 day, 1 month]
    programmings = 10
  }
}
