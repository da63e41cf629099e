//===- NibbleMatch.cpp - rows of numbers in four bits ---------------------===//

#include "NibbleMatch.h"
#include <cmath>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

static constexpr int64_t rowAxis = 3, groupAxis = 4;

bool llmc::cpu::isConstant(Value value, double number) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto elements = constant ? dyn_cast<DenseFPElementsAttr>(constant.getValue())
                           : DenseFPElementsAttr();
  return elements && elements.isSplat() &&
         elements.getSplatValue<APFloat>().convertToDouble() == number;
}

//===----------------------------------------------------------------------===//
// Ops: null for anything else, as for null
//===----------------------------------------------------------------------===//

template <typename OpType> static OpType get(Value value) {
  return value ? value.getDefiningOp<OpType>() : OpType();
}

/// The operand of a unary op.
template <typename OpType> static Value below(Value value) {
  auto op = get<OpType>(value);
  return op ? op->getOperand(0) : Value();
}

/// The left operand of an op whose right one is `number`.
template <typename OpType>
static Value belowScalar(Value value, double number) {
  auto op = get<OpType>(value);
  return op && isConstant(op->getOperand(1), number) ? op->getOperand(0)
                                                     : Value();
}

static Value belowCast(Value value, ShapeContext &shapes,
                       function_ref<bool(Type)> from, bool toFloat) {
  auto cast = get<CastOp>(value);
  return cast && from(shapes.elementType(cast.getOperand())) &&
                 (!toFloat || shapes.elementType(cast).isF32())
             ? cast.getOperand()
             : Value();
}

static bool isHalf(Type type) { return type.isF16(); }
static bool isFloat(Type type) { return type.isF32(); }
static bool isByte(Type type) { return type.isUnsignedInteger(8); }

/// Numbers of groups, in f16, from what is next to the numbers of each.
static Value belowSpread(Value value, ShapeContext &shapes) {
  auto unsqueeze = get<UnsqueezeOp>(value);
  return unsqueeze && unsqueeze.getAxes() == ArrayRef<int64_t>{groupAxis}
             ? belowCast(unsqueeze.getOperand(), shapes, isHalf,
                         /*toFloat=*/true)
             : Value();
}

/// Rows whose groups are `value`, of `group` numbers.
static Value belowSplit(Value value, int64_t group, ShapeContext &shapes) {
  Value rows = below<ReshapeOp>(value);
  if (!rows || shapes.rank(rows) != 4 || shapes.rank(value) != 5 ||
      getConstant(shapes.dim(value, groupAxis)) != group ||
      shapes.dims(rows).take_front(3) != shapes.dims(value).take_front(3))
    return {};
  return rows;
}

