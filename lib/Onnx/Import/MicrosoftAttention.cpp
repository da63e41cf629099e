//===- MicrosoftAttention.cpp - attention ops of com.microsoft ------------===//

#include "Attention.h"
#include "OpTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

//===----------------------------------------------------------------------===//
// RotaryEmbedding
//===----------------------------------------------------------------------===//

static LogicalResult importRotaryEmbedding(OnnxNode &node) {
  Value x = node.input(0), ids = toI64(node, node.input(1));
  Value cos = node.input(2), sin = node.input(3);
  node.requireInt("is_packed_batching", 0);
  bool isFlat = node.rank(x) == 3;
  if (node.rank(x) != 4 && !isFlat)
    return node.fail("the input must have 3 or 4 dimensions");
  int64_t rotary = node.intAttr("rotary_embedding_dim", 0);
  if (isFlat) {
    int64_t heads = node.intAttr("num_heads", 0);
    int64_t table = node.staticDim(cos, 1, "the size of the tables");
    if (heads == 0 && table > 0)
      heads = node.staticDim(x, 2, "the hidden size") / (2 * table);
    x = splitHeads(node, x, heads);
  }
  // One id is where the positions of all sequences begin.
  if (node.rank(ids) == 1 && node.dim(ids, 0) == 1) {
    Value length = node.dimOf(x, 2);
    ids = node.unsqueeze(positions(node, ids, node.create<AddOp>(ids, length)),
                         {0});
  }
  if (!node.hasFailed() && (node.rank(ids) != 2 || node.rank(cos) != 2))
    return node.fail("position ids and tables must have 2 dimensions");
  cos = node.create<GatherOp>(cos, ids, int64_t(0));
  sin = node.create<GatherOp>(sin, ids, int64_t(0));
  Value result =
      rotate(node, x, cos, sin, rotary, node.intAttr("interleaved", 0));
  if (double scale = node.floatAttr("scale", 1); scale != 1)
    result = node.create<MulOp>(result, node.scalarLike(result, scale));
  return node.result(isFlat ? mergeHeads(node, result) : result);
}

//===----------------------------------------------------------------------===//
// MultiHeadAttention and Attention
//===----------------------------------------------------------------------===//

/// The mask that ONNX Runtime makes of `mask`, which says in one of several
/// forms which keys are there: masked scores get a large negative number.
static Value readPaddingMask(OnnxNode &node, Value mask, Value keyLength,
                             Type elementType) {
  double filter = node.floatAttr("mask_filter_value", -10000);
  Value there;
  switch (node.rank(mask)) {
  case 1: {
    // The number of keys of each sequence. For com.microsoft.Attention also the
    // ends and then the begins of the keys that are there.
    int64_t batch = node.dim(node.input(0), 0);
    bool hasBegins = node.getOpType() != "MultiHeadAttention" &&
                     !ShapedType::isDynamic(batch) &&
                     node.dim(mask, 0) == 2 * batch;
    if (!hasBegins && !node.haveEqualSize(mask, 0, node.input(0), 0)) {
      (void)node.fail("a mask of one dimension must hold one length for each "
                      "sequence");
      return {};
    }
    Value keys = positions(node, node.ints(0), keyLength);
    auto bounds = [&](int64_t part) {
      Value values = hasBegins
                         ? node.slice(mask, 0, part * batch, (part + 1) * batch)
                         : mask;
      return node.unsqueeze(toI64(node, values), {1});
    };
    there = node.create<LessOp>(keys, bounds(0));
    if (hasBegins)
      there = node.create<AndOp>(
          there, node.create<GreaterOrEqualOp>(keys, bounds(1)));
    there = node.unsqueeze(there, {1, 2});
    break;
  }
  case 2:
  case 3:
    there = node.create<GreaterOp>(mask, node.scalarLike(mask, 0));
    there = node.unsqueeze(there, node.rank(mask) == 2 ? ArrayRef<int64_t>{1, 2}
                                                       : ArrayRef<int64_t>{1});
    break;
  default:
    (void)node.fail("a mask of " + Twine(node.rank(mask)) +
                    " dimensions is not supported");
    return {};
  }
  return node.create<WhereOp>(there, node.scalar(elementType, 0),
                              node.scalar(elementType, filter));
}

