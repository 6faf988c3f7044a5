nas 1
import mixsearch
# The 60 published genotypes of NAS-WDAN and MixSearch: lswzjuer/NAS-WDAN at 6813904 and its history. `double` in a
# name means doubled channels, `deep` deep supervision; `layers` and `double` are left to whoever builds the network,
# because the originals build every genotype both ways.

# Role: V_cvc. The authors note: V_cvc; ValLoss .892 Acc .985 Dice .913 Jc .844. From nas_search/genotypes.py.
genotype layer7_double_deep : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_conv]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via dep_conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[3] via dil_conv, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via dil_conv]
  normal_normal.s[3] = [s[1] via shuffle_conv, s[2] via dep_conv]
  normal_normal.s[4] = [s[2] via shuffle_conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[3] via dil_conv, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_dil_conv, s[2] via dep_conv]
  normal_up.s[4] = [s[1] via up_dil_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[1] via up_cweight, s[3] via dil_conv]
}

# The authors note: ValLoss .764 Acc .982 Dice .894 Jc .814. From nas_search/genotypes.py.
genotype layer9_double_deep : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via avg_pool]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_dep_conv, s[3] via dep_conv]
  normal_down.s[5] = [s[1] via down_conv, s[3] via dep_conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via identity]
  normal_normal.s[3] = [s[0] via dil_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[0] via identity, s[3] via dep_conv]
  normal_normal.s[5] = [s[1] via identity, s[3] via dep_conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_cweight]
  normal_up.s[3] = [s[0] via dil_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[1] via up_cweight, s[3] via dep_conv]
  normal_up.s[5] = [s[1] via up_cweight, s[3] via dep_conv]
}

# The authors note: Acc .980 Dice .882 Jc .796. From nas_search/genotypes.py.
genotype layer9_deep : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_conv]
  normal_down.s[3] = [s[1] via down_dep_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via avg_pool, s[2] via shuffle_conv]
  normal_down.s[5] = [s[2] via dil_conv, s[4] via dep_conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via conv]
  normal_normal.s[3] = [s[1] via dep_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[0] via dep_conv, s[2] via shuffle_conv]
  normal_normal.s[5] = [s[2] via dil_conv, s[4] via dep_conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[1] via up_dep_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[0] via dep_conv, s[2] via shuffle_conv]
  normal_up.s[5] = [s[2] via dil_conv, s[4] via dep_conv]
}

# The authors note: Acc .983 Dice .904 Jc .828. From nas_search/genotypes.py.
genotype layer9_double : wdan {
  normal_down.s[2] = [s[0] via identity, s[1] via avg_pool]
  normal_down.s[3] = [s[1] via down_dep_conv, s[2] via conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[3] via dil_conv, s[4] via dep_conv]
  normal_normal.s[2] = [s[0] via identity, s[1] via cweight]
  normal_normal.s[3] = [s[1] via conv, s[2] via conv]
  normal_normal.s[4] = [s[1] via identity, s[3] via dil_conv]
  normal_normal.s[5] = [s[3] via dil_conv, s[4] via dep_conv]
  normal_up.s[2] = [s[0] via identity, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via dil_conv, s[2] via conv]
  normal_up.s[4] = [s[2] via dep_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[3] via dil_conv, s[4] via dep_conv]
}

# The authors note: best, 450 epoch; Acc .985 Dice .912 Jc .842. From nas_search/genotypes.py.
genotype stage1_double_deep : wdan {
  normal_down.s[2] = [s[0] via shuffle_conv, s[1] via down_dep_conv]
  normal_down.s[3] = [s[0] via dil_conv, s[1] via down_dep_conv]
  normal_down.s[4] = [s[0] via shuffle_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[0] via conv, s[1] via down_conv]
  normal_normal.s[2] = [s[0] via shuffle_conv, s[1] via conv]
  normal_normal.s[3] = [s[0] via dil_conv, s[2] via conv]
  normal_normal.s[4] = [s[0] via shuffle_conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[0] via conv, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via shuffle_conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via dil_conv, s[1] via up_dil_conv]
  normal_up.s[4] = [s[1] via up_dil_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[0] via conv, s[4] via dil_conv]
}

# The authors note: Acc .982 Dice .893 Jc .814. From nas_search/genotypes.py.
genotype stage1_deep : wdan {
  normal_down.s[2] = [s[0] via dil_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_dep_conv, s[2] via shuffle_conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[3] via dep_conv]
  normal_down.s[5] = [s[0] via identity, s[1] via down_dep_conv]
  normal_normal.s[2] = [s[0] via dil_conv, s[1] via dep_conv]
  normal_normal.s[3] = [s[1] via dep_conv, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[1] via dil_conv, s[3] via dep_conv]
  normal_normal.s[5] = [s[0] via identity, s[1] via cweight]
  normal_up.s[2] = [s[0] via dil_conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[1] via up_cweight, s[2] via shuffle_conv]
  normal_up.s[4] = [s[1] via up_dil_conv, s[3] via dep_conv]
  normal_up.s[5] = [s[0] via identity, s[1] via up_cweight]
}

# The authors note: Acc .981 Dice .887 Jc .804. From nas_search/genotypes.py.
genotype stage1_double : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_cweight]
  normal_down.s[3] = [s[1] via down_conv, s[2] via dep_conv]
  normal_down.s[4] = [s[0] via shuffle_conv, s[1] via down_dil_conv]
  normal_down.s[5] = [s[1] via down_cweight, s[2] via dil_conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via dep_conv]
  normal_normal.s[3] = [s[1] via identity, s[2] via dep_conv]
  normal_normal.s[4] = [s[0] via shuffle_conv, s[3] via conv]
  normal_normal.s[5] = [s[1] via identity, s[2] via dil_conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_dil_conv]
  normal_up.s[3] = [s[1] via up_dil_conv, s[2] via dep_conv]
  normal_up.s[4] = [s[0] via shuffle_conv, s[1] via up_dil_conv]
  normal_up.s[5] = [s[0] via dil_conv, s[2] via dil_conv]
}

# From nas_search/genotypes.py.
genotype nodouble_deep_init32_ep100 : wdan {
  normal_down.s[2] = [s[0] via shuffle_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via max_pool, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via max_pool, s[3] via identity]
  normal_down.s[5] = [s[1] via max_pool, s[3] via conv]
  normal_normal.s[2] = [s[0] via shuffle_conv, s[1] via identity]
  normal_normal.s[3] = [s[1] via dil_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[2] via cweight, s[3] via identity]
  normal_normal.s[5] = [s[2] via dil_conv, s[3] via conv]
  normal_up.s[2] = [s[0] via shuffle_conv, s[1] via up_dep_conv]
  normal_up.s[3] = [s[1] via up_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via cweight, s[3] via identity]
  normal_up.s[5] = [s[1] via up_dep_conv, s[3] via conv]
}

