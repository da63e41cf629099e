//===- LiftPacked.cpp - weights of integers that ONNX nodes unpack --------===//
//
// Export writes llmc.dequantize and llmc.lookup, where no runtime has a kernel,
// as packed integers and standard ops; see lib/Onnx/Export/Weights.cpp.
//
//===----------------------------------------------------------------------===//

#include "Fields.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Weights/DecodeWeight.h"
#include "llvm/Support/MathExtras.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTPACKED
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
/// Integers of a weight, [rows, blocks, block], in `source`,
/// [rows, blocks, bytes].
struct Codes {
  Value source;
  int64_t rows, blocks, block, bits;
};
} // namespace

static std::optional<Codes> getCodes(const std::optional<Fields> &fields) {
  if (!fields || fields->bits == 1)
    return std::nullopt;
  auto type = cast<RankedTensorType>(fields->source.getType());
  if (!type.hasStaticShape() || type.getRank() != 3 || fields->count == 0 ||
      type.getDimSize(2) * 8 != fields->count * fields->bits)
    return std::nullopt;
  return Codes{fields->source, type.getDimSize(0), type.getDimSize(1),
               fields->count, fields->bits};
}

static std::optional<Codes> matchCodes(Value value, Lifter &lifter) {
  return getCodes(matchFields(value, lifter));
}

static bool hasShape(Value value, ArrayRef<int64_t> shape) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getShape() == shape;
}

/// The value [rows, blocks] of which `value`, [rows, blocks, 1], is made.
static Value matchPerBlock(Value value, int64_t rows, int64_t blocks) {
  if (!hasShape(value, {rows, blocks, 1}))
    return {};
  while (isReshapeLike(value.getDefiningOp())) {
    value = value.getDefiningOp()->getOperand(0);
    if (hasShape(value, {rows, blocks}))
      return value;
  }
  return {};
}

/// Takes the place of `root`, which may have another shape, by `weight`.
static void replaceByWeight(Operation *root, Value weight, Lifter &lifter) {
  auto type = cast<RankedTensorType>(root->getResult(0).getType());
  if (type != weight.getType())
    weight = lifter.create<ReshapeOp>(root, weight,
                                      lifter.createI64s(root, type.getShape()),
                                      /*allowzero=*/true);
  lifter.replace(root, weight);
}

/// codebook[codes], with the first entry of the row's codebook added to codes
/// when there are several.
static bool liftLookup(GatherOp root, Lifter &lifter) {
  auto type = dyn_cast<RankedTensorType>(root.getType());
  if (root.getAxis() != 0 || lifter.shapes.rank(root.getOperand()) != 1 ||
      !isa<FloatType>(lifter.shapes.elementType(root)) || !type ||
      !type.hasStaticShape())
    return false;
  std::optional<Codes> codes = matchCodes(root.getIndices(), lifter);
  Value first;
  if (!codes)
    first = matchEitherOrder<AddOp>(root.getIndices(), [&](Value value) {
              codes = matchCodes(value, lifter);
              return codes.has_value();
            }).second;
  std::optional<int64_t> entries = lifter.getSize(root.getOperand(), 0);
  if (!codes || !entries || *entries == 0 ||
      *entries % (int64_t(1) << codes->bits) != 0 ||
      type.getNumElements() != codes->rows * codes->blocks * codes->block)
    return false;
  int64_t groups = *entries >> codes->bits;
  Value codebook = root.getOperand(), books = getReshapeSource(codebook);
  if (hasShape(books, {groups, *entries / groups}))
    codebook = books;
  else if (groups != 1)
    return false;
  // The first entry for each row, in a dimension of its own.
  SmallVector<int64_t> perRow(type.getRank(), 1);
  perRow[0] = codes->rows;
  if (bool(first) != (groups != 1) ||
      (first && (codes->rows % groups != 0 || !hasShape(first, perRow) ||
                 type.getDimSize(0) != codes->rows ||
                 !holds(first, codes->rows, lifter, [&](int64_t row) {
                   return row / (codes->rows / groups) << codes->bits;
                 }))))
    return false;
  Value weight = lifter.create<LookupOp>(root, codes->source, codebook, Value(),
                                         codes->bits, codes->block,
                                         codes->blocks * codes->block);
  replaceByWeight(root, weight, lifter);
  return true;
}

