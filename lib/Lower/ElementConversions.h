//===- ElementConversions.h - scalars from one type to another -*- C++ -*-===//
//
// Types that LLVM computes with are used as they are. Floats and integers of
// 8 bits and fewer that it does not know, f8, f4, i4, ui4, i2 and ui2, are held
// in an i8 (LowerTypeConverter): the code of a float, or an integer whose upper
// bits are 0 when written and ignored when read.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_LOWER_ELEMENTCONVERSIONS_H
#define LLMC_LIB_LOWER_ELEMENTCONVERSIONS_H

#include "llmc/Lower/Patterns.h"

namespace llmc {

/// How out-of-range values and the exponent-only f8E8M0FNU are rounded.
struct ConversionOptions {
  bool saturate = true;
  llvm::StringRef roundMode = "up";
};

/// ONNX Cast of one scalar. `from` and `to` are the types before lowering.
mlir::Value createConversion(mlir::OpBuilder &builder, mlir::Location location,
                             mlir::Value value, mlir::Type from, mlir::Type to,
                             ConversionOptions options = {});

/// A float rounded to the nearest integer, ties to even, and clamped to the
/// range of the integer type `to`; NaN becomes the lowest.
mlir::Value createSaturatingRound(mlir::OpBuilder &builder,
                                  mlir::Location location, mlir::Value value,
                                  mlir::IntegerType to);

} // namespace llmc

#endif // LLMC_LIB_LOWER_ELEMENTCONVERSIONS_H
