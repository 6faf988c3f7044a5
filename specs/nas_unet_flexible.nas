nas 1
import std.layers
import nas_unet
# What the authors of NAS-Unet (IEEE Access 7, 2019) left to do: a flexible backbone. Depth, width, nodes a cell, skips and the
# encoder of every level are decisions beside the operators. All are numbers, so a list of one value fixes them: with
# `plains = [1]` a plain residual encoder stands under the searched decoder, and with one value in every list the space
# can be relaxed. Unlike the published text, operators on the way up double the size exactly.

op lift(c, dilation = 1, groups = 1) = conv_transpose(
  c, 3, stride = 2, dilation = dilation, padding = dilation, output_padding = 1, groups = groups
)
ops rise(c) = up_cweight: gate(c) -> lift(c) -> gn(c)
  | up_dep_conv: lift(c, groups = c) -> conv(c, 1) -> gn(c) -> relu
  | up_conv: lift(c) -> gn(c) -> relu | up_dil_conv: lift(c, 2) -> gn(c) -> relu
cell grow = sc(stride = 1, into = rise, links = [1])
op residual(x; c) = (x -> cna(c, 2) -> conv(c, 3) -> gn(c)) + (x -> conv(c, 1, stride = 2) -> gn(c))

# `plain[i]`: 1 for a residual block on the way down, 0 for the searched cell. `link[v]`: whether level v has a skip.
space nas_unet_flexible(
  x: image = [1, 64, 64]; classes = 2, depths = [2, 3, 4], widths = [16, 32], counts = [2, 3, 4],
  plains = [0, 1], links = [0, 1], double = false
) {
  unit = 2 ^ (max(depths) + 1)
  require size(x) % unit == 0 else "every side must be a multiple of {unit}"
  c = pick one of widths
  nodes = pick one of counts
  repeat depth in depths as i { plain[i] = pick one of plains }
  for v in 0 .. depth { link[v] = pick one of links }
  width(level) = c * 2 ^ level if double else c
  skip[0] = x -> conv(nodes * c, 1) -> gn(nodes * c)
  skip[1] = x -> conv(nodes * c, 3, stride = 2) -> gn(nodes * c)
  repeat depth as i {
    w = width(i + 1)
    skip[i + 2] = (
      skip[i + 1] -> residual(nodes * w) -> relu
      if plain[i] == 1
      else down_sc(skip[i], skip[i + 1]; w, nodes = nodes)
    )
  }
  for j in 0 .. max(depths) {
    v = max(depths) - j
    below = y[v + 1]? if depth > v else skip[v + 1]?
    y[v] = (
      grow(skip[v] if link[v] == 1 else absent, below; width(v), nodes, "up_normal") if depth >= v
    )
  }
  y[0] -> channel_dropout(0 if fixed else 0.1) -> conv(classes, 1)
}
