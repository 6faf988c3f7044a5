nas 1
import analog_nas
import nas_segnet
# The two published configurations of NAS-SegNet (branch nas-nuclei of vishgoki/nas-seg-net). The best configuration of
# the AnalogNAS tutorial is in the spec itself.

genotype segnet_best_config : nas_segnet {
  out_channel0 = 16
  m = 4
  wide = [0.5330917238012098, 0.5289583249829364, 0.6765230043009361, 0.7745942817441474]
  b = [2, 1, 3, 1]
  r = [2, 0, 1, 2]
}

genotype segnet_best_config_hc : nas_segnet {
  out_channel0 = 16
  m = 4
  wide = [0.7939218808815371, 0.5256597823796261, 0.5364357109292749, 0.5073309835858459]
  b = [2, 4, 2, 3]
  r = [2, 1, 2, 1]
}
