//===- Fields.h - integers that are packed in bytes -------------*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_EXPORT_FIELDS_H
#define LLMC_LIB_ONNX_EXPORT_FIELDS_H

#include "OpWriter.h"

namespace llmc::onnx_detail {

/// The fields of `bits` bits in the last dimension, `bytes`, of packed `data`:
/// `count` of i32 instead of it, by shifts and masks of the bytes: ONNX Runtime
/// does little with ONNX's own narrow integers.
std::string exportFields(OpWriter &writer, std::string data,
                         mlir::RankedTensorType type, int64_t bits,
                         int64_t count);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_EXPORT_FIELDS_H
