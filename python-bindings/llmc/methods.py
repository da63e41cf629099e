"""How weights become integers."""

# The passes of methods that need no more than the weights.
WITHOUT_DATA = {"rtn": "llmc-quantize-rtn", "hqq": "llmc-quantize-hqq"}
METHODS = (*WITHOUT_DATA, "gptq", "awq", "awq+gptq", "kmeans")
