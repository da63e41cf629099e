//===- Signal.cpp - builders of Fourier transforms and windows ------------===//
//
// Decompositions whose sizes may be known at run time only: vectors of
// positions come from llmc.range, and a Fourier transform is a product with
// matrices of cosines and sines.
//
//===----------------------------------------------------------------------===//

#include "../Types.h"
#include "OpTable.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {
/// Arithmetic on tensors and numbers of one node.
struct SignalMath {
  OnnxNode &node;

  Type i64() const { return node.getBuilder().getI64Type(); }
  Value add(Value x, Value y) const { return node.create<AddOp>(x, y); }
  Value sub(Value x, Value y) const { return node.create<SubOp>(x, y); }
  Value mul(Value x, Value y) const { return node.create<MulOp>(x, y); }
  Value div(Value x, Value y) const { return node.create<DivOp>(x, y); }
  Value add(Value x, double y) const { return add(x, node.scalarLike(x, y)); }
  Value mul(Value x, double y) const { return mul(x, node.scalarLike(x, y)); }
  Value div(Value x, double y) const { return div(x, node.scalarLike(x, y)); }
  Value cos(Value x) const { return node.create<CosOp>(x); }
  Value sin(Value x) const { return node.create<SinOp>(x); }
  Value equals(Value x, Value y) const { return node.create<EqualOp>(x, y); }
  Value atMost(Value x, Value y) const {
    return node.create<LessOrEqualOp>(x, y);
  }
  Value both(Value x, Value y) const { return node.create<AndOp>(x, y); }
  Value where(Value condition, Value x, Value y) const {
    return node.create<WhereOp>(condition, x, y);
  }
  /// A scalar of i64 from an input of one integer.
  Value integer(Value value) const {
    value = node.castTo(value, i64());
    return node.rank(value) == 0
               ? value
               : node.create<ReshapeOp>(value, node.ints({}), false);
  }
  /// Dimension `axis` as an i64 scalar.
  Value size(Value value, int64_t axis) const {
    return node.squeeze(node.dimOf(value, axis), {0});
  }
  /// 0, 1, ... below the i64 scalar `count`.
  Value count(Value count) const {
    return node.create<RangeOp>(node.scalar(i64(), 0), count,
                                node.scalar(i64(), 1));
  }
};

/// One Fourier transform along the dimension before the last, whose last is
/// the real part alone or real and imaginary part.
struct Transform {
  SignalMath m;
  Value length; ///< i64 scalar
  bool inverse, onesided;

  Value run(Value x) const;

private:
  Value half() const { return m.add(m.div(length, 2.0), 1.0); }
};
} // namespace

Value Transform::run(Value x) const {
  OnnxNode &node = m.node;
  if (node.hasFailed())
    return {};
  Type element = node.elementType(x);
  int64_t rank = node.rank(x);
  bool isReal = node.dim(x, rank - 1) == 1;
  // From `columns` elements to `rows` ones.
  bool fromHalf = inverse && onesided;
  Value rows = m.count(onesided && !inverse ? half() : length),
        columns = m.count(fromHalf ? half() : length);
  // Elements that are missing at the end are 0, surplus ones are not read.
  Value have = m.size(x, rank - 2), wanted = fromHalf ? half() : length;
  SmallVector<int64_t> before(2 * rank - 2, 0);
  Value pads =
      node.concat({node.ints(before), node.unsqueeze(m.sub(wanted, have), {0}),
                   node.ints({0})},
                  0);
  x = node.create<PadOp>(PadMode::Constant, x, pads, node.scalarLike(x, 0));

  // Angles are reduced as integers: large products keep their precision. Those
  // of f32 are too coarse: sums that cancel would not.
  Type f64 = node.getBuilder().getF64Type();
  Value product = m.mul(node.unsqueeze(rows, {1}), columns);
  Value turns =
      m.div(node.castTo(node.create<ModOp>(product, length, false), f64),
            node.castTo(length, f64));
  Value angle = m.mul(turns, 2 * llvm::numbers::pi);
  Value cosines = node.castTo(m.cos(angle), element),
        sines = node.castTo(m.sin(angle), element);
  if (fromHalf) {
    // All but the first and the middle one stand for their mirror image too.
    Value zero = node.scalar(m.i64(), 0);
    Value single = node.create<OrOp>(m.equals(columns, zero),
                                     m.equals(m.mul(columns, 2.0), length));
    Value weight =
        m.where(single, node.scalar(element, 1), node.scalar(element, 2));
    cosines = m.mul(cosines, weight);
    sines = m.mul(sines, weight);
  }
  Value c = node.create<MatMulOp>(cosines, x),
        s = node.create<MatMulOp>(sines, x);
  auto part = [&](Value value, int64_t index) {
    return node.slice(value, rank - 1, index, index + 1);
  };
  Value scale = node.castTo(length, element);
  if (isReal) {
    Value imaginary = inverse ? s : node.create<NegOp>(s);
    Value result = fromHalf ? c : node.concat({c, imaginary}, rank - 1);
    return inverse ? m.div(result, scale) : result;
  }
  // (a + bi) (cos -+ i sin)
  Value real =
      inverse ? m.sub(part(c, 0), part(s, 1)) : m.add(part(c, 0), part(s, 1));
  if (fromHalf)
    return m.div(real, scale);
  Value imaginary =
      inverse ? m.add(part(c, 1), part(s, 0)) : m.sub(part(c, 1), part(s, 0));
  Value result = node.concat({real, imaginary}, rank - 1);
  return inverse ? m.div(result, scale) : result;
}

