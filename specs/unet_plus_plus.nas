nas 1
import std.layers
import unet
# U-Net++ (Zhou et al., DLMIA 2018), with deep supervision on request. MixSearch's baseline: 36,629,633 parameters.
op both(c) = two(c, batch_norm)
space unet_plus_plus(x: image = [1, 64, 64]; classes = 1, c = 64, depth = 4, deep = false) {
  for d in 0 .. depth { n[d, 0] = (x if d == 0 else n[d - 1, 0] -> max_pool(2)) -> both(c * 2 ^ d) }
  for j in 1 .. depth, d in 0 .. depth - j {
    up = n[d + 1, j - 1] -> interpolate(2, linear, align_corners = true)
    n[d, j] = concat([n[d, k] for k in 0 ..< j], up) -> both(c * 2 ^ d)
  }
  for j in 1 .. depth if deep or j == depth { out[j] = n[0, j] -> conv(classes, 1, bias = true) }
  outputs out
}
