//===- Fields.h - integers that ONNX nodes unpack ---------------*- C++ -*-===//
//
// Export writes packed integers as bytes and standard ops that unpack them; see
// lib/Onnx/Export/Fields.h.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_LIFT_FIELDS_H
#define LLMC_LIB_LIFT_FIELDS_H

#include "Lifter.h"

namespace llmc {

/// The integers of a constant or parameter; nothing for other values.
std::optional<llvm::SmallVector<int64_t>> readIntegers(mlir::Value value,
                                                       Lifter &lifter);

/// Whether `value` is a vector of `count` integers, or one for `count` 0, that
/// are `expected(i)`.
bool holds(mlir::Value value, int64_t count, Lifter &lifter,
           llvm::function_ref<int64_t(int64_t)> expected);

/// `count` integers of `bits` bits in each row of `source`, whose last
/// dimension is bytes.
struct Fields {
  mlir::Value source;
  int64_t bits, count;
};

/// The fields that are the elements of `value` in order, whatever its shape and
/// type.
std::optional<Fields> matchFields(mlir::Value value, Lifter &lifter);

/// The fields of 3 bits that are fields of 4 bits in `value`, bytes. There may
/// be one more in `value` than in the source.
std::optional<Fields> matchPairs(mlir::Value value, Lifter &lifter);

} // namespace llmc

#endif // LLMC_LIB_LIFT_FIELDS_H