static LogicalResult importDFT(OnnxNode &node) {
  SignalMath m{node};
  Value x = node.input(0);
  int64_t rank = node.rank(x);
  if (rank < 2 || (node.dim(x, rank - 1) != 1 && node.dim(x, rank - 1) != 2))
    return node.fail("needs an input [..., 1 or 2]");
  int64_t axis = node.getOpset() < 20 ? node.intAttr("axis", 1) : -2;
  if (node.hasInput(2)) {
    SmallVector<int64_t> known = node.requiredInts(2, "axis");
    if (known.size() == 1)
      axis = known[0];
  }
  axis = node.normalizeAxis(axis, rank);
  if (axis == rank - 1)
    return node.fail("axis is the one of real and imaginary part");
  bool inverse = node.intAttr("inverse", 0),
       onesided = node.intAttr("onesided", 0);
  Value length;
  if (node.hasInput(1)) {
    length = m.integer(node.input(1));
  } else {
    length = m.size(x, axis);
    if (inverse && onesided)
      length = m.mul(m.add(length, -1.0), 2.0);
  }
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(perm[axis], perm[rank - 2]);
  if (axis != rank - 2)
    x = node.transpose(x, perm);
  Value result = Transform{m, length, inverse, onesided}.run(x);
  if (axis != rank - 2)
    result = node.transpose(result, perm);
  return node.result(result);
}

