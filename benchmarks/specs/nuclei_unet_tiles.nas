nas 1
import unet
# A small U-Net on nuclei, for `benchmarks/analog_over_time.py`: the network that was best in `nuclei_analog.nas`.

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

search tiles : unet(c = 8, depth = 3) on nuclei {
  weights = adamw(lr = 3e-3, weight_decay = 1e-2)
  loss    = dice_ce
  budget  = 60 epochs
  batch   = 8
  stage train {
    weights  = adamw(lr = 3e-3, weight_decay = 1e-2, schedule = cosine(min = 1e-5))
    budget   = 60 epochs
    validate = 6
  }
  stage analog {
    device       = pcm
    weights      = adamw(lr = 1e-3, weight_decay = 1e-2, schedule = cosine(min = 1e-5))
    budget       = 40 epochs
    validate     = 20
    times        = [1 s, 1 hour, 1 day, 1 month]
    programmings = 10
  }
}
