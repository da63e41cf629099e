//===- ShapeInference.h - symbolic shapes and shape arithmetic -*- C++ -*-===//
//
// Shapes are tuples of AffineExpr: a constant, or an expression of symbols.
// Expressions are uniqued and simplified by MLIR, so two dimensions are known
// to be equal when their expressions are the same object. Small integer
// tensors (rank 0 or 1, the operands of Reshape, Slice, ...) also carry their
// elements as expressions, which is how `Reshape(x, Concat(Shape(x)[0], -1,
// 64))` keeps its static and symbolic dimensions.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_IR_SHAPEINFERENCE_H
#define LLMC_IR_SHAPEINFERENCE_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Value.h"
#include "mlir/IR/ValueRange.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <optional>
#include <vector>

namespace llmc {

/// What is known of one tensor value.
struct ShapeInfo {
  mlir::Type elementType;
  llvm::SmallVector<mlir::AffineExpr> dims;
  /// The elements of a tensor of rank 0 or 1 that can hold sizes (i64 or i32)
  /// or tests of them (i1), when known.
  std::optional<llvm::SmallVector<mlir::AffineExpr>> values;

  /// Constant dimensions become static, all others dynamic.
  mlir::RankedTensorType getType() const;
};

/// Shapes of the values that were asked for. Dimensions that nothing is known
/// of get a symbol of their own, the same one on every query.
class ShapeContext {
public:
  /// `location` is where inferShapes reports errors; without one they are
  /// silent.
  explicit ShapeContext(mlir::MLIRContext *context,
                        std::optional<mlir::Location> location = std::nullopt)
      : context(context), location(location) {}

  mlir::MLIRContext *getContext() const { return context; }

  /// The op that errors are reported on, instead of the location.
  void setOp(mlir::Operation *op) { this->op = op; }

  /// The dimensions of `value`, a ranked tensor.
  llvm::ArrayRef<mlir::AffineExpr> dims(mlir::Value value);
  mlir::AffineExpr dim(mlir::Value value, int64_t index) {
    return dims(value)[index];
  }
  int64_t rank(mlir::Value value) {
    return llvm::cast<mlir::ShapedType>(value.getType()).getRank();
  }
  mlir::Type elementType(mlir::Value value) {
    return llvm::cast<mlir::ShapedType>(value.getType()).getElementType();
  }

  /// The elements of `value`, an integer tensor of rank 0 or 1: from a
  /// constant, or through the shape arithmetic that computes it. An element
  /// that is not known has a symbol of its own. Nothing when even the number
  /// of elements is unknown or there are more than 64.
  std::optional<llvm::SmallVector<mlir::AffineExpr>> values(mlir::Value value);

  /// The elements of `value` when all of them are constants.
  std::optional<llvm::SmallVector<int64_t>> constants(mlir::Value value);

  /// Records what an analysis of the op that makes `value` found.
  void set(mlir::Value value, const ShapeInfo &info);

  /// Drops what is known of `value`. A value that is created may have the
  /// address of one that was erased.
  void forget(mlir::Value value);

  mlir::AffineExpr constant(int64_t value);
  /// An unknown size, which is not negative.
  mlir::AffineExpr freshSymbol();
  /// An unknown element of an integer tensor, which may be negative.
  mlir::AffineExpr freshElement();
  /// The symbol of that name, the same on each call.
  mlir::AffineExpr namedSymbol(llvm::StringRef name);
  /// Name of a symbol made by namedSymbol, empty for others.
  llvm::StringRef symbolName(unsigned position) const;

  /// The one form in which equal expressions are written: a sum of products,
  /// sorted. AffineExpr alone leaves `s0 + s1` and `s1 + s0` different.
  mlir::AffineExpr simplify(mlir::AffineExpr expr) const;

  /// True when the value is known not to be negative.
  bool isNonNegative(mlir::AffineExpr expr) const;

  /// Whether the two are equal, when that is known for all sizes.
  std::optional<bool> areEqual(mlir::AffineExpr a, mlir::AffineExpr b) const;

  /// The dimension of numpy broadcasting. When it is not known which of the
  /// two it is, a symbol that stands for the broadcast of just these: the same
  /// one on each call, and unchanged by a further broadcast with one of them.
  mlir::AffineExpr broadcast(mlir::AffineExpr a, mlir::AffineExpr b);

  /// min(size, bound) of a size that is not a constant: a symbol, the same one
  /// on each call. It broadcasts to `size`, since a valid model does not
  /// broadcast two different sizes unless one of them is 1.
  mlir::AffineExpr clamp(mlir::AffineExpr size, int64_t bound);

  /// Reports `message` where the op is being built and returns failure.
  llvm::LogicalResult fail(const llvm::Twine &message);

private:
  mlir::MLIRContext *context;
  std::optional<mlir::Location> location;
  mlir::Operation *op = nullptr;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::AffineExpr>> knownDims;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::AffineExpr>> knownValues;
  llvm::StringMap<mlir::AffineExpr> symbolsByName;
  llvm::SmallVector<std::string> symbolNames;
  llvm::BitVector elementSymbols;
  /// What the symbols made by broadcast stand for, sorted by address.
  using Parts = std::vector<const void *>;
  llvm::DenseMap<mlir::AffineExpr, Parts> broadcastParts;
  std::map<Parts, mlir::AffineExpr> broadcastSymbols;
  /// The symbols made by clamp, and what of.
  using Clamp = std::pair<mlir::AffineExpr, int64_t>;
  llvm::DenseMap<Clamp, mlir::AffineExpr> clampSymbols;
  llvm::DenseMap<mlir::AffineExpr, Clamp> clamps;
};

/// Whether elements of this type are tracked as expressions: i1, i32 and i64.
bool isTrackedElementType(mlir::Type type);

/// The value of a constant expression.
std::optional<int64_t> getConstant(mlir::AffineExpr expr);

/// Result of numpy broadcasting over the operands' shapes (ONNX
/// "Multidirectional Broadcasting"); element values are not derived.
llvm::LogicalResult inferBroadcast(ShapeContext &shapes,
                                   mlir::ValueRange operands,
                                   mlir::Type elementType,
                                   llvm::SmallVectorImpl<ShapeInfo> &results);

/// Result of numpy.matmul with the element type of `lhs`.
llvm::LogicalResult inferProduct(ShapeContext &shapes, mlir::Value lhs,
                                 mlir::Value rhs,
                                 llvm::SmallVectorImpl<ShapeInfo> &results);

/// A result of the same shape as `operand`.
llvm::LogicalResult inferSameShape(ShapeContext &shapes, mlir::Value operand,
                                   mlir::Type elementType,
                                   llvm::SmallVectorImpl<ShapeInfo> &results);

/// An error unless the two have the same element type.
llvm::LogicalResult expectSameElementType(ShapeContext &shapes,
                                          llvm::StringRef name, mlir::Value a,
                                          llvm::StringRef other, mlir::Value b);

/// An error when both sizes are known and differ.
llvm::LogicalResult expectEqual(ShapeContext &shapes, llvm::StringRef what,
                                mlir::AffineExpr a, mlir::AffineExpr b);

/// A negative axis counts from the end. Fails outside [-rank, rank).
llvm::FailureOr<int64_t> normalizeAxis(ShapeContext &shapes, int64_t axis,
                                       int64_t rank);

/// True when each actual type has the inferred element type and no dimension
/// that contradicts the inferred one; a type may say more than inference knew.
bool areCompatibleTypes(mlir::TypeRange inferred, mlir::TypeRange actual);

} // namespace llmc

#endif // LLMC_IR_SHAPEINFERENCE_H
