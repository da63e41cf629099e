//===- Decomposer.h - ops that take the place of another -------*- C++ -*-===//

#ifndef LLMC_IR_DECOMPOSER_H
#define LLMC_IR_DECOMPOSER_H

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"

namespace llmc {

/// Writes the ops that take the place of another one, before it and under its
/// name.
struct Decomposer {
  explicit Decomposer(mlir::Operation *op)
      : builder(op), location(op->getLoc()) {}

  template <typename OpT, typename... Args> mlir::Value create(Args &&...args) {
    return OpT::create(builder, location, std::forward<Args>(args)...)
        ->getResult(0);
  }

  /// A rank-0 constant of the element type of `like`.
  mlir::Value scalar(mlir::Value like, double value);
  mlir::Value i64(int64_t value) {
    return createScalarConstant(builder, location, builder.getI64Type(), value);
  }
  mlir::Value i64s(llvm::ArrayRef<int64_t> values) {
    return createI64Constant(builder, location, values);
  }
  /// The size of a dimension, an i64 scalar.
  mlir::Value size(mlir::Value value, int64_t axis);
  mlir::Value cast(mlir::Value value, mlir::Type elementType);
  /// As f32 when the element type is narrower.
  mlir::Value widen(mlir::Value value);
  /// Over dimensions [from, rank), which stay as 1.
  mlir::Value reduceLast(ReduceKind kind, mlir::Value value, int64_t from);
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t start, int64_t end,
                    int64_t step = 1);
  /// Casts `value` to the type of `result`, which may say more of its shape.
  void replace(mlir::Value result, mlir::Value value);

  mlir::OpBuilder builder;
  mlir::Location location;
};

/// Which keys j the query at position p may read by positions alone.
struct PositionMask {
  bool causal = false; ///< Those with j <= p.
  int64_t window = 0;  ///< If not 0, of these those with j > p - window,
  int64_t sinks = 0;   ///< and those with j < sinks.
};

/// i1 [S, T] of `queries` positions, which are the last ones of `keys`; both
/// are i64 scalars. Null if nothing is excluded.
mlir::Value createPositionMask(mlir::Value queries, mlir::Value keys,
                               const PositionMask &rule,
                               Decomposer &decomposer);

} // namespace llmc

#endif // LLMC_IR_DECOMPOSER_H
