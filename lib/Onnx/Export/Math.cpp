//===- Math.cpp - export of elementwise ops, reductions, products ---------===//

#include "ExportTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult exportIsInf(OpWriter &writer, IsInfOp op) {
  writer.result("IsInf", {writer.in(op.getOperand())})
      .attr("detect_negative", int64_t(op.getDetectNegative()))
      .attr("detect_positive", int64_t(op.getDetectPositive()));
  return success();
}

static LogicalResult exportMod(OpWriter &writer, ModOp op) {
  writer.result("Mod", {writer.in(op.getLhs()), writer.in(op.getRhs())})
      .attr("fmod", int64_t(op.getFmod()));
  return success();
}

static LogicalResult exportBitShift(OpWriter &writer, BitShiftOp op) {
  writer.result("BitShift", {writer.in(op.getLhs()), writer.in(op.getRhs())})
      .attr("direction", StringRef(op.getRight() ? "RIGHT" : "LEFT"));
  return success();
}

static LogicalResult exportReduce(OpWriter &writer, ReduceOp op) {
  static constexpr const char *names[] = {
      "ReduceSum", "ReduceMean", "ReduceProd", "ReduceMax", "ReduceMin"};
  if (op.getAxes().empty()) {
    writer.result("Identity", {writer.in(op.getOperand())});
    return success();
  }
  writer.requireOpset(op.getKind() == ReduceKind::Sum ? 13 : 18);
  writer
      .result(names[unsigned(op.getKind())],
              {writer.in(op.getOperand()), writer.ints(op.getAxes())})
      .attr("keepdims", int64_t(op.getKeepdims()));
  return success();
}

static LogicalResult exportSoftmax(OpWriter &writer, SoftmaxOp op) {
  writer.requireOpset(13);
  writer
      .result(op.getLog() ? "LogSoftmax" : "Softmax",
              {writer.in(op.getOperand())})
      .attr("axis", int64_t(op.getAxis()));
  return success();
}

void onnx_detail::registerMathExports(ExportTable &table) {
  table.addSimple<AbsOp>("Abs");
  table.addSimple<NegOp>("Neg");
  table.addSimple<SignOp>("Sign");
  table.addSimple<FloorOp>("Floor");
  table.addSimple<CeilOp>("Ceil");
  table.addSimple<RoundOp>("Round");
  table.addSimple<SqrtOp>("Sqrt");
  table.addSimple<ReciprocalOp>("Reciprocal");
  table.addSimple<ExpOp>("Exp");
  table.addSimple<LogOp>("Log");
  table.addSimple<SinOp>("Sin");
  table.addSimple<CosOp>("Cos");
  table.addSimple<TanOp>("Tan");
  table.addSimple<AsinOp>("Asin");
  table.addSimple<AcosOp>("Acos");
  table.addSimple<AtanOp>("Atan");
  table.addSimple<SinhOp>("Sinh");
  table.addSimple<CoshOp>("Cosh");
  table.addSimple<TanhOp>("Tanh");
  table.addSimple<AsinhOp>("Asinh");
  table.addSimple<AcoshOp>("Acosh");
  table.addSimple<AtanhOp>("Atanh");
  table.addSimple<ErfOp>("Erf");
  table.addSimple<SigmoidOp>("Sigmoid");
  table.addSimple<ReluOp>("Relu");
  table.addSimple<NotOp>("Not");
  table.addSimple<BitwiseNotOp>("BitwiseNot");
  table.addSimple<IsNaNOp>("IsNaN");
  table.add(exportIsInf);

  table.addSimple<AddOp>("Add");
  table.addSimple<SubOp>("Sub");
  table.addSimple<MulOp>("Mul");
  table.addSimple<DivOp>("Div");
  table.add(exportMod);
  table.addSimple<PowOp>("Pow");
  table.addSimple<MaxOp>("Max");
  table.addSimple<MinOp>("Min");
  table.addSimple<AndOp>("And");
  table.addSimple<OrOp>("Or");
  table.addSimple<XorOp>("Xor");
  table.addSimple<BitwiseAndOp>("BitwiseAnd");
  table.addSimple<BitwiseOrOp>("BitwiseOr");
  table.addSimple<BitwiseXorOp>("BitwiseXor");
  table.add(exportBitShift);
  table.addSimple<EqualOp>("Equal");
  table.addSimple<LessOp>("Less");
  table.addSimple<LessOrEqualOp>("LessOrEqual");
  table.addSimple<GreaterOp>("Greater");
  table.addSimple<GreaterOrEqualOp>("GreaterOrEqual");
  table.addSimple<WhereOp>("Where");

  table.add(exportReduce);
  table.add(exportSoftmax);
  table.addSimple<MatMulOp>("MatMul");
  table.addSimple<DetOp>("Det");
}
