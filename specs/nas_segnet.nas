nas 1
import std.layers
import analog_nas
# NAS-SegNet (branch nas-nuclei of vishgoki/nas-seg-net): AnalogNAS' trunk with a head for segmentation, no skips. The
# original resizes to 32 x 32 whatever the input: `side = 32`; with 0, to the input. `learned`: its UpSampleBlock, which
# cannot be constructed (an output padding as large as the stride), as it was meant: a transposed convolution of size 5
# that undoes what the first convolution of size 7 cuts off.

op enlarge(y; to, learned) = y
  -> (conv_transpose(channels(y), 5) if learned else interpolate(to, linear, align_corners = true))
space nas_segnet(x: image = [3, 32, 32]; classes = 1, sampled = true, side = 0, learned = false) {
  x -> trunk(sampled) -> enlarge(size(x) if side == 0 else [side, side], learned)
    -> conv(64, 3, bias = true) -> batch_norm -> relu -> conv(classes, 1, bias = true)
}
