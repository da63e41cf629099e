//===- MicrosoftAttention.cpp - attention ops of com.microsoft ------------===//

#include "Attention.h"
#include "OpTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// The inputs of an op by name, as ContribOperators.md numbers them.
static void refuseInput(OnnxNode &node, unsigned index, StringRef what) {
  if (node.hasInput(index) && !node.hasFailed())
    (void)node.fail("input " + Twine(index) + " (" + what +
                    ") is not supported");
}

static Value toI64(OnnxNode &node, Value value) {
  return node.castTo(value, node.getBuilder().getI64Type());
}

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
    ids = node.unsqueeze(
        positions(node, ids, node.create<AddOp>(ids, length)), {0});
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
    // The number of keys of each sequence. Longer forms have starts, or
    // cumulated lengths.
    if (node.getOpType() == "MultiHeadAttention" ||
        !node.haveEqualSize(mask, 0, node.input(0), 0)) {
      if (!node.haveEqualSize(mask, 0, node.input(0), 0)) {
        (void)node.fail("a mask of one dimension must hold one length for "
                        "each sequence");
        return {};
      }
    }
    Value keys = positions(node, node.ints(0), keyLength);
    there = node.create<LessOp>(keys,
                                node.unsqueeze(toI64(node, mask), {1}));
    there = node.unsqueeze(there, {1, 2});
    break;
  }
  case 2:
  case 3:
    there = node.create<GreaterOp>(mask, node.scalarLike(mask, 0));
    there = node.unsqueeze(there, node.rank(mask) == 2
                                      ? ArrayRef<int64_t>{1, 2}
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
    if (node.rank(query) != 3 || node.rank(key) != 3 || node.rank(value) != 3)
      return node.fail("a bias is supported only with query, key and value "
                       "[batch, sequence, hidden]");
    int64_t hidden = node.staticDim(query, 2, "the hidden size"),
            total = node.staticDim(bias, 0, "the bias's size");
    query = node.create<AddOp>(query, sliceLast(node, bias, 0, hidden));
    key = node.create<AddOp>(key, sliceLast(node, bias, hidden, 2 * hidden));
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

/// Projects the input to queries, keys and values first.
static LogicalResult importAttention(OnnxNode &node) {
  int64_t heads = node.requiredInt("num_heads");
  Value x = node.input(0), weight = node.input(1), bias = node.input(2);
  node.requireInt("do_rotary", 0);
  node.requireInt("past_present_share_buffer", 0);
  refuseInput(node, 6, "past_sequence_length");
  if (node.rank(x) != 3 || node.rank(weight) != 2)
    return node.fail("needs an input [batch, sequence, hidden] and a weight "
                     "[hidden, sizes of query, key and value]");
  int64_t total = node.staticDim(weight, 1, "the weight's size");
  SmallVector<int64_t> sizes = node.intsAttr("qkv_hidden_sizes");
  if (sizes.empty())
    sizes.assign(3, total / 3);
  if (node.hasFailed())
    return failure();
  if (sizes.size() != 3 || sizes[0] + sizes[1] + sizes[2] != total)
    return node.fail("the weight has " + Twine(total) +
                     " columns, which are not those of queries, keys and "
                     "values");
  Value projected = node.create<MatMulOp>(x, weight);
  if (bias)
    projected = node.create<AddOp>(projected, bias);

  AttentionParts parts;
  int64_t begin = 0;
  Value *targets[] = {&parts.query, &parts.key, &parts.value};
  for (auto [target, size] : llvm::zip(targets, sizes)) {
    *target = splitHeads(node, sliceLast(node, projected, begin, begin + size),
                         heads);
    begin += size;
  }
  if (Value past = node.input(4)) {
    // Keys and values in one tensor [2, B, H, P, D].
    auto part = [&](int64_t index) {
      return node.squeeze(node.slice(past, 0, index, index + 1), {0});
    };
    parts.key = node.concat({part(0), parts.key}, 2);
    parts.value = node.concat({part(1), parts.value}, 2);
  }
  if (node.hasInput(3))
    parts.bias = readPaddingMask(node, node.input(3), node.dimOf(parts.key, 2),
                                 node.elementType(x));
  parts.bias = addMasks(node, parts.bias, node.input(5));
  parts.scale = node.floatAttr("scale", 0);
  parts.causal = node.intAttr("unidirectional", 0);
  node.setOutput(0, mergeHeads(node, createAttention(node, parts)));
  if (node.wantsOutput(1))
    node.setOutput(1, node.concat({node.unsqueeze(parts.key, {0}),
                                   node.unsqueeze(parts.value, {0})},
                                  0));
  return success(!node.hasFailed());
}

//===----------------------------------------------------------------------===//
// GroupQueryAttention
//===----------------------------------------------------------------------===//

/// 0 when every sequence fills the cache, that is, seqlens_k[b] + 1 is the
/// length of the keys, or when there is no cache yet; else a failing access.
/// The cache of a shorter sequence would need its new rows elsewhere.
static Value checkLengths(OnnxNode &node, Value lengths, Value past,
                          Value total) {
  Value last = node.create<SubOp>(total, node.ints(1));
  Value differs = node.create<NotOp>(
      node.create<EqualOp>(toI64(node, lengths), last));
  Value some = node.reduce(
      ReduceKind::Max, toI64(node, differs),
      llvm::to_vector(llvm::seq<int64_t>(0, node.rank(differs))),
      /*keepdims=*/false);
  Value hasPast = node.create<GreaterOp>(past, node.ints(0));
  Value wrong = node.create<MulOp>(node.unsqueeze(some, {0}),
                                   toI64(node, hasPast));
  // Index 1 of one element: the run stops with an index error.
  return node.create<GatherOp>(node.ints(0), wrong, int64_t(0));
}

static LogicalResult importGroupQueryAttention(OnnxNode &node) {
  int64_t heads = node.requiredInt("num_heads"),
          keyHeads = node.requiredInt("kv_num_heads");
  for (StringRef name : {"smooth_softmax", "qk_output", "k_quant_type",
                         "v_quant_type", "kv_cache_bit_width"})
    if (node.hasAttr(name) && node.stringAttr(name, "NONE") != "NONE")
      return node.fail(name + " is not supported");
  refuseInput(node, 11, "head_sink");
  refuseInput(node, 12, "k_scale");
  refuseInput(node, 13, "v_scale");
  if (node.hasFailed())
    return failure();
  if (heads < 1 || keyHeads < 1 || heads % keyHeads != 0)
    return node.fail("num_heads must be a multiple of kv_num_heads");

  Value query = node.input(0), key = node.input(1), value = node.input(2);
  if (!key && !value) {
    // Packed: query, key and value heads one after the other.
    int64_t hidden = node.staticDim(query, 2, "the hidden size");
    int64_t size = hidden / (heads + 2 * keyHeads);
    Value packed = query;
    query = sliceLast(node, packed, 0, heads * size);
    key = sliceLast(node, packed, heads * size, (heads + keyHeads) * size);
    value = sliceLast(node, packed, (heads + keyHeads) * size, hidden);
  } else if (!key || !value) {
    return node.fail("needs both key and value, or neither");
  }
  AttentionParts parts;
  parts.query = splitHeads(node, query, heads);
  parts.key = splitHeads(node, key, keyHeads);
  parts.value = splitHeads(node, value, keyHeads);

  Value past = node.hasInput(3) ? node.dimOf(node.input(3), 2) : node.ints(0);
  Value length = node.dimOf(parts.query, 2);
  Value total = node.create<AddOp>(past, length);
  if (node.hasInput(3))
    past = node.create<AddOp>(
        past, checkLengths(node, node.input(5), past, total));
  if (node.intAttr("do_rotary", 0)) {
    if (!node.hasInput(7) || !node.hasInput(8))
      return node.fail("do_rotary needs cos_cache and sin_cache");
    Value ids = node.hasInput(9)
                    ? toI64(node, node.input(9))
                    : node.unsqueeze(
                          positions(node, past,
                                    node.create<AddOp>(past, length)),
                          {0});
    Value cos = node.create<GatherOp>(node.input(7), ids, int64_t(0));
    Value sin = node.create<GatherOp>(node.input(8), ids, int64_t(0));
    bool interleaved = node.intAttr("rotary_interleaved", 0);
    parts.query = rotate(node, parts.query, cos, sin, 0, interleaved);
    parts.key = rotate(node, parts.key, cos, sin, 0, interleaved);
  }
  if (node.hasInput(3) != node.hasInput(4))
    return node.fail("needs both past_key and past_value, or neither");
  if (node.hasInput(3)) {
    parts.key = node.concat({node.input(3), parts.key}, 2);
    parts.value = node.concat({node.input(4), parts.value}, 2);
  }
  parts.bias = node.input(10);
  parts.causal = true;
  parts.scale = node.floatAttr("scale", 0);
  parts.softcap = node.floatAttr("softcap", 0);
  // ONNX Runtime counts the keys before the query's own.
  int64_t window = node.intAttr("local_window_size", -1);
  parts.window = window < 0 ? 0 : window + 1;
  node.setOutput(0, mergeHeads(node, createAttention(node, parts)));
  if (node.wantsOutput(1))
    node.setOutput(1, parts.key);
  if (node.wantsOutput(2))
    node.setOutput(2, parts.value);
  return success(!node.hasFailed());
}

void onnx_detail::registerMicrosoftAttentionBuilders(OpTable &table) {
  table.add("RotaryEmbedding", 1, {4, 4}, importRotaryEmbedding, msDomain);
  table.add("MultiHeadAttention", 1, {1, 10}, importMultiHeadAttention,
            msDomain);
  table.add("Attention", 1, {2, 7}, importAttention, msDomain);
  table.add("GroupQueryAttention", 1, {1, 14}, importGroupQueryAttention,
            msDomain);
}
