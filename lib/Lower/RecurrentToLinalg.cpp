//===- RecurrentToLinalg.cpp - RNN, GRU and LSTM as loops over time -------===//
//
// Per direction: one product of the whole sequence with the weight, then a
// loop over time whose state is the hidden (and cell) state. Both directions
// write into one result.
//
//===----------------------------------------------------------------------===//

#include "Fitted.h"
#include "FloatMath.h"
#include "IndexMath.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

namespace {

/// One of ONNX's activation functions with its parameters.
struct Activation {
  StringRef name;
  double alpha, beta;

  Value apply(const FloatMath &m, Value x) const;
};

Value Activation::apply(const FloatMath &m, Value x) const {
  OpBuilder &b = m.b;
  Location loc = m.loc;
  Value zero = m.constant(0), one = m.constant(1);
  auto exp = [&](Value value) -> Value {
    return math::ExpOp::create(b, loc, value);
  };
  auto tanh = [&](Value value) -> Value {
    return math::TanhOp::create(b, loc, value);
  };
  auto affine = [&] {
    return m.add(m.mul(x, m.constant(alpha)), m.constant(beta));
  };
  Value negative = arith::NegFOp::create(b, loc, x);
  if (name == "Sigmoid")
    return m.div(one, m.add(one, exp(negative)));
  if (name == "Tanh")
    return tanh(x);
  if (name == "Relu")
    return arith::MaximumFOp::create(b, loc, x, zero);
  if (name == "Affine")
    return affine();
  if (name == "LeakyRelu")
    return m.select(m.less(x, zero), m.mul(x, m.constant(alpha)), x);
  if (name == "ThresholdedRelu")
    return m.select(m.less(m.constant(alpha), x), x, zero);
  if (name == "ScaledTanh")
    return m.mul(m.constant(alpha), tanh(m.mul(x, m.constant(beta))));
  if (name == "HardSigmoid")
    return m.min(m.max(affine(), zero), one);
  if (name == "Elu")
    return m.select(m.less(x, zero),
                    m.mul(m.constant(alpha), m.sub(exp(x), one)), x);
  if (name == "Softsign")
    return m.div(x, m.add(one, m.abs(x)));
  assert(name == "Softplus" && "inferShapes checks the names");
  // log(1 + e^x) without overflow.
  Value tail = math::Log1pOp::create(b, loc, exp(m.sub(zero, m.abs(x))));
  return m.add(m.max(x, zero), tail);
}

/// What a step of the loop over time works with; all values are of one
/// direction.
struct Step {
  OpBuilder &b;
  Location loc;
  int64_t direction;
  FloatType element;
  RankedTensorType stateType; ///< [batch, hidden]
  double clip;
  ArrayRef<Activation> activations;
  Value projected;        ///< x W^T + Wb at this time, [batch, gates * hidden]
  Value recurrence, bias; ///< [gates * hidden, hidden], [gates * hidden]

