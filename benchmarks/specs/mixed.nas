nas 1
import mixsearch
import unet
# Three medical data sets in one task, mixed in every batch, and a search in two stages; `--data FOLDER` as for the others.
# Nuclei (BBBC038, CC0), polyps (Kvasir-SEG, CC BY 4.0) and axial planes of hippocampi (Medical Segmentation Decathlon,
# CC BY-SA 4.0; anterior and posterior are one class). The published search has 7 and 9 layers and doubled channels.

task nuclei {
  data     = pairs("nuclei_dsb2018", image = "images/*.png", label = "masks/*.png")
  split    = "splits.json"
  classes  = [background, object]
  channels = 3
  labels   = threshold(127)
  patch    = [64, 64]
  augment  = [flip, rotate90, intensity_scale(0.1), intensity_shift(0.1)]
  samples  = 2
}

task polyps {
  data     = pairs("polyp_kvasir", image = "images/*.jpg", label = "masks/*.jpg")
  split    = "splits.json"
  classes  = [background, object]
  channels = 3
  labels   = threshold(127)
  patch    = [64, 64]
  sampling = resize
  augment  = [flip, rotate90, intensity_scale(0.1), intensity_shift(0.1)]
  samples  = 2
}

task hippocampus {
  data    = pairs("hippocampus_msd", image = "images/*.nii.gz", label = "labels/*.nii.gz")
  split   = "splits.json"
  classes = [background, object]
  labels  = map([0, 0], [1, 1], [2, 1])
  slices  = axial(every = 8)
  patch   = [64, 64]
  augment = [flip, intensity_scale(0.1), intensity_shift(0.1)]
}

task mixed = union(nuclei, polyps, hippocampus)

search two_stage : wdan(classes = 1, c = 16, double = false) on mixed {
  strategy = bilevel(warmup = 20 steps, mix = 0.5)
  weights  = sgd(lr = 0.025, momentum = 0.9, weight_decay = 3e-4, schedule = cosine(min = 1e-5))
  alphas   = adam(lr = 0.01, betas = [0.5, 0.999], weight_decay = 1e-3)
  batch    = 6
  split    = 0.5
  validate = 100
  stage first {
    layers = 5
    loss   = 2 * dice_bce(out[2]) + dice_bce(out[4])
    budget = 80 steps
  }
  stage second {
    layers = 7
    loss   = 2 * dice_bce(out[2]) + dice_bce(out[4]) + dice_bce(out[6])
    budget = 80 steps
    keep   = [down(4), up(2), normal(4)]
  }
  stage train {
    weights  = adamw(lr = 0.003, weight_decay = 0.01, schedule = cosine(min = 1e-5))
    loss     = dice_bce
    budget   = 250 steps
    batch    = 8
    validate = 4
  }
  compare  = [threshold, random, unet(classes = 1, c = 8, depth = 3)]
  maximize dice
}