/// lookup * scales of blocks.
static bool liftLookupScales(MulOp root, Lifter &lifter) {
  LookupOp lookup;
  Value scales = matchEitherOrder<MulOp>(root, [&](Value value) {
                   lookup = getReshapeSource(value).getDefiningOp<LookupOp>();
                   return bool(lookup);
                 }).second;
  if (!lookup || lookup.getScales())
    return false;
  auto type = lookup.getIndices().getType();
  int64_t rows = type.getDimSize(0), blocks = type.getDimSize(1),
          block = lookup.getBlock();
  scales = matchPerBlock(scales, rows, blocks);
  if (!scales || !hasShape(root, {rows, blocks, block}) ||
      int64_t(lookup.getColumns()) != blocks * block)
    return false;
  replaceByWeight(root,
                  lifter.create<LookupOp>(
                      root, lookup.getIndices(), lookup.getCodebook(), scales,
                      lookup.getBits(), block, lookup.getColumns()),
                  lifter);
  return true;
}

/// Whether `value` is the zero points of blocks, of which `source` has them in
/// `bits` bits; no source when all are the middle of their range, `middle`.
static bool matchZeros(Value value, const std::optional<Fields> &fields,
                       const Codes &codes, int64_t middle, Value &source,
                       Lifter &lifter) {
  if (auto expand = value.getDefiningOp<ExpandOp>())
    value = expand.getOperand();
  if (lifter.getScalar(value) == double(middle))
    return true;
  if (auto integers = readIntegers(value, lifter))
    return llvm::all_of(*integers,
                        [&](int64_t zero) { return zero == middle; });
  int64_t bytes = llvm::divideCeil(codes.blocks * codes.bits, 8);
  if (!fields || fields->bits != codes.bits ||
      !hasShape(fields->source, {codes.rows, bytes}))
    return false;
  source = fields->source;
  return true;
}

/// (codes - zeros) * scales of blocks.
static bool liftDequantize(MulOp root, Lifter &lifter) {
  SubOp steps;
  Value scales = matchEitherOrder<MulOp>(root, [&](Value value) {
                   steps = value.getDefiningOp<SubOp>();
                   return bool(steps);
                 }).second;
  std::optional<Codes> codes = steps && steps.getLhs().getDefiningOp<CastOp>()
                                   ? matchCodes(steps.getLhs(), lifter)
                                   : std::nullopt;
  if (!codes || !isa<FloatType>(lifter.shapes.elementType(root)) ||
      !hasShape(root, {codes->rows, codes->blocks, codes->block}))
    return false;
  scales = matchPerBlock(scales, codes->rows, codes->blocks);
  if (!scales)
    return false;
  std::optional<Fields> fields;
  if (hasShape(steps.getRhs(), {codes->rows, codes->blocks, 1})) {
    fields = matchFields(steps.getRhs(), lifter);
    if (fields && fields->count != codes->blocks)
      return false;
  }
  Value zeros;
  if (!matchZeros(steps.getRhs(), fields, *codes, 1 << (codes->bits - 1), zeros,
                  lifter)) {
    // Floats as the scales are.
    zeros = matchPerBlock(steps.getRhs(), codes->rows, codes->blocks);
    if (!zeros || zeros.getType() != scales.getType())
      return false;
  }
  replaceByWeight(root,
                  lifter.create<DequantizeOp>(root, codes->source, scales,
                                              zeros, codes->bits, codes->block,
                                              codes->blocks * codes->block),
                  lifter);
  return true;
}