# From nas_search/genotypes.py.
genotype stage1_nodouble_deep_ep36 : wdan {
  normal_down.s[2] = [s[0] via dil_conv, s[1] via max_pool]
  normal_down.s[3] = [s[1] via down_dep_conv, s[2] via dep_conv]
  normal_down.s[4] = [s[0] via conv, s[1] via down_conv]
  normal_down.s[5] = [s[1] via down_dil_conv, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via dil_conv, s[1] via dep_conv]
  normal_normal.s[3] = [s[1] via cweight, s[2] via dep_conv]
  normal_normal.s[4] = [s[0] via conv, s[1] via shuffle_conv]
  normal_normal.s[5] = [s[1] via dil_conv, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via dil_conv, s[1] via up_dep_conv]
  normal_up.s[3] = [s[1] via up_dep_conv, s[2] via dep_conv]
  normal_up.s[4] = [s[0] via conv, s[1] via up_conv]
  normal_up.s[5] = [s[1] via up_conv, s[4] via dil_conv]
}

# Also called stage1_double_deep_ep80_ts. The authors note: search acc .848. From nas_search/genotypes.py.
genotype stage1_nodouble_deep_ep63 : wdan {
  normal_down.s[2] = [s[0] via dil_conv, s[1] via max_pool]
  normal_down.s[3] = [s[0] via identity, s[1] via down_dep_conv]
  normal_down.s[4] = [s[0] via conv, s[1] via down_conv]
  normal_down.s[5] = [s[0] via identity, s[1] via down_dil_conv]
  normal_normal.s[2] = [s[0] via dil_conv, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via identity, s[1] via identity]
  normal_normal.s[4] = [s[0] via conv, s[1] via identity]
  normal_normal.s[5] = [s[0] via identity, s[1] via dil_conv]
  normal_up.s[2] = [s[0] via dil_conv, s[1] via up_dep_conv]
  normal_up.s[3] = [s[0] via identity, s[1] via up_dep_conv]
  normal_up.s[4] = [s[0] via conv, s[1] via up_conv]
  normal_up.s[5] = [s[0] via identity, s[4] via dil_conv]
}

# From nas_search/genotypes.py.
genotype stage1_nodouble_deep_ep83 : wdan {
  normal_down.s[2] = [s[0] via dil_conv, s[1] via max_pool]
  normal_down.s[3] = [s[0] via identity, s[1] via down_dep_conv]
  normal_down.s[4] = [s[0] via conv, s[1] via down_cweight]
  normal_down.s[5] = [s[0] via identity, s[1] via down_dil_conv]
  normal_normal.s[2] = [s[0] via dil_conv, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via identity, s[1] via identity]
  normal_normal.s[4] = [s[0] via conv, s[1] via identity]
  normal_normal.s[5] = [s[0] via identity, s[1] via dil_conv]
  normal_up.s[2] = [s[0] via dil_conv, s[1] via up_dep_conv]
  normal_up.s[3] = [s[0] via identity, s[1] via up_dep_conv]
  normal_up.s[4] = [s[0] via conv, s[1] via up_conv]
  normal_up.s[5] = [s[0] via identity, s[4] via dil_conv]
}

# The authors note: .854. From nas_search/genotypes.py.
genotype stage1_nodouble_deep_150awb : wdan {
  normal_down.s[2] = [s[0] via dil_conv, s[1] via max_pool]
  normal_down.s[3] = [s[0] via identity, s[1] via down_dep_conv]
  normal_down.s[4] = [s[0] via dil_conv, s[1] via down_cweight]
  normal_down.s[5] = [s[0] via identity, s[1] via down_dil_conv]
  normal_normal.s[2] = [s[0] via dil_conv, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via identity, s[1] via identity]
  normal_normal.s[4] = [s[0] via dil_conv, s[1] via shuffle_conv]
  normal_normal.s[5] = [s[0] via identity, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via dil_conv, s[1] via up_dep_conv]
  normal_up.s[3] = [s[0] via identity, s[1] via up_dep_conv]
  normal_up.s[4] = [s[0] via dil_conv, s[1] via up_conv]
  normal_up.s[5] = [s[0] via identity, s[4] via dil_conv]
}

# From nas_search/genotypes.py.
genotype stage1_double_deep_ep80 : wdan {
  normal_down.s[2] = [s[0] via dil_conv, s[1] via avg_pool]
  normal_down.s[3] = [s[0] via identity, s[1] via avg_pool]
  normal_down.s[4] = [s[1] via avg_pool, s[2] via cweight]
  normal_down.s[5] = [s[1] via avg_pool, s[4] via identity]
  normal_normal.s[2] = [s[0] via identity, s[1] via identity]
  normal_normal.s[3] = [s[0] via identity, s[2] via cweight]
  normal_normal.s[4] = [s[2] via cweight, s[3] via cweight]
  normal_normal.s[5] = [s[1] via cweight, s[4] via identity]
  normal_up.s[2] = [s[0] via identity, s[1] via up_cweight]
  normal_up.s[3] = [s[0] via identity, s[1] via up_cweight]
  normal_up.s[4] = [s[2] via cweight, s[3] via cweight]
  normal_up.s[5] = [s[0] via dil_conv, s[4] via identity]
}

# Role: V_chaos. The authors note: V_chaos (final). From nas_search/genotypes.py.
genotype stage0_double_deep_ep80_newim : wdan {
  normal_down.s[2] = [s[0] via identity, s[1] via down_dep_conv]
  normal_down.s[3] = [s[0] via cweight, s[1] via avg_pool]
  normal_down.s[4] = [s[0] via identity, s[2] via shuffle_conv]
  normal_down.s[5] = [s[3] via dep_conv, s[4] via conv]
  normal_normal.s[2] = [s[0] via identity, s[1] via identity]
  normal_normal.s[3] = [s[0] via cweight, s[2] via cweight]
  normal_normal.s[4] = [s[1] via identity, s[2] via shuffle_conv]
  normal_normal.s[5] = [s[3] via dep_conv, s[4] via conv]
  normal_up.s[2] = [s[0] via identity, s[1] via up_dep_conv]
  normal_up.s[3] = [s[0] via cweight, s[1] via up_dep_conv]
  normal_up.s[4] = [s[0] via identity, s[2] via shuffle_conv]
  normal_up.s[5] = [s[3] via dep_conv, s[4] via conv]
}

