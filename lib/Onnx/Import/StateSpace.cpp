//===- StateSpace.cpp - builders of linear attention and its convolution --===//

#include "OpTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

//===----------------------------------------------------------------------===//
// CausalConvWithState
//===----------------------------------------------------------------------===//

/// A depthwise convolution of the past columns and the new ones; the last
/// columns are the next call's past.
static LogicalResult importCausalConvWithState(OnnxNode &node) {
  Value x = node.input(0), weight = node.input(1), past = node.input(3);
  StringRef activation = node.stringAttr("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish")
    return node.fail("activation is '" + activation +
                     "'; none, silu and swish are defined");
  if (node.rank(x) != 3 || node.rank(weight) != 3)
    return node.fail("needs an input [batch, channels, length] and a weight "
                     "[channels, 1, kernel]");
  int64_t channels = node.staticDim(weight, 0, "the number of channels"),
          kernel = node.staticDim(weight, 2, "the kernel's size");
  if (node.hasFailed())
    return failure();
  if (kernel < 1)
    return node.fail("the weight has an empty kernel");
  if (!past) {
    Value shape = node.concat(
        {node.dimOf(x, 0), node.dimOf(x, 1), node.ints({kernel - 1})}, 0);
    past = node.create<ExpandOp>(node.scalarLike(x, 0), shape);
  }
  Value columns = node.concat({past, x}, 2);
  SmallVector<int64_t> one{1}, zeros{0, 0};
  Value result = node.create<ConvOp>(columns, weight, node.input(2), one, zeros,
                                     one, channels);
  if (activation != "none") {
    Value wide = node.castTo(result, node.getBuilder().getF32Type());
    result = node.castTo(node.create<SiluOp>(wide), node.elementType(x));
  }
  if (node.wantsOutput(1))
    node.setOutput(
        1, kernel == 1 ? past : node.slice(columns, 2, 1 - kernel, INT64_MAX));
  return node.result(result);
}

//===----------------------------------------------------------------------===//
// LinearAttention
//===----------------------------------------------------------------------===//

namespace {
/// The operands of the recurrence, f32 and time first.
struct Recurrence {
  OnnxNode &node;
  int64_t heads, group; ///< Key-value heads, and query heads for each.
  Value query;          ///< [time, batch, heads, group, key]
  Value key, value;     ///< [time, batch, heads, 1, size]
  Value decay;          ///< [time, batch, heads, key or 1, 1], or null
  Value beta;           ///< [time, batch, heads or 1, 1, 1], or null
  Value state;          ///< [batch, heads, key, value]

  Value step(Value &state, Value time) const;
};
} // namespace

/// [batch, time, heads * rows * columns] to [time, batch, heads, rows,
/// columns] of f32.
static Value unpack(OnnxNode &node, Value packed, int64_t heads, int64_t rows,
                    int64_t columns) {
  Value split = node.reshape(packed, {0, 0, heads, rows, columns});
  return node.castTo(node.transpose(split, {1, 0, 2, 3, 4}),
                     node.getBuilder().getF32Type());
}

/// One step of the recurrence: updates `state` and returns what the queries
/// read of it, [batch, heads, group, value].
Value Recurrence::step(Value &state, Value time) const {
  auto at = [&](Value sequence) {
    return node.create<GatherOp>(sequence, time, int64_t(0));
  };
  auto type = node.type(state);
  Value k = at(key), v = at(value);
  if (decay)
    state = node.create<MulOp>(state, at(decay));
  if (beta) {
    Value known = node.create<MatMulOp>(k, state);
    v = node.create<MulOp>(at(beta), node.create<SubOp>(v, known));
  }
  Value written = node.create<MulOp>(node.transpose(k, {0, 1, 3, 2}), v);
  state = node.refine(node.create<AddOp>(state, written), type);
  return node.create<MatMulOp>(at(query), state);
}

