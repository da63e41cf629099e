//===- Attention.cpp - builders of attention and its parts ----------------===//

#include "Attention.h"
#include "OpTable.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Shared parts
//===----------------------------------------------------------------------===//

void onnx_detail::refuseInput(OnnxNode &node, unsigned index, StringRef what) {
  if (node.hasInput(index) && !node.hasFailed())
    (void)node.fail("input " + Twine(index) + " (" + what +
                    ") is not supported");
}

Value onnx_detail::toI64(OnnxNode &node, Value value) {
  return node.castTo(value, node.getBuilder().getI64Type());
}

Value onnx_detail::splitHeads(OnnxNode &node, Value x, int64_t heads) {
  int64_t hidden = node.staticDim(x, 2, "the hidden size");
  if (!node.hasFailed() && (heads < 1 || hidden % heads != 0))
    (void)node.fail("the hidden size " + Twine(hidden) +
                    " is no multiple of the number of heads, " + Twine(heads));
  if (node.hasFailed())
    return {};
  Value split = node.reshape(x, {0, 0, heads, hidden / heads});
  return node.transpose(split, {0, 2, 1, 3});
}

Value onnx_detail::mergeHeads(OnnxNode &node, Value x) {
  Value rows = node.transpose(x, {0, 2, 1, 3});
  int64_t hidden = node.staticDim(rows, 2, "the number of heads") *
                   node.staticDim(rows, 3, "the size of a head");
  return node.reshape(rows, {0, 0, hidden});
}

Value onnx_detail::positions(OnnxNode &node, Value begin, Value end) {
  return node.create<RangeOp>(node.squeeze(begin, {0}), node.squeeze(end, {0}),
                              node.scalar(node.getBuilder().getI64Type(), 1));
}

Value onnx_detail::rotate(OnnxNode &node, Value x, Value cos, Value sin,
                          int64_t rotary, bool interleaved) {
  int64_t size = node.staticDim(x, 3, "the size of a head"),
          table = node.staticDim(cos, 2, "the size of the tables");
  if (node.hasFailed())
    return {};
  if (rotary == 0)
    rotary = std::min(size, 2 * table);
  if (rotary % 2 != 0 || rotary > size || rotary > 2 * table) {
    (void)node.fail("rotates " + Twine(rotary) + " elements of heads of " +
                    Twine(size) + " with tables of " + Twine(table));
    return {};
  }
  if (rotary < 2 * table) {
    cos = node.slice(cos, 2, 0, rotary / 2);
    sin = node.slice(sin, 2, 0, rotary / 2);
  }
  return node.create<RopeOp>(x, cos, sin, interleaved);
}

Value onnx_detail::causalMask(OnnxNode &node, Value queryLength,
                              Value keyLength, Value offset) {
  Value zero = node.ints(0);
  Value last = node.create<AddOp>(positions(node, zero, queryLength), offset);
  return node.create<LessOrEqualOp>(positions(node, zero, keyLength),
                                    node.unsqueeze(last, {1}));
}

Value onnx_detail::combineMasks(OnnxNode &node, Value allowed, Value bias) {
  if (!allowed || !bias)
    return allowed ? allowed : bias;
  return node.create<WhereOp>(allowed, bias, node.scalarLike(bias, -infinity));
}

Value onnx_detail::createAttention(OnnxNode &node, AttentionParts parts) {
  int64_t size = node.staticDim(parts.query, 3, "the size of a head");
  double scale = parts.scale != 0 ? parts.scale : 1 / std::sqrt(double(size));
  bool causal = parts.causal;
  if (causal && parts.alignsFirstKey &&
      !node.haveEqualSize(parts.query, 2, parts.key, 2)) {
    // llmc.attention aligns the last query with the last key.
    Value mask = causalMask(node, node.dimOf(parts.query, 2),
                            node.dimOf(parts.key, 2), node.ints(0));
    parts.allowed =
        parts.allowed ? node.create<AndOp>(parts.allowed, mask) : mask;
    causal = false;
  }
  Value mask = combineMasks(node, parts.allowed, parts.bias);
  return node.create<AttentionOp>(parts.query, parts.key, parts.value, mask,
                                  APFloat(float(scale)), causal, parts.window,
                                  APFloat(float(parts.softcap)));
}

