nas 1
# The layers: each one operation of torch.nn.functional, with shape, weights, multiply-accumulates and requirements as
# data. `s` stands for any number of spatial axes: the same text serves signals, images and volumes.

# Convolution. k, stride, padding and dilation are one number or one per axis.
layer conv(c, k, stride = 1, dilation = 1, padding = same(k, dilation), groups = 1, bias = false) {
  shape   [ch, *s] -> [c, *window(s, k, stride, padding, dilation)]
  weight  w [c, ch // groups, *axes(k, s)]
  weight  b [c] if bias
  macs    prod(w) * prod(out) // c
  require c >= 1 else "`conv` needs at least one output channel, got {c}"
  require ch % groups == 0 else "`groups` = {groups} must divide the {ch} input channels"
  require c % groups == 0 else "`groups` = {groups} must divide the {c} output channels"
}

# Transposed convolution; multiply-accumulates are counted on the input's positions.
layer conv_transpose(
  c, k, stride = 1, dilation = 1, padding = 0, output_padding = 0, groups = 1, bias = false
) {
  shape   [ch, *s] -> [c, *unwindow(s, k, stride, padding, dilation, output_padding)]
  weight  w [ch, c // groups, *axes(k, s)]
  weight  b [c] if bias
  macs    prod(w) * prod(s)
  require ch % groups == 0 else "`groups` = {groups} must divide the {ch} input channels"
  require c % groups == 0 else "`groups` = {groups} must divide the {c} output channels"
}

# Fully connected layer on a vector.
layer linear(c, bias = false) {
  shape   [n] -> [c]
  weight  w [c, n]
  weight  b [c] if bias
  macs    c * n
  require c >= 0 else "`linear` cannot have {c} outputs"
}

# A-Softmax head (Liu et al., SphereFace, CVPR 2017): the first output is |x| cos(t), the second |x| psi(t).
layer angular_linear(c, margin = 4) {
  shape   [n] -> [c], [c]
  weight  w [n, c]
  macs    c * n
  require margin > 0 else "the `margin` of `angular_linear` is above 0, got {margin}"
}

layer batch_norm(affine = true) {
  shape   [ch, *s] -> [ch, *s]
  weight  w [ch] if affine
  weight  b [ch] if affine
  buffer  mean [ch]
  buffer  var [ch]
}
layer group_norm(groups, affine = true) {
  shape   [ch, *s] -> [ch, *s]
  weight  w [ch] if affine
  weight  b [ch] if affine
  require ch % groups == 0 else "`groups` = {groups} must divide the {ch} channels"
}
layer instance_norm(affine = false) {
  shape   [ch, *s] -> [ch, *s]
  weight  w [ch] if affine
  weight  b [ch] if affine
  require prod(s) > 1 else "`instance_norm` needs more than one position per channel, got {s}"
}

layer relu() { shape [*t] -> [*t] }
layer relu6() { shape [*t] -> [*t] }
layer leaky_relu(slope = 0.01) { shape [*t] -> [*t] }
layer prelu() {
  shape   [*t] -> [*t]
  weight  w [1]
}
layer elu(alpha = 1.0) { shape [*t] -> [*t] }
layer selu() { shape [*t] -> [*t] }
layer gelu() { shape [*t] -> [*t] }
layer silu() { shape [*t] -> [*t] }
layer sigmoid() { shape [*t] -> [*t] }
layer tanh() { shape [*t] -> [*t] }
layer hard_sigmoid() { shape [*t] -> [*t] }
layer hard_swish() { shape [*t] -> [*t] }

# Over the channels; over every position of a one-channel map with `over = positions`.
layer softmax(over: channels | positions = channels) { shape [*t] -> [*t] }

layer max_pool(k, stride = k, padding = 0) {
  shape   [ch, *s] -> [ch, *window(s, k, stride, padding, 1)]
  require 2 * padding <= k else "a pool's `padding` is at most half its window: {padding} for {k}"
}
# Padding does not count in the mean.
layer avg_pool(k, stride = k, padding = 0) {
  shape   [ch, *s] -> [ch, *window(s, k, stride, padding, 1)]
  require 2 * padding <= k else "a pool's `padding` is at most half its window: {padding} for {k}"
}
layer global_avg_pool() { shape [ch, *s] -> [ch] }
layer global_max_pool() { shape [ch, *s] -> [ch] }
layer channel_max() { shape [ch, *s] -> [1, *s] }
layer channel_mean() { shape [ch, *s] -> [1, *s] }

# `to` is a factor, one number per axis, or the size of a tensor: `size(x)`.
layer interpolate(to, mode: nearest | linear = nearest, align_corners = false) {
  shape   [ch, *s] -> [ch, *resized(s, to)]
}
layer pad(first = 0, last = 0) { shape [ch, *s] -> [ch, *plus(s, first + last)] }
layer crop(first = 0, last = 0) { shape [ch, *s] -> [ch, *plus(s, 0 - first - last)] }

layer concat() { shape many x -> joined(x) }
# A vector added to or multiplied with a map acts on its channels.
layer add() { shape many x -> broadcast(x) }
layer mul() { shape many x -> broadcast(x) }

layer zero(stride = 1) { shape [ch, *s] -> [ch, *cdiv(s, stride)] }
layer identity() { shape [*t] -> [*t] }
layer dropout(p = 0.5) {
  shape   [*t] -> [*t]
  require p >= 0 else "`p` of `dropout` is a probability from 0 to 1, not {p}"
  require p <= 1 else "`p` of `dropout` is a probability from 0 to 1, not {p}"
}
# Whole channels at a time.
layer channel_dropout(p = 0.5) {
  shape   [ch, *s] -> [ch, *s]
  require p >= 0 else "`p` of `channel_dropout` is a probability from 0 to 1, not {p}"
  require p <= 1 else "`p` of `channel_dropout` is a probability from 0 to 1, not {p}"
}
# Whole samples at a time (stochastic depth).
layer drop_path(p = 0.1) {
  shape   [*t] -> [*t]
  require p >= 0 else "`p` of `drop_path` is a probability from 0 to less than 1, not {p}"
  require p < 1 else "`p` of `drop_path` is a probability from 0 to less than 1, not {p}"
}
layer flatten() { shape [*t] -> [prod(t)] }
layer channel_shuffle(groups) {
  shape   [ch, *s] -> [ch, *s]
  require ch % groups == 0 else "`groups` = {groups} must divide the {ch} channels"
}
