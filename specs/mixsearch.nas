nas 1
import std.layers
# MixSearch / NAS-WDAN (Liu et al., arXiv 2102.13280): a lattice of levels and three kinds of cell on ONE set of
# architecture parameters, decoded apart. Published search: 7 layers with every operator, then 9 layers with the
# operators that were likeliest on each edge (4 of 6, 2 of 4, 4 of 7); the loss counts the first head twice; batches are
# mixed, mixup's alpha 0.5. Quirks kept because published numbers hold them: operators on absent inputs and the norms of
# heads and of `none` are registered (`unused`), never run; `shuffle_conv` is `conv`, its groups being 1.

groups16(c) = c // 16 if c % 16 == 0 else 1
op gn(c) = group_norm(groups16(c), affine = fixed)
op acn(c, stride = 1, dilation = 1) = relu -> conv(c, 3, stride = stride, dilation = dilation)
  -> gn(c)
op sep(c, stride = 1) = relu -> conv(c, 3, stride = stride, groups = c) -> conv(c, 1) -> gn(c)
op atn(c, dilation = 1, padding = 1) = relu
  -> conv_transpose(c, 3, stride = 2, dilation = dilation, padding = padding) -> gn(c)
op gate(x; c) = x * (
  x -> global_avg_pool -> linear(c // 16, bias = true) -> relu -> linear(c, bias = true) -> sigmoid
)
op nothing(x; c) {
  unused x -> group_norm(groups16(c))
  x -> zero
}
op stem(c, stride = 1) = conv(c, 3, stride = stride) -> group_norm(groups16(c)) -> relu

ops normal(c) = none: nothing(c) | identity | cweight: gate(c) | dil_conv: acn(c, dilation = 2)
  | dep_conv: sep(c) | shuffle_conv: acn(c) | conv: acn(c)
ops down(c) = avg_pool: avg_pool(2, stride = 2) | max_pool: max_pool(2, stride = 2)
  | down_cweight: gate(c) -> conv(c, 3, stride = 2) -> gn(c)
  | down_dil_conv: acn(c, 2, dilation = 2) | down_dep_conv: sep(c, 2) | down_conv: acn(c, 2)
ops up(c) = up_cweight: gate(c) -> conv_transpose(c, 3, stride = 2, padding = 1) -> gn(c)
  | up_dep_conv: relu -> conv_transpose(c, 3, stride = 2, padding = 1, groups = c) -> conv(c, 1)
    -> gn(c)
  | up_conv: atn(c) | up_dil_conv: atn(c, dilation = 2, padding = 2)

# `b` reaches the cell through the list `into`. An absent `a` keeps its slots in every decision, since all instances
# share the genotype, and its edges vanish; their operators stay registered until the pass `prune-dead` runs.
cell fuse(a, b; c, into, alphas, nodes = 4) {
  s[0] = a -> relu -> conv(c, 1) -> gn(c)
  s[1] = b -> relu -> conv(c, 1) -> gn(c)
  for i in 0 ..< nodes {
    edge = [
      s[j] via into(c) tied alphas[i, j] never none
      if j == 1
      else s[j] via normal(c) tied flat[i, j] never none
      for j in 0 ..< i + 2
    ]
    s[i + 2] = sum(pick 2 of edge decode gain, resize = bilinear if fixed else nearest)
  }
  concat(s[2 ..])
}
cell normal_down = fuse(into = down, alphas = "steep")
cell normal_up = fuse(into = up, alphas = "rise")
cell normal_normal = fuse(into = normal, alphas = "flat")

# Options are named after what they change. `as_published`: the horizontal input of (6, 2) is a down cell, as in every
# class of the repository; V1 has its 8,111,396 parameters only so. `entry`: the stride of the second stem; with 1,
# level 0 is at full size and (2, 0) sees the first stem too (UnetLayer9). `split`: the stems are the nodes (0, 0) and
# (1, 1) (full7). `corners`: heads are resized by aligned corners (the published 7-layer net). `horizontal`, `down` and
# `up` are the paper's ablations; the outer edge of the lattice stays. The network's weights are no part of a genotype:
# the authors keep every fusion.
space wdan(
  x: image = [3, 64, 64]; classes = 1, c = 16, layers = 9, double = true, entry = 2, split = false,
  corners = false, as_published = true, horizontal = true, down = true, up = true
) {
  require layers >= 3 else "`layers` is at least 3, got {layers}"
  levels = (layers + 1) // 2
  unit = 2 ^ levels * entry // 2
  require fixed or size(x) % unit == 0 else "a supernet needs sides that are multiples of {unit}"
  width(v) = c * 2 ^ v if double else c
  f[-2, 0] = x -> stem(32)
  f[0, 0] = f[-2, 0] if split else f[-2, 0] -> stem(64, entry)
  for l in 1 .. 1 if split { f[1, 1] = f[0, 0] -> stem(64, 2) }
  for l in 1 ..< layers, v in 0 ..< levels if (
    v <= l and (l - v) % 2 == 0 and l + v <= 2 * (levels - 1) and (l > 1 or not split)
  ) {
    across = normal_down if as_published and l == 6 and v == 2 else normal_normal
    f[l, v] = sum(pick some of [
      normal_down(f[l - 2, v]?, f[l - 1, v - 1]; width(v))
        if [l - 1, v - 1] in f and (down or l == v),
      across(f[l - 4, v]? if l > 2 or entry == 1 else absent, f[l - 2, v]; width(v))
        if [l - 2, v] in f and horizontal,
      normal_up(f[l - 2, v]?, f[l - 1, v + 1]; width(v))
        if [l - 1, v + 1] in f and (up or l + v == 2 * (levels - 1))
    ] relax softmax decode all)
  }
  for l in 2 ..< layers if l % 2 == 0 {
    logits = f[l, 0] -> channel_dropout(0 if fixed else 0.1) -> conv(classes, 1)
    unused logits -> group_norm(1)  # registered, never run
    out[l] = logits -> interpolate(size(x), linear, align_corners = corners) if l >= layers - 5
  }
  outputs out
}