static Value addMasks(OnnxNode &node, Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  return node.create<AddOp>(a, b);
}

/// The slice [begin, end) of a bias, or of the columns of a weight.
static Value sliceLast(OnnxNode &node, Value value, int64_t begin,
                       int64_t end) {
  return node.slice(value, node.rank(value) - 1, begin, end);
}

static LogicalResult importMultiHeadAttention(OnnxNode &node) {
  int64_t heads = node.requiredInt("num_heads");
  Value query = node.input(0), key = node.input(1), value = node.input(2);
  refuseInput(node, 8, "past_sequence_length");
  refuseInput(node, 9, "cache_indirection");
  if (heads < 1)
    return node.fail("num_heads must be positive");

  AttentionParts parts;
  int64_t rank = node.rank(query);
  if (rank == 5 && !key) {
    // Packed: [B, S, H, 3, D].
    Value *targets[] = {&query, &key, &value};
    Value packed = query;
    for (int64_t i = 0; i < 3; ++i)
      *targets[i] = node.transpose(
          node.squeeze(node.slice(packed, 3, i, i + 1), {3}), {0, 2, 1, 3});
  } else if (rank == 3 && key && node.rank(key) == 5 && !value) {
    Value packed = key;
    Value *targets[] = {&key, &value};
    for (int64_t i = 0; i < 2; ++i)
      *targets[i] = node.transpose(
          node.squeeze(node.slice(packed, 3, i, i + 1), {3}), {0, 2, 1, 3});
  } else if (rank != 3 || !key || !value) {
    return node.fail("the forms of query, key and value are not supported");
  }
  if (Value bias = node.input(3)) {
    if (node.rank(query) != 3 || node.rank(key) == 5)
      return node.fail("a bias is not supported with packed inputs");
    int64_t hidden = node.staticDim(query, 2, "the hidden size"),
            total = node.staticDim(bias, 0, "the bias's size");
    query = node.create<AddOp>(query, sliceLast(node, bias, 0, hidden));
    // Keys and values of four dimensions are cached, with their bias.
    if (node.rank(key) == 3)
      key = node.create<AddOp>(key, sliceLast(node, bias, hidden, 2 * hidden));
    if (node.rank(value) == 3)
      value =
          node.create<AddOp>(value, sliceLast(node, bias, 2 * hidden, total));
  }
  auto split = [&](Value x) {
    return node.rank(x) == 3 ? splitHeads(node, x, heads) : x;
  };
  parts.query = split(query);
  parts.key = split(key);
  parts.value = split(value);
  if (node.hasInput(6) != node.hasInput(7))
    return node.fail("needs both past_key and past_value, or neither");
  if (node.hasInput(6)) {
    parts.key = node.concat({node.input(6), parts.key}, 2);
    parts.value = node.concat({node.input(7), parts.value}, 2);
  }
  Type elementType = node.elementType(parts.query);
  if (node.hasInput(4))
    parts.bias = readPaddingMask(node, node.input(4), node.dimOf(parts.key, 2),
                                 elementType);
  parts.bias = addMasks(node, parts.bias, node.input(5));
  parts.scale = node.floatAttr("scale", 0);
  parts.causal = node.intAttr("unidirectional", 0);
  node.setOutput(0, mergeHeads(node, createAttention(node, parts)));
  if (node.wantsOutput(1))
    node.setOutput(1, parts.key);
  if (node.wantsOutput(2))
    node.setOutput(2, parts.value);
  return success(!node.hasFailed());
}

