//===- IndexMath.h - arithmetic on index values ----------------*- C++ -*-===//

#ifndef LLMC_LIB_LOWER_INDEXMATH_H
#define LLMC_LIB_LOWER_INDEXMATH_H

#include "llmc/Lower/Patterns.h"

namespace llmc {

/// Arithmetic on index values.
struct IndexMath {
  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value constant(int64_t value) const {
    return createIndex(b, loc, value);
  }
  mlir::Value add(mlir::Value x, mlir::Value y) const {
    return b.createOrFold<mlir::arith::AddIOp>(loc, x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) const {
    return b.createOrFold<mlir::arith::SubIOp>(loc, x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) const {
    return b.createOrFold<mlir::arith::MulIOp>(loc, x, y);
  }
  mlir::Value max(mlir::Value x, mlir::Value y) const {
    return b.createOrFold<mlir::arith::MaxSIOp>(loc, x, y);
  }
  mlir::Value min(mlir::Value x, mlir::Value y) const {
    return b.createOrFold<mlir::arith::MinSIOp>(loc, x, y);
  }
  /// Of values that are not negative.
  mlir::Value div(mlir::Value x, mlir::Value y) const {
    return b.createOrFold<mlir::arith::DivUIOp>(loc, x, y);
  }
  mlir::Value rem(mlir::Value x, mlir::Value y) const {
    return b.createOrFold<mlir::arith::RemUIOp>(loc, x, y);
  }
  /// 0 <= x < y
  mlir::Value isWithin(mlir::Value x, mlir::Value y) const {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::ult,
                                       x, y);
  }
};

} // namespace llmc

#endif // LLMC_LIB_LOWER_INDEXMATH_H
