"""Back ends: torch modules, supernets, ONNX, source text."""