  int64_t hidden() const { return stateType.getDimSize(1); }
  Value gate(Value gates, int64_t index) const {
    return createColumns(b, loc, gates, index * hidden(), hidden());
  }
  /// h R^T + Rb for `count` gates from `first` on.
  Value recur(Value h, int64_t first, int64_t count) const {
    int64_t rows = count * hidden();
    SmallVector<OpFoldResult> offsets{b.getIndexAttr(first * hidden()),
                                      b.getIndexAttr(0)},
        sizes{b.getIndexAttr(rows), b.getIndexAttr(hidden())},
        ones(2, b.getIndexAttr(1));
    Value weight = tensor::ExtractSliceOp::create(b, loc, recurrence, offsets,
                                                  sizes, ones);
    Value part =
        bias ? createColumns(b, loc, bias, first * hidden(), rows) : Value();
    return LinearOp::create(b, loc, h, weight, part);
  }
  /// The activation of a clipped sum.
  Value activate(const FloatMath &m, unsigned index, Value x) const {
    if (clip > 0)
      x = m.min(m.max(x, m.constant(-clip)), m.constant(clip));
    return activations[index].apply(m, x);
  }
  using Body = function_ref<Value(const FloatMath &, ValueRange)>;
  Value pointwise(ValueRange operands, Body body) const {
    return createElementwise(
        b, loc, stateType, operands,
        [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
          return body(FloatMath{b, loc, element}, args);
        });
  }
};

/// New states (h, and c of an LSTM) from the old ones.
using Cell = function_ref<SmallVector<Value>(const Step &, ValueRange)>;

/// Zeros, or row `direction` of an initial state.
Value createInitialState(OpBuilder &b, Location loc, Value initial,
                         int64_t direction, RankedTensorType type,
                         ArrayRef<OpFoldResult> dims) {
  if (!initial)
    return createFilled(b, loc, type, dims,
                        createScalar(b, loc, type.getElementType(), 0));
  Value row = createRow(b, loc, initial, b.getIndexAttr(direction));
  return createFitted(b, loc, row, dims);
}

/// The loops over time of all directions. Returns the result and the last
/// states.
template <typename Op>
SmallVector<Value> createLoops(ConversionPatternRewriter &b, Op op,
                               typename Op::Adaptor adaptor,
                               ArrayRef<Value> initialStates, Cell cell) {
  Location loc = op.getLoc();
  Value x = adaptor.getOperand();
  SmallVector<OpFoldResult> operandDims = createDims(b, loc, x);
  OpFoldResult sequence = operandDims[0], batch = operandDims[1];
  auto recurrenceType =
      cast<RankedTensorType>(adaptor.getRecurrence().getType());
  int64_t hidden = recurrenceType.getDimSize(2),
          rows = recurrenceType.getDimSize(1);
  auto element = cast<FloatType>(recurrenceType.getElementType());
  auto size = [](OpFoldResult dim) {
    return getConstantIntValue(dim).value_or(ShapedType::kDynamic);
  };
  auto stateType = RankedTensorType::get({size(batch), hidden}, element);
  SmallVector<OpFoldResult> stateDims{batch, b.getIndexAttr(hidden)};
  int64_t directions = op.getDirection() == "bidirectional" ? 2 : 1;
  size_t perDirection = op.getActivations().size() / directions;

  // [batch, 1], so that it repeats over the hidden state.
  Value lengths;
  if (adaptor.getSequenceLens()) {
    lengths = createFitted(b, loc, adaptor.getSequenceLens(), batch);
    Type integer = elementTypeOf(lengths);
    lengths = tensor::ExpandShapeOp::create(
        b, loc, RankedTensorType::get({size(batch), 1}, integer), lengths,
        ArrayRef<ReassociationIndices>{{0, 1}},
        SmallVector<OpFoldResult>{batch, b.getIndexAttr(1)});
  }
  SmallVector<OpFoldResult> dims{sequence, b.getIndexAttr(directions), batch,
                                 b.getIndexAttr(hidden)};
  Value result = createFilled(
      b, loc,
      RankedTensorType::get({size(sequence), directions, size(batch), hidden},
                            element),
      dims, createScalar(b, loc, element, 0));
  SmallVector<OpFoldResult> lastDims{dims[1], dims[2], dims[3]};
  auto lastType =
      RankedTensorType::get({directions, size(batch), hidden}, element);
  SmallVector<Value> last;
  for (size_t i = 0; i < initialStates.size(); ++i)
    last.push_back(createEmpty(b, loc, lastType, lastDims));

  for (int64_t d = 0; d < directions; ++d) {
    bool backward = op.getDirection() == "reverse" || d == 1;
    OpFoldResult row = b.getIndexAttr(d);
    Value weight = createRow(b, loc, adaptor.getWeight(), row);
    weight =
        createFitted(b, loc, weight, {b.getIndexAttr(rows), operandDims[2]});
    Value recurrence = createRow(b, loc, adaptor.getRecurrence(), row);
    Value inputBias, recurrentBias;
    if (adaptor.getBias()) {
      Value bias = createRow(b, loc, adaptor.getBias(), row);
      bias = createFitted(b, loc, bias, {b.getIndexAttr(2 * rows)});
      inputBias = createColumns(b, loc, bias, 0, rows);
      recurrentBias = createColumns(b, loc, bias, rows, rows);
    }
    Value projected = LinearOp::create(b, loc, x, weight, inputBias);
    SmallVector<Activation> activations;
    for (size_t i = d * perDirection; i < (d + 1) * perDirection; ++i)
      activations.push_back(
          {cast<StringAttr>(op.getActivations()[i]).getValue(),
           op.getActivationAlpha()[i], op.getActivationBeta()[i]});
    SmallVector<Value> carried{result};
    for (Value initial : initialStates)
      carried.push_back(
          createInitialState(b, loc, initial, d, stateType, stateDims));
    Value count = getValueOrCreateConstantIndexOp(b, loc, sequence);
    Value one = createIndex(b, loc, 1);
    auto body = [&](OpBuilder &b, Location loc, Value time,
                    ValueRange carried) {
      IndexMath m{b, loc};
      if (backward)
        time = m.sub(m.sub(count, one), time);
      Step step{b,           loc,
                d,           element,
                stateType,   op.getClip().convertToFloat(),
                activations, createRow(b, loc, projected, time),
                recurrence,  recurrentBias};
      SmallVector<Value> states = cell(step, carried.drop_front());
      Value output = states[0];
      if (lengths) {
        // A sequence that has ended keeps its state and gives 0.
        auto choose = [&](Value ongoing, Value ended) {
          SmallVector<Value> operands{lengths, ongoing};
          if (ended)
            operands.push_back(ended);
          return createElementwise(
              b, loc, stateType, operands,
              [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                Value length = arith::IndexCastOp::create(
                    b, loc, b.getIndexType(), args[0]);
                Value valid = arith::CmpIOp::create(
                    b, loc, arith::CmpIPredicate::slt, time, length);
                Value other =
                    ended ? args[2] : createScalar(b, loc, element, 0);
                return arith::SelectOp::create(b, loc, valid, args[1], other);
              });
        };
        output = choose(states[0], Value());
        for (size_t i = 0; i < states.size(); ++i)
          states[i] = choose(states[i], carried[i + 1]);
      }
      OpFoldResult zero = b.getIndexAttr(0), unit = b.getIndexAttr(1);
      Value written = tensor::InsertSliceOp::create(
          b, loc, output, carried[0],
          SmallVector<OpFoldResult>{time, row, zero, zero},
          SmallVector<OpFoldResult>{unit, unit, batch, stateDims[1]},
          SmallVector<OpFoldResult>(4, unit));
      states.insert(states.begin(), written);
      scf::YieldOp::create(b, loc, states);
    };
    auto loop = scf::ForOp::create(b, loc, createIndex(b, loc, 0), count, one,
                                   carried, body);
    result = loop.getResult(0);
    OpFoldResult zero = b.getIndexAttr(0), unit = b.getIndexAttr(1);
    for (auto [i, state] : llvm::enumerate(last))
      state = tensor::InsertSliceOp::create(
          b, loc, loop.getResult(i + 1), state,
          SmallVector<OpFoldResult>{row, zero, zero},
          SmallVector<OpFoldResult>{unit, batch, stateDims[1]},
          SmallVector<OpFoldResult>(3, unit));
  }
  last.insert(last.begin(), result);
  return last;
}

/// Results with the types that the op had.
template <typename Op>
void replaceWith(ConversionPatternRewriter &b, Op op,
                 const TypeConverter &converter, ArrayRef<Value> values) {
  SmallVector<Value> results;
  for (auto [value, old] : llvm::zip(values, op->getResultTypes())) {
    Type type = converter.convertType(old);
    results.push_back(
        value.getType() == type
            ? value
            : tensor::CastOp::create(b, op.getLoc(), type, value).getResult());
  }
  b.replaceOp(op, results);
}

struct RNNPattern : OpConversionPattern<RNNOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(RNNOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    auto cell = [](const Step &step, ValueRange states) -> SmallVector<Value> {
      return {step.pointwise({step.projected, step.recur(states[0], 0, 1)},
                             [&](const FloatMath &m, ValueRange args) {
                               return step.activate(m, 0,
                                                    m.add(args[0], args[1]));
                             })};
    };
    replaceWith(b, op, *getTypeConverter(),
                createLoops(b, op, adaptor, {adaptor.getInitialH()}, cell));
    return success();
  }
};