# Role: V_isic, V1. The authors note: V_isic = V1; .934/.888/.808 (acc/dice/jc). From nas_search/genotypes.py.
genotype stage1_layer9_110epoch_double_deep_final : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_dep_conv]
  normal_down.s[3] = [s[1] via down_dil_conv, s[2] via conv]
  normal_down.s[4] = [s[1] via down_dep_conv, s[3] via shuffle_conv]
  normal_down.s[5] = [s[1] via down_dep_conv, s[3] via conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via shuffle_conv, s[2] via conv]
  normal_normal.s[4] = [s[1] via dep_conv, s[3] via shuffle_conv]
  normal_normal.s[5] = [s[3] via conv, s[4] via dep_conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_conv, s[2] via conv]
  normal_up.s[4] = [s[1] via up_cweight, s[3] via shuffle_conv]
  normal_up.s[5] = [s[3] via conv, s[4] via dep_conv]
}

# Role: V2. The authors note: V2; .932/.885/.804. From nas_search/genotypes.py.
genotype stage1_layer9_110epoch_double_final : wdan {
  normal_down.s[2] = [s[0] via shuffle_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[0] via shuffle_conv, s[1] via down_cweight]
  normal_down.s[4] = [s[1] via down_conv, s[3] via shuffle_conv]
  normal_down.s[5] = [s[1] via down_conv, s[3] via conv]
  normal_normal.s[2] = [s[0] via shuffle_conv, s[1] via dil_conv]
  normal_normal.s[3] = [s[0] via shuffle_conv, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[1] via shuffle_conv, s[3] via shuffle_conv]
  normal_normal.s[5] = [s[2] via shuffle_conv, s[3] via conv]
  normal_up.s[2] = [s[0] via shuffle_conv, s[1] via up_dep_conv]
  normal_up.s[3] = [s[0] via shuffle_conv, s[2] via shuffle_conv]
  normal_up.s[4] = [s[2] via cweight, s[3] via shuffle_conv]
  normal_up.s[5] = [s[2] via shuffle_conv, s[3] via conv]
}

# Role: V3. The authors note: V3; .931/.889/.804. From nas_search/genotypes.py.
genotype stage1_layer9_110epoch_deep_final : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_conv]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via shuffle_conv]
  normal_down.s[4] = [s[1] via down_cweight, s[3] via identity]
  normal_down.s[5] = [s[1] via down_cweight, s[4] via dep_conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[0] via shuffle_conv, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[1] via identity, s[3] via identity]
  normal_normal.s[5] = [s[1] via identity, s[4] via dep_conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_conv]
  normal_up.s[3] = [s[0] via shuffle_conv, s[2] via shuffle_conv]
  normal_up.s[4] = [s[1] via up_dil_conv, s[3] via identity]
  normal_up.s[5] = [s[1] via up_conv, s[4] via dep_conv]
}

# Role: V4. The authors note: V4; .920/.874. From nas_search/genotypes.py.
genotype stage1_layer9_110epoch_final : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via down_dep_conv]
  normal_down.s[3] = [s[1] via down_conv, s[2] via shuffle_conv]
  normal_down.s[4] = [s[1] via down_conv, s[3] via cweight]
  normal_down.s[5] = [s[1] via down_dep_conv, s[3] via conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via conv]
  normal_normal.s[3] = [s[0] via shuffle_conv, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[1] via shuffle_conv, s[3] via cweight]
  normal_normal.s[5] = [s[2] via shuffle_conv, s[3] via conv]
  normal_up.s[2] = [s[0] via conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via shuffle_conv, s[2] via shuffle_conv]
  normal_up.s[4] = [s[1] via up_dep_conv, s[3] via cweight]
  normal_up.s[5] = [s[2] via shuffle_conv, s[3] via conv]
}

# Also called alpha1_stage0_ep71. From nas_search/genotypes.py.
genotype alpha1_stage0_double_deep_ep71 : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_cweight, s[3] via dil_conv]
  normal_down.s[5] = [s[2] via shuffle_conv, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via dil_conv]
  normal_normal.s[3] = [s[1] via dil_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[2] via shuffle_conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[2] via shuffle_conv, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_cweight, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via shuffle_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[2] via shuffle_conv, s[4] via dil_conv]
}

# Also called alpha0_stage0_ep60. From nas_search/genotypes.py.
genotype alpha0_stage0_double_deep_ep60 : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_cweight, s[3] via dil_conv]
  normal_down.s[5] = [s[2] via conv, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via conv]
  normal_normal.s[3] = [s[1] via dep_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[2] via shuffle_conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[2] via conv, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_cweight, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via shuffle_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[2] via conv, s[4] via dil_conv]
}

# Also called alpha1_stage1_double_deep_ep200. Role: MixSearch. The authors note: MixSearch 2-mixup alpha=1. From
# nas_search/genotypes.py.
genotype alpha1_stage1_double_deep_ep80 : wdan {
  normal_down.s[2] = [s[0] via shuffle_conv, s[1] via down_cweight]
  normal_down.s[3] = [s[1] via down_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_dep_conv, s[3] via shuffle_conv]
  normal_down.s[5] = [s[2] via conv, s[4] via cweight]
  normal_normal.s[2] = [s[0] via shuffle_conv, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[0] via shuffle_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[1] via conv, s[3] via shuffle_conv]
  normal_normal.s[5] = [s[2] via conv, s[4] via cweight]
  normal_up.s[2] = [s[0] via shuffle_conv, s[1] via up_conv]
  normal_up.s[3] = [s[1] via up_dil_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via cweight, s[3] via shuffle_conv]
  normal_up.s[5] = [s[2] via conv, s[4] via cweight]
}

# Also called alpha0_stage1_double_deep_ep200. Role: UnionSearch. The authors note: UnionSearch (alpha=0, no mixup).
# From nas_search/genotypes.py.
genotype alpha0_stage1_double_deep_ep80 : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_conv, s[2] via shuffle_conv]
  normal_down.s[4] = [s[1] via down_conv, s[3] via dep_conv]
  normal_down.s[5] = [s[1] via down_conv, s[2] via conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via dep_conv, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[2] via conv, s[3] via dep_conv]
  normal_normal.s[5] = [s[2] via conv, s[4] via identity]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_conv]
  normal_up.s[3] = [s[1] via up_cweight, s[2] via shuffle_conv]
  normal_up.s[4] = [s[1] via up_dil_conv, s[3] via dep_conv]
  normal_up.s[5] = [s[1] via up_dep_conv, s[2] via conv]
}