/// Integers that were made wider for a kernel: 3 bits as 4, 5 to 7 as 8.
static bool liftNarrower(DequantizeOp root, Lifter &lifter) {
  bool isPaired = root.getBits() == 4;
  if ((!isPaired && root.getBits() != 8) || !root.getZeros())
    return false;
  auto match = [&](Value value) {
    return isPaired ? matchPairs(value, lifter) : matchFields(value, lifter);
  };
  std::optional<Codes> codes = getCodes(match(root.getData()));
  if (!codes || codes->bits == int64_t(root.getBits()) ||
      codes->block != int64_t(root.getBlock()))
    return false;
  auto narrow = [&](Value zeros) {
    lifter.replace(root, lifter.create<DequantizeOp>(
                             root, codes->source, root.getScales(), zeros,
                             codes->bits, codes->block, root.getColumns()));
    return true;
  };
  if (hasFloatZeros(root))
    return narrow(root.getZeros());
  int64_t middle = 1 << (codes->bits - 1);
  std::optional<Fields> fields = match(root.getZeros());
  if (fields &&
      int64_t(llvm::alignTo(codes->blocks, isPaired ? 2 : 1)) != fields->count)
    return false;
  Value zeros;
  if (!matchZeros(root.getZeros(), fields, *codes,
                  isPaired ? middle * 17 : middle, zeros, lifter))
    return false;
  return narrow(zeros);
}

/// Reshapes of a weight that end in its own shape.
static bool dropReshape(Operation *root, Lifter &lifter) {
  Value source = getReshapeSource(root->getResult(0));
  if (!isa_and_nonnull<DequantizeOp, LookupOp>(source.getDefiningOp()) ||
      source.getType() != root->getResult(0).getType())
    return false;
  lifter.replace(root, source);
  return true;
}

/// The weight without the columns from `columns` on, which lie in its last
/// block.
template <typename OpTy>
static Value cutColumns(OpTy weight, int64_t blocks, int64_t columns,
                        Lifter &lifter) {
  int64_t block = weight.getBlock();
  if (int64_t(llvm::divideCeil(columns, block)) != blocks)
    return {};
  auto type = cast<RankedTensorType>(weight.getType());
  auto cut = cast<OpTy>(OpBuilder(weight).clone(*weight));
  cut.setColumns(columns);
  cut.getResult().setType(RankedTensorType::get({type.getDimSize(0), columns},
                                                type.getElementType()));
  (void)analyzeShapes(cut, lifter.shapes);
  return cut;
}

/// A slice of a weight, or of an embedding of it, that leaves out what fills
/// the last block.
static bool liftColumns(SliceOp root, Lifter &lifter) {
  auto part = matchSliceOfLastDim(root, lifter);
  if (!part || part->start != 0)
    return false;
  auto embedding = part->operand.getDefiningOp<EmbeddingOp>();
  Value weight = embedding ? embedding.getWeight() : part->operand, cut;
  if (auto dequantize = weight.getDefiningOp<DequantizeOp>())
    cut = cutColumns(dequantize, dequantize.getData().getType().getDimSize(1),
                     part->length, lifter);
  else if (auto lookup = weight.getDefiningOp<LookupOp>())
    cut = cutColumns(lookup, lookup.getIndices().getType().getDimSize(1),
                     part->length, lifter);
  if (!cut)
    return false;
  lifter.replace(root, embedding ? lifter.create<EmbeddingOp>(
                                       root, embedding.getIds(), cut)
                                 : cut);
  return true;
}

namespace {

struct LiftPacked : llmc::impl::LiftPackedBase<LiftPacked> {
  void runOnOperation() override {
    if (failed(liftEach(
            getOperation(),
            [](Operation *op) {
              return isa<GatherOp, MulOp, SliceOp, DequantizeOp>(op) ||
                     isReshapeLike(op);
            },
            [&](Operation *op, Lifter &lifter) { return lift(op, lifter); },
            [] {})))
      signalPassFailure();
  }

private:
  bool lift(Operation *op, Lifter &lifter) {
    if (isReshapeLike(op))
      return dropReshape(op, lifter);
    if (auto slice = dyn_cast<SliceOp>(op))
      return liftColumns(slice, lifter);
    if (auto mul = dyn_cast<MulOp>(op); mul && liftLookupScales(mul, lifter))
      return true;
    bool isLifted = false;
    if (auto gather = dyn_cast<GatherOp>(op))
      isLifted = liftLookup(gather, lifter);
    else if (auto mul = dyn_cast<MulOp>(op))
      isLifted = liftDequantize(mul, lifter);
    else
      isLifted = liftNarrower(cast<DequantizeOp>(op), lifter);
    numLifted += isLifted;
    return isLifted;
  }
};

} // namespace
