nas 1
import unets
# Hand-made networks that a searched one is compared with; `unet` comes from the shipped texts.

op projected(x; c) = (x -> conv(c, 3) -> batch_norm -> relu -> conv(c, 3) -> batch_norm) + (
  x -> conv(c, 1)
) -> relu

# A U-Net of residual blocks (Zhang et al., Road Extraction by Deep Residual U-Net, 2018), pooled and interpolated.
space residual_unet(x: image = [1, 64, 64]; classes = 2, c = 16, depth = 3) {
  e[0] = x -> projected(c)
  for d in 1 .. depth { e[d] = e[d - 1] -> max_pool(2, stride = 2) -> projected(c * 2 ^ d) }
  y[depth] = e[depth]
  for k in 1 .. depth {
    w = c * 2 ^ (depth - k)
    y[depth - k] = concat([e[depth - k], y[depth - k + 1] -> interpolate(2, nearest) -> conv(w, 1)])
      -> projected(w)
  }
  y[0] -> conv(classes, 1, bias = true)
}