# Role: MixSearch. The authors note: MixSearch 2-mixup alpha=0.5 (the model of the README). From
# nas_search/genotypes.py.
genotype alpha0_5_stage1_double_deep_ep80 : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_dil_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[3] via shuffle_conv]
  normal_down.s[5] = [s[2] via shuffle_conv, s[3] via shuffle_conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[0] via shuffle_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[0] via cweight, s[3] via shuffle_conv]
  normal_normal.s[5] = [s[1] via shuffle_conv, s[2] via shuffle_conv]
  normal_up.s[2] = [s[0] via conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via shuffle_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[0] via cweight, s[3] via shuffle_conv]
  normal_up.s[5] = [s[1] via up_cweight, s[2] via shuffle_conv]
}

# From nas_search/genotypes.py.
genotype alpha0_5_stage1_nodouble_deep_ep80 : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via down_conv]
  normal_down.s[3] = [s[0] via conv, s[1] via down_conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[1] via down_dil_conv, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via identity]
  normal_normal.s[3] = [s[0] via conv, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[1] via shuffle_conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[3] via shuffle_conv, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via conv, s[2] via shuffle_conv]
  normal_up.s[4] = [s[2] via dep_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[3] via shuffle_conv, s[4] via dil_conv]
}

# From nas_search/genotypes.py.
genotype alpha0_5_stage1_nodouble_nodeep_ep80 : wdan {
  normal_down.s[2] = [s[0] via dil_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_dil_conv, s[2] via conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[2] via conv]
  normal_down.s[5] = [s[2] via conv, s[4] via dep_conv]
  normal_normal.s[2] = [s[0] via dil_conv, s[1] via conv]
  normal_normal.s[3] = [s[1] via dep_conv, s[2] via conv]
  normal_normal.s[4] = [s[2] via conv, s[3] via conv]
  normal_normal.s[5] = [s[2] via conv, s[4] via dep_conv]
  normal_up.s[2] = [s[0] via dil_conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_dil_conv, s[2] via conv]
  normal_up.s[4] = [s[1] via up_dep_conv, s[2] via conv]
  normal_up.s[5] = [s[2] via conv, s[4] via dep_conv]
}

# From nas_search/genotypes.py.
genotype alpha0_5_stage1_double_nodeep_ep80 : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[0] via cweight, s[1] via down_dil_conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[3] via shuffle_conv]
  normal_down.s[5] = [s[1] via down_dep_conv, s[3] via dil_conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[0] via cweight, s[2] via dil_conv]
  normal_normal.s[4] = [s[2] via conv, s[3] via shuffle_conv]
  normal_normal.s[5] = [s[1] via conv, s[3] via dil_conv]
  normal_up.s[2] = [s[0] via conv, s[1] via up_dep_conv]
  normal_up.s[3] = [s[0] via cweight, s[1] via up_conv]
  normal_up.s[4] = [s[1] via up_conv, s[3] via shuffle_conv]
  normal_up.s[5] = [s[3] via dil_conv, s[4] via dep_conv]
}

# From nas_search/genotypes.py.
genotype alpha1_stage1_double_deep_ep80_3mixup : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_dil_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via max_pool, s[3] via dil_conv]
  normal_down.s[5] = [s[1] via max_pool, s[4] via conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via cweight]
  normal_normal.s[3] = [s[0] via conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[1] via conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[3] via shuffle_conv, s[4] via conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_conv]
  normal_up.s[3] = [s[0] via conv, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via conv, s[3] via dil_conv]
  normal_up.s[5] = [s[3] via shuffle_conv, s[4] via conv]
}

# From nas_search/genotypes.py.
genotype alpha0_5_stage1_double_deep_ep80_3mixup : wdan {
  normal_down.s[2] = [s[0] via dil_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_dil_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[2] via conv, s[3] via shuffle_conv]
  normal_down.s[5] = [s[1] via max_pool, s[3] via shuffle_conv]
  normal_normal.s[2] = [s[0] via dil_conv, s[1] via dil_conv]
  normal_normal.s[3] = [s[1] via shuffle_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[2] via conv, s[3] via shuffle_conv]
  normal_normal.s[5] = [s[3] via shuffle_conv, s[4] via conv]
  normal_up.s[2] = [s[0] via dil_conv, s[1] via up_conv]
  normal_up.s[3] = [s[1] via up_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via conv, s[3] via shuffle_conv]
  normal_up.s[5] = [s[3] via shuffle_conv, s[4] via conv]
}

# From nas_search/genotypes.py.
genotype alpha0_5_stage1_double_deep_ep80_4mixup : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via down_cweight]
  normal_down.s[3] = [s[1] via down_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_dep_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[2] via dep_conv, s[4] via conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via dil_conv]
  normal_normal.s[3] = [s[0] via conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[2] via conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[2] via dep_conv, s[4] via conv]
  normal_up.s[2] = [s[0] via conv, s[1] via up_conv]
  normal_up.s[3] = [s[1] via up_cweight, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via conv, s[3] via dil_conv]
  normal_up.s[5] = [s[2] via dep_conv, s[4] via conv]
}

# From nas_search/genotypes.py.
genotype alpha1_stage1_double_deep_ep80_4mixup : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[3] via conv, s[4] via conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[1] via dil_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[2] via conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[3] via conv, s[4] via conv]
  normal_up.s[2] = [s[0] via conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via dil_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via conv, s[3] via dil_conv]
  normal_up.s[5] = [s[3] via conv, s[4] via conv]
}

# The authors note: Acc .945 Dice .838 Jc .730. From nas_search/genotypes.py.
genotype alpha1_layer7_double_deep_ep80_3mixup : wdan {
  normal_down.s[2] = [s[0] via shuffle_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via shuffle_conv]
  normal_down.s[4] = [s[1] via down_conv, s[2] via conv]
  normal_down.s[5] = [s[1] via down_dep_conv, s[3] via conv]
  normal_normal.s[2] = [s[0] via shuffle_conv, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[1] via conv, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[2] via conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[3] via conv, s[4] via shuffle_conv]
  normal_up.s[2] = [s[0] via shuffle_conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_dil_conv, s[2] via shuffle_conv]
  normal_up.s[4] = [s[2] via conv, s[3] via dil_conv]
  normal_up.s[5] = [s[3] via conv, s[4] via shuffle_conv]
}

