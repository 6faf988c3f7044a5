nas 1
import nas_unet
# What `benchmarks/kills.py` kills: small searches on the demo nuclei. What they compare repeats from run to run; `timed`
# has a measured latency, which does not.

task nuclei {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
  augment = [flip, rotate90]
}

search tried : nas_unet(c = 4, depth = 2, nodes = 2) on nuclei {
  strategy = random
  budget   = 12 trials
  batch    = 2
  loss     = dice_ce(main)
  maximize dice
  minimize params, macs
  where params < 2200
  stage trial {
    budget   = 6 steps
    validate = 1000
  }
}

search timed : nas_unet(c = 4, depth = 2, nodes = 2) on nuclei {
  strategy = nsga2(population = 4)
  budget   = 12 trials
  batch    = 2
  loss     = dice_ce(main)
  maximize dice
  minimize latency(onnxruntime.cpu), params
  stage trial {
    budget   = 6 steps
    validate = 1000
  }
}
