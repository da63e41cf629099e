//===- NibbleMatch.h - rows of numbers in four bits ------------*- C++ -*-===//
//
// What llmc-quantize-kv-cache{format=int4} makes of rows, [B, heads, T, D].
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_NIBBLEMATCH_H
#define LLMC_LIB_BACKENDS_CPU_NIBBLEMATCH_H

#include "llmc/IR/Dialect.h"
#include "llmc/IR/ShapeAnalysis.h"

namespace llmc::cpu {

/// Codes, two in a byte, and for each `group` of them a step and what code 0
/// stands for, in f16.
struct NibbleMatch {
  mlir::Value data, steps, lows;
  int64_t group = 0;
};

/// What the floats `value` are unpacked from.
std::optional<NibbleMatch> matchUnpacked(mlir::Value value,
                                         ShapeContext &shapes);

/// The rows of f32 that `packed` are the rounded ones of; null if none.
mlir::Value matchPacked(const NibbleMatch &packed, ShapeContext &shapes);

/// The block of the Hadamard matrix that `value` is rotated by, times
/// 2^-ceil(log2(block) / 2); 0 if it is something else.
int64_t getRotationBlock(mlir::Value value, ShapeContext &shapes);

/// Whether `value` is a constant with elements that are all `number`.
bool isConstant(mlir::Value value, double number);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_NIBBLEMATCH_H