# The authors note: Acc .944 Dice .835 Jc .726. From nas_search/genotypes.py.
genotype alpha1_layer9upconv3311_double_deep_ep80_3mixup : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_cweight]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_dep_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[1] via down_cweight, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via conv]
  normal_normal.s[3] = [s[1] via dep_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[1] via cweight, s[3] via dil_conv]
  normal_normal.s[5] = [s[3] via shuffle_conv, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_dil_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[1] via up_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[3] via shuffle_conv, s[4] via dil_conv]
}

# The authors note: Acc .9506 Dice .8285 Jc .7177. From nas_search/genotypes.py.
genotype alpha1_layer9topskip_double_deep_ep80_3mixup : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via down_conv]
  normal_down.s[3] = [s[0] via conv, s[2] via dil_conv]
  normal_down.s[4] = [s[0] via cweight, s[1] via down_dil_conv]
  normal_down.s[5] = [s[0] via cweight, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via dil_conv]
  normal_normal.s[3] = [s[0] via conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[0] via cweight, s[1] via cweight]
  normal_normal.s[5] = [s[0] via cweight, s[1] via cweight]
  normal_up.s[2] = [s[0] via conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via conv, s[2] via dil_conv]
  normal_up.s[4] = [s[0] via cweight, s[1] via up_dil_conv]
  normal_up.s[5] = [s[0] via cweight, s[1] via up_cweight]
}

# The authors note: Acc .9551 Dice .8490 Jc .7450. From nas_search/genotypes.py.
genotype alpha1_layer9cellskip_double_deep_ep80_3mixup : wdan {
  normal_down.s[2] = [s[0] via identity, s[1] via down_conv]
  normal_down.s[3] = [s[0] via identity, s[2] via dil_conv]
  normal_down.s[4] = [s[0] via identity, s[3] via dil_conv]
  normal_down.s[5] = [s[0] via identity, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via identity, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[0] via identity, s[2] via dil_conv]
  normal_normal.s[4] = [s[0] via identity, s[3] via dil_conv]
  normal_normal.s[5] = [s[0] via identity, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via identity, s[1] via up_conv]
  normal_up.s[3] = [s[0] via identity, s[1] via up_dil_conv]
  normal_up.s[4] = [s[0] via identity, s[3] via dil_conv]
  normal_up.s[5] = [s[0] via identity, s[4] via dil_conv]
}

# The authors note: Acc .8965 Dice .5609 Jc .4067. From nas_search/genotypes.py.
genotype alpha1_layer9scale_double_deep_ep80_3mixup : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_cweight]
  normal_down.s[3] = [s[0] via identity, s[1] via max_pool]
  normal_down.s[4] = [s[0] via identity, s[2] via dil_conv]
  normal_down.s[5] = [s[1] via down_cweight, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via conv]
  normal_normal.s[3] = [s[0] via identity, s[1] via dil_conv]
  normal_normal.s[4] = [s[0] via identity, s[2] via dil_conv]
  normal_normal.s[5] = [s[0] via identity, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via identity, s[1] via up_dil_conv]
  normal_up.s[4] = [s[0] via identity, s[2] via dil_conv]
  normal_up.s[5] = [s[0] via identity, s[4] via dil_conv]
}

# The authors note: Acc .9479 Dice .8491 Jc .7468. From nas_search/genotypes.py.
genotype alpha0_5_layer7_double_deep_ep80_3mixup : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[3] via shuffle_conv, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[1] via shuffle_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[0] via cweight, s[3] via dil_conv]
  normal_normal.s[5] = [s[3] via shuffle_conv, s[4] via dil_conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_conv]
  normal_up.s[3] = [s[1] via up_cweight, s[2] via dil_conv]
  normal_up.s[4] = [s[1] via up_dil_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[3] via shuffle_conv, s[4] via dil_conv]
}

# The authors note: Acc .9557 Dice .8779 Jc .7902. From nas_search/genotypes.py.
genotype alpha1_layer7_double_deep_ep80_mixup : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[1] via down_dep_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[2] via shuffle_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[1] via down_dep_conv, s[3] via conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[0] via cweight, s[2] via dil_conv]
  normal_normal.s[4] = [s[2] via shuffle_conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[2] via conv, s[3] via conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_conv]
  normal_up.s[3] = [s[0] via cweight, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via shuffle_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[2] via conv, s[3] via conv]
}

# The authors note: Acc .962 Dice .879 Jc .789. From nas_search/genotypes.py.
genotype alpha1_layer9cellskip_double_deep_ep80_mixup : wdan {
  normal_down.s[2] = [s[0] via identity, s[1] via down_conv]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via dil_conv]
  normal_down.s[4] = [s[0] via identity, s[2] via dil_conv]
  normal_down.s[5] = [s[0] via identity, s[4] via dil_conv]
  normal_normal.s[2] = [s[0] via identity, s[1] via conv]
  normal_normal.s[3] = [s[1] via dil_conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[0] via identity, s[1] via identity]
  normal_normal.s[5] = [s[0] via identity, s[1] via identity]
  normal_up.s[2] = [s[0] via identity, s[1] via up_dil_conv]
  normal_up.s[3] = [s[1] via up_dil_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[0] via identity, s[1] via up_dil_conv]
  normal_up.s[5] = [s[0] via identity, s[4] via dil_conv]
}

# The authors note: Acc .9596 Dice .8708 Jc .7773. From nas_search/genotypes.py.
genotype alpha1_layer9scale_double_deep_ep80_mixup : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via max_pool]
  normal_down.s[3] = [s[0] via cweight, s[1] via down_cweight]
  normal_down.s[4] = [s[0] via cweight, s[1] via down_dep_conv]
  normal_down.s[5] = [s[0] via identity, s[1] via max_pool]
  normal_normal.s[2] = [s[0] via conv, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via cweight, s[1] via cweight]
  normal_normal.s[4] = [s[0] via cweight, s[1] via cweight]
  normal_normal.s[5] = [s[0] via identity, s[1] via identity]
  normal_up.s[2] = [s[0] via conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via cweight, s[1] via up_cweight]
  normal_up.s[4] = [s[0] via cweight, s[1] via up_cweight]
  normal_up.s[5] = [s[0] via identity, s[1] via up_cweight]
}

