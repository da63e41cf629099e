//===- Dot.cpp - sums of products of narrow numbers -----------------------===//

#include "DotSums.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// Every byte of `word`, with its sign, times that of the weights.
static Value emitWords(KernelBuilder &k, Value sum, Value weights, Value x) {
  Type words = sum.getType();
  Value packed = k.bitcast(weights, cast<VectorType>(words));
  for (int64_t i = 0; i < 4; ++i) {
    Value left = arith::ShLIOp::create(k.b, k.loc, x,
                                       k.constant(k.i32(), double(24 - 8 * i)));
    Value number =
        arith::ShRSIOp::create(k.b, k.loc, left, k.constant(k.i32(), 24));
    Value product = arith::MulIOp::create(
        k.b, k.loc, k.bits(packed, 8 * i, 255), k.broadcast(number));
    sum = arith::AddIOp::create(k.b, k.loc, sum, product);
  }
  return sum;
}

static VectorType getHalves(KernelBuilder &k) {
  return VectorType::get({2 * k.isa.lanes}, k.b.getI16Type());
}

static Value multiplyHalves(KernelBuilder &k, Value a, Value b) {
  return k.call(k.isa.lanes == 16 ? "llvm.x86.avx512.pmaddw.d.512"
                                  : "llvm.x86.avx2.pmadd.wd",
                k.vectorOf(k.i32()), {a, b});
}

Value llmc::cpu::emitAvx2Pairs(KernelBuilder &k, Value a, Value b) {
  return k.call(k.isa.lanes == 16 ? "llvm.x86.avx512.pmaddubs.w.512"
                                  : "llvm.x86.avx2.pmadd.ub.sw",
                getHalves(k), {a, b});
}

Value llmc::cpu::emitAvx2Reduction(KernelBuilder &k, Value halves) {
  return multiplyHalves(k, halves, k.constant(getHalves(k), 1));
}

static Value emitAvx2(KernelBuilder &k, Value sum, Value a, Value b,
                      bool fitHalves) {
  if (fitHalves)
    return k.add(sum, emitAvx2Reduction(k, emitAvx2Pairs(k, a, b)));
  // Even and odd bytes apart, in 16 bits.
  VectorType halves = getHalves(k);
  Value w = k.bitcast(a, halves), n = k.bitcast(b, halves);
  Value eight = k.constant(halves, 8);
  Value evenN = arith::ShRSIOp::create(
      k.b, k.loc, arith::ShLIOp::create(k.b, k.loc, n, eight), eight);
  Value oddN = arith::ShRSIOp::create(k.b, k.loc, n, eight);
  sum = k.add(sum, multiplyHalves(k, k.bits(w, 0, 255), evenN));
  return k.add(sum, multiplyHalves(k, k.bits(w, 8, 255), oddN));
}

Value llmc::cpu::emitByteDot(KernelBuilder &k, Value sum, Value a, Value b,
                             bool fitHalves) {
  if (k.isa.dot == Dot::Avx2)
    return emitAvx2(k, sum, a, b, fitHalves);
  if (k.isa.multipliesByLane())
    return emitNeonDot(k, sum, a, b);
  return k.call(k.isa.lanes == 16 ? "llvm.x86.avx512.vpdpbusd.512"
                                  : "llvm.x86.avx512.vpdpbusd.256",
                sum.getType(), {sum, a, b});
}

Value llmc::cpu::emitDot(KernelBuilder &k, Value sum, Value weights, Value x,
                         int64_t bits) {
  if (k.isa.dot == Dot::Words || k.isa.dot == Dot::Halves)
    return emitWords(k, sum, weights, x);
  auto bytes = cast<VectorType>(weights.getType());
  // 2 * 127 * 128 fits into 16 bits.
  return emitByteDot(k, sum, weights, k.bitcast(k.broadcast(x), bytes),
                     /*fitHalves=*/bits < 8);
}

Value llmc::cpu::emitPairDot(KernelBuilder &k, Value sum, Value weights,
                             Value x) {
  auto pairs = VectorType::get({2 * k.isa.lanes}, k.b.getBF16Type());
  return k.call(
      k.isa.pairDot == PairDot::X86 ? "llvm.x86.avx512bf16.dpbf16ps.512"
                                    : "llvm.aarch64.neon.bfdot.v4f32.v8bf16",
      sum.getType(), {sum, weights, k.bitcast(k.broadcast(x), pairs)});
}

Value llmc::cpu::roundForPairs(KernelBuilder &k, Value floats) {
  Type bf16 = k.b.getBF16Type();
  // LLVM's conversion keeps subnormal numbers, which takes nine instructions.
  if (k.isa.pairDot == PairDot::X86)
    return k.call("llvm.x86.avx512bf16.cvtneps2bf16.512", k.vectorOf(bf16),
                  floats);
  return k.narrow(floats, bf16);
}
