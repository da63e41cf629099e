//===- UnitGroup.h - what is removed from a model together ------*- C++ -*-===//
//
// Removing a neuron of an MLP or a head of an attention narrows dimensions of
// many values: rows of some weights, columns of others, everything between. A
// UnitGroup follows such dimensions through the graph, from one on, and then
// narrows them all.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_UNITGROUP_H
#define LLMC_LIB_COMPRESS_UNITGROUP_H

#include "llmc/Calibrate/Statistics.h"
#include "llmc/Lift/KVCache.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace llmc {

/// Where the parameters of a module are loaded, and its KV caches.
struct ModelUses {
  explicit ModelUses(mlir::ModuleOp module);

  mlir::ModuleOp module;
  mlir::func::FuncOp main;
  llvm::DenseMap<mlir::StringAttr, llvm::SmallVector<WeightOp>> loads;
  llvm::SmallVector<KVCache> caches;
};

/// The parameter that a value loads, maybe cast and transposed.
struct MatrixParam {
  ParamOp param;
  /// Whether the value is the transpose of the parameter.
  bool transposed = false;
};

/// Nothing for other values, and for parameters that are not f32, f16 or bf16.
std::optional<MatrixParam> getMatrixParam(mlir::Value value);

/// Keeps the elements at `positions` along dimension `axis` of a parameter. The
/// types of its loads are left to the caller.
void selectParam(ParamOp param, int64_t axis,
                 llvm::ArrayRef<int64_t> positions);

/// What the positions along a dimension belong to: the number of a unit, or
/// `keptPosition`.
using UnitMap = std::vector<int32_t>;
inline constexpr int32_t keptPosition = -1;

class UnitGroup {
public:
  explicit UnitGroup(ModelUses &uses) : uses(uses) {}

  /// Begins with dimension `axis` of `value` and follows it. Fails when an op
  /// is met that does not compute each unit by itself, or whose sizes cannot
  /// change; then getObstacle says which.
  mlir::LogicalResult follow(mlir::Value value, int64_t axis, UnitMap units);
  llvm::StringRef getObstacle() const { return obstacle; }
  /// Begins with the heads of keys and values of an attention, whose query
  /// heads stay.
  mlir::LogicalResult followKeys(AttentionOp op, const UnitMap &units);

  /// The attentions that have units.
  llvm::SmallVector<AttentionOp> getAttentions() const;

  /// The linears that sum over units, in the order of the model, and which
  /// columns of their weights belong to which.
  struct Consumer {
    LinearOp op;
    UnitMap units;
  };
  llvm::SmallVector<Consumer> getConsumers() const;

  /// The parameters that have units, in the order of the module.
  llvm::SmallVector<ParamOp> getParams() const;

  /// Sets of units of which the same number must stay: the query heads of the
  /// key-value heads of an attention.
  llvm::ArrayRef<std::vector<llvm::SmallVector<int32_t>>>
  getEqualCounts() const {
    return equalCounts;
  }

  /// Removes the units that are not `kept`: narrows parameters, constants and
  /// types, and selects the statistics of what the consumers read.
  void apply(const llvm::BitVector &kept, Statistics &statistics);

private:
  using Dim = std::pair<mlir::Value, int64_t>;

  mlir::LogicalResult fail(mlir::Operation *op, const llvm::Twine &reason);
  /// Merges `units` into what is known of a dimension.
  mlir::LogicalResult set(mlir::Operation *op, mlir::Value value, int64_t axis,
                          const UnitMap &units);
  const UnitMap *find(mlir::Value value, int64_t axis) const;
  /// Makes both say the same.
  mlir::LogicalResult unify(mlir::Operation *op, Dim a, Dim b);
  /// Unifies all dimensions of two values, the last ones of both aligned;
  /// those of size 1 are broadcast.
  mlir::LogicalResult unifyBroadcast(mlir::Operation *op, mlir::Value a,
                                     mlir::Value b);
  /// Fails if the dimension has units.
  mlir::LogicalResult refuse(mlir::Operation *op, mlir::Value value,
                             int64_t axis, const llvm::Twine &reason);

  /// Makes the dimensions of operands and results agree.
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitLinear(LinearOp op);
  mlir::LogicalResult visitAttention(AttentionOp op);
  mlir::LogicalResult visitReshape(ReshapeOp op);
  mlir::LogicalResult visitSlice(SliceOp op);
  mlir::LogicalResult visitConcat(ConcatOp op);
  mlir::LogicalResult visitReturn(mlir::func::ReturnOp op);
  mlir::LogicalResult visitArgument(mlir::BlockArgument argument);

  /// The positions that stay.
  static llvm::SmallVector<int64_t> select(const UnitMap &units,
                                           const llvm::BitVector &kept);
  void rewriteShape(mlir::OpOperand &shape, mlir::Value result,
                    const llvm::BitVector &kept);
  void rewriteSlice(SliceOp op, const llvm::BitVector &kept);
  void narrowConstants(mlir::Operation *op, const llvm::BitVector &kept);
  void narrowParams(const llvm::BitVector &kept);

  ModelUses &uses;
  std::string obstacle;
  /// Whether query heads stay.
  bool keysOnly = false;
  llvm::MapVector<Dim, UnitMap> units;
  llvm::SetVector<mlir::Operation *> worklist;
  llvm::SetVector<mlir::Operation *> visited;
  std::vector<std::vector<llvm::SmallVector<int32_t>>> equalCounts;
};

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_UNITGROUP_H
