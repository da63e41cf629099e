//===- ExpandHalf.cpp - 16-bit floats on CPUs that cannot convert them ----===//
//
// LLVM calls functions of the compiler's own library where a CPU has no
// instructions for conversions between f16 and other floats: x86-64 without
// F16C, RISC-V without Zfhmin. Artifacts depend on the C library only, so those
// conversions become integer arithmetic here, which is vectorized as well: so
// do those of vectors on RISC-V with V but without Zvfhmin.
//
// LLVM also calls such a function for numbers of bf16 that a masked store takes
// one by one, or that are both extended and moved. So loads and stores move
// integers of 16 bits, and bf16 is extended by integers.
//
//===----------------------------------------------------------------------===//

#include "CodeGen.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

namespace {
/// Arithmetic on 32-bit integers, scalars or vectors of the shape of a value.
struct Bits : IRBuilder<> {
  Bits(Instruction *before, Type *like) : IRBuilder(before), like(like) {}

  Type *shaped(Type *element) {
    auto *vector = dyn_cast<VectorType>(like);
    return vector ? VectorType::get(element, vector->getElementCount())
                  : element;
  }
  Value *constant(uint32_t value) {
    return ConstantInt::get(shaped(getInt32Ty()), value);
  }
  Value *toBits(Value *value) {
    return CreateBitCast(value, shaped(getInt32Ty()));
  }
  Value *toFloat(Value *value) {
    return CreateBitCast(value, shaped(getFloatTy()));
  }

  /// f16 to f32.
  Value *extend(Value *half) {
    Value *code = CreateZExt(CreateBitCast(half, shaped(getInt16Ty())),
                             shaped(getInt32Ty()));
    Value *magnitude = CreateAnd(code, constant(0x7fff));
    Value *moved = CreateShl(magnitude, constant(13));
    Value *normal = CreateAdd(moved, constant(112u << 23));
    Value *special = CreateOr(moved, constant(0x7f800000));
    // Multiples of 2^-24: exact, whatever the system does about subnormals.
    Value *tiny =
        toBits(CreateFMul(CreateSIToFP(magnitude, shaped(getFloatTy())),
                          ConstantFP::get(shaped(getFloatTy()), 0x1p-24)));
    Value *result =
        CreateSelect(CreateICmpULT(magnitude, constant(0x400)), tiny, normal);
    result = CreateSelect(CreateICmpUGE(magnitude, constant(0x7c00)), special,
                          result);
    Value *sign = CreateShl(CreateAnd(code, constant(0x8000)), constant(16));
    return toFloat(CreateOr(result, sign));
  }

  /// f32 to f16, to nearest, ties to even.
  Value *truncate(Value *single) {
    Value *code = toBits(single);
    Value *magnitude = CreateAnd(code, constant(0x7fffffff));
    Value *isOdd = CreateAnd(CreateLShr(magnitude, constant(13)), constant(1));
    Value *normal = CreateLShr(
        CreateAdd(
            CreateAdd(magnitude, constant((uint32_t(15 - 127) << 23) + 0xfff)),
            isOdd),
        constant(13));
    // The sum's last bit weighs 2^-24, so the addition rounds.
    Value *half = toFloat(constant(126u << 23));
    Value *tiny = CreateSub(toBits(CreateFAdd(toFloat(magnitude), half)),
                            constant(126u << 23));
    Value *result = CreateSelect(CreateICmpULT(magnitude, constant(113u << 23)),
                                 tiny, normal);
    Value *isNan = CreateICmpUGT(magnitude, constant(0x7f800000));
    Value *large = CreateSelect(isNan, constant(0x7e00), constant(0x7c00));
    result = CreateSelect(CreateICmpUGE(magnitude, constant(143u << 23)), large,
                          result);
    Value *sign = CreateAnd(CreateLShr(code, constant(16)), constant(0x8000));
    return CreateBitCast(
        CreateTrunc(CreateOr(result, sign), shaped(getInt16Ty())),
        shaped(getHalfTy()));
  }

  /// f64 to f32 so that a second rounding does no harm: what is not exact gets
  /// the odd one of its neighbours.
  Value *truncateToOdd(Value *value) {
    Value *single = CreateFPTrunc(value, shaped(getFloatTy()));
    Value *back = CreateFPExt(single, shaped(getDoubleTy()));
    Value *code = toBits(single);
    auto magnitude = [&](Value *x) {
      return CreateUnaryIntrinsic(Intrinsic::fabs, x);
    };
    Value *isAbove = CreateFCmpOGT(magnitude(back), magnitude(value));
    Value *below = CreateSub(code, CreateZExt(isAbove, shaped(getInt32Ty())));
    Value *odd = CreateOr(below, constant(1));
    return toFloat(CreateSelect(CreateFCmpONE(back, value), odd, code));
  }

  Type *like;
};
} // namespace

