nas 1
import std.layers

ops choices(c) = near: conv(c, 3) | wide: conv(c, 3, dilation = 2)
space maps(x: image = [1, 16, 16, 16]; classes = 2, c = 4) {
  s[0] = x -> conv(c, 3) -> relu
  s[1] = sum(pick 1 of [s[0] via choices(c)])
  s[1] -> max_pool(2) -> conv(c, 3) -> relu -> interpolate(2) -> conv(classes, 1)
}
space grades(x: image = [1, 16, 16, 16]; classes = 2, c = 4) {
  s[0] = x -> conv(c, 3) -> relu
  s[1] = sum(pick 1 of [s[0] via choices(c)])
  s[1] -> relu -> global_avg_pool -> linear(classes)
}
genotype near : maps() { s[1] = [s[0] via near] }
genotype wide : maps() { s[1] = [s[0] via wide] }
genotype flat : maps() { s[1] = [s[0] via near] }
genotype benign : grades() { s[1] = [s[0] via near] }
genotype malign : grades() { s[1] = [s[0] via wide] }

task nodules {
  data      = pairs("lidc", image = "volumes/*.nii.gz", label = "volumes/*.nii.gz")
  split     = "splits.json"
  classes   = [background, nodule]
  rank      = 3
  labels    = threshold(127)
  patch     = [16, 16, 16]
  normalise = scale
}
task axial {
  data      = pairs("lidc", image = "volumes/*.nii.gz", label = "volumes/*.nii.gz")
  split     = "splits.json"
  classes   = [background, nodule]
  slices    = axial(every = 4)
  labels    = threshold(127)
  patch     = [16, 16]
  normalise = scale
}
task ratings {
  data      = listing("lidc", label = "label")
  kind      = classification
  split     = "splits.json"
  classes   = [benign, malignant]
  rank      = 3
  patch     = [16, 16, 16]
  normalise = scale
  metric    = auc
}

search blobs : maps on nodules {
  loss   = dice_ce
  batch  = 2
  budget = 1 steps
  stage train {
    budget  = 30 steps
    weights = adamw(lr = 0.03)
  }
}
search planes : maps on axial {
  loss   = dice_ce
  batch  = 2
  budget = 1 steps
  stage train {
    budget  = 30 steps
    weights = adamw(lr = 0.03)
  }
}
search rating : grades on ratings {
  loss   = ce
  batch  = 4
  budget = 1 steps
  stage train {
    budget  = 12 steps
    weights = adamw(lr = 0.03)
  }
}
