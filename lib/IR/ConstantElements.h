//===- ConstantElements.h - the elements of small constants ----*- C++ -*-===//
//
// What constant folding computes on. Folding serves shape arithmetic and
// scalars; it never sees a parameter, and stops at maxFoldedElements.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_IR_CONSTANTELEMENTS_H
#define LLMC_LIB_IR_CONSTANTELEMENTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"
#include <optional>

namespace llmc {

inline constexpr int64_t maxFoldedElements = 1024;

/// Elements in row-major order; integers as their signed or unsigned value,
/// floats as doubles that the element type represents exactly.
struct ConstantElements {
  mlir::RankedTensorType type;
  llvm::SmallVector<int64_t> ints;
  llvm::SmallVector<double> floats;

  /// A result to be filled. `type` must be static.
  explicit ConstantElements(mlir::RankedTensorType type);

  /// Nothing when `attribute` is not a small dense constant of a type that
  /// folding handles.
  static std::optional<ConstantElements> get(mlir::Attribute attribute);

  bool isFloat() const { return mlir::isa<mlir::FloatType>(elementType()); }
  mlir::Type elementType() const { return type.getElementType(); }
  llvm::ArrayRef<int64_t> shape() const { return type.getShape(); }
  int64_t size() const { return type.getNumElements(); }

  /// Stores a value rounded or wrapped to the element type.
  void setInt(int64_t index, int64_t value);
  void setFloat(int64_t index, double value);

  /// Copies element `from` of `source`, which has the same element type.
  void copy(int64_t index, const ConstantElements &source, int64_t from);

  mlir::DenseElementsAttr getAttr() const;
};

/// Whether folding computes with this element type.
bool isFoldable(mlir::Type elementType);

/// Calls `body` with each index of `shape` in row-major order.
void forEachIndex(
    llvm::ArrayRef<int64_t> shape,
    llvm::function_ref<void(int64_t linear, llvm::ArrayRef<int64_t> index)>
        body);

/// The element of a tensor of `shape` that numpy broadcasting reads at `index`
/// of the result.
int64_t broadcastIndex(llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<int64_t> index);

using ConstantOperands = llvm::ArrayRef<std::optional<ConstantElements>>;

/// Fills `result` with what `op` computes of constants. `operands` are all
/// present, except where the op's result does not depend on them. False when
/// the op is not one of the family or the result is not defined.
bool foldElementwise(mlir::Operation *op, ConstantOperands operands,
                     ConstantElements &result);
bool foldReduction(mlir::Operation *op, ConstantOperands operands,
                   ConstantElements &result);
bool foldMovement(mlir::Operation *op, ConstantOperands operands,
                  ConstantElements &result);

} // namespace llmc

#endif // LLMC_LIB_IR_CONSTANTELEMENTS_H
