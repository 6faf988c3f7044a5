nas 1
import std.layers
# NAS-Unet (Weng, Zhou, Li, Qiu: "NAS-Unet: Neural Architecture Search for Medical Image Segmentation", IEEE Access 7,
# 2019, 44247-44257). Two cells, repeated in a U shape; every operator keeps c channels. Published quirks that numbers
# depend on: norms are affine in fixed nets only, the stem of a fixed net is 4 c wide whatever the cells concatenate,
# and two norms are registered that never run (`unused`).

groups16(c) = c // 16 if c % 16 == 0 else 1
op gn(c) = group_norm(groups16(c), affine = fixed)
op cna(c, stride = 1, dilation = 1) = conv(c, 3, stride = stride, dilation = dilation) -> gn(c)
  -> relu
op sep(c, stride = 1) = conv(c, 3, stride = stride, groups = c) -> conv(c, 1) -> gn(c) -> relu
op tna(c, dilation = 1, padding = 1) = conv_transpose(
  c, 3, stride = 2, dilation = dilation, padding = padding
) -> gn(c) -> relu
op gate(x; c) = x * (
  x -> global_avg_pool -> linear(c // 16, bias = true) -> relu -> linear(c, bias = true) -> sigmoid
)
op nothing(x; c) {
  unused x -> group_norm(groups16(c))  # registered by the original, never run
  x -> zero
}

ops normal(c) = identity | none: nothing(c) | cweight: gate(c) | dil_conv: cna(c, dilation = 2)
  | dep_conv: sep(c) | shuffle_conv: cna(c) | conv: cna(c)  # equal in the original: its shuffle never runs (groups = 1)
ops down(c) = avg_pool: avg_pool(2, stride = 2) | max_pool: max_pool(2, stride = 2)
  | down_cweight: gate(c) -> conv(c, 3, stride = 2) -> gn(c)
  | down_dil_conv: cna(c, 2, dilation = 2) | down_dep_conv: sep(c, 2) | down_conv: cna(c, 2)
ops up(c) = up_cweight: gate(c) -> conv_transpose(c, 3, stride = 2, padding = 1) -> gn(c)
  | up_dep_conv: conv_transpose(c, 3, stride = 2, padding = 1, groups = c) -> conv(c, 1) -> gn(c)
    -> relu
  | up_conv: tna(c) | up_dil_conv: tna(c, dilation = 2, padding = 2)

# `into` changes the resolution of the inputs in `links`. `alphas` names the architecture parameters of the other edges:
# the same name and index is the same vector, decoded by each cell for itself.
cell sc(a, b; c, stride, into, links, nodes = 3, alphas = "normal") {
  s[0] = a -> relu -> conv(c, 1, stride = stride) -> gn(c)
  s[1] = b -> relu -> conv(c, 1) -> gn(c)
  for i in 0 ..< nodes {
    edge = [
      s[j] via into(c) if j in links else s[j] via normal(c) tied alphas[i, j] never none
      for j in 0 ..< i + 2
    ]
    s[i + 2] = sum(pick 2 of edge decode gain, resize = nearest)
  }
  concat(s[2 ..])
}
cell down_sc = sc(stride = 2, into = down, links = [0, 1])
cell up_sc = sc(stride = 1, into = up, links = [1])

space nas_unet(
  x: image = [1, 64, 64]; classes = 2, c = 16, depth = 4, nodes = 3, double = false, share = true,
  aux = false
) {
  require depth >= 2 else "`depth` is at least 2, got {depth}"
  n = 1 if fixed else 2 ^ (depth + 1)
  require size(x) % n == 0 else "every side of a supernet's input must be a multiple of {n}"
  width(level) = c * 2 ^ level if double else c
  stem = (4 if fixed else nodes) * c
  skip[0] = x -> conv(stem, 1) -> group_norm(groups16(stem))
  skip[1] = x -> conv(stem, 3, stride = 2) -> group_norm(groups16(stem))
  for i in 0 ..< depth { skip[i + 2] = down_sc(skip[i], skip[i + 1]; width(i + 1), nodes = nodes) }
  y[0] = skip[depth + 1]
  own = "normal" if share else "up_normal"
  for i in 0 .. depth { y[i + 1] = up_sc(skip[depth - i], y[i]; width(depth - i), nodes, own) }
  out = y[depth + 1] -> channel_dropout(0 if fixed else 0.1) -> conv(classes, 1)
  unused out -> group_norm(1)
  head = conv(channels(y[depth + 1]) // 4, 3) -> batch_norm -> relu -> channel_dropout(0.1)
  outputs main = out, aux = y[depth + 1] -> head -> conv(classes, 1, bias = true) if aux
}

genotype NASUNET : nas_unet(nodes = 3) {
  down_sc.s[2] = [s[1] via down_conv, s[0] via down_dep_conv]
  down_sc.s[3] = [s[1] via down_cweight, s[0] via down_dil_conv]
  down_sc.s[4] = [s[1] via down_dil_conv, s[0] via down_conv]
  up_sc.s[2] = [s[0] via identity, s[1] via up_cweight]
  up_sc.s[3] = [s[2] via identity, s[1] via up_cweight]
  up_sc.s[4] = [s[3] via cweight, s[1] via up_conv]
}
