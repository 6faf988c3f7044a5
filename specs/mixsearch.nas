nas 1
import std.layers
# MixSearch / NAS-WDAN (Liu et al., arXiv 2102.13280): a lattice of levels, three kinds of cell on ONE set of architecture parameters.

groups16(c) = c // 16 if c % 16 == 0 else 1
op gn(c) = group_norm(groups16(c), affine = fixed)
op acn(c, stride = 1, dilation = 1) = relu -> conv(c, 3, stride = stride, dilation = dilation) -> gn(c)
op sep(c, stride = 1) = relu -> conv(c, 3, stride = stride, groups = c) -> conv(c, 1) -> gn(c)
op atn(c, dilation = 1, padding = 1) = relu -> conv_transpose(c, 3, stride = 2, dilation = dilation, padding = padding) -> gn(c)
op gate(x; c) = x * (x -> global_avg_pool -> linear(c // 16, bias = true) -> relu -> linear(c, bias = true) -> sigmoid)
op nothing(x; c) {
  unused x -> group_norm(groups16(c))
  x -> zero
}
op stem(c, stride = 1) = conv(c, 3, stride = stride) -> group_norm(groups16(c)) -> relu

ops normal(c) = none: nothing(c) | identity | cweight: gate(c) | dil_conv: acn(c, dilation = 2) | dep_conv: sep(c)
  | shuffle_conv: acn(c) | conv: acn(c)
ops down(c) = avg_pool: avg_pool(2, stride = 2) | max_pool: max_pool(2, stride = 2)
  | down_cweight: gate(c) -> conv(c, 3, stride = 2) -> gn(c) | down_dil_conv: acn(c, 2, dilation = 2)
  | down_dep_conv: sep(c, 2) | down_conv: acn(c, 2)
ops up(c) = up_cweight: gate(c) -> conv_transpose(c, 3, stride = 2, padding = 1) -> gn(c)
  | up_dep_conv: relu -> conv_transpose(c, 3, stride = 2, padding = 1, groups = c) -> conv(c, 1) -> gn(c)
  | up_conv: atn(c) | up_dil_conv: atn(c, dilation = 2, padding = 2)

# `b` reaches the cell through the list `into`; an absent `a` keeps its slots in every decision (the genotype is shared by all instances)
# and its edges vanish. Their operators stay registered, as in the original, until the pass `prune-dead` runs.
cell fuse(a, b; c, into, alphas, nodes = 4) {
  s[0] = a -> relu -> conv(c, 1) -> gn(c)
  s[1] = b -> relu -> conv(c, 1) -> gn(c)
  for i in 0 ..< nodes {
    s[i + 2] = sum(pick 2 of [s[j] via into(c) tied alphas[i, j] never none if j == 1 else s[j] via normal(c) tied flat[i, j] never none
                              for j in 0 ..< i + 2] decode gain, resize = bilinear if fixed else nearest)
  }
  concat(s[2 ..])
}
cell normal_down = fuse(into = down, alphas = "steep")
cell normal_up = fuse(into = up, alphas = "rise")
cell normal_normal = fuse(into = normal, alphas = "flat")

# as_published: the horizontal input of (6, 2) is a down cell, as in every class of the repository (V1 has 8,111,396 parameters only so).
space wdan(x: image; classes = 1, c = 16, layers = 9, double = true, as_published = true, horizontal = true, down = true, up = true) {
  levels = (layers + 1) // 2
  width(v) = c * 2 ^ v if double else c
  f[0, 0] = x -> stem(32) -> stem(64, stride = 2)
  for l in 1 ..< layers, v in 0 ..< levels if v <= l and (l - v) % 2 == 0 and l + v <= 2 * (levels - 1) {
    across = normal_down if as_published and l == 6 and v == 2 else normal_normal
    f[l, v] = sum(pick some of [
      normal_down(f[l - 2, v]?, f[l - 1, v - 1]; width(v)) if [l - 1, v - 1] in f and (down or l == v),
      across(f[l - 4, v]?, f[l - 2, v]; width(v)) if [l - 2, v] in f and horizontal,
      normal_up(f[l - 2, v]?, f[l - 1, v + 1]; width(v)) if [l - 1, v + 1] in f and (up or l + v == 2 * (levels - 1))
    ] relax softmax decode all)
  }
  for l in [2, 4, 6, 8] if l < layers {
    logits = f[l, 0] -> channel_dropout(0 if fixed else 0.1) -> conv(classes, 1)
    unused logits -> group_norm(1)                      # registered, never run
    out[l] = logits -> interpolate(size(x), linear) if l >= layers - 5
  }
  outputs out
}

search two_stage : wdan(double = true) on mixed {
  strategy = bilevel(order = 1, arch_after = 10 epochs, arch_first = false)
  weights  = sgd(lr = 0.025, momentum = 0.9, weight_decay = 3e-4, schedule = cosine(min = 1e-5))
  alphas   = adam(lr = 2e-4, betas = [0.5, 0.999], weight_decay = 1e-3)
  batch    = 12
  split    = 0.5
  loss     = dice_bce(out[0]) * 2 + dice_bce(out[1]) + dice_bce(out[2])
  stage first  { layers = 7
                 budget = 80 epochs }
  stage second { layers = 9
                 budget = 80 epochs
                 keep   = [down(4), up(2), normal(4)] }
  maximize jaccard
}
