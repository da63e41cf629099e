//===- FindBatch.cpp - inputs whose rows do not depend on each other ------===//
//
// A value is what of it a part of the batch makes: parts of it along one axis,
// in order. That follows op by op, with symbolic shapes, from the inputs.
//
//===----------------------------------------------------------------------===//

#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/Lower/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace llmc {
#define GEN_PASS_DEF_FINDBATCH
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
/// How a value depends on the batch.
struct Dependence {
  enum Kind {
    None,  ///< neither its elements nor its shape do
    Parts, ///< parts of the batch make parts along `axis`, its only dimension
           ///< that depends on the batch, as a multiple of it
    Size,  ///< it is a shape, or an element of one, that has the batch in it
    Other
  } kind = None;
  int64_t axis = 0;
};

class BatchAnalysis {
public:
  BatchAnalysis(func::FuncOp function, ShapeContext &shapes)
      : function(function), shapes(shapes) {}

  /// The arguments that can be split along dimension 0, so that all results
  /// are; none if one of them is not.
  SmallVector<unsigned> run() {
    if (!findBatch())
      return {};
    SmallVector<unsigned> split;
    for (BlockArgument argument : function.getArguments()) {
      Dependence found = getArgument(argument);
      if (found.kind == Dependence::Parts)
        split.push_back(argument.getArgNumber());
      known[argument] = found;
    }
    Block &body = function.getBody().front();
    for (Operation &op : body.without_terminator())
      for (OpResult result : op.getResults())
        known[result] = compute(result);
    for (Value result : body.getTerminator()->getOperands())
      if (Dependence found = known[result]; found.kind != Dependence::Parts ||
                                            found.axis != 0 ||
                                            shapes.dim(result, 0) != batch)
        return {};
    return split;
  }

private:
  /// The first symbol that is dimension 0 of an argument.
  bool findBatch() {
    for (BlockArgument argument : function.getArguments()) {
      for (AffineExpr dim : shapes.dims(argument))
        if (auto symbol = dyn_cast<AffineSymbolExpr>(dim))
          sizes.insert(symbol.getPosition());
      if (!batch && shapes.rank(argument) > 0)
        batch = dyn_cast<AffineSymbolExpr>(shapes.dim(argument, 0));
    }
    return bool(batch);
  }

  bool hasBatch(AffineExpr size) const {
    return size.isFunctionOfSymbol(cast<AffineSymbolExpr>(batch).getPosition());
  }

  /// Whether `size` is the batch times something.
  bool isMultiple(AffineExpr size) const {
    if (size == batch)
      return true;
    auto binary = dyn_cast<AffineBinaryOpExpr>(size);
    if (!binary)
      return false;
    AffineExpr a = binary.getLHS(), b = binary.getRHS();
    if (binary.getKind() == AffineExprKind::Add)
      return isMultiple(a) && isMultiple(b);
    return binary.getKind() == AffineExprKind::Mul &&
           ((isMultiple(a) && !hasBatch(b)) || (isMultiple(b) && !hasBatch(a)));
  }

