nas 1
import dints
# The only published genotype of DiNTS: arch_code_cvpr.pth of Project-MONAI/research-contributions. 97 of its 120 edges
# are kept. At mul = 1.0 for one channel and three classes it has 152,361,027 parameters.

genotype cvpr2021 : dints {
  kept[0] = [
    edge[0, 0, 0] via conv_3x3x3, edge[0, 0, 1] via conv_3x3x3, edge[0, 1, 1] via conv_3x1x3,
    edge[0, 2, 1] via conv_3x3x1, edge[0, 1, 2] via conv_3x3x3, edge[0, 2, 2] via conv_3x3x1,
    edge[0, 2, 3] via conv_3x3x3
  ]
  kept[1] = [
    edge[1, 0, 0] via conv_3x3x3, edge[1, 1, 0] via skip_connect, edge[1, 0, 1] via conv_3x1x3,
    edge[1, 1, 1] via conv_3x3x3, edge[1, 1, 2] via conv_3x3x1, edge[1, 2, 2] via conv_3x3x3,
    edge[1, 2, 3] via conv_1x3x3, edge[1, 3, 3] via conv_3x1x3
  ]
  kept[2] = [
    edge[2, 0, 0] via conv_3x1x3, edge[2, 1, 0] via skip_connect, edge[2, 0, 1] via skip_connect,
    edge[2, 1, 1] via conv_3x3x1, edge[2, 2, 1] via conv_3x3x3, edge[2, 1, 2] via skip_connect,
    edge[2, 2, 2] via conv_3x3x3, edge[2, 2, 3] via conv_3x3x3, edge[2, 3, 3] via skip_connect
  ]
  kept[3] = [
    edge[3, 0, 0] via conv_1x3x3, edge[3, 0, 1] via conv_3x3x1, edge[3, 1, 1] via conv_3x3x3,
    edge[3, 2, 1] via conv_3x3x1, edge[3, 1, 2] via conv_3x3x3, edge[3, 2, 2] via conv_3x3x3,
    edge[3, 3, 2] via skip_connect, edge[3, 2, 3] via conv_3x3x3
  ]
  kept[4] = [
    edge[4, 0, 0] via conv_3x3x3, edge[4, 1, 0] via conv_3x3x3, edge[4, 0, 1] via conv_1x3x3,
    edge[4, 1, 1] via skip_connect, edge[4, 1, 2] via conv_1x3x3, edge[4, 2, 2] via conv_3x3x3,
    edge[4, 3, 2] via conv_3x3x3, edge[4, 2, 3] via conv_3x3x3, edge[4, 3, 3] via conv_3x3x3
  ]
  kept[5] = [
    edge[5, 0, 0] via conv_3x3x1, edge[5, 0, 1] via skip_connect, edge[5, 1, 1] via skip_connect,
    edge[5, 2, 1] via conv_1x3x3, edge[5, 1, 2] via conv_1x3x3, edge[5, 2, 2] via conv_1x3x3,
    edge[5, 3, 2] via conv_3x3x3, edge[5, 2, 3] via conv_3x3x3, edge[5, 3, 3] via conv_3x3x3
  ]
  kept[6] = [
    edge[6, 0, 0] via conv_1x3x3, edge[6, 1, 0] via conv_3x1x3, edge[6, 0, 1] via skip_connect,
    edge[6, 1, 1] via skip_connect, edge[6, 1, 2] via conv_1x3x3, edge[6, 3, 2] via conv_3x3x3,
    edge[6, 2, 3] via skip_connect, edge[6, 3, 3] via conv_3x1x3
  ]
  kept[7] = [
    edge[7, 0, 0] via conv_3x3x3, edge[7, 1, 0] via conv_3x3x3, edge[7, 0, 1] via skip_connect,
    edge[7, 1, 1] via skip_connect, edge[7, 2, 1] via conv_3x1x3, edge[7, 1, 2] via conv_1x3x3,
    edge[7, 2, 3] via conv_3x3x3, edge[7, 3, 3] via conv_3x1x3
  ]
  kept[8] = [
    edge[8, 0, 0] via conv_3x3x3, edge[8, 1, 0] via skip_connect, edge[8, 0, 1] via skip_connect,
    edge[8, 1, 1] via conv_3x3x1, edge[8, 1, 2] via skip_connect, edge[8, 2, 2] via skip_connect,
    edge[8, 3, 2] via skip_connect, edge[8, 2, 3] via conv_3x3x3, edge[8, 3, 3] via conv_3x3x3
  ]
  kept[9] = [
    edge[9, 0, 0] via conv_3x3x3, edge[9, 1, 0] via conv_1x3x3, edge[9, 0, 1] via conv_3x3x1,
    edge[9, 1, 1] via conv_3x1x3, edge[9, 1, 2] via conv_1x3x3, edge[9, 2, 2] via conv_3x1x3,
    edge[9, 3, 2] via skip_connect, edge[9, 2, 3] via conv_3x1x3, edge[9, 3, 3] via conv_3x3x3
  ]
  kept[10] = [
    edge[10, 0, 0] via conv_3x3x1, edge[10, 1, 0] via skip_connect, edge[10, 0, 1] via conv_3x3x1,
    edge[10, 1, 2] via conv_3x3x1, edge[10, 2, 2] via skip_connect, edge[10, 3, 2] via skip_connect,
    edge[10, 2, 3] via conv_3x1x3, edge[10, 3, 3] via conv_3x3x1
  ]
  kept[11] = [
    edge[11, 0, 0] via conv_1x3x3, edge[11, 1, 0] via conv_1x3x3, edge[11, 3, 2] via skip_connect,
    edge[11, 2, 3] via conv_3x3x1, edge[11, 3, 3] via conv_3x3x3
  ]
}
