//===- HostTensors.h - attributes as tensors in memory ---------*- C++ -*-===//

#ifndef LLMC_TOOLS_HOSTTENSORS_H
#define LLMC_TOOLS_HOSTTENSORS_H

#include "llmc/Lower/Executable.h"
#include "mlir/IR/BuiltinAttributes.h"
#include <cstring>

namespace llmc {

/// A copy of `elements`, integers or floats of at most 64 bits. Elements
/// narrower than a byte take one.
inline HostTensor toHostTensor(mlir::DenseElementsAttr elements) {
  mlir::ShapedType type = elements.getType();
  HostTensor tensor =
      HostTensor::allocate(type.getElementType(), type.getShape());
  char *out = static_cast<char *>(tensor.data.get());
  int64_t size = elementByteSize(type.getElementType());
  auto write = [&](const llvm::APInt &bits) {
    uint64_t word = bits.getZExtValue();
    std::memcpy(out, &word, size);
    out += size;
  };
  if (mlir::isa<mlir::FloatType>(type.getElementType()))
    for (const llvm::APFloat &value : elements.getValues<llvm::APFloat>())
      write(value.bitcastToAPInt());
  else
    for (const llvm::APInt &value : elements.getValues<llvm::APInt>())
      write(value);
  return tensor;
}

inline mlir::DenseElementsAttr toAttribute(const HostTensor &tensor) {
  auto type = mlir::RankedTensorType::get(tensor.shape, tensor.elementType);
  const char *in = static_cast<const char *>(tensor.data.get());
  int64_t size = elementByteSize(tensor.elementType);
  unsigned width = tensor.elementType.getIntOrFloatBitWidth();
  auto floatType = mlir::dyn_cast<mlir::FloatType>(tensor.elementType);
  llvm::SmallVector<llvm::APInt> ints;
  llvm::SmallVector<llvm::APFloat> floats;
  for (int64_t i = 0; i < type.getNumElements(); ++i, in += size) {
    uint64_t word = 0;
    std::memcpy(&word, in, size);
    llvm::APInt bits(width, word, /*isSigned=*/false, /*implicitTrunc=*/true);
    if (floatType)
      floats.emplace_back(floatType.getFloatSemantics(), bits);
    else
      ints.push_back(bits);
  }
  return floatType ? mlir::DenseElementsAttr::get(type, floats)
                   : mlir::DenseElementsAttr::get(type, ints);
}

} // namespace llmc

#endif // LLMC_TOOLS_HOSTTENSORS_H