  /// Whether all that a size depends on is in it: sizes of arguments.
  bool isPlain(AffineExpr size) const {
    bool plain = true;
    size.walk([&](AffineExpr part) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
        plain &= sizes.contains(symbol.getPosition());
    });
    return plain;
  }

  static Dependence parts(int64_t axis) { return {Dependence::Parts, axis}; }
  static Dependence other() { return {Dependence::Other}; }

  bool isOne(Value value, int64_t axis) {
    return shapes.dim(value, axis) == shapes.constant(1);
  }

  Dependence getArgument(BlockArgument argument) {
    ArrayRef<AffineExpr> dims = shapes.dims(argument);
    if (llvm::none_of(dims, [&](AffineExpr dim) { return hasBatch(dim); }))
      return {};
    if (dims.front() != batch ||
        llvm::any_of(dims.drop_front(),
                     [&](AffineExpr dim) { return hasBatch(dim); }))
      return other();
    return parts(0);
  }

  bool areIndependent(ValueRange values) {
    return llvm::all_of(values, [&](Value value) {
      return known[value].kind == Dependence::None;
    });
  }

  Dependence compute(OpResult result) {
    Operation *op = result.getOwner();
    if (op->getNumRegions() != 0 || !isMemoryEffectFree(op))
      return other();
    if (areIndependent(op->getOperands()))
      return {};
    bool isShapeMath = llvm::all_of(op->getOperands(), [&](Value operand) {
      Dependence::Kind kind = known[operand].kind;
      return kind == Dependence::None || kind == Dependence::Size;
    });
    if (isShapeMath && !isa<ExpandOp, ReshapeOp>(op))
      return computeSizes(result);
    if (isElementwise(op))
      return broadcast(op->getOperands(), result);
    return llvm::TypeSwitch<Operation *, Dependence>(op)
        .Case<ShapeOp, ReshapeOp, ExpandOp, TransposeOp, UnsqueezeOp, SqueezeOp,
              ConcatOp, GatherOp, GatherElementsOp, GatherNDOp, ReduceOp,
              MatMulOp, RopeOp>([&](auto op) { return computeOf(op); })
        .Case([&](EmbeddingOp op) { return keep(op, {}); })
        .Case([&](SliceOp op) { return keep(op, op.getAxes()); })
        .Case([&](TopKOp op) { return keep(op, {int64_t(op.getAxis())}); })
        .Case<LinearOp, RMSNormOp, QuantizeDynamicOp>(
            [&](auto op) { return keep(op, {shapes.rank(result) - 1}); })
        .Case([&](LayerNormOp op) {
          return keep(op, llvm::to_vector(llvm::seq<int64_t>(
                              op.getAxis(), shapes.rank(result))));
        })
        .Case<SoftmaxOp, CumSumOp, CumProdOp>([&](auto op) {
          int64_t axis = op.getAxis();
          return keep(op, {axis < 0 ? axis + shapes.rank(result) : axis});
        })
        // Scales of blocks have all dimensions of the operand.
        .Case<QuantizeLinearOp, DequantizeLinearOp>([&](auto op) {
          return op.getBlockSize() == 0 ? keep(op, {int64_t(op.getAxis())})
                                        : other();
        })
        // Places count from the first row of the batch.
        .Case([&](MaxPoolOp op) {
          return result == op.getResult() ? keepFirst(op) : other();
        })
        .Case<ConvOp, ConvTransposeOp, AveragePoolOp, LpPoolOp>(
            [&](auto op) { return keepFirst(op); })
        .Case<RNNOp, GRUOp>([&](auto op) {
          return computeRecurrent(op, {op.getInitialH()}, result);
        })
        .Case([&](LSTMOp op) {
          return computeRecurrent(op, {op.getInitialH(), op.getInitialC()},
                                  result);
        })
        .Case([&](AttentionOp op) {
          return broadcast(op->getOperands(), result, /*last=*/3);
        })
        .Default([](Operation *) { return other(); });
  }

  /// That of the first operand, which the op goes through along other axes
  /// than `used`; the other operands do not depend on the batch.
  Dependence keep(Operation *op, ArrayRef<int64_t> used) {
    Dependence first = known[op->getOperand(0)];
    bool isKept = first.kind == Dependence::Parts &&
                  !llvm::is_contained(used, first.axis) &&
                  areIndependent(op->getOperands().drop_front());
    return isKept ? first : other();
  }

  /// The same of [batch, channels, ...].
  Dependence keepFirst(Operation *op) {
    Dependence found = keep(op, {});
    return found.axis == 0 ? found : other();
  }

  /// Of operands that are broadcast against each other, except for the `last`
  /// dimensions.
  Dependence broadcast(ValueRange operands, Value result, int64_t last = 0) {
    int64_t rank = shapes.rank(result);
    std::optional<int64_t> axis;
    for (Value operand : operands) {
      Dependence found = known[operand];
      if (found.kind == Dependence::None)
        continue;
      int64_t there = found.axis + rank - shapes.rank(operand);
      if (found.kind != Dependence::Parts || (axis && *axis != there))
        return other();
      axis = there;
    }
    if (!axis || *axis >= rank - last)
      return other();
    for (Value operand : operands) {
      int64_t here = *axis - rank + shapes.rank(operand);
      bool fits = known[operand].kind == Dependence::Parts
                      ? shapes.areEqual(shapes.dim(operand, here),
                                        shapes.dim(result, *axis)) == true
                      : here < 0 || isOne(operand, here);
      if (!fits)
        return other();
    }
    return parts(*axis);
  }

  //===--------------------------------------------------------------------===//
  // Single ops
  //===--------------------------------------------------------------------===//

  /// Of integers that are computed from sizes.
  Dependence computeSizes(Value result) {
    std::optional<SmallVector<AffineExpr>> values = shapes.values(result);
    if (!values)
      return other();
    bool isIndependent = llvm::all_of(*values, [&](AffineExpr value) {
      return isPlain(value) && !hasBatch(value);
    });
    return {isIndependent ? Dependence::None : Dependence::Size};
  }

  Dependence computeOf(ShapeOp op) {
    Dependence found = known[op.getOperand()];
    if (found.kind != Dependence::Parts)
      return other();
    bool isNamed = found.axis >= int64_t(op.getStart()) &&
                   found.axis < int64_t(op.getEnd());
    return {isNamed ? Dependence::Size : Dependence::None};
  }

  /// Whether the sizes that an op is given are none, or are known.
  bool isReadable(Value shape, Value result) {
    Dependence::Kind kind = known[shape].kind;
    return kind == Dependence::None ||
           (kind == Dependence::Size &&
            llvm::all_of(shapes.dims(result),
                         [&](AffineExpr dim) { return isPlain(dim); }));
  }

  /// Parts have to be one after the other, before and afterwards, unless what
  /// is before the batch stays as it is.
  Dependence computeOf(ReshapeOp op) {
    Value operand = op.getOperand(), result = op.getResult();
    Dependence found = known[operand];
    if (!isReadable(op.getShape(), result))
      return other();
    ArrayRef<AffineExpr> dims = shapes.dims(result);
    if (found.kind == Dependence::None)
      return llvm::any_of(dims, [&](AffineExpr dim) { return hasBatch(dim); })
                 ? other()
                 : Dependence{};
    if (found.kind != Dependence::Parts)
      return other();
    int64_t axis = 0, rank = dims.size();
    if (llvm::equal(shapes.dims(operand).take_front(found.axis + 1),
                    dims.take_front(found.axis + 1))) {
      axis = found.axis;
    } else {
      for (int64_t before = 0; before < found.axis; ++before)
        if (!isOne(operand, before))
          return other();
      while (axis < rank && isOne(result, axis))
        ++axis;
    }
    bool fits = axis < rank && isMultiple(dims[axis]) &&
                llvm::none_of(
                    dims.drop_front(axis + 1),
                    [&](AffineExpr dim) { return hasBatch(dim); });
    return fits ? parts(axis) : other();
  }

  Dependence computeOf(ExpandOp op) {
    Value operand = op.getOperand(), result = op.getResult();
    Dependence found = known[operand];
    if (!isReadable(op.getShape(), result))
      return other();
    if (found.kind == Dependence::Parts)
      return broadcast({operand}, result);
    if (found.kind != Dependence::None)
      return other();
    std::optional<int64_t> axis;
    for (auto [i, dim] : llvm::enumerate(shapes.dims(result))) {
      if (!hasBatch(dim))
        continue;
      int64_t here = int64_t(i) - shapes.rank(result) + shapes.rank(operand);
      if (axis || !isMultiple(dim) || (here >= 0 && !isOne(operand, here)))
        return other();
      axis = i;
    }
    return axis ? parts(*axis) : Dependence{};
  }

  Dependence computeOf(TransposeOp op) {
    Dependence found = known[op.getOperand()];
    if (found.kind != Dependence::Parts)
      return other();
    return parts(llvm::find(op.getPerm(), found.axis) - op.getPerm().begin());
  }

  Dependence computeOf(UnsqueezeOp op) {
    Dependence found = known[op.getOperand()];
    for (int64_t axis : op.getAxes())
      found.axis += axis <= found.axis;
    return found.kind == Dependence::Parts ? found : other();
  }

  static int64_t countBefore(ArrayRef<int64_t> axes, int64_t axis) {
    return llvm::count_if(axes, [&](int64_t other) { return other < axis; });
  }

  Dependence computeOf(SqueezeOp op) {
    Dependence found = keep(op, op.getAxes());
    found.axis -= countBefore(op.getAxes(), found.axis);
    return found;
  }

  Dependence computeOf(ReduceOp op) {
    Dependence found = keep(op, op.getAxes());
    if (!op.getKeepdims())
      found.axis -= countBefore(op.getAxes(), found.axis);
    return found;
  }

  Dependence computeOf(ConcatOp op) {
    Dependence first = known[op.getInputs().front()];
    bool areSame = llvm::all_of(op.getInputs(), [&](Value input) {
      Dependence found = known[input];
      return found.kind == Dependence::Parts && found.axis == first.axis;
    });
    return areSame && first.axis != int64_t(op.getAxis()) ? first : other();
  }

  Dependence computeOf(GatherOp op) {
    Dependence from = known[op.getOperand()], at = known[op.getIndices()];
    int64_t axis = op.getAxis();
    if (from.kind == Dependence::None && at.kind == Dependence::Parts)
      return parts(axis + at.axis);
    Dependence found = keep(op, {axis});
    if (found.axis > axis)
      found.axis += shapes.rank(op.getIndices()) - 1;
    return found;
  }

  /// The indices are of the operand's rows.
  Dependence computeOf(GatherElementsOp op) {
    Dependence from = known[op.getOperand()], at = known[op.getIndices()];
    bool areSame = from.kind == Dependence::Parts &&
                   at.kind == Dependence::Parts && from.axis == at.axis;
    return areSame && at.axis != int64_t(op.getAxis()) ? at : other();
  }

  Dependence computeOf(GatherNDOp op) {
    Dependence at = known[op.getIndices()];
    bool fits = op.getBatchDims() == 0 && at.kind == Dependence::Parts &&
                at.axis < shapes.rank(op.getIndices()) - 1 &&
                areIndependent(op.getOperand());
    return fits ? at : other();
  }

  /// The batch is dimension 1 of operand and states, and comes after the
  /// directions in the first result.
  template <typename OpT>
  Dependence computeRecurrent(OpT op, ArrayRef<Value> states, Value result) {
    auto isSplit = [&](Value value, int64_t axis) {
      Dependence found = known[value];
      return found.kind == Dependence::Parts && found.axis == axis;
    };
    for (Value operand : op->getOperands()) {
      bool fits =
          operand == op.getSequenceLens() ? isSplit(operand, 0)
          : operand == op.getOperand() || llvm::is_contained(states, operand)
              ? isSplit(operand, 1)
              : areIndependent(operand);
      if (!fits)
        return other();
    }
    return parts(result == op.getResult() ? 2 : 1);
  }

  Dependence computeOf(MatMulOp op) {
    Value left = op.getLhs(), right = op.getRhs();
    int64_t rank = shapes.rank(left);
    if (rank < 2 || shapes.rank(right) < 2)
      return other();
    Dependence found = known[left];
    // Rows of the left side.
    if (found.kind == Dependence::Parts && found.axis == rank - 2 &&
        areIndependent(right))
      return parts(shapes.rank(op.getResult()) - 2);
    return broadcast(op->getOperands(), op.getResult(), /*last=*/2);
  }

  /// The tables of angles are [batch or 1, sequence, rotary / 2].
  Dependence computeOf(RopeOp op) {
    Dependence found = known[op.getOperand()];
    bool fits = found.kind == Dependence::Parts && found.axis == 0;
    for (Value table : {op.getCos(), op.getSin()}) {
      Dependence angles = known[table];
      fits &= angles.kind == Dependence::Parts
                  ? angles.axis == 0
                  : angles.kind == Dependence::None && isOne(table, 0);
    }
    return fits ? found : other();
  }

  func::FuncOp function;
  ShapeContext &shapes;
  AffineExpr batch;               ///< a symbol
  llvm::DenseSet<unsigned> sizes; ///< symbols of arguments
  llvm::DenseMap<Value, Dependence> known;
};

struct FindBatch : llmc::impl::FindBatchBase<FindBatch> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal() || !main.getBody().hasOneBlock())
      return;
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      if (main.getArgAttr(i, stateAttr))
        return;
    ShapeContext shapes(&getContext());
    if (failed(analyzeShapes(FunctionOpInterface(main), shapes)))
      return signalPassFailure();
    for (unsigned index : BatchAnalysis(main, shapes).run()) {
      main.setArgAttr(index, batchAttr, UnitAttr::get(&getContext()));
      ++numArguments;
    }
  }
};
} // namespace