# From nas_search/genotypes.py.
genotype alphaShare_dd_ep80_isic17_2mixup : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via max_pool]
  normal_down.s[3] = [s[1] via avg_pool, s[2] via dep_conv]
  normal_down.s[4] = [s[0] via cweight, s[1] via down_dep_conv]
  normal_down.s[5] = [s[2] via shuffle_conv, s[3] via dep_conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via identity]
  normal_normal.s[3] = [s[1] via cweight, s[2] via dep_conv]
  normal_normal.s[4] = [s[0] via cweight, s[2] via dep_conv]
  normal_normal.s[5] = [s[2] via shuffle_conv, s[3] via dep_conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_dep_conv]
  normal_up.s[3] = [s[1] via up_dep_conv, s[2] via dep_conv]
  normal_up.s[4] = [s[0] via cweight, s[1] via up_cweight]
  normal_up.s[5] = [s[2] via shuffle_conv, s[3] via dep_conv]
}

# From nas_search/genotypes.py.
genotype alphaShare_dd_ep80_isic17_2mixup_2 : wdan {
  normal_down.s[2] = [s[0] via shuffle_conv, s[1] via down_conv]
  normal_down.s[3] = [s[1] via avg_pool, s[2] via shuffle_conv]
  normal_down.s[4] = [s[1] via down_dep_conv, s[2] via shuffle_conv]
  normal_down.s[5] = [s[1] via down_cweight, s[4] via shuffle_conv]
  normal_normal.s[2] = [s[0] via shuffle_conv, s[1] via identity]
  normal_normal.s[3] = [s[1] via cweight, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[1] via cweight, s[2] via shuffle_conv]
  normal_normal.s[5] = [s[1] via dep_conv, s[4] via shuffle_conv]
  normal_up.s[2] = [s[0] via shuffle_conv, s[1] via up_dep_conv]
  normal_up.s[3] = [s[1] via up_dep_conv, s[2] via shuffle_conv]
  normal_up.s[4] = [s[1] via up_cweight, s[2] via shuffle_conv]
  normal_up.s[5] = [s[3] via dil_conv, s[4] via shuffle_conv]
}

# From nas_search/genotypes.py.
genotype alphaShare_dd_ep80_total17_2mixup : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_cweight]
  normal_down.s[3] = [s[0] via cweight, s[1] via down_conv]
  normal_down.s[4] = [s[0] via identity, s[3] via dil_conv]
  normal_down.s[5] = [s[0] via identity, s[1] via down_cweight]
  normal_normal.s[2] = [s[0] via cweight, s[1] via dil_conv]
  normal_normal.s[3] = [s[0] via cweight, s[1] via dep_conv]
  normal_normal.s[4] = [s[0] via identity, s[1] via shuffle_conv]
  normal_normal.s[5] = [s[0] via identity, s[4] via conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_dep_conv]
  normal_up.s[3] = [s[0] via cweight, s[2] via cweight]
  normal_up.s[4] = [s[0] via identity, s[3] via dil_conv]
  normal_up.s[5] = [s[0] via identity, s[1] via up_dil_conv]
}

# From nas_search/genotypes.py.
genotype alpha1Share_dd_ep80_isic17_2mixup : wdan {
  normal_down.s[2] = [s[0] via shuffle_conv, s[1] via avg_pool]
  normal_down.s[3] = [s[1] via avg_pool, s[2] via shuffle_conv]
  normal_down.s[4] = [s[1] via avg_pool, s[2] via shuffle_conv]
  normal_down.s[5] = [s[3] via dep_conv, s[4] via shuffle_conv]
  normal_normal.s[2] = [s[0] via shuffle_conv, s[1] via identity]
  normal_normal.s[3] = [s[1] via cweight, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[2] via shuffle_conv, s[3] via conv]
  normal_normal.s[5] = [s[3] via dep_conv, s[4] via shuffle_conv]
  normal_up.s[2] = [s[0] via shuffle_conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_dep_conv, s[2] via shuffle_conv]
  normal_up.s[4] = [s[2] via shuffle_conv, s[3] via conv]
  normal_up.s[5] = [s[3] via dep_conv, s[4] via shuffle_conv]
}

# From nas_search/genotypes.py.
genotype alpha1Share_dd_ep80_isic17_3mixup : wdan {
  normal_down.s[2] = [s[0] via shuffle_conv, s[1] via avg_pool]
  normal_down.s[3] = [s[1] via down_dep_conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[2] via cweight]
  normal_down.s[5] = [s[1] via down_cweight, s[2] via shuffle_conv]
  normal_normal.s[2] = [s[0] via shuffle_conv, s[1] via identity]
  normal_normal.s[3] = [s[1] via identity, s[2] via dil_conv]
  normal_normal.s[4] = [s[1] via identity, s[2] via cweight]
  normal_normal.s[5] = [s[2] via shuffle_conv, s[3] via identity]
  normal_up.s[2] = [s[0] via shuffle_conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_dil_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[1] via up_cweight, s[2] via cweight]
  normal_up.s[5] = [s[2] via shuffle_conv, s[3] via identity]
}

# From nas_search/genotypes.py.
genotype alpha05Share_dd_ep80_isic17_3mixup : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via max_pool]
  normal_down.s[3] = [s[1] via max_pool, s[2] via identity]
  normal_down.s[4] = [s[1] via max_pool, s[3] via cweight]
  normal_down.s[5] = [s[3] via dep_conv, s[4] via dep_conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via identity]
  normal_normal.s[3] = [s[1] via identity, s[2] via identity]
  normal_normal.s[4] = [s[1] via identity, s[3] via cweight]
  normal_normal.s[5] = [s[3] via dep_conv, s[4] via dep_conv]
  normal_up.s[2] = [s[0] via conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_dep_conv, s[2] via identity]
  normal_up.s[4] = [s[2] via cweight, s[3] via cweight]
  normal_up.s[5] = [s[3] via dep_conv, s[4] via dep_conv]
}

# From nas_search/genotypes.py.
genotype alpha1Share_dd_ep80_isic17_4mixup : wdan {
  normal_down.s[2] = [s[0] via shuffle_conv, s[1] via avg_pool]
  normal_down.s[3] = [s[1] via avg_pool, s[2] via shuffle_conv]
  normal_down.s[4] = [s[0] via conv, s[1] via avg_pool]
  normal_down.s[5] = [s[1] via avg_pool, s[3] via dep_conv]
  normal_normal.s[2] = [s[0] via shuffle_conv, s[1] via identity]
  normal_normal.s[3] = [s[1] via dil_conv, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[0] via conv, s[1] via cweight]
  normal_normal.s[5] = [s[1] via dep_conv, s[3] via dep_conv]
  normal_up.s[2] = [s[0] via shuffle_conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_dep_conv, s[2] via shuffle_conv]
  normal_up.s[4] = [s[0] via conv, s[1] via up_dep_conv]
  normal_up.s[5] = [s[2] via shuffle_conv, s[3] via dep_conv]
}