static Value belowJoin(Value value, ShapeContext &shapes) {
  Value groups = below<ReshapeOp>(value);
  return groups && shapes.rank(groups) == 5 && shapes.rank(value) == 4 &&
                 shapes.dims(groups).take_front(3) ==
                     shapes.dims(value).take_front(3)
             ? groups
             : Value();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// The bytes whose low halves, then their high ones, are `codes`.
static Value matchCodes(Value codes, ShapeContext &shapes) {
  auto concat = get<ConcatOp>(codes);
  if (!concat || int64_t(concat.getAxis()) != rowAxis ||
      concat.getInputs().size() != 2)
    return {};
  auto low = get<SubOp>(concat.getInputs()[0]);
  Value high = concat.getInputs()[1];
  Value bytes = belowScalar<MulOp>(below<FloorOp>(high), 0.0625);
  if (!low || !bytes || low.getLhs() != bytes ||
      belowScalar<MulOp>(low.getRhs(), 16) != high)
    return {};
  return belowCast(bytes, shapes, isByte, /*toFloat=*/true);
}

std::optional<NibbleMatch> llmc::cpu::matchUnpacked(Value value,
                                                    ShapeContext &shapes) {
  auto sum = get<AddOp>(belowJoin(value, shapes));
  auto product = sum ? get<MulOp>(sum.getLhs()) : MulOp();
  if (!product)
    return std::nullopt;
  std::optional<int64_t> group = getConstant(shapes.dims(sum).back());
  if (!group)
    return std::nullopt;
  NibbleMatch match;
  match.group = *group;
  match.data = matchCodes(belowSplit(product.getLhs(), *group, shapes), shapes);
  match.steps = belowSpread(product.getRhs(), shapes);
  match.lows = belowSpread(sum.getRhs(), shapes);
  for (Value part : {match.data, match.steps, match.lows})
    if (!part || shapes.rank(part) != 4 ||
        shapes.dims(part).take_front(3) != shapes.dims(value).take_front(3))
      return std::nullopt;
  return match;
}

/// The codes of which `bytes` have the first half, then the second one.
static Value matchHalves(Value bytes, ShapeContext &shapes) {
  auto sum = get<AddOp>(belowCast(bytes, shapes, isFloat, /*toFloat=*/false));
  auto low = sum ? get<SliceOp>(sum.getLhs()) : SliceOp(),
       high =
           sum ? get<SliceOp>(belowScalar<MulOp>(sum.getRhs(), 16)) : SliceOp();
  if (!low || !high || low.getOperand() != high.getOperand())
    return {};
  std::optional<int64_t> size =
      getConstant(shapes.dim(low.getOperand(), rowAxis));
  if (!size)
    return {};
  auto isPart = [&](SliceOp slice, int64_t begin) {
    auto is = [&](Value value, int64_t number) {
      return shapes.constants(value) == SmallVector<int64_t>{number};
    };
    return slice.getAxes() == ArrayRef<int64_t>{rowAxis} &&
           is(slice.getStarts(), begin) &&
           is(slice.getEnds(), begin + *size / 2) && is(slice.getSteps(), 1);
  };
  return isPart(low, 0) && isPart(high, *size / 2) ? low.getOperand() : Value();
}

/// With the largest and the least number of a group, h and l,
///
///     lows = l, steps = max(h - lows, 0) / 15
///     codes = min(max(round((x - lows) * (1 / max(steps, 2^-24))), 0), 15)
Value llmc::cpu::matchPacked(const NibbleMatch &packed, ShapeContext &shapes) {
  Value codes = belowJoin(matchHalves(packed.data, shapes), shapes);
  auto product = get<MulOp>(
      below<RoundOp>(belowScalar<MaxOp>(belowScalar<MinOp>(codes, 15), 0)));
  auto offset = product ? get<SubOp>(product.getLhs()) : SubOp();
  auto inverse = product ? get<DivOp>(product.getRhs()) : DivOp();
  if (!offset || !inverse || !isConstant(inverse.getLhs(), 1) ||
      belowSpread(offset.getRhs(), shapes) != packed.lows ||
      belowSpread(belowScalar<MaxOp>(inverse.getRhs(), 0x1p-24), shapes) !=
          packed.steps)
    return {};
  Value groups = offset.getLhs();
  auto isReduced = [&](Value value, ReduceKind kind) {
    auto reduce = get<ReduceOp>(value);
    return reduce && reduce.getOperand() == groups &&
           reduce.getKind() == kind && !reduce.getKeepdims() &&
           reduce.getAxes() == ArrayRef<int64_t>{groupAxis};
  };
  auto range = get<SubOp>(belowScalar<MaxOp>(
      belowScalar<DivOp>(
          belowCast(packed.steps, shapes, isFloat, /*toFloat=*/false), 15),
      0));
  if (!range || !isReduced(range.getLhs(), ReduceKind::Max) ||
      belowCast(range.getRhs(), shapes, isHalf, /*toFloat=*/true) !=
          packed.lows ||
      !isReduced(belowCast(packed.lows, shapes, isFloat, /*toFloat=*/false),
                 ReduceKind::Min))
    return {};
  Value rows = belowSplit(groups, packed.group, shapes);
  return rows && shapes.elementType(rows).isF32() ? rows : Value();
}

//===----------------------------------------------------------------------===//
// Rotation
//===----------------------------------------------------------------------===//

int64_t llmc::cpu::getRotationBlock(Value value, ShapeContext &shapes) {
  auto linear = value.getDefiningOp<LinearOp>();
  if (!linear || linear.getBias() || shapes.rank(linear) != 4)
    return 0;
  Value weight = linear.getWeight();
  while (auto transpose = weight.getDefiningOp<TransposeOp>())
    weight = transpose.getOperand();
  auto read = weight.getDefiningOp<WeightOp>();
  auto param = read ? SymbolTable::lookupNearestSymbolFrom<ParamOp>(
                          read, read.getParamAttr())
                    : ParamOp();
  if (!param)
    return 0;
  auto type = cast<RankedTensorType>(param.getType());
  if (!type.getElementType().isF32() || type.getRank() != 2 ||
      type.getDimSize(0) != type.getDimSize(1) || type.getDimSize(0) == 0)
    return 0;
  int64_t size = type.getDimSize(0), block = size & -size;
  double unit =
      std::ldexp(1.0, -int(llvm::divideCeil(llvm::Log2_64(block), 2)));
  SmallVector<char> copy;
  ArrayRef<char> bytes = getParamBytes(param, copy);
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j) {
      float number;
      std::memcpy(&number, bytes.data() + 4 * (i * size + j), 4);
      bool isNegative = llvm::popcount(uint64_t(i & j & (block - 1))) % 2;
      if (number != (i / block != j / block ? 0 : isNegative ? -unit : unit))
        return 0;
    }
  return block;
}
