//===- Math.cpp - builders of elementwise ops and products ----------------===//

#include "OpTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

template <typename OpTy> static LogicalResult importUnary(OnnxNode &node) {
  return node.result(node.create<OpTy>(node.input(0)));
}

static LogicalResult checkSameType(OnnxNode &node) {
  for (Value input : node.getInputs())
    if (node.elementType(input) != node.elementType(node.input(0)))
      return node.fail("operands differ in element type");
  return success();
}

template <typename OpTy> static LogicalResult importBinary(OnnxNode &node) {
  if (failed(checkSameType(node)))
    return failure();
  return node.result(node.create<OpTy>(node.input(0), node.input(1)));
}

/// Max, Min, Sum: any number of operands.
template <typename OpTy> static LogicalResult importVariadic(OnnxNode &node) {
  if (failed(checkSameType(node)))
    return failure();
  Value result = node.input(0);
  for (Value input : node.getInputs().drop_front())
    result = node.create<OpTy>(result, input);
  return node.result(result);
}

static LogicalResult importMean(OnnxNode &node) {
  if (failed(importVariadic<AddOp>(node)))
    return failure();
  Value sum = node.getOutputs()[0];
  return node.result(
      node.create<DivOp>(sum, node.scalarLike(sum, node.getNumInputs())));
}

static LogicalResult importPow(OnnxNode &node) {
  return node.result(node.create<PowOp>(node.input(0), node.input(1)));
}

static LogicalResult importMod(OnnxNode &node) {
  bool fmod = node.intAttr("fmod", 0);
  if (failed(checkSameType(node)))
    return failure();
  return node.result(node.create<ModOp>(node.input(0), node.input(1), fmod));
}

static LogicalResult importBitShift(OnnxNode &node) {
  StringRef direction = node.stringAttr("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return node.fail("direction must be LEFT or RIGHT");
  return node.result(node.create<BitShiftOp>(node.input(0), node.input(1),
                                             direction == "RIGHT"));
}

static LogicalResult importIsInf(OnnxNode &node) {
  bool negative = node.intAttr("detect_negative", 1);
  bool positive = node.intAttr("detect_positive", 1);
  return node.result(node.create<IsInfOp>(node.input(0), negative, positive));
}

static LogicalResult importWhere(OnnxNode &node) {
  if (node.elementType(node.input(1)) != node.elementType(node.input(2)))
    return node.fail("operands differ in element type");
  return node.result(
      node.create<WhereOp>(node.input(0), node.input(1), node.input(2)));
}

static LogicalResult importMatMul(OnnxNode &node) {
  return importBinary<MatMulOp>(node);
}

/// alpha * A' B' + beta * C
static LogicalResult importGemm(OnnxNode &node) {
  if (failed(checkSameType(node)))
    return failure();
  Value a = node.input(0), b = node.input(1), c = node.input(2);
  if (node.rank(a) != 2 || node.rank(b) != 2)
    return node.fail("A and B must be matrices");
  if (node.intAttr("transA", 0))
    a = node.transpose(a, {1, 0});
  if (node.intAttr("transB", 0))
    b = node.transpose(b, {1, 0});
  double alpha = node.floatAttr("alpha", 1), beta = node.floatAttr("beta", 1);
  Value result = node.create<MatMulOp>(a, b);
  if (alpha != 1)
    result = node.create<MulOp>(result, node.scalarLike(result, alpha));
  if (c && beta != 0) {
    if (beta != 1)
      c = node.create<MulOp>(c, node.scalarLike(c, beta));
    result = node.create<AddOp>(result, c);
  }
  return node.result(result);
}

void onnx_detail::registerMathBuilders(OpTable &table) {
  constexpr Arity one{1, 1}, two{2, 2}, any{1, variadic};
  table.add("Abs", 6, one, importUnary<AbsOp>);
  table.add("Neg", 6, one, importUnary<NegOp>);
  table.add("Sign", 9, one, importUnary<SignOp>);
  table.add("Floor", 6, one, importUnary<FloorOp>);
  table.add("Ceil", 6, one, importUnary<CeilOp>);
  table.add("Round", 11, one, importUnary<RoundOp>);
  table.add("Sqrt", 6, one, importUnary<SqrtOp>);
  table.add("Reciprocal", 6, one, importUnary<ReciprocalOp>);
  table.add("Exp", 6, one, importUnary<ExpOp>);
  table.add("Log", 6, one, importUnary<LogOp>);
  table.add("Sin", 7, one, importUnary<SinOp>);
  table.add("Cos", 7, one, importUnary<CosOp>);
  table.add("Tan", 7, one, importUnary<TanOp>);
  table.add("Asin", 7, one, importUnary<AsinOp>);
  table.add("Acos", 7, one, importUnary<AcosOp>);
  table.add("Atan", 7, one, importUnary<AtanOp>);
  table.add("Sinh", 9, one, importUnary<SinhOp>);
  table.add("Cosh", 9, one, importUnary<CoshOp>);
  table.add("Tanh", 6, one, importUnary<TanhOp>);
  table.add("Asinh", 9, one, importUnary<AsinhOp>);
  table.add("Acosh", 9, one, importUnary<AcoshOp>);
  table.add("Atanh", 9, one, importUnary<AtanhOp>);
  table.add("Erf", 9, one, importUnary<ErfOp>);
  table.add("Sigmoid", 6, one, importUnary<SigmoidOp>);
  table.add("Relu", 6, one, importUnary<ReluOp>);
  table.add("Not", 1, one, importUnary<NotOp>);
  table.add("BitwiseNot", 18, one, importUnary<BitwiseNotOp>);
  table.add("IsNaN", 9, one, importUnary<IsNaNOp>);
  table.add("IsInf", 10, one, importIsInf);

  table.add("Add", 7, two, importBinary<AddOp>);
  table.add("Sub", 7, two, importBinary<SubOp>);
  table.add("Mul", 7, two, importBinary<MulOp>);
  table.add("Div", 7, two, importBinary<DivOp>);
  table.add("Mod", 10, two, importMod);
  table.add("Pow", 7, two, importPow);
  table.add("And", 7, two, importBinary<AndOp>);
  table.add("Or", 7, two, importBinary<OrOp>);
  table.add("Xor", 7, two, importBinary<XorOp>);
  table.add("BitwiseAnd", 18, two, importBinary<BitwiseAndOp>);
  table.add("BitwiseOr", 18, two, importBinary<BitwiseOrOp>);
  table.add("BitwiseXor", 18, two, importBinary<BitwiseXorOp>);
  table.add("BitShift", 11, two, importBitShift);
  table.add("Equal", 7, two, importBinary<EqualOp>);
  table.add("Less", 7, two, importBinary<LessOp>);
  table.add("LessOrEqual", 12, two, importBinary<LessOrEqualOp>);
  table.add("Greater", 7, two, importBinary<GreaterOp>);
  table.add("GreaterOrEqual", 12, two, importBinary<GreaterOrEqualOp>);

  table.add("Max", 6, any, importVariadic<MaxOp>);
  table.add("Min", 6, any, importVariadic<MinOp>);
  table.add("Sum", 6, any, importVariadic<AddOp>);
  table.add("Mean", 6, any, importMean);
  table.add("Where", 9, {3, 3}, importWhere);
  table.add("MatMul", 1, two, importMatMul);
  table.add("Det", 11, one, importUnary<DetOp>);
  table.add("Gemm", 7, {2, 3}, importGemm);
}