/// The loop over time; replaces `state` by the last one and returns
/// [time, batch, heads, group, value].
static Value createTimeLoop(Recurrence &recurrence) {
  OnnxNode &node = recurrence.node;
  if (node.hasFailed())
    return {};
  OpBuilder &builder = node.getBuilder();
  Location loc = node.getLoc();
  auto stateType = node.type(recurrence.state);
  SmallVector<int64_t> shape(node.type(recurrence.query).getShape());
  shape.back() = stateType.getShape().back();
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  SmallVector<Value> dynamic;
  SmallVector<OpFoldResult> sizes,
      offsets(shape.size(), builder.getIndexAttr(0)),
      strides(shape.size(), builder.getIndexAttr(1));
  for (auto [index, size] : llvm::enumerate(shape)) {
    if (!ShapedType::isDynamic(size)) {
      sizes.push_back(builder.getIndexAttr(size));
      continue;
    }
    dynamic.push_back(
        tensor::DimOp::create(builder, loc, recurrence.query, index));
    sizes.push_back(dynamic.back());
  }
  Value all = tensor::EmptyOp::create(builder, loc, type, dynamic);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0),
        one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value count = tensor::DimOp::create(builder, loc, recurrence.query, 0);
  auto loop = scf::ForOp::create(builder, loc, zero, count, one,
                                 ValueRange{all, recurrence.state});
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value index = loop.getInductionVar();
    Value time = tensor::FromElementsOp::create(
        builder, loc, RankedTensorType::get({}, builder.getI64Type()),
        arith::IndexCastOp::create(builder, loc, builder.getI64Type(), index)
            .getResult());
    Value state = loop.getRegionIterArgs()[1];
    Value read = recurrence.step(state, time);
    if (node.hasFailed())
      return {};
    read = node.refine(read, RankedTensorType::get(ArrayRef(shape).drop_front(),
                                                   builder.getF32Type()));
    sizes[0] = builder.getIndexAttr(1);
    offsets[0] = index;
    Value written = tensor::InsertSliceOp::create(builder, loc, read,
                                                  loop.getRegionIterArgs()[0],
                                                  offsets, sizes, strides);
    scf::YieldOp::create(builder, loc, ValueRange{written, state});
  }
  recurrence.state = loop.getResult(1);
  return loop.getResult(0);
}

static LogicalResult importLinearAttention(OnnxNode &node) {
  StringRef rule = node.stringAttr("update_rule", "gated_delta");
  bool gated = rule == "gated" || rule == "gated_delta",
       delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear")
    return node.fail("update_rule is '" + rule + "'");
  Value query = node.input(0), past = node.input(3), decay = node.input(4),
        beta = node.input(5);
  if (gated != bool(decay) || delta != bool(beta))
    return node.fail("update_rule '" + rule +
                     "' needs decay exactly when it "
                     "is gated and beta exactly when it has delta");
  int64_t queryHeads = node.requiredInt("q_num_heads"),
          heads = node.requiredInt("kv_num_heads");
  for (unsigned i : {0, 1, 2, 4, 5})
    if (node.hasInput(i) && node.rank(node.input(i)) != 3 && !node.hasFailed())
      return node.fail("input " + Twine(i) +
                       " is not [batch, time, heads * "
                       "size]");
  int64_t queryWidth = node.staticDim(query, 2, "the queries' width"),
          valueWidth = node.staticDim(node.input(2), 2, "the values' width");
  if (node.hasFailed())
    return failure();
  if (heads < 1 || queryHeads < 1 || queryHeads % heads != 0 ||
      queryWidth % queryHeads != 0 || valueWidth % heads != 0)
    return node.fail("q_num_heads must be a multiple of kv_num_heads, and "
                     "both divide the widths");
  int64_t keySize = queryWidth / queryHeads, valueSize = valueWidth / heads,
          group = queryHeads / heads;
  double scale = node.floatAttr("scale", 0);
  if (scale == 0)
    scale = 1 / std::sqrt(double(keySize));

  Type f32 = node.getBuilder().getF32Type(), element = node.elementType(query);
  Recurrence recurrence{node,
                        heads,
                        group,
                        unpack(node, query, heads, group, keySize),
                        unpack(node, node.input(1), heads, 1, keySize),
                        unpack(node, node.input(2), heads, 1, valueSize),
                        {},
                        {},
                        {}};
  recurrence.query =
      node.create<MulOp>(recurrence.query, node.scalar(f32, scale));
  if (decay) {
    // One for each head, or for each element of its keys.
    int64_t rows = node.dim(decay, 2) == heads ? 1 : keySize;
    recurrence.decay = node.create<ExpOp>(unpack(node, decay, heads, rows, 1));
  }
  if (beta)
    recurrence.beta =
        unpack(node, beta, node.dim(beta, 2) == 1 ? 1 : heads, 1, 1);
  auto stateType = RankedTensorType::get(
      {node.dim(query, 0), heads, keySize, valueSize}, f32);
  if (past)
    recurrence.state = node.castTo(past, f32);
  else
    recurrence.state = node.create<ExpandOp>(
        node.scalar(f32, 0),
        node.concat(
            {node.dimOf(query, 0), node.ints({heads, keySize, valueSize})}, 0));
  if (node.hasFailed())
    return failure();
  if (node.rank(recurrence.state) != 4)
    return node.fail("past_state is not [batch, heads, key, value]");
  recurrence.state = node.refine(recurrence.state, stateType);
  Value read = createTimeLoop(recurrence);
  Value result = node.reshape(node.transpose(read, {1, 0, 2, 3, 4}),
                              {0, 0, queryHeads * valueSize});
  if (node.wantsOutput(1))
    node.setOutput(1, node.castTo(recurrence.state,
                                  past ? node.elementType(past) : element));
  return node.result(node.castTo(result, element));
}

void onnx_detail::registerStateSpaceBuilders(OpTable &table) {
  table.add("CausalConvWithState", 27, {2, 4}, importCausalConvWithState);
  table.add("LinearAttention", 27, {3, 6}, importLinearAttention);
}
