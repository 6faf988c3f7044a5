nas 1
import nas_lung
# The published configurations of NAS-Lung: data/model.npy of fei-aiart/NAS-Lung holds ten, each in four variants:
# `attention` and `angular` are left to whoever builds the network. Widths of 256 and 512 and more than nine blocks lie
# outside the searched ladder, so these genotypes widen it.

# Models A (plain), B and C (CBAM) of the first README.
genotype model_a : nas_lung {
  n = [5, 2, 1]
  w = [4, 8, 16, 16, 16, 32, 128, 128]
}

# Model D of the first README (plain).
genotype model_d : nas_lung {
  n = [3, 3, 2]
  w = [8, 8, 8, 16, 16, 16, 32, 32]
}

# Model E of the first README (plain).
genotype model_e : nas_lung {
  n = [3, 3, 2]
  w = [8, 16, 16, 16, 32, 64, 128, 128]
}

# Models F and H (plain), G and I (CBAM) of the first README.
genotype model_f : nas_lung {
  n = [4, 1, 2]
  w = [64, 64, 64, 64, 64, 128, 128]
}

genotype config_5 : nas_lung {
  n = [2, 3, 4]
  w = [8, 32, 64, 64, 64, 64, 64, 128, 128]
}

genotype config_6 : nas_lung(stem = [32, 64]) {
  n = [1, 1, 4]
  w = [64, 64, 64, 64, 128, 128]
}

genotype config_7 : nas_lung(stem = [32, 64], longest = 12) {
  n = [3, 4, 5]
  w = [64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 128]
}

genotype config_8 : nas_lung(stem = [32, 64], ladder = [4, 8, 16, 32, 64, 128, 256, 512]) {
  n = [1, 3, 2]
  w = [64, 64, 64, 256, 512, 512]
}

genotype config_9 : nas_lung(
  stem = [32, 64], ladder = [4, 8, 16, 32, 64, 128, 256, 512], longest = 11
) {
  n = [2, 5, 4]
  w = [64, 64, 64, 128, 128, 128, 128, 256, 256, 512, 512]
}

genotype config_10 : nas_lung(stem = [32, 64], ladder = [4, 8, 16, 32, 64, 128, 256, 512]) {
  n = [2, 2, 5]
  w = [64, 64, 64, 64, 64, 128, 512, 512, 512]
}