# From nas_search/genotypes.py.
genotype alpha05Share_dd_ep80_isic17_4mixup : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via avg_pool]
  normal_down.s[3] = [s[0] via dep_conv, s[1] via avg_pool]
  normal_down.s[4] = [s[1] via down_dep_conv, s[3] via conv]
  normal_down.s[5] = [s[3] via dep_conv, s[4] via dep_conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via identity]
  normal_normal.s[3] = [s[0] via dep_conv, s[1] via identity]
  normal_normal.s[4] = [s[2] via dep_conv, s[3] via conv]
  normal_normal.s[5] = [s[3] via dep_conv, s[4] via dep_conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via dep_conv, s[1] via up_dep_conv]
  normal_up.s[4] = [s[2] via dep_conv, s[3] via conv]
  normal_up.s[5] = [s[3] via dep_conv, s[4] via dep_conv]
}

# From genotypes.py.
genotype stage0_layer7_110epoch_double_final : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[0] via shuffle_conv, s[1] via down_cweight]
  normal_down.s[4] = [s[0] via shuffle_conv, s[2] via dep_conv]
  normal_down.s[5] = [s[1] via down_conv, s[4] via shuffle_conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via identity]
  normal_normal.s[3] = [s[0] via shuffle_conv, s[1] via dep_conv]
  normal_normal.s[4] = [s[0] via shuffle_conv, s[2] via dep_conv]
  normal_normal.s[5] = [s[0] via shuffle_conv, s[4] via shuffle_conv]
  normal_up.s[2] = [s[0] via conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via shuffle_conv, s[1] via up_dep_conv]
  normal_up.s[4] = [s[0] via shuffle_conv, s[2] via dep_conv]
  normal_up.s[5] = [s[1] via up_dep_conv, s[4] via shuffle_conv]
}

# From genotypes.py.
genotype stage0_layer7_110epoch_double_deep_final : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_dep_conv]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via conv]
  normal_down.s[4] = [s[1] via down_dep_conv, s[3] via dep_conv]
  normal_down.s[5] = [s[2] via conv, s[3] via shuffle_conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[1] via dep_conv, s[2] via conv]
  normal_normal.s[4] = [s[0] via identity, s[3] via dep_conv]
  normal_normal.s[5] = [s[2] via conv, s[3] via shuffle_conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_cweight]
  normal_up.s[3] = [s[0] via cweight, s[2] via conv]
  normal_up.s[4] = [s[1] via up_cweight, s[3] via dep_conv]
  normal_up.s[5] = [s[2] via conv, s[3] via shuffle_conv]
}

# From genotypes.py.
genotype stage0_layer7_110epoch_double_best : wdan {
  normal_down.s[2] = [s[0] via conv, s[1] via down_dil_conv]
  normal_down.s[3] = [s[0] via shuffle_conv, s[1] via down_cweight]
  normal_down.s[4] = [s[0] via shuffle_conv, s[1] via down_cweight]
  normal_down.s[5] = [s[1] via down_conv, s[4] via shuffle_conv]
  normal_normal.s[2] = [s[0] via conv, s[1] via identity]
  normal_normal.s[3] = [s[0] via shuffle_conv, s[1] via dep_conv]
  normal_normal.s[4] = [s[0] via shuffle_conv, s[2] via dep_conv]
  normal_normal.s[5] = [s[0] via shuffle_conv, s[4] via shuffle_conv]
  normal_up.s[2] = [s[0] via conv, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via shuffle_conv, s[1] via up_dep_conv]
  normal_up.s[4] = [s[0] via shuffle_conv, s[2] via dep_conv]
  normal_up.s[5] = [s[1] via up_dep_conv, s[4] via shuffle_conv]
}

# From genotypes.py.
genotype stage0_layer7_110epoch_double_deep_best : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_dep_conv]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via conv]
  normal_down.s[4] = [s[0] via identity, s[1] via down_dep_conv]
  normal_down.s[5] = [s[2] via conv, s[3] via shuffle_conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via shuffle_conv]
  normal_normal.s[3] = [s[1] via dep_conv, s[2] via conv]
  normal_normal.s[4] = [s[0] via identity, s[3] via dep_conv]
  normal_normal.s[5] = [s[2] via conv, s[3] via shuffle_conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_cweight]
  normal_up.s[3] = [s[0] via cweight, s[2] via conv]
  normal_up.s[4] = [s[0] via identity, s[1] via up_cweight]
  normal_up.s[5] = [s[2] via conv, s[3] via shuffle_conv]
}

# From nas_search/cell_visualize/genotypes.py.
genotype layer7_deepvision_doublechannel_output2 : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_cweight]
  normal_down.s[3] = [s[0] via identity, s[1] via down_cweight]
  normal_down.s[4] = [s[1] via down_dep_conv, s[2] via cweight]
  normal_down.s[5] = [s[1] via down_conv, s[4] via dep_conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via identity, s[1] via identity]
  normal_normal.s[4] = [s[0] via identity, s[2] via cweight]
  normal_normal.s[5] = [s[3] via shuffle_conv, s[4] via dep_conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_dep_conv]
  normal_up.s[3] = [s[0] via identity, s[1] via up_cweight]
  normal_up.s[4] = [s[1] via up_cweight, s[2] via cweight]
  normal_up.s[5] = [s[3] via shuffle_conv, s[4] via dep_conv]
}

# From nas_search/cell_visualize/genotypes.py.
genotype layer7_doublechannel_output2 : wdan {
  normal_down.s[2] = [s[0] via dep_conv, s[1] via down_cweight]
  normal_down.s[3] = [s[1] via down_dep_conv, s[2] via shuffle_conv]
  normal_down.s[4] = [s[1] via down_dil_conv, s[2] via dep_conv]
  normal_down.s[5] = [s[1] via down_cweight, s[3] via shuffle_conv]
  normal_normal.s[2] = [s[0] via dep_conv, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via identity, s[2] via shuffle_conv]
  normal_normal.s[4] = [s[2] via dep_conv, s[3] via shuffle_conv]
  normal_normal.s[5] = [s[3] via shuffle_conv, s[4] via conv]
  normal_up.s[2] = [s[0] via dep_conv, s[1] via up_cweight]
  normal_up.s[3] = [s[1] via up_cweight, s[2] via shuffle_conv]
  normal_up.s[4] = [s[2] via dep_conv, s[3] via shuffle_conv]
  normal_up.s[5] = [s[3] via shuffle_conv, s[4] via conv]
}

