//===- AttentionMask.cpp - masks that attention reads ---------------------===//

#include "AttentionMask.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include <limits>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

Value AttentionMask::infinity() const {
  return k.constant(k.vectorOf(k.f32()),
                    -std::numeric_limits<double>::infinity());
}

Values AttentionMask::getAddress(Value batch, Value head, Value row,
                                 Value key) const {
  Value all[] = {batch, head, row, key};
  Values address(ArrayRef(all).take_back(spec.mask.size()));
  for (auto [place, isThere] : llvm::zip(address, spec.mask))
    if (!isThere)
      place = k.index(0);
  return address;
}

Value AttentionMask::load(Value batch, Value head, Value row, Value key,
                          Value there) const {
  if (spec.choosing)
    return arith::SelectOp::create(
        k.b, k.loc, loadChoice(batch, head, row, key, there),
        k.constant(k.vectorOf(k.f32()), 0), infinity());
  Values address = getAddress(batch, head, row, key);
  if (!spec.mask.back())
    return k.broadcast(k.widen(k.load(mask, address)));
  VectorType type =
      k.vectorOf(cast<MemRefType>(mask.getType()).getElementType());
  Value none = k.constant(type, -std::numeric_limits<double>::infinity());
  return k.widen(vector::MaskedLoadOp::create(k.b, k.loc, type, mask, address,
                                              there, none));
}

Value AttentionMask::loadChoice(Value batch, Value head, Value row, Value key,
                                Value there) const {
  Values address = getAddress(batch, head, row, key);
  if (!spec.mask.back())
    return k.broadcast(k.load(mask, address));
  // A vector of i1 would be loaded as bits, and a buffer has a byte for each.
  Value offset = address[0];
  for (size_t i = 1; i < address.size(); ++i)
    offset = k.add(k.mul(offset, k.dim(mask, int64_t(i))), address[i]);
  Value begin =
      memref::ExtractAlignedPointerAsIndexOp::create(k.b, k.loc, mask);
  Value address64 = arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(),
                                               k.add(begin, offset));
  Value pointer = LLVM::IntToPtrOp::create(
      k.b, k.loc, LLVM::LLVMPointerType::get(k.b.getContext()), address64);
  VectorType bytes = k.vectorOf(k.i8());
  Value zeros = k.constant(bytes, 0);
  Value loaded = LLVM::MaskedLoadOp::create(k.b, k.loc, bytes, pointer, there,
                                            zeros, k.b.getI32IntegerAttr(1));
  return arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ne, loaded,
                               zeros);
}

Value AttentionMask::apply(Value scores, Value batch, Value head, Value row,
                           Value key, Value there) const {
  if (!isThere())
    return scores;
  if (!spec.choosing)
    return k.addF(scores, load(batch, head, row, key, there));
  return arith::SelectOp::create(
      k.b, k.loc, loadChoice(batch, head, row, key, there), scores, infinity());
}