struct GRUPattern : OpConversionPattern<GRUOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(GRUOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    bool linear = op.getLinearBeforeReset();
    auto cell = [&](const Step &step, ValueRange states) -> SmallVector<Value> {
      Value h = states[0];
      Value gates = step.recur(h, 0, 2);
      auto sigmoid = [&](int64_t gate) {
        return step.pointwise(
            {step.gate(step.projected, gate), step.gate(gates, gate)},
            [&](const FloatMath &m, ValueRange args) {
              return step.activate(m, 0, m.add(args[0], args[1]));
            });
      };
      Value update = sigmoid(0), reset = sigmoid(1);
      auto multiply = [](const FloatMath &m, ValueRange args) {
        return m.mul(args[0], args[1]);
      };
      Value recurrent;
      if (linear)
        recurrent = step.pointwise({reset, step.recur(h, 2, 1)}, multiply);
      else
        recurrent = step.recur(step.pointwise({reset, h}, multiply), 2, 1);
      return {step.pointwise(
          {update, h, step.gate(step.projected, 2), recurrent},
          [&](const FloatMath &m, ValueRange args) {
            Value candidate = step.activate(m, 1, m.add(args[2], args[3]));
            return m.add(m.mul(m.sub(m.constant(1), args[0]), candidate),
                         m.mul(args[0], args[1]));
          })};
    };
    replaceWith(b, op, *getTypeConverter(),
                createLoops(b, op, adaptor, {adaptor.getInitialH()}, cell));
    return success();
  }
};