/// The instruction without conversions of f16; null where it has none.
static Value *expand(Instruction &op) {
  Type *result = op.getType();
  bool givesHalf = result->getScalarType()->isHalfTy();
  bool takesHalf = llvm::any_of(op.operands(), [](Value *operand) {
    return operand->getType()->getScalarType()->isHalfTy();
  });
  if (!givesHalf && !takesHalf)
    return nullptr;
  Bits b(&op, op.getOperand(0)->getType());
  Type *single = b.shaped(b.getFloatTy());
  auto extended = [&](unsigned index) {
    return b.extend(op.getOperand(index));
  };
  switch (op.getOpcode()) {
  case Instruction::FPExt: {
    Value *value = extended(0);
    return result == single ? value : b.CreateFPExt(value, result);
  }
  case Instruction::FPTrunc: {
    Value *value = op.getOperand(0);
    if (value->getType() != single)
      value = b.truncateToOdd(value);
    return b.truncate(value);
  }
  // Integers that f32 would round are infinite as f16.
  case Instruction::SIToFP:
  case Instruction::UIToFP:
    return b.truncate(b.CreateCast(Instruction::CastOps(op.getOpcode()),
                                   op.getOperand(0), single));
  case Instruction::FPToSI:
  case Instruction::FPToUI:
    return b.CreateCast(Instruction::CastOps(op.getOpcode()), extended(0),
                        result);
  case Instruction::FNeg: {
    Type *bits = b.shaped(b.getInt16Ty());
    return b.CreateBitCast(b.CreateXor(b.CreateBitCast(op.getOperand(0), bits),
                                       ConstantInt::get(bits, 0x8000)),
                           result);
  }
  case Instruction::FCmp:
    return b.CreateFCmp(cast<FCmpInst>(op).getPredicate(), extended(0),
                        extended(1));
  case Instruction::FAdd:
  case Instruction::FSub:
  case Instruction::FMul:
  case Instruction::FDiv:
    return b.truncate(b.CreateBinOp(Instruction::BinaryOps(op.getOpcode()),
                                    extended(0), extended(1)));
  default:
    return nullptr;
  }
}

/// bf16 that is extended, or whose bits are taken, by integers; null for
/// anything else. From one block to another LLVM would hold the number as f32.
static Value *takeBits(Instruction &op) {
  if (!isa<FPExtInst, BitCastInst>(op))
    return nullptr;
  Value *number = op.getOperand(0);
  if (!number->getType()->getScalarType()->isBFloatTy())
    return nullptr;
  Bits b(&op, op.getType());
  Type *integers = b.shaped(b.getInt16Ty());
  auto *from = dyn_cast<BitCastInst>(number);
  Value *bits = from ? from->getOperand(0) : nullptr;
  if (bits && bits->getType() != integers)
    bits = nullptr;
  if (isa<BitCastInst>(op))
    return op.getType() == integers ? bits : nullptr;
  if (!bits)
    bits = b.CreateBitCast(number, integers);
  Value *single = b.toFloat(b.CreateShl(
      b.CreateZExt(bits, b.shaped(b.getInt32Ty())), b.constant(16)));
  return op.getType() == single->getType()
             ? single
             : b.CreateFPExt(single, op.getType());
}

/// Whether the CPU converts f16, alone and in vectors.
static std::pair<bool, bool> findConversions(const TargetMachine &machine) {
  const MCSubtargetInfo &info = *machine.getMCSubtargetInfo();
  const Triple &triple = machine.getTargetTriple();
  if (triple.isAArch64())
    return {true, true};
  if (triple.isX86()) {
    bool hasBoth = info.checkFeatures("+f16c");
    return {hasBoth, hasBoth};
  }
  // Without instructions for vectors, LLVM may take one element at a time.
  bool hasScalar = info.checkFeatures("+zfhmin");
  bool hasVectors = info.checkFeatures("+zve32f");
  return {hasScalar,
          hasScalar && (!hasVectors || info.checkFeatures("+zvfhmin"))};
}

/// A load or store of bf16, or a masked one of floats of 16 bits, as one of
/// integers; null for anything else.
static Value *moveIntegers(Instruction &op) {
  if (auto *load = dyn_cast<LoadInst>(&op);
      load && load->getType()->isBFloatTy()) {
    IRBuilder<> b(load);
    return b.CreateBitCast(b.CreateAlignedLoad(b.getInt16Ty(),
                                               load->getPointerOperand(),
                                               load->getAlign()),
                           load->getType());
  }
  if (auto *store = dyn_cast<StoreInst>(&op);
      store && store->getValueOperand()->getType()->isBFloatTy()) {
    IRBuilder<> b(store);
    return b.CreateAlignedStore(
        b.CreateBitCast(store->getValueOperand(), b.getInt16Ty()),
        store->getPointerOperand(), store->getAlign());
  }
  auto *call = dyn_cast<IntrinsicInst>(&op);
  if (!call)
    return nullptr;
  bool isLoad = call->getIntrinsicID() == Intrinsic::masked_load;
  if (!isLoad && call->getIntrinsicID() != Intrinsic::masked_store)
    return nullptr;
  Type *type = isLoad ? call->getType() : call->getArgOperand(0)->getType();
  if (!type->getScalarType()->is16bitFPTy())
    return nullptr;
  IRBuilder<> b(&op);
  Type *integers = VectorType::get(b.getInt16Ty(), cast<VectorType>(type));
  if (!isLoad)
    return b.CreateMaskedStore(
        b.CreateBitCast(call->getArgOperand(0), integers),
        call->getArgOperand(1), call->getParamAlign(1).valueOrOne(),
        call->getArgOperand(2));
  Value *loaded = b.CreateMaskedLoad(
      integers, call->getArgOperand(0), call->getParamAlign(0).valueOrOne(),
      call->getArgOperand(1),
      b.CreateBitCast(call->getArgOperand(2), integers));
  return b.CreateBitCast(loaded, type);
}

void llmc::expandHalf(llvm::Module &code, const TargetMachine &machine) {
  auto [hasScalar, hasVector] = findConversions(machine);
  for (Function &function : code)
    for (Instruction &op : make_early_inc_range(instructions(function))) {
      bool isVector = llvm::any_of(op.operands(), [](Value *operand) {
        return operand->getType()->isVectorTy();
      });
      Value *value = moveIntegers(op);
      if (!value)
        value = takeBits(op);
      if (!value && !(isVector ? hasVector : hasScalar))
        value = expand(op);
      if (value) {
        op.replaceAllUsesWith(value);
        op.eraseFromParent();
      }
    }
}