/// Overlapping frames, each `step` after the one before, windowed and
/// transformed.
static LogicalResult importSTFT(OnnxNode &node) {
  SignalMath m{node};
  Value signal = node.input(0), window = node.input(2);
  if (node.rank(signal) == 2)
    signal = node.unsqueeze(signal, {2});
  if (node.rank(signal) != 3)
    return node.fail("needs a signal [batch, length, 1 or 2]");
  if (window && node.rank(window) != 1)
    return node.fail("the window must be a vector");
  Value step = m.integer(node.input(1)), length;
  if (node.hasInput(3))
    length = m.integer(node.input(3));
  else
    length = m.size(window ? window : signal, window ? 0 : 1);
  Value frames = m.add(m.div(m.sub(m.size(signal, 1), length), step), 1.0);
  Value starts = m.mul(m.count(frames), step);
  Value positions = m.add(node.unsqueeze(starts, {1}), m.count(length));
  Value framed = node.create<GatherOp>(signal, positions, /*axis=*/int64_t(1));
  if (window)
    framed = m.mul(framed, node.unsqueeze(window, {1}));
  bool onesided = node.intAttr("onesided", 1);
  return node.result(
      Transform{m, length, /*inverse=*/false, onesided}.run(framed));
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

static Type readDatatype(OnnxNode &node) {
  int64_t number = node.intAttr("output_datatype", 1);
  Type type = getElementType(number, node.getContext());
  if (!type && !node.hasFailed())
    (void)node.fail("output_datatype is " + getDataTypeName(number) +
                    ", which is not supported");
  return type ? type : Type(node.getBuilder().getF32Type());
}

/// The sum of coefficients[i] * cos(2 pi i n / N) for n below the size N, or
/// below N + 1 when the window is symmetric.
static LogicalResult importCosineWindow(OnnxNode &node,
                                        ArrayRef<double> coefficients) {
  SignalMath m{node};
  Type element = readDatatype(node);
  Type wide = element;
  if (!isa<FloatType>(element) || element.getIntOrFloatBitWidth() < 32)
    wide = node.getBuilder().getF32Type();
  Value size = m.integer(node.input(0));
  Value period = node.intAttr("periodic", 1) ? size : m.add(size, -1.0);
  Value turns =
      m.div(node.castTo(m.count(size), wide), node.castTo(period, wide));
  Value sum;
  for (auto [i, coefficient] : llvm::enumerate(coefficients)) {
    Value term = m.mul(m.cos(m.mul(turns, 2 * llvm::numbers::pi * double(i))),
                       coefficient);
    sum = sum ? m.add(sum, term) : term;
  }
  return node.result(node.castTo(sum, element));
}

static LogicalResult importHannWindow(OnnxNode &node) {
  return importCosineWindow(node, {0.5, -0.5});
}

static LogicalResult importHammingWindow(OnnxNode &node) {
  return importCosineWindow(node, {25.0 / 46, -21.0 / 46});
}

static LogicalResult importBlackmanWindow(OnnxNode &node) {
  return importCosineWindow(node, {0.42, -0.5, 0.08});
}

/// Triangles over the bins of a spectrum, evenly spread on the mel scale.
static LogicalResult importMelWeightMatrix(OnnxNode &node) {
  SignalMath m{node};
  Type element = readDatatype(node), f64 = node.getBuilder().getF64Type();
  Value bins = m.integer(node.input(0)), length = m.integer(node.input(1)),
        rate = m.integer(node.input(2));
  constexpr double melFactor = 2595, melOffset = 700;
  auto toMel = [&](unsigned input) {
    Value hertz = node.castTo(node.input(input), f64);
    if (node.rank(hertz) != 0)
      hertz = node.create<ReshapeOp>(hertz, node.ints({}), false);
    Value ratio = m.add(m.div(hertz, melOffset), 1.0);
    return m.mul(node.create<LogOp>(ratio), melFactor / std::log(10.0));
  };
  Value low = toMel(3), high = toMel(4), edges = m.add(bins, 2.0);
  Value step = m.div(m.sub(high, low), node.castTo(edges, f64));
  Value mels = m.add(m.mul(node.castTo(m.count(edges), f64), step), low);
  Value power =
      node.create<ExpOp>(m.mul(m.div(mels, melFactor), std::log(10.0)));
  Value hertz = m.mul(m.add(power, -1.0), melOffset);
  Value exact = m.div(m.mul(hertz, node.castTo(m.add(length, 1.0), f64)),
                      node.castTo(rate, f64));
  Value points = node.castTo(node.create<FloorOp>(exact), m.i64());
  // The triangle of a bin rises from left to centre and falls to right.
  auto corner = [&](int64_t first) {
    Value start = node.ints({first});
    Value end = node.unsqueeze(m.add(bins, double(first)), {0});
    return node.create<SliceOp>(points, start, end, node.ints({1}),
                                ArrayRef<int64_t>(0));
  };
  Value left = corner(0), centre = corner(1), right = corner(2);
  Value position = node.unsqueeze(m.count(m.add(m.div(length, 2.0), 1.0)), {1});
  auto ratio = [&](Value x, Value y) {
    Value one = node.scalar(m.i64(), 1);
    Value divisor = node.create<MaxOp>(y, one);
    return m.div(node.castTo(x, f64), node.castTo(divisor, f64));
  };
  Value zero = node.scalar(f64, 0), one = node.scalar(f64, 1);
  Value rising =
      m.where(m.both(m.atMost(left, position), m.atMost(position, centre)),
              ratio(m.sub(position, left), m.sub(centre, left)), zero);
  Value peak = m.where(m.equals(position, centre), one, zero);
  rising = m.where(m.equals(left, centre), peak, rising);
  Value falls =
      m.both(m.atMost(centre, position), node.create<LessOp>(position, right));
  Value result = m.where(
      falls, ratio(m.sub(right, position), m.sub(right, centre)), rising);
  return node.result(node.castTo(result, element));
}

void onnx_detail::registerSignalBuilders(OpTable &table) {
  table.add("DFT", 17, {1, 3}, importDFT);
  table.add("STFT", 17, {2, 4}, importSTFT);
  table.add("HannWindow", 17, {1, 1}, importHannWindow);
  table.add("HammingWindow", 17, {1, 1}, importHammingWindow);
  table.add("BlackmanWindow", 17, {1, 1}, importBlackmanWindow);
  table.add("MelWeightMatrix", 17, {5, 5}, importMelWeightMatrix);
}
