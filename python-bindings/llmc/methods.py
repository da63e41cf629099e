"""How weights become integers."""

# The passes of methods that need no more than the weights.
WITHOUT_DATA = {"rtn": "llmc-quantize-rtn", "hqq": "llmc-quantize-hqq"}
# Columns of activations that share a scale where scales are progressive.
ACTIVATION_GROUP = 128
METHODS = (*WITHOUT_DATA, "gptq", "awq", "awq+gptq", "kmeans")
