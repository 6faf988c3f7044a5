nas 1
import nas_segnet
import unet
# Nuclei of the Data Science Bowl 2018 (BBBC038, CC0), read from the data root: `--data FOLDER`. NAS-SegNet on whole images at
# 32 x 32, as the original; evolution under a limit on its parameters.

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

search analog : nas_segnet on nuclei {
  strategy = evolution(population = 10, sample = 4)
  weights  = adamw(lr = 3e-3, weight_decay = 1e-2)
  loss     = dice_ce
  budget   = 30 trials
  batch    = 8
  compare  = [threshold, random, unet(c = 8, depth = 3)]
  maximize dice
  where params < 200k
  stage trial {
    budget   = 40 steps
    validate = 3
    limit    = 10 minutes
  }
  stage train {
    weights  = adamw(lr = 3e-3, weight_decay = 1e-2, schedule = cosine(min = 1e-5))
    budget   = 60 epochs
    validate = 4
  }
}
