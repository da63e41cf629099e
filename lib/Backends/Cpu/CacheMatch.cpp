//===- CacheMatch.cpp - caches of keys or values --------------------------===//
//
// The formats are what llmc-quantize-kv-cache makes of a cache.
//
//===----------------------------------------------------------------------===//

#include "CacheMatch.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// The dimension of [batch, heads, rows, head_size] that grows.
static constexpr int64_t rowAxis = 2;

/// The operand of a cast from `from` to f32.
template <typename IsType>
static Value getCastFrom(Value value, ShapeContext &shapes, IsType &&isType) {
  auto cast = value.getDefiningOp<CastOp>();
  return cast && shapes.elementType(value).isF32() &&
                 isType(shapes.elementType(cast.getOperand()))
             ? cast.getOperand()
             : Value();
}

static bool isByte(Type type) { return type.isSignlessInteger(8); }
static bool isHalf(Type type) { return type.isF16(); }

/// Whether `value` is a constant with elements that are all `number`.
static bool isConstant(Value value, double number) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto elements = constant ? dyn_cast<DenseFPElementsAttr>(constant.getValue())
                           : DenseFPElementsAttr();
  return elements && elements.isSplat() &&
         elements.getSplatValue<APFloat>().convertToDouble() == number;
}

static PrefixOp getPrefix(Value value) {
  auto prefix = value.getDefiningOp<PrefixOp>();
  return prefix && int64_t(prefix.getAxis()) == rowAxis ? prefix : PrefixOp();
}

CacheMatch CacheMatch::read(Value value, ShapeContext &shapes) {
  Type element = shapes.elementType(value);
  return {element.isF16()    ? CacheFormat::F16
          : element.isBF16() ? CacheFormat::BF16
                             : CacheFormat::F32,
          value,
          {},
          {}};
}

CacheMatch llmc::cpu::matchCache(Value value, ShapeContext &shapes) {
  CacheMatch match = CacheMatch::read(value, shapes);
  Value data = value, scales;
  if (Value half = getCastFrom(value, shapes, isHalf)) {
    match.format = CacheFormat::F16;
    match.isCast = true;
    data = half;
  } else if (auto product = value.getDefiningOp<MulOp>()) {
    for (int64_t side = 0; side < 2 && !scales; ++side) {
      Value factor = product->getOperand(1 - side);
      Value bytes = getCastFrom(product->getOperand(side), shapes, isByte);
      if (!bytes || shapes.rank(factor) != 4 ||
          !shapes.elementType(factor).isF32() ||
          shapes.dims(factor).take_front(3) !=
              shapes.dims(value).take_front(3) ||
          getConstant(shapes.dim(factor, 3)) != 1)
        continue;
      match.format = CacheFormat::Int8;
      data = bytes;
      scales = factor;
    }
  }
  match.prefix = getPrefix(data);
  match.data = match.prefix ? match.prefix.getOperand() : data;
  match.scales = scales;
  if (!scales)
    return match;
  PrefixOp prefix = getPrefix(scales);
  if (bool(prefix) != bool(match.prefix))
    return CacheMatch::read(value, shapes);
  if (prefix)
    match.scales = prefix.getOperand();
  return match;
}

/// The write that made `cache`.
static TensorScatterOp getWrite(Value cache, ShapeContext &shapes) {
  auto write = cache.getDefiningOp<TensorScatterOp>();
  return write && int64_t(write.getAxis()) == rowAxis &&
                 shapes.rank(write.getWriteIndices()) == 0
             ? write
             : TensorScatterOp();
}

/// The rows of f32 that `data` and `scales` are the rounded ones of: with the
/// largest magnitude m of a row
///
///     scales = m / 127, data = round(rows * (127 / max(m, 2^-120)))
static Value matchRounded(Value data, Value scales, ShapeContext &shapes) {
  auto cast = data.getDefiningOp<CastOp>();
  auto round = cast ? cast.getOperand().getDefiningOp<RoundOp>() : RoundOp();
  auto product = round ? round.getOperand().getDefiningOp<MulOp>() : MulOp();
  auto scale = scales.getDefiningOp<DivOp>();
  if (!product || !scale || !isConstant(scale.getRhs(), 127))
    return {};
  auto reduce = scale.getLhs().getDefiningOp<ReduceOp>();
  auto abs = reduce ? reduce.getOperand().getDefiningOp<AbsOp>() : AbsOp();
  if (!abs || reduce.getKind() != ReduceKind::Max || !reduce.getKeepdims() ||
      reduce.getAxes() != ArrayRef<int64_t>{3} ||
      product.getLhs() != abs.getOperand())
    return {};
  auto inverse = product.getRhs().getDefiningOp<DivOp>();
  auto bound = inverse ? inverse.getRhs().getDefiningOp<MaxOp>() : MaxOp();
  if (!bound || !isConstant(inverse.getLhs(), 127) ||
      bound.getLhs() != scale.getLhs() || !isConstant(bound.getRhs(), 0x1p-120))
    return {};
  return shapes.elementType(abs.getOperand()).isF32() ? abs.getOperand()
                                                      : Value();
}

std::optional<CacheAppend> llmc::cpu::matchCacheAppend(const CacheMatch &cache,
                                                       ShapeContext &shapes) {
  TensorScatterOp write = getWrite(cache.data, shapes);
  if (!write || !cache.prefix)
    return std::nullopt;
  CacheAppend append{write.getUpdate(), write.getWriteIndices(), {write}};
  if (cache.isCast) {
    auto cast = append.rows.getDefiningOp<CastOp>();
    if (!cast || !shapes.elementType(cast.getOperand()).isF32())
      return std::nullopt;
    append.rows = cast.getOperand();
  } else if (cache.format == CacheFormat::Int8) {
    TensorScatterOp scales = getWrite(cache.scales, shapes);
    if (!scales || scales.getWriteIndices() != append.past)
      return std::nullopt;
    append.rows = matchRounded(append.rows, scales.getUpdate(), shapes);
    if (!append.rows)
      return std::nullopt;
    append.writes.push_back(scales);
  }
  return append;
}
