nas 1
import nas_unet
import nuclei
# Three objectives at once on real microscopy images: quality, measured latency and size. `nascompile run demo/pareto.nas`
# writes the front of trade-offs; every network of it can be trained, profiled and exported by its name.

search trade : nas_unet(c = 8, depth = 3) on nuclei {
  strategy = nsga2(population = 8)
  weights  = adamw(lr = 4e-3, weight_decay = 1e-2)
  loss     = dice_ce(main)
  budget   = 40 trials
  batch    = 8
  compare  = [threshold, random]
  maximize dice
  minimize latency(onnxruntime.cpu), params
  where params < 20k and latency < 1.5 ms
  stage trial {
    budget   = 40 steps
    validate = 1000
    limit    = 10 minutes
  }
  stage train {
    weights  = adamw(lr = 2e-3, weight_decay = 1e-2, schedule = cosine(warmup = 0.05))
    budget   = 30 epochs
    validate = 4
  }
}
