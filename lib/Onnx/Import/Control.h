//===- Control.h - what the builders of control flow share ------*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_IMPORT_CONTROL_H
#define LLMC_LIB_ONNX_IMPORT_CONTROL_H

#include "mlir/IR/BuiltinTypes.h"

namespace llmc::onnx_detail {

/// The type that values of both ranked tensor types convert to, dynamic where
/// they differ; null when their ranks or element types do.
mlir::RankedTensorType joinTypes(mlir::Type a, mlir::Type b);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_IMPORT_CONTROL_H
