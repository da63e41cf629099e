//===- CacheMatch.cpp - caches of keys or values --------------------------===//
//
// The formats are what llmc-quantize-kv-cache makes of a cache.
//
//===----------------------------------------------------------------------===//

#include "CacheMatch.h"
#include "NibbleMatch.h"

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

static PrefixOp getPrefix(Value value) {
  auto prefix = value.getDefiningOp<PrefixOp>();
  return prefix && int64_t(prefix.getAxis()) == rowAxis ? prefix : PrefixOp();
}

CacheMatch CacheMatch::read(Value value, ShapeContext &shapes) {
  Type element = shapes.elementType(value);
  CacheMatch match;
  match.format = element.isF16()    ? CacheFormat::F16
                 : element.isBF16() ? CacheFormat::BF16
                                    : CacheFormat::F32;
  match.data = value;
  return match;
}

SmallVector<Value, 3> CacheMatch::getBuffers() const {
  SmallVector<Value, 3> buffers;
  for (Value buffer : {data, scales, lows})
    if (buffer)
      buffers.push_back(buffer);
  return buffers;
}

CacheMatch llmc::cpu::matchCache(Value value, ShapeContext &shapes) {
  CacheMatch match = CacheMatch::read(value, shapes);
  if (Value half = getCastFrom(value, shapes, isHalf)) {
    match.format = CacheFormat::F16;
    match.isCast = true;
    match.data = half;
  } else if (std::optional<NibbleMatch> nibbles =
                 matchUnpacked(value, shapes)) {
    match.format = CacheFormat::Int4;
    match.data = nibbles->data;
    match.scales = nibbles->steps;
    match.lows = nibbles->lows;
    match.group = nibbles->group;
  } else if (auto product = value.getDefiningOp<MulOp>()) {
    for (int64_t side = 0; side < 2 && !match.scales; ++side) {
      Value factor = product->getOperand(1 - side);
      Value bytes = getCastFrom(product->getOperand(side), shapes, isByte);
      if (!bytes || shapes.rank(factor) != 4 ||
          !shapes.elementType(factor).isF32() ||
          shapes.dims(factor).take_front(3) !=
              shapes.dims(value).take_front(3) ||
          getConstant(shapes.dim(factor, 3)) != 1)
        continue;
      match.format = CacheFormat::Int8;
      match.data = bytes;
      match.scales = factor;
    }
  }
  match.prefix = getPrefix(match.data);
  for (Value *buffer : {&match.data, &match.scales, &match.lows}) {
    if (!*buffer)
      continue;
    PrefixOp prefix = getPrefix(*buffer);
    if (bool(prefix) != bool(match.prefix))
      return CacheMatch::read(value, shapes);
    if (prefix)
      *buffer = prefix.getOperand();
  }
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
  if (!cache.prefix)
    return std::nullopt;
  CacheAppend append;
  for (Value buffer : cache.getBuffers()) {
    TensorScatterOp write = getWrite(buffer, shapes);
    if (!write || (append.past && write.getWriteIndices() != append.past))
      return std::nullopt;
    append.past = write.getWriteIndices();
    append.writes.push_back(write);
  }
  auto rowsOf = [&](size_t i) -> Value { return append.writes[i].getUpdate(); };
  append.rows = rowsOf(0);
  if (cache.isCast) {
    auto cast = append.rows.getDefiningOp<CastOp>();
    if (!cast || !shapes.elementType(cast.getOperand()).isF32())
      return std::nullopt;
    append.rows = cast.getOperand();
  } else if (cache.format == CacheFormat::Int8) {
    append.rows = matchRounded(rowsOf(0), rowsOf(1), shapes);
  } else if (cache.format == CacheFormat::Int4) {
    append.rows =
        matchPacked({rowsOf(0), rowsOf(1), rowsOf(2), cache.group}, shapes);
  }
  if (!append.rows)
    return std::nullopt;
  return append;
}
