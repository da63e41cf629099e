//===- MicrosoftQuant.h - what builders of quantized ops share --*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_IMPORT_MICROSOFTQUANT_H
#define LLMC_LIB_ONNX_IMPORT_MICROSOFTQUANT_H

#include "OnnxNode.h"

namespace llmc::onnx_detail {

/// A vector of one number is the number.
mlir::Value scalarIfSingle(OnnxNode &node, mlir::Value value);

/// The weight [rows, columns] that packed data, scales and zero points say.
mlir::Value createBlockWeight(OnnxNode &node, mlir::Value data,
                              mlir::Value scales, mlir::Value zeros,
                              int64_t rows, int64_t columns, int64_t bits,
                              int64_t block);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_IMPORT_MICROSOFTQUANT_H