//===----------------------------------------------------------------------===//
// RotaryEmbedding-23
//===----------------------------------------------------------------------===//

static LogicalResult importRotaryEmbedding(OnnxNode &node) {
  Value x = node.input(0), cos = node.input(1), sin = node.input(2);
  bool isFlat = node.rank(x) == 3;
  if (node.rank(x) != 4 && !isFlat)
    return node.fail("the input must have 3 or 4 dimensions");
  if (isFlat)
    x = splitHeads(node, x, node.requiredInt("num_heads"));
  if (node.hasInput(3)) {
    cos = node.create<GatherOp>(cos, node.input(3), int64_t(0));
    sin = node.create<GatherOp>(sin, node.input(3), int64_t(0));
  }
  if (!node.hasFailed() && node.rank(cos) != 3)
    return node.fail("the tables have " + Twine(node.rank(cos)) +
                     " dimensions, not 3");
  Value result =
      rotate(node, x, cos, sin, node.intAttr("rotary_embedding_dim", 0),
             node.intAttr("interleaved", 0));
  return node.result(isFlat ? mergeHeads(node, result) : result);
}

//===----------------------------------------------------------------------===//
// Attention-23, 24
//===----------------------------------------------------------------------===//

/// A mask may end before the last key: the keys that it lacks are hidden.
static Value padMask(OnnxNode &node, Value mask, Value keyLength) {
  int64_t last = node.rank(mask) - 1;
  Value missing = node.create<SubOp>(keyLength, node.dimOf(mask, last));
  if (std::optional<SmallVector<int64_t>> known = node.constantInts(missing);
      known && known->front() == 0)
    return mask;
  Value none = node.ints(SmallVector<int64_t>(2 * last + 1, 0));
  bool isBool = node.elementType(mask).isInteger(1);
  return node.create<PadOp>(PadMode::Constant, mask,
                            node.concat({none, missing}, 0),
                            node.scalarLike(mask, isBool ? 0 : -infinity));
}

/// The scores in one of the stages in which a model may ask for them.
static Value createScores(OnnxNode &node, AttentionParts &parts, int64_t mode) {
  Value query = parts.query, key = parts.key;
  int64_t heads = node.staticDim(query, 1, "the number of heads"),
          keyHeads = node.staticDim(key, 1, "the number of heads");
  if (heads != keyHeads) {
    // Head h reads key head h / (heads / keyHeads).
    int64_t group = heads / std::max<int64_t>(keyHeads, 1);
    Value shape =
        node.concat({node.dimOf(key, 0), node.ints(keyHeads), node.ints(group),
                     node.dimOf(key, 2), node.dimOf(key, 3)},
                    0);
    Value grouped = node.create<ExpandOp>(node.unsqueeze(key, {2}), shape);
    Value merged = node.concat({node.dimOf(key, 0), node.ints(heads),
                                node.dimOf(key, 2), node.dimOf(key, 3)},
                               0);
    key = node.create<ReshapeOp>(grouped, merged, true);
  }
  Value scores =
      node.create<MatMulOp>(query, node.transpose(key, {0, 1, 3, 2}));
  scores = node.create<MulOp>(scores, node.scalarLike(scores, parts.scale));
  if (mode == 0)
    return scores;
  if (parts.softcap != 0) {
    Value cap = node.scalarLike(scores, parts.softcap);
    scores = node.create<MulOp>(
        node.create<TanhOp>(node.create<DivOp>(scores, cap)), cap);
  }
  if (mode == 1)
    return scores;
  if (parts.bias)
    scores = node.create<AddOp>(scores, parts.bias);
  if (parts.allowed)
    scores = node.create<WhereOp>(parts.allowed, scores,
                                  node.scalarLike(scores, -infinity));
  return mode == 2 ? scores
                   : node.create<SoftmaxOp>(scores, int64_t(-1), false);
}