/// The attention of com.microsoft.Attention and QAttention, where `projected`
/// has queries, keys and values of the given sizes one after the other.
static LogicalResult attend(OnnxNode &node, Value projected,
                            ArrayRef<int64_t> sizes, Value mask, Value past,
                            Value bias) {
  int64_t heads = node.requiredInt("num_heads");
  node.requireInt("do_rotary", 0);
  node.requireInt("past_present_share_buffer", 0);
  AttentionParts parts;
  int64_t begin = 0;
  Value *targets[] = {&parts.query, &parts.key, &parts.value};
  for (auto [target, size] : llvm::zip(targets, sizes)) {
    *target = splitHeads(node, sliceLast(node, projected, begin, begin + size),
                         heads);
    begin += size;
  }
  if (past) {
    // Keys and values in one tensor [2, B, H, P, D].
    auto part = [&](int64_t index) {
      return node.squeeze(node.slice(past, 0, index, index + 1), {0});
    };
    parts.key = node.concat({part(0), parts.key}, 2);
    parts.value = node.concat({part(1), parts.value}, 2);
  }
  if (mask)
    parts.bias = readPaddingMask(node, mask, node.dimOf(parts.key, 2),
                                 node.elementType(projected));
  parts.bias = addMasks(node, parts.bias, bias);
  parts.scale = node.floatAttr("scale", 0);
  parts.causal = node.intAttr("unidirectional", 0);
  node.setOutput(0, mergeHeads(node, createAttention(node, parts)));
  if (node.wantsOutput(1))
    node.setOutput(1, node.concat({node.unsqueeze(parts.key, {0}),
                                   node.unsqueeze(parts.value, {0})},
                                  0));
  return success(!node.hasFailed());
}

/// The sizes of queries, keys and values in the columns of the weight.
static FailureOr<SmallVector<int64_t>> readSizes(OnnxNode &node) {
  Value x = node.input(0), weight = node.input(1);
  if (node.rank(x) != 3 || node.rank(weight) != 2)
    return node.fail("needs an input [batch, sequence, hidden] and a weight "
                     "[hidden, sizes of query, key and value]");
  int64_t total = node.staticDim(weight, 1, "the weight's size");
  SmallVector<int64_t> sizes = node.intsAttr("qkv_hidden_sizes");
  if (sizes.empty())
    sizes.assign(3, total / 3);
  if (node.hasFailed())
    return failure();
  // No size is beyond the sum, which then does not overflow.
  if (sizes.size() != 3 ||
      llvm::any_of(sizes,
                   [&](int64_t size) { return size < 0 || size > total; }) ||
      sizes[0] + sizes[1] + sizes[2] != total)
    return node.fail("the weight has " + Twine(total) +
                     " columns, which are not those of queries, keys and "
                     "values");
  return sizes;
}

/// Projects the input to queries, keys and values first.
static LogicalResult importAttention(OnnxNode &node) {
  refuseInput(node, 6, "past_sequence_length");
  FailureOr<SmallVector<int64_t>> sizes = readSizes(node);
  if (failed(sizes))
    return failure();
  Value projected = node.create<MatMulOp>(node.input(0), node.input(1));
  if (node.hasInput(2))
    projected = node.create<AddOp>(projected, node.input(2));
  return attend(node, projected, *sizes, node.input(3), node.input(4),
                node.input(5));
}

/// The projection is one of 8-bit integers.
static LogicalResult importQAttention(OnnxNode &node) {
  FailureOr<SmallVector<int64_t>> sizes = readSizes(node);
  if (failed(sizes))
    return failure();
  Value sums = node.create<MatMulIntegerOp>(node.input(0), node.input(1),
                                            node.input(6), node.input(7));
  Value unit = node.create<MulOp>(node.input(3), node.input(4));
  Value projected =
      node.create<MulOp>(node.castTo(sums, node.elementType(unit)), unit);
  projected = node.create<AddOp>(projected, node.input(2));
  return attend(node, projected, *sizes, node.input(5), node.input(8), Value());
}

void onnx_detail::registerMicrosoftAttentionBuilders(OpTable &table) {
  table.add("RotaryEmbedding", 1, {4, 4}, importRotaryEmbedding, msDomain);
  table.add("MultiHeadAttention", 1, {1, 10}, importMultiHeadAttention,
            msDomain);
  table.add("Attention", 1, {2, 7}, importAttention, msDomain);
  table.add("QAttention", 1, {5, 9}, importQAttention, msDomain);
}
