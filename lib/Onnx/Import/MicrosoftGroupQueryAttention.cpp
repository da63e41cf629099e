//===- MicrosoftGroupQueryAttention.cpp - com.microsoft's cached attention ===//

#include "Attention.h"
#include "OpTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// 0 when every sequence fills the cache, that is, seqlens_k[b] + 1 is the
/// length of the keys, or when there is no cache yet; else a failing access.
/// The cache of a shorter sequence would need its new rows elsewhere.
static Value checkLengths(OnnxNode &node, Value lengths, Value past,
                          Value total) {
  Value last = node.create<SubOp>(total, node.ints(1));
  Value differs =
      node.create<NotOp>(node.create<EqualOp>(toI64(node, lengths), last));
  Value some =
      node.reduce(ReduceKind::Max, toI64(node, differs),
                  llvm::to_vector(llvm::seq<int64_t>(0, node.rank(differs))),
                  /*keepdims=*/false);
  Value hasPast = toI64(node, node.create<GreaterOp>(past, node.ints(0)));
  Value wrong = node.create<MulOp>(node.unsqueeze(some, {0}), hasPast);
  // Index 1 of one element: the run stops with an index error.
  return node.create<GatherOp>(node.ints(0), wrong, int64_t(0));
}

/// Fails for what the op can do and llmc cannot.
static LogicalResult checkForm(OnnxNode &node) {
  for (StringRef name : {"k_quant_type", "v_quant_type"})
    if (StringRef type = node.stringAttr(name, "NONE"); type != "NONE")
      return node.fail(name + " = '" + type + "' is not supported");
  for (StringRef name : {"qk_output", "sliding_window_cache"})
    node.requireInt(name, 0);
  refuseInput(node, 12, "k_scale");
  refuseInput(node, 13, "v_scale");
  if (node.hasInput(3) != node.hasInput(4))
    return node.fail("needs both past_key and past_value, or neither");
  if (node.hasInput(1) != node.hasInput(2))
    return node.fail("needs both key and value, or neither");
  if (node.hasInput(14) != node.hasInput(15))
    return node.fail("needs both q_norm_weight and k_norm_weight, or neither");
  if (node.hasInput(3) && !node.hasInput(5))
    return node.fail("a cache needs seqlens_k");
  return success(!node.hasFailed());
}

/// A key and value in front of all others that every query sees: the key's
/// score is `sink` of the head, 0 without, and the value is 0. It adds
/// exp(sink) to the sum that softmax divides by, and nothing else.
static void addSink(OnnxNode &node, AttentionParts &parts, Value sink) {
  auto prepend = [&](Value x) {
    Value shape = node.concat(
        {node.dimOf(x, 0), node.dimOf(x, 1), node.ints(1), node.dimOf(x, 3)},
        0);
    Value row = node.create<ExpandOp>(node.scalarLike(x, 0), shape);
    return node.concat({row, x}, 2);
  };
  parts.key = prepend(parts.key);
  parts.value = prepend(parts.value);
  Value keys = node.dimOf(parts.key, 2), queries = node.dimOf(parts.query, 2);
  Value columns = positions(node, node.ints(0), keys);
  Value isSink = node.create<EqualOp>(columns, node.ints(0));

  if (parts.window != 0) {
    // No window has the sink in it, so the mask says all.
    Value offset = node.create<SubOp>(keys, queries);
    Value last =
        node.create<AddOp>(positions(node, node.ints(0), queries), offset);
    Value first =
        node.create<SubOp>(node.unsqueeze(last, {1}), node.ints(parts.window));
    Value inside = node.create<AndOp>(causalMask(node, queries, keys, offset),
                                      node.create<GreaterOp>(columns, first));
    parts.allowed = node.create<OrOp>(inside, isSink);
    parts.causal = false;
    parts.window = 0;
  }
  if (parts.bias) {
    SmallVector<int64_t> pads(2 * node.rank(parts.bias), 0);
    pads[node.rank(parts.bias) - 1] = 1;
    parts.bias =
        node.create<PadOp>(PadMode::Constant, parts.bias, node.ints(pads),
                           node.scalarLike(parts.bias, 0));
  }
  if (sink) {
    Value score = node.create<WhereOp>(isSink, node.unsqueeze(sink, {1, 2}),
                                       node.scalarLike(sink, 0));
    score = node.unsqueeze(score, {0});
    parts.bias = parts.bias ? node.create<AddOp>(parts.bias, score) : score;
  }
}

