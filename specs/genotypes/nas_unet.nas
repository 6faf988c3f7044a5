nas 1
import nas_unet
# The 11 published genotypes of NAS-Unet: util/genotype.py of tianbaochou/NasUnet at 38f54d6 and pull request #35.
# `V1`, `V2`, `V3` and `NEW_V1` to `NEW_V3` have 2, 3 and 4 nodes; `En` stands for the enhanced search, `sh` for shared
# normal edges.

# Searched with up_dil_conv among the operators, as are the other two NEW ones.
genotype NAS_UNET_NEW_V1 : nas_unet(nodes = 2) {
  down_sc.s[2] = [s[0] via down_dil_conv, s[1] via down_conv]
  down_sc.s[3] = [s[0] via down_conv, s[1] via max_pool]
  up_sc.s[2] = [s[0] via conv, s[1] via up_dil_conv]
  up_sc.s[3] = [s[1] via up_cweight, s[2] via conv]
}

genotype NAS_UNET_NEW_V2 : nas_unet(nodes = 3) {
  down_sc.s[2] = [s[0] via down_dep_conv, s[1] via down_dil_conv]
  down_sc.s[3] = [s[0] via max_pool, s[1] via down_conv]
  down_sc.s[4] = [s[0] via down_dil_conv, s[1] via down_conv]
  up_sc.s[2] = [s[0] via identity, s[1] via up_dil_conv]
  up_sc.s[3] = [s[0] via identity, s[1] via up_dil_conv]
  up_sc.s[4] = [s[1] via up_cweight, s[3] via dil_conv]
}

genotype NAS_UNET_NEW_V3 : nas_unet(nodes = 4) {
  down_sc.s[2] = [s[0] via down_dep_conv, s[1] via down_cweight]
  down_sc.s[3] = [s[0] via max_pool, s[1] via down_conv]
  down_sc.s[4] = [s[1] via max_pool, s[2] via cweight]
  down_sc.s[5] = [s[0] via down_dil_conv, s[1] via down_dil_conv]
  up_sc.s[2] = [s[0] via dep_conv, s[1] via up_conv]
  up_sc.s[3] = [s[0] via shuffle_conv, s[1] via up_cweight]
  up_sc.s[4] = [s[1] via up_cweight, s[2] via identity]
  up_sc.s[5] = [s[1] via up_cweight, s[3] via dil_conv]
}

genotype NAS_UNET_V1_En : nas_unet(nodes = 2) {
  down_sc.s[2] = [s[0] via down_conv, s[1] via down_dil_conv]
  down_sc.s[3] = [s[0] via down_dep_conv, s[1] via down_dep_conv]
  up_sc.s[2] = [s[0] via cweight, s[1] via up_cweight]
  up_sc.s[3] = [s[0] via conv, s[1] via up_cweight]
}

genotype NAS_UNET_V1_En_sh : nas_unet(nodes = 2) {
  down_sc.s[2] = [s[0] via down_cweight, s[1] via down_cweight]
  down_sc.s[3] = [s[0] via down_dep_conv, s[1] via down_cweight]
  up_sc.s[2] = [s[0] via dep_conv, s[1] via up_cweight]
  up_sc.s[3] = [s[0] via cweight, s[1] via up_cweight]
}

# Also called NASUNET since commit 3924afc (2019-04-28).
genotype NAS_UNET_V2 : nas_unet(nodes = 3) {
  down_sc.s[2] = [s[0] via down_dep_conv, s[1] via down_conv]
  down_sc.s[3] = [s[0] via down_dil_conv, s[1] via down_cweight]
  down_sc.s[4] = [s[0] via down_conv, s[1] via down_dil_conv]
  up_sc.s[2] = [s[0] via identity, s[1] via up_cweight]
  up_sc.s[3] = [s[1] via up_cweight, s[2] via identity]
  up_sc.s[4] = [s[1] via up_conv, s[3] via cweight]
}

genotype NAS_UNET_V2_En : nas_unet(nodes = 3) {
  down_sc.s[2] = [s[0] via down_dep_conv, s[1] via down_dil_conv]
  down_sc.s[3] = [s[0] via down_cweight, s[1] via down_dep_conv]
  down_sc.s[4] = [s[0] via down_dep_conv, s[1] via down_dep_conv]
  up_sc.s[2] = [s[0] via identity, s[1] via up_dep_conv]
  up_sc.s[3] = [s[0] via cweight, s[1] via up_cweight]
  up_sc.s[4] = [s[1] via up_cweight, s[2] via conv]
}

# Called NASUNET before commit 3924afc; the paper's network of about 0.8 M parameters.
genotype NAS_UNET_V3 : nas_unet(nodes = 4) {
  down_sc.s[2] = [s[0] via down_cweight, s[1] via down_dil_conv]
  down_sc.s[3] = [s[0] via down_cweight, s[1] via down_cweight]
  down_sc.s[4] = [s[0] via down_cweight, s[3] via conv]
  down_sc.s[5] = [s[0] via down_cweight, s[4] via conv]
  up_sc.s[2] = [s[0] via cweight, s[1] via up_cweight]
  up_sc.s[3] = [s[1] via up_cweight, s[2] via conv]
  up_sc.s[4] = [s[1] via up_cweight, s[3] via conv]
  up_sc.s[5] = [s[1] via up_cweight, s[4] via conv]
}

genotype NAS_UNET_V3_En_sh : nas_unet(nodes = 4) {
  down_sc.s[2] = [s[0] via down_dep_conv, s[1] via down_cweight]
  down_sc.s[3] = [s[1] via down_cweight, s[2] via conv]
  down_sc.s[4] = [s[1] via down_cweight, s[3] via identity]
  down_sc.s[5] = [s[1] via down_dil_conv, s[3] via conv]
  up_sc.s[2] = [s[0] via cweight, s[1] via up_conv]
  up_sc.s[3] = [s[1] via up_conv, s[2] via cweight]
  up_sc.s[4] = [s[1] via up_conv, s[3] via cweight]
  up_sc.s[5] = [s[0] via cweight, s[1] via up_cweight]
}

# From the open pull request #35 (PROMISE12, c = 30).
genotype PR35_NASUNET_d14df04 : nas_unet(nodes = 3) {
  down_sc.s[2] = [s[0] via down_conv, s[1] via down_dil_conv]
  down_sc.s[3] = [s[0] via down_cweight, s[1] via down_dep_conv]
  down_sc.s[4] = [s[2] via dil_conv, s[3] via conv]
  up_sc.s[2] = [s[0] via shuffle_conv, s[1] via up_conv]
  up_sc.s[3] = [s[0] via dep_conv, s[1] via up_conv]
  up_sc.s[4] = [s[2] via dil_conv, s[3] via conv]
}

# From the open pull request #35.
genotype PR35_cell_visualize_11c66bb : nas_unet(nodes = 3) {
  down_sc.s[2] = [s[0] via down_conv, s[1] via down_dil_conv]
  down_sc.s[3] = [s[0] via down_cweight, s[1] via down_dep_conv]
  down_sc.s[4] = [s[2] via dil_conv, s[3] via dil_conv]
  up_sc.s[2] = [s[0] via shuffle_conv, s[1] via up_conv]
  up_sc.s[3] = [s[0] via dep_conv, s[1] via up_conv]
  up_sc.s[4] = [s[2] via dil_conv, s[3] via dil_conv]
}
