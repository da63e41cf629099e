//===- Types.h - ONNX element types and MLIR's ------------------*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_TYPES_H
#define LLMC_LIB_ONNX_TYPES_H

#include "mlir/IR/Types.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace llmc::onnx_detail {

/// The MLIR type of a TensorProto.DataType, null when llmc has none. ONNX's
/// signed integers are signless, its bool is i1.
mlir::Type getElementType(int32_t dataType, mlir::MLIRContext *context);

/// The TensorProto.DataType of an element type.
std::optional<int32_t> getDataType(mlir::Type elementType);

/// ONNX's name of a data type, or the number where it has none.
std::string getDataTypeName(int32_t dataType);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_TYPES_H