static LogicalResult importAttention(OnnxNode &node) {
  AttentionParts parts;
  parts.query = node.input(0);
  parts.key = node.input(1);
  parts.value = node.input(2);
  bool isFlat = node.rank(parts.query) == 3;
  for (Value input : {parts.query, parts.key, parts.value})
    if (node.rank(input) != (isFlat ? 3 : 4))
      return node.fail("Q, K and V must all have 3 or all have 4 dimensions");
  if (isFlat) {
    int64_t heads = node.requiredInt("q_num_heads"),
            keyHeads = node.requiredInt("kv_num_heads");
    parts.query = splitHeads(node, parts.query, heads);
    parts.key = splitHeads(node, parts.key, keyHeads);
    parts.value = splitHeads(node, parts.value, keyHeads);
  }
  parts.scale = node.floatAttr("scale", 0);
  if (parts.scale == 0)
    parts.scale =
        1 / std::sqrt(double(node.staticDim(parts.query, 3, "a head's size")));
  parts.softcap = node.floatAttr("softcap", 0);
  parts.causal = node.intAttr("is_causal", 0);

  // Without a cache the first query and the first key are aligned; with one
  // the queries start behind it.
  Value past = node.ints(0);
  parts.alignsFirstKey = !node.hasInput(4);
  if (node.hasInput(4) != node.hasInput(5))
    return node.fail("needs both past_key and past_value, or neither");
  if (node.hasInput(4)) {
    past = node.dimOf(node.input(4), 2);
    bool isSelf = node.haveEqualSize(parts.query, 2, parts.key, 2);
    parts.key = node.concat({node.input(4), parts.key}, 2);
    parts.value = node.concat({node.input(5), parts.value}, 2);
    if (parts.causal && !isSelf) {
      parts.allowed = causalMask(node, node.dimOf(parts.query, 2),
                                 node.dimOf(parts.key, 2), past);
      parts.causal = false;
    }
  }
  Value keyLength = node.dimOf(parts.key, 2);
  auto allow = [&](Value mask) {
    parts.allowed =
        parts.allowed ? node.create<AndOp>(parts.allowed, mask) : mask;
  };
  if (Value mask = node.input(3)) {
    Type type = node.elementType(mask);
    if (node.rank(mask) < 2 || !(type.isInteger(1) || isa<FloatType>(type)))
      return node.fail("the mask must have at least two dimensions and be a "
                       "bool or a float");
    mask = padMask(node, mask, keyLength);
    if (node.elementType(mask).isInteger(1))
      allow(mask);
    else
      parts.bias = node.castTo(mask, node.elementType(parts.query));
  }
  if (Value lengths = node.input(6)) {
    // Of each sequence only the first keys are there.
    Value keys = positions(node, node.ints(0), keyLength);
    Value there = node.create<LessOp>(keys, node.unsqueeze(lengths, {1}));
    allow(node.unsqueeze(there, {1, 2}));
  }
  if (node.wantsOutput(3)) {
    AttentionParts shown = parts;
    if (parts.causal)
      shown.allowed = [&] {
        Value mask =
            causalMask(node, node.dimOf(parts.query, 2), keyLength, past);
        return parts.allowed ? node.create<AndOp>(parts.allowed, mask) : mask;
      }();
    node.setOutput(
        3, createScores(node, shown, node.intAttr("qk_matmul_output_mode", 0)));
  }
  Value result = createAttention(node, parts);
  node.setOutput(0, isFlat ? mergeHeads(node, result) : result);
  if (node.wantsOutput(1))
    node.setOutput(1, parts.key);
  if (node.wantsOutput(2))
    node.setOutput(2, parts.value);
  return success(!node.hasFailed());
}

void onnx_detail::registerAttentionBuilders(OpTable &table) {
  table.add("RotaryEmbedding", 23, {3, 4}, importRotaryEmbedding);
  table.add("Attention", 23, {3, 7}, importAttention);
}
