"""The names that layers have as modules of a compiled torch network, known without torch."""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double
    dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu
    load_state_dict modules mro mtia named_buffers named_children named_modules named_parameters parameters
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to
    to_empty train type xpu zero_grad training graph code
"""
# What an `nn.Module` calls its own, and the words that a traced module needs besides; a test asks torch.
TAKEN = frozenset(_WORDS.split())


@lru_cache(maxsize=65536)
def module_name(path: str) -> str:
    """`skip_2.s_0.conv` of the path `skip[2].s[0].conv`: what `backends.weights.torch_name` says."""
    parts = []
    for part in path.split("."):
        word = re.sub(r"\W+", "_", re.sub(r"-(?=\d)", "m", part)).strip("_") or "part"
        if word[0].isdigit():
            word = f"n{word}"
        parts.append(f"{word}_" if word in TAKEN else word)
    return ".".join(parts)
