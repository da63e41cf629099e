//===- Lifter.h - what the pattern passes share ----------------*- C++ -*-===//
//
// A pattern pass looks at each op of the kind its pattern ends in, matches
// backwards, and replaces that op. What remains of the pattern dies when
// nothing else uses it. Matching asks a ShapeContext, so sizes that are equal
// for all inputs count as equal.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_LIFT_LIFTER_H
#define LLMC_LIB_LIFT_LIFTER_H

#include "llmc/IR/Dialect.h"
#include "llmc/IR/ShapeAnalysis.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace llmc {

class Lifter {
public:
  Lifter(mlir::ModuleOp module, ShapeContext &shapes)
      : module(module), shapes(shapes) {}

  /// Creates an op before `root`, named after it, and analyses it.
  template <typename OpT, typename... Args>
  mlir::Value create(mlir::Operation *root, Args &&...args) {
    mlir::OpBuilder builder(root);
    auto op = OpT::create(builder, root->getLoc(), std::forward<Args>(args)...);
    (void)analyzeShapes(op, shapes);
    return op->getResult(0);
  }

  /// A constant i64 vector before `root`.
  mlir::Value createI64s(mlir::Operation *root, llvm::ArrayRef<int64_t> values);

  /// The transpose of `value`; transposes before it are taken in.
  mlir::Value createTransposed(mlir::Operation *root, mlir::Value value,
                               llvm::ArrayRef<int64_t> perm);

  /// Replaces the only result of `root`, which is erased.
  void replace(mlir::Operation *root, mlir::Value value);

  /// The value of a constant with one element, or of a parameter with one.
  std::optional<double> getScalar(mlir::Value value);

  /// Whether `value` is a scalar within a few roundings of `expected` in the
  /// arithmetic of its element type.
  bool isScalar(mlir::Value value, double expected);

  /// The bytes of the parameter behind llmc.weight.
  ParamOp getParam(mlir::Value weight);

  bool haveSameShape(mlir::Value a, mlir::Value b) {
    return shapes.dims(a) == shapes.dims(b);
  }
  /// A dimension, a negative one from the end; nothing if it is not known or
  /// there is none.
  std::optional<int64_t> getSize(mlir::Value value, int64_t dim) {
    int64_t rank = shapes.rank(value);
    dim = dim < 0 ? dim + rank : dim;
    return dim >= 0 && dim < rank ? getConstant(shapes.dim(value, dim))
                                  : std::nullopt;
  }

  mlir::ModuleOp module;
  ShapeContext &shapes;

private:
  mlir::SymbolTableCollection symbols;
};

/// The operands of `value = OpT(x, y)` in either order: the first for which
/// `accept` is true, and the other one.
template <typename OpT>
std::pair<mlir::Value, mlir::Value>
matchEitherOrder(mlir::Value value,
                 llvm::function_ref<bool(mlir::Value)> accept) {
  auto op = value.getDefiningOp<OpT>();
  if (!op)
    return {};
  if (accept(op.getLhs()))
    return {op.getLhs(), op.getRhs()};
  if (accept(op.getRhs()))
    return {op.getRhs(), op.getLhs()};
  return {};
}

/// `value` without conversions between float types.
mlir::Value stripFloatCasts(mlir::Value value);

/// Whether `op` keeps its operand's elements in row-major order.
bool isReshapeLike(mlir::Operation *op);

/// The earliest value whose elements in order are those of `value`.
mlir::Value getReshapeSource(mlir::Value value);

/// A part of a dimension: elements [start, start + length) in steps of 1.
struct SlicedDim {
  mlir::Value operand;
  int64_t start;
  int64_t length;
};

/// `value` as a part of the last dimension of another one.
std::optional<SlicedDim> matchSliceOfLastDim(mlir::Value value, Lifter &lifter);

/// A product: a constant times values, x^2 and x^3 written out.
struct Product {
  double coefficient = 1;
  llvm::SmallVector<mlir::Value> factors;
};

/// The product that `value` computes, at most four factors deep. `atom`, when
/// given, is a factor even if it is a product itself.
Product getProduct(mlir::Value value, Lifter &lifter, mlir::Value atom = {});

/// Whether a and b agree within a few roundings of `elementType`.
bool isClose(double a, double b, mlir::Type elementType);

/// Whether adding `value` to an attention score leaves nothing of it, so that
/// choosing it and adding it are the same.
inline bool isExcluding(double value) { return value <= -1e30; }

/// Analyses each function of `module` and calls `match` on each OpT, which
/// returns true when it replaced the op. Then erases what died. `changed`
/// counts the replacements.
llvm::LogicalResult
liftEach(mlir::ModuleOp module,
         llvm::function_ref<bool(mlir::Operation *)> isRoot,
         llvm::function_ref<bool(mlir::Operation *, Lifter &)> match,
         llvm::function_ref<void()> count);

template <typename OpT>
llvm::LogicalResult liftEach(mlir::ModuleOp module,
                             llvm::function_ref<bool(OpT, Lifter &)> match,
                             llvm::function_ref<void()> count) {
  return liftEach(
      module, [](mlir::Operation *op) { return mlir::isa<OpT>(op); },
      [&](mlir::Operation *op, Lifter &lifter) {
        return match(mlir::cast<OpT>(op), lifter);
      },
      count);
}

/// The result of `function` with this `llmc.name`.
std::optional<unsigned> findResult(mlir::FunctionOpInterface function,
                                   llvm::StringRef name);

/// Erases ops without effects whose results are not used.
void eraseDeadOps(mlir::Region &region);

} // namespace llmc

#endif // LLMC_LIB_LIFT_LIFTER_H
