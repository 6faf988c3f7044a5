nas 1
import std.layers
# U-Net (Ronneberger, Fischer, Brox, MICCAI 2015). The defaults are MixSearch's baseline (34,527,041 parameters);
# `norm = identity, up = learn` is the original with padding, NAS-Unet's baseline (31,030,658).
op two(c, n) = conv(c, 3, bias = true) -> n -> relu -> conv(c, 3, bias = true) -> n -> relu
op rise(c, n) = interpolate(2, nearest) -> conv(c, 3, bias = true) -> n -> relu
op learn(c, n) = conv_transpose(c, 2, stride = 2, bias = true)
space unet(x: image = [1, 64, 64]; classes = 1, c = 64, depth = 4, norm = batch_norm, up = rise) {
  w(k) = c * 2 ^ (depth - k)
  for d in 0 .. depth { e[d] = (x if d == 0 else e[d - 1] -> max_pool(2)) -> two(c * 2 ^ d, norm) }
  y = e[depth]
  for k in 1 .. depth { y = concat([e[depth - k], y -> up(w(k), norm)]) -> two(w(k), norm) }
  y -> conv(classes, 1, bias = true)
}
