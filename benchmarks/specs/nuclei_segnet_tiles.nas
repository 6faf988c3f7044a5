nas 1
import nas_segnet
# A small network of NAS-SegNet's space on nuclei, for `benchmarks/analog_over_time.py`; see `nuclei_segnet_analog.nas`.

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

genotype net : nas_segnet(classes = 2) {
  out_channel0 = 12
  m = 3
  wide = [0.6, 0.7, 0.7]
  b = [1, 1, 1]
  r = [1, 1, 1]
}

search tiles : nas_segnet on nuclei {
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