struct LSTMPattern : OpConversionPattern<LSTMOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LSTMOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    auto cell = [&](const Step &step, ValueRange states) -> SmallVector<Value> {
      Value h = states[0], c = states[1];
      Value gates = step.recur(h, 0, 4);
      // Gates in order: input, output, forget, cell; the first three have
      // peepholes, [hidden] of this direction.
      auto preactivation = [&](int64_t gate, Value seen) {
        SmallVector<Value> operands{step.gate(step.projected, gate),
                                    step.gate(gates, gate)};
        if (adaptor.getPeephole() && seen) {
          Value row = createRow(step.b, step.loc, adaptor.getPeephole(),
                                step.b.getIndexAttr(step.direction));
          row = createFitted(step.b, step.loc, row,
                             {step.b.getIndexAttr(3 * step.hidden())});
          operands.append({step.gate(row, gate), seen});
        }
        return step.pointwise(operands,
                              [&](const FloatMath &m, ValueRange args) {
                                Value sum = m.add(args[0], args[1]);
                                if (args.size() > 2)
                                  sum = m.add(sum, m.mul(args[2], args[3]));
                                return sum;
                              });
      };
      Value input = preactivation(0, c);
      Value forget = op.getInputForget() ? Value() : preactivation(2, c);
      SmallVector<Value> operands{input, preactivation(3, Value()), c};
      if (forget)
        operands.push_back(forget);
      Value newC = step.pointwise(operands, [&](const FloatMath &m,
                                                ValueRange args) {
        Value i = step.activate(m, 0, args[0]);
        // Coupled gates forget what the input does not replace.
        Value f =
            forget ? step.activate(m, 0, args[3]) : m.sub(m.constant(1), i);
        return m.add(m.mul(f, args[2]), m.mul(i, step.activate(m, 1, args[1])));
      });
      Value newH =
          step.pointwise({preactivation(1, newC), newC},
                         [&](const FloatMath &m, ValueRange args) {
                           return m.mul(step.activate(m, 0, args[0]),
                                        step.activations[2].apply(m, args[1]));
                         });
      return {newH, newC};
    };
    replaceWith(b, op, *getTypeConverter(),
                createLoops(b, op, adaptor,
                            {adaptor.getInitialH(), adaptor.getInitialC()},
                            cell));
    return success();
  }
};

} // namespace

void llmc::populateRecurrentToLinalg(const LowerTypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<RNNPattern, GRUPattern, LSTMPattern>(converter,
                                                    patterns.getContext());
}
