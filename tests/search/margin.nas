nas 1
import std.layers

ops blocks(c) = conv: relu -> conv(c, 3) | flat: relu -> conv(c, [1, 3, 3])

space nodules(x: image = [1, 32, 32, 32]; classes = 2, c = 4) {
  y = x -> conv(c, 3, stride = 4) -> group_norm(1)
  y = y -> pick one of blocks(c)
  logits = y -> relu -> global_avg_pool -> angular_linear(classes)
  outputs logits
}

task lidc {
  data      = listing("lidc", label = "label")
  kind      = classification
  split     = "splits.json"
  classes   = [benign, malignant]
  rank      = 3
  patch     = [32, 32, 32]
  normalise = scale
  augment   = [flip]
}

search margins : nodules on lidc {
  strategy = bilevel
  weights  = sgd(lr = 0.05)
  loss     = angular(logits, annealed = true, highest = 100, decay = 1)
  budget   = 6 steps
  batch    = 4
  validate = 1000
}