# From nas_search/cell_visualize/genotypes.py.
genotype layer7_deepvision_doublechannel : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_dep_conv]
  normal_down.s[3] = [s[1] via down_cweight, s[2] via conv]
  normal_down.s[4] = [s[0] via identity, s[2] via cweight]
  normal_down.s[5] = [s[0] via identity, s[2] via conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via dil_conv]
  normal_normal.s[3] = [s[1] via dep_conv, s[2] via conv]
  normal_normal.s[4] = [s[0] via identity, s[1] via identity]
  normal_normal.s[5] = [s[0] via identity, s[2] via conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_cweight]
  normal_up.s[3] = [s[0] via cweight, s[2] via conv]
  normal_up.s[4] = [s[0] via identity, s[1] via up_cweight]
  normal_up.s[5] = [s[0] via identity, s[2] via conv]
}

# From nas_search/cell_visualize/genotypes.py.
genotype layer7_doublechannel : wdan {
  normal_down.s[2] = [s[0] via identity, s[1] via down_dil_conv]
  normal_down.s[3] = [s[0] via conv, s[1] via down_dil_conv]
  normal_down.s[4] = [s[0] via shuffle_conv, s[1] via down_conv]
  normal_down.s[5] = [s[1] via down_conv, s[4] via shuffle_conv]
  normal_normal.s[2] = [s[0] via identity, s[1] via identity]
  normal_normal.s[3] = [s[0] via conv, s[1] via identity]
  normal_normal.s[4] = [s[0] via shuffle_conv, s[2] via dep_conv]
  normal_normal.s[5] = [s[0] via identity, s[4] via shuffle_conv]
  normal_up.s[2] = [s[0] via identity, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via conv, s[1] via up_dep_conv]
  normal_up.s[4] = [s[0] via shuffle_conv, s[1] via up_dil_conv]
  normal_up.s[5] = [s[1] via up_dep_conv, s[4] via shuffle_conv]
}

# From nas_search/cell_visualize/genotypes.py.
genotype nodouble_deep_w10_layer7end : wdan {
  normal_down.s[2] = [s[0] via identity, s[1] via avg_pool]
  normal_down.s[3] = [s[0] via conv, s[2] via identity]
  normal_down.s[4] = [s[2] via dep_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[3] via dep_conv, s[4] via dep_conv]
  normal_normal.s[2] = [s[0] via identity, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via conv, s[2] via identity]
  normal_normal.s[4] = [s[2] via dep_conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[3] via dep_conv, s[4] via dep_conv]
  normal_up.s[2] = [s[0] via identity, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via conv, s[1] via up_dep_conv]
  normal_up.s[4] = [s[2] via dep_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[3] via dep_conv, s[4] via dep_conv]
}

# From nas_search/cell_visualize/genotypes.py.
genotype nodouble_deep_drop02_layer7end : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_conv]
  normal_down.s[3] = [s[0] via conv, s[2] via dil_conv]
  normal_down.s[4] = [s[1] via down_conv, s[3] via shuffle_conv]
  normal_down.s[5] = [s[0] via identity, s[3] via conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via dil_conv]
  normal_normal.s[3] = [s[0] via conv, s[2] via dil_conv]
  normal_normal.s[4] = [s[0] via identity, s[3] via shuffle_conv]
  normal_normal.s[5] = [s[0] via identity, s[3] via conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via conv, s[2] via dil_conv]
  normal_up.s[4] = [s[0] via identity, s[3] via shuffle_conv]
  normal_up.s[5] = [s[0] via identity, s[3] via conv]
}

# From nas_search/cell_visualize/genotypes.py.
genotype nodouble_deep_w20_drop02_layer7end : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_conv]
  normal_down.s[3] = [s[0] via conv, s[1] via avg_pool]
  normal_down.s[4] = [s[0] via cweight, s[2] via dil_conv]
  normal_down.s[5] = [s[1] via down_dil_conv, s[3] via conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via conv, s[1] via cweight]
  normal_normal.s[4] = [s[0] via cweight, s[2] via dil_conv]
  normal_normal.s[5] = [s[1] via identity, s[3] via conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_dil_conv]
  normal_up.s[3] = [s[0] via conv, s[1] via up_dep_conv]
  normal_up.s[4] = [s[0] via cweight, s[2] via dil_conv]
  normal_up.s[5] = [s[1] via up_dil_conv, s[3] via conv]
}

# From nas_search/cell_visualize/genotypes.py.
genotype stage1_nodouble_deep_a30_w10 : wdan {
  normal_down.s[2] = [s[0] via identity, s[1] via down_cweight]
  normal_down.s[3] = [s[0] via identity, s[1] via down_dep_conv]
  normal_down.s[4] = [s[1] via down_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[0] via dil_conv, s[1] via down_dep_conv]
  normal_normal.s[2] = [s[0] via identity, s[1] via cweight]
  normal_normal.s[3] = [s[0] via identity, s[2] via dil_conv]
  normal_normal.s[4] = [s[2] via dil_conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[0] via dil_conv, s[4] via identity]
  normal_up.s[2] = [s[0] via identity, s[1] via up_dep_conv]
  normal_up.s[3] = [s[0] via identity, s[2] via dil_conv]
  normal_up.s[4] = [s[2] via dil_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[0] via dil_conv, s[4] via identity]
}

# From a7fd54f:nas_search/genotypes.py.
genotype alpha0_stage1_double_deep_ep80__before_bb9069c : wdan {
  normal_down.s[2] = [s[0] via cweight, s[1] via down_dil_conv]
  normal_down.s[3] = [s[0] via dep_conv, s[1] via max_pool]
  normal_down.s[4] = [s[0] via dep_conv, s[3] via dil_conv]
  normal_down.s[5] = [s[1] via down_cweight, s[3] via conv]
  normal_normal.s[2] = [s[0] via cweight, s[1] via dep_conv]
  normal_normal.s[3] = [s[0] via dep_conv, s[1] via conv]
  normal_normal.s[4] = [s[0] via dep_conv, s[3] via dil_conv]
  normal_normal.s[5] = [s[1] via dep_conv, s[3] via conv]
  normal_up.s[2] = [s[0] via cweight, s[1] via up_conv]
  normal_up.s[3] = [s[0] via dep_conv, s[2] via dil_conv]
  normal_up.s[4] = [s[0] via dep_conv, s[3] via dil_conv]
  normal_up.s[5] = [s[1] via up_cweight, s[3] via conv]
}
