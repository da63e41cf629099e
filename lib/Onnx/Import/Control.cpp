//===- Control.cpp - builders of constants and control flow ---------------===//

#include "Control.h"
#include "../Proto.h"
#include "GraphImporter.h"
#include "OpTable.h"
#include "llmc/IR/ShapeAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult importConstant(OnnxNode &node) {
  Builder &builder = node.getBuilder();
  if (node.hasAttr("value"))
    return node.result(node.tensorAttr("value"));
  if (node.hasAttr("value_int"))
    return node.result(
        node.scalar(builder.getI64Type(), node.intAttr("value_int", 0)));
  if (node.hasAttr("value_float"))
    return node.result(
        node.scalar(builder.getF32Type(), node.floatAttr("value_float", 0)));
  if (node.hasAttr("value_ints"))
    return node.result(node.ints(node.intsAttr("value_ints")));
  if (node.hasAttr("value_floats")) {
    SmallVector<float> values;
    for (double value : node.floatsAttr("value_floats"))
      values.push_back(value);
    auto type =
        RankedTensorType::get({int64_t(values.size())}, builder.getF32Type());
    return node.result(
        node.constant(DenseElementsAttr::get(type, ArrayRef<float>(values))));
  }
  return node.fail("has no value of a kind that is supported (strings and "
                   "sparse tensors are not)");
}

RankedTensorType onnx_detail::joinTypes(Type a, Type b) {
  auto left = cast<RankedTensorType>(a), right = cast<RankedTensorType>(b);
  if (left.getElementType() != right.getElementType() ||
      left.getRank() != right.getRank())
    return {};
  SmallVector<int64_t> shape(left.getShape());
  for (auto [size, other] : llvm::zip(shape, right.getShape()))
    if (size != other)
      size = ShapedType::kDynamic;
  return left.clone(shape);
}

static LogicalResult importIf(OnnxNode &node) {
  ::onnx::GraphProto *thenGraph = node.graphAttr("then_branch");
  ::onnx::GraphProto *elseGraph = node.graphAttr("else_branch");
  if (node.hasFailed())
    return failure();
  GraphImporter &importer = node.getImporter();
  Value condition = node.input(0);
  if (!node.elementType(condition).isInteger(1))
    return node.fail("the condition is not a bool");
  unsigned count = node.getNumOutputs();
  if (unsigned(thenGraph->output_size()) != count ||
      unsigned(elseGraph->output_size()) != count)
    return node.fail("the branches' outputs are not as many as the node's");

  if (std::optional<SmallVector<int64_t>> known = node.constantInts(condition);
      known && known->size() == 1) {
    SmallVector<Value> outputs;
    if (failed(importer.importSubgraph(known->front() ? *thenGraph : *elseGraph,
                                       {}, outputs)))
      return failure();
    for (auto [index, value] : llvm::enumerate(outputs))
      node.setOutput(index, value);
    return success();
  }

  OpBuilder &builder = node.getBuilder();
  if (node.rank(condition) != 0)
    condition = node.create<ReshapeOp>(condition, node.ints({}), false);
  if (node.hasFailed())
    return failure();
  Value flag = tensor::ExtractOp::create(builder, node.getLoc(), condition, {});
  // The result types are known when both branches are; until then they grow
  // in an op without results.
  auto draft = scf::IfOp::create(builder, node.getLoc(), TypeRange(), flag,
                                 /*addThenBlock=*/true, /*addElseBlock=*/true);
  SmallVector<Value> outputs[2];
  ::onnx::GraphProto *graphs[] = {thenGraph, elseGraph};
  for (auto [index, graph] : llvm::enumerate(graphs)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&draft->getRegion(index).front());
    if (failed(importer.importSubgraph(*graph, {}, outputs[index])))
      return failure();
  }
  SmallVector<Type> types;
  SmallVector<Location> names;
  for (unsigned i = 0; i < count; ++i) {
    RankedTensorType type =
        joinTypes(outputs[0][i].getType(), outputs[1][i].getType());
    if (!type)
      return node.fail("output " + Twine(i) +
                       " differs between the branches in rank or element "
                       "type");
    types.push_back(type);
    names.push_back(importer.getLoc(node.getProto().output(i)));
  }
  Location location =
      names.size() == 1 ? names[0] : FusedLoc::get(node.getContext(), names);
  auto result = scf::IfOp::create(builder, location, types, flag,
                                  /*addThenBlock=*/false,
                                  /*addElseBlock=*/false);
  for (unsigned index = 0; index < 2; ++index) {
    Region &region = result->getRegion(index);
    region.takeBody(draft->getRegion(index));
    Block &block = region.front();
    // Absent when nothing has been yielded yet.
    if (!block.empty() && block.back().hasTrait<OpTrait::IsTerminator>())
      block.back().erase();
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&block);
    SmallVector<Value> yielded;
    for (auto [value, type] : llvm::zip(outputs[index], types))
      yielded.push_back(node.refine(value, cast<RankedTensorType>(type)));
    scf::YieldOp::create(builder, location, yielded);
  }
  draft.erase();
  (void)analyzeShapes(result, importer.getShapes());
  for (auto [index, value] : llvm::enumerate(result.getResults()))
    node.setOutput(index, value);
  return success(!node.hasFailed());
}

void onnx_detail::registerControlBuilders(OpTable &table) {
  table.add("Constant", 1, {0, 0}, importConstant);
  table.add("If", 1, {1, 1}, importIf);
}
