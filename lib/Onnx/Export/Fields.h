//===- Fields.h - integers that are packed in bytes -------------*- C++ -*-===//
//
// Nodes that unpack integers when a runtime loads the model, in bytes: it keeps
// all that they compute in memory at once, and does little with ONNX's own
// narrow integers.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_ONNX_EXPORT_FIELDS_H
#define LLMC_LIB_ONNX_EXPORT_FIELDS_H

#include "OpWriter.h"

namespace llmc::onnx_detail {

/// The fields of `bits` bits in the last dimension of packed `data`: `count`
/// of ui8 instead of it.
std::string exportFields(OpWriter &writer, std::string data,
                         mlir::RankedTensorType type, int64_t bits,
                         int64_t count);

/// The same as i32.
std::string exportIndices(OpWriter &writer, std::string data,
                          mlir::RankedTensorType type, int64_t bits,
                          int64_t count);

/// Fields of 3 bits as fields of 4 bits, two in a byte. The last byte of an
/// odd `count` has anything in its upper half.
std::string exportPairs(OpWriter &writer, std::string data,
                        mlir::RankedTensorType type, int64_t count);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_EXPORT_FIELDS_H
