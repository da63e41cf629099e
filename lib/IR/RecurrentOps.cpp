//===- RecurrentOps.cpp - RNN, GRU and LSTM -------------------------------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/RecurrentOps.cpp.inc"

void LLMCDialect::registerRecurrentOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/RecurrentOps.cpp.inc"
      >();
}

static bool isActivation(StringRef name) {
  return llvm::StringSwitch<bool>(name)
      .Cases({"Relu", "Tanh", "Sigmoid", "Affine", "LeakyRelu",
              "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Softsign",
              "Softplus"},
             true)
      .Default(false);
}

/// An error when `value` is there and has not these dimensions.
static LogicalResult expectDims(ShapeContext &shapes, StringRef name,
                                Value value, ArrayRef<AffineExpr> dims) {
  if (!value)
    return success();
  ArrayRef<AffineExpr> actual = shapes.dims(value);
  if (actual.size() != dims.size())
    return shapes.fail(name + " must have rank " + Twine(dims.size()));
  for (auto [index, dim] : llvm::enumerate(dims)) {
    std::optional<int64_t> a = getConstant(actual[index]), b = getConstant(dim);
    if (a && b && *a != *b)
      return shapes.fail("dimension " + Twine(index) + " of " + name + " is " +
                         Twine(*a) + ", not " + Twine(*b));
  }
  return success();
}

/// Checks what the three ops have in common and infers the result and the
/// last hidden state.
template <typename Adaptor>
static LogicalResult inferRecurrent(ShapeContext &shapes, Adaptor adaptor,
                                    int64_t gates, size_t activationCount,
                                    SmallVectorImpl<ShapeInfo> &results) {
  int64_t directions = adaptor.getDirection() == "bidirectional" ? 2 : 1;
  Value operand = adaptor.getOperand(), recurrence = adaptor.getRecurrence();
  if (shapes.rank(operand) != 3 || shapes.rank(adaptor.getWeight()) != 3 ||
      shapes.rank(recurrence) != 3)
    return shapes.fail("operand, weight and recurrence must have rank 3");
  std::optional<int64_t> hidden = getConstant(shapes.dim(recurrence, 2));
  if (!hidden)
    return shapes.fail("the recurrence's last dimension, the hidden size, "
                       "must be static");
  AffineExpr sequence = shapes.dim(operand, 0), batch = shapes.dim(operand, 1),
             input = shapes.dim(operand, 2);
  auto check = [&](StringRef name, Value value, ArrayRef<AffineExpr> dims) {
    return expectDims(shapes, name, value, dims);
  };
  AffineExpr d = shapes.constant(directions), h = shapes.constant(*hidden),
             g = shapes.constant(gates * *hidden);
  if (failed(check("weight", adaptor.getWeight(), {d, g, input})) ||
      failed(check("recurrence", recurrence, {d, g, h})) ||
      failed(check("bias", adaptor.getBias(), {d, g * 2})) ||
      failed(check("sequence_lens", adaptor.getSequenceLens(), {batch})) ||
      failed(check("initial_h", adaptor.getInitialH(), {d, batch, h})))
    return failure();
  size_t needed = activationCount * directions;
  if (adaptor.getActivations().size() != needed ||
      adaptor.getActivationAlpha().size() != needed ||
      adaptor.getActivationBeta().size() != needed)
    return shapes.fail("needs " + Twine(needed) +
                       " activations, each with an alpha and a beta");
  for (Attribute name : adaptor.getActivations())
    if (!isActivation(cast<StringAttr>(name).getValue()))
      return shapes.fail("unknown activation '" +
                         cast<StringAttr>(name).getValue() + "'");
  Type element = shapes.elementType(operand);
  results.push_back({element, {sequence, d, batch, h}, std::nullopt});
  results.push_back({element, {d, batch, h}, std::nullopt});
  return success();
}

LogicalResult RNNOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferRecurrent(shapes, adaptor, 1, 1, results);
}

LogicalResult GRUOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferRecurrent(shapes, adaptor, 3, 2, results);
}

LogicalResult LSTMOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                  SmallVectorImpl<ShapeInfo> &results) {
  if (failed(inferRecurrent(shapes, adaptor, 4, 3, results)))
    return failure();
  SmallVector<AffineExpr> state(results.back().dims);
  if (failed(expectDims(shapes, "peephole", adaptor.getPeephole(),
                        {state[0], state[2] * 3})) ||
      failed(expectDims(shapes, "initial_c", adaptor.getInitialC(), state)))
    return failure();
  results.push_back(results.back());
  return success();
}