static LogicalResult importGroupQueryAttention(OnnxNode &node) {
  int64_t heads = node.requiredInt("num_heads"),
          keyHeads = node.requiredInt("kv_num_heads");
  if (failed(checkForm(node)))
    return failure();
  if (heads < 1 || heads > INT32_MAX || keyHeads < 1 || heads % keyHeads != 0)
    return node.fail("num_heads is " + Twine(heads) + " and kv_num_heads " +
                     Twine(keyHeads) +
                     "; num_heads must be a multiple of kv_num_heads, and at "
                     "most " +
                     Twine(INT32_MAX));

  Value query = node.input(0), key = node.input(1), value = node.input(2);
  if (!key) {
    // Packed: query, key and value heads one after the other.
    int64_t hidden = node.staticDim(query, 2, "the hidden size");
    int64_t size = hidden / (heads + 2 * keyHeads);
    Value packed = query;
    query = node.slice(packed, 2, 0, heads * size);
    key = node.slice(packed, 2, heads * size, (heads + keyHeads) * size);
    value = node.slice(packed, 2, (heads + keyHeads) * size, hidden);
  }
  AttentionParts parts;
  parts.query = splitHeads(node, query, heads);
  parts.key = splitHeads(node, key, keyHeads);
  parts.value = splitHeads(node, value, keyHeads);
  if (node.hasInput(14)) {
    APFloat epsilon(float(node.floatAttr("qk_norm_epsilon", 1e-6)));
    parts.query = node.create<RMSNormOp>(parts.query, node.input(14), epsilon);
    parts.key = node.create<RMSNormOp>(parts.key, node.input(15), epsilon);
  }

  bool rotates = node.intAttr("do_rotary", 0);
  Value past = node.hasInput(3) ? node.dimOf(node.input(3), 2) : node.ints(0);
  Value length = node.dimOf(parts.query, 2);
  if (node.hasInput(3)) {
    Value zero = checkLengths(node, node.input(5), past,
                              node.create<AddOp>(past, length));
    // Something that the result depends on has to depend on the check.
    if (rotates && !node.hasInput(9))
      past = node.create<AddOp>(past, zero);
    else
      parts.query = node.create<AddOp>(
          parts.query, node.castTo(zero, node.elementType(parts.query)));
  }
  if (rotates) {
    if (!node.hasInput(7) || !node.hasInput(8))
      return node.fail("do_rotary needs cos_cache and sin_cache");
    Value ids =
        node.hasInput(9)
            ? toI64(node, node.input(9))
            : node.unsqueeze(
                  positions(node, past, node.create<AddOp>(past, length)), {0});
    Value cos = node.create<GatherOp>(node.input(7), ids, int64_t(0));
    Value sin = node.create<GatherOp>(node.input(8), ids, int64_t(0));
    bool interleaved = node.intAttr("rotary_interleaved", 0);
    parts.query = rotate(node, parts.query, cos, sin, 0, interleaved);
    parts.key = rotate(node, parts.key, cos, sin, 0, interleaved);
  }
  if (node.hasInput(3)) {
    parts.key = node.concat({node.input(3), parts.key}, 2);
    parts.value = node.concat({node.input(4), parts.value}, 2);
  }
  if (node.wantsOutput(1))
    node.setOutput(1, parts.key);
  if (node.wantsOutput(2))
    node.setOutput(2, parts.value);
  parts.bias = node.input(10);
  parts.causal = node.intAttr("causal", 1);
  parts.scale = node.floatAttr("scale", 0);
  parts.softcap = node.floatAttr("softcap", 0);
  parts.window = std::max<int64_t>(node.intAttr("local_window_size", -1), 0);
  if (node.hasInput(11) || node.intAttr("smooth_softmax", 0) == 1)
    addSink(node, parts, node.input(11));
  node.setOutput(0, mergeHeads(node, createAttention(node, parts)));
  return success(!node.hasFailed());
}

void onnx_detail::registerGroupQueryAttentionBuilder(OpTable &table) {
  table.add("GroupQueryAttention", 1, {1, 16}, importGroupQueryAttention,
            msDomain);
}
