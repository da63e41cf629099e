//===- LiftDequantize.cpp - DequantizeLinear of weights -------------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/BlockFormat.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/MapVector.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTDEQUANTIZE
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

//===----------------------------------------------------------------------===//
// What reads the weight
//===----------------------------------------------------------------------===//

namespace {
/// The forms in which products and gathers want the weight, of its own
/// [rows, columns]: as it is, [out, in], or transposed.
struct WantedForms {
  bool direct = false, transposed = false;
};
} // namespace

/// Adds what the users of `value` want; `flipped` when it is a transpose of
/// the weight. False when one of them does not read it as a weight.
static bool collectForms(Value value, bool flipped, WantedForms &forms) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (auto transpose = dyn_cast<TransposeOp>(user)) {
      if (transpose.getPerm() != ArrayRef<int64_t>{1, 0} ||
          !collectForms(transpose, !flipped, forms))
        return false;
      continue;
    }
    auto matmul = dyn_cast<MatMulOp>(user);
    auto gather = dyn_cast<GatherOp>(user);
    auto linear = dyn_cast<LinearOp>(user);
    auto embedding = dyn_cast<EmbeddingOp>(user);
    bool isFactor = matmul && &use == &matmul.getRhsMutable();
    if (!isFactor && !(linear && &use == &linear.getWeightMutable()) &&
        !(embedding && &use == &embedding.getWeightMutable()) &&
        !(gather && &use == &gather.getOperandMutable() &&
          gather.getAxis() == 0))
      return false;
    (isFactor == flipped ? forms.direct : forms.transposed) = true;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// What llmc.dequantize makes of a llmc.dequantize_linear.
struct DequantizedForm : BlockFormat {
  /// Whether the weight is stored as [columns, rows].
  bool transposed;
  /// Whether `scale` and `zero_point` of rank 2 have a number for each block.
  bool isBlocked;
  bool isSigned;
  /// Those of the columns that are read.
  int64_t keptColumns;

  /// The place of the scale or zero point of a block among `count` of them.
  int64_t getPlace(int64_t row, int64_t index, int64_t count) const {
    if (count == 1)
      return 0;
    if (!isBlocked)
      return row;
    return transposed ? index * rows + row : row * getNumBlocks() + index;
  }
};

static bool isSource(Value value) {
  return isa_and_nonnull<WeightOp, ConstantOp>(value.getDefiningOp());
}

/// The bytes of a parameter or constant as a parameter stores them.
static SmallVector<char> readBytes(Value source, Lifter &lifter) {
  SmallVector<char> copy;
  if (ParamOp param = lifter.getParam(source)) {
    ArrayRef<char> bytes = getParamBytes(param, copy);
    return bytes.data() == copy.data() ? std::move(copy)
                                       : SmallVector<char>(bytes);
  }
  OpBuilder builder(source.getContext());
  OwningOpRef<ParamOp> param = ParamOp::create(
      builder, source.getLoc(), "constant",
      source.getDefiningOp<ConstantOp>().getValue(), StringAttr());
  ArrayRef<char> bytes = getParamBytes(*param, copy);
  return SmallVector<char>(bytes);
}

/// The integers of a parameter or constant. Signed ones move up by half of
/// their range, which makes them codes with the zero point moved alike.
static SmallVector<uint8_t> readCodes(Value source, int64_t count,
                                      const DequantizedForm &form,
                                      Lifter &lifter) {
  SmallVector<char> bytes = readBytes(source, lifter);
  SmallVector<uint8_t> codes(count);
  unpackBits(reinterpret_cast<const uint8_t *>(bytes.data()), form.bits, codes);
  if (form.isSigned)
    for (uint8_t &code : codes)
      code ^= form.getDefaultZero();
  return codes;
}

static AsmResourceBlob allocate(int64_t size) {
  return HeapAsmResourceBlob::allocate(size, /*align=*/64,
                                       /*dataIsMutable=*/true);
}

static AsmResourceBlob packData(Value source, const DequantizedForm &form,
                                Lifter &lifter) {
  SmallVector<uint8_t> codes =
      readCodes(source, form.rows * form.columns, form, lifter);
  AsmResourceBlob blob = allocate(form.getDataBytes());
  auto *out = reinterpret_cast<uint8_t *>(blob.getMutableData().data());
  SmallVector<uint8_t> row(form.getNumBlocks() * form.block);
  for (int64_t i = 0; i < form.rows; ++i) {
    for (int64_t j = 0; j < form.columns; ++j)
      row[j] = form.transposed ? codes[j * form.rows + i]
                               : codes[i * form.columns + j];
    packBits(row, form.bits, out);
    out += form.getNumBlocks() * form.getBlockBytes();
  }
  return blob;
}

static AsmResourceBlob packScales(Value source, int64_t count,
                                  const DequantizedForm &form, int64_t size,
                                  Lifter &lifter) {
  SmallVector<char> bytes = readBytes(source, lifter);
  int64_t blocks = form.getNumBlocks();
  AsmResourceBlob blob = allocate(form.rows * blocks * size);
  char *out = blob.getMutableData().data();
  for (int64_t row = 0; row < form.rows; ++row)
    for (int64_t index = 0; index < blocks; ++index, out += size)
      std::memcpy(out, bytes.data() + form.getPlace(row, index, count) * size,
                  size);
  return blob;
}

static AsmResourceBlob packZeros(ArrayRef<uint8_t> zeros,
                                 const DequantizedForm &form) {
  int64_t blocks = form.getNumBlocks();
  AsmResourceBlob blob = allocate(form.getZerosBytes());
  auto *out = reinterpret_cast<uint8_t *>(blob.getMutableData().data());
  SmallVector<uint8_t> codes(blocks);
  for (int64_t row = 0; row < form.rows; ++row) {
    for (int64_t index = 0; index < blocks; ++index)
      codes[index] = zeros[form.getPlace(row, index, zeros.size())];
    packBits(codes, form.bits, out);
    out += form.getZerosRowBytes();
  }
  return blob;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct LiftDequantize : llmc::impl::LiftDequantizeBase<LiftDequantize> {
  void runOnOperation() override {
    SymbolTable table(getOperation());
    symbols = &table;
    made.clear();
    if (failed(liftEach<DequantizeLinearOp>(
            getOperation(),
            [&](DequantizeLinearOp root, Lifter &lifter) {
              return lift(root, lifter);
            },
            [&] { ++numLifted; })))
      return signalPassFailure();
    settleParams();
  }

private:
  /// A parameter that took the place of another.
  struct Made {
    ParamOp param;
    bool transposed;
    /// Whether it has the very bytes of the other.
    bool isShared;
  };

  bool lift(DequantizeLinearOp root, Lifter &lifter);
  Value makeWeight(Operation *root, Value source, ParamOp beside,
                   const Twine &name, RankedTensorType type, bool transposed,
                   bool isShared, llvm::function_ref<AsmResourceBlob()> pack,
                   Lifter &lifter);
  void settleParams();

  /// Of the module, while the pass runs.
  SymbolTable *symbols = nullptr;
  llvm::MapVector<ParamOp, SmallVector<Made, 1>> made;
};

/// The name of what `source` loads, or what a constant is called.
static StringRef getSourceName(Value source) {
  auto load = source.getDefiningOp<WeightOp>();
  return load ? load.getParam() : StringRef("weight");
}

/// The form of the weight `root`, of which `keptColumns` are read, or why it
/// has none.
static FailureOr<DequantizedForm> getForm(DequantizeLinearOp root,
                                          int64_t keptColumns,
                                          WantedForms wanted, Lifter &lifter,
                                          std::string &reason) {
  ShapeContext &shapes = lifter.shapes;
  auto fail = [&](const Twine &why) {
    reason = why.str();
    return failure();
  };
  auto print = [](Type type) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return text;
  };
  Value scale = root.getScale(), zero = root.getZeroPoint();
  Type element = shapes.elementType(root.getOperand());
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || !llvm::is_contained({2, 4, 8}, integer.getWidth()))
    return fail("its elements are " + print(element));
  if (!getFloatFormat(root.getTo()) ||
      shapes.elementType(scale) != root.getTo())
    return fail("its scales are " + print(shapes.elementType(scale)) +
                " and its values " + print(root.getTo()));
  for (Value value : {scale, zero})
    if (value && !isSource(getReshapeSource(value)))
      return fail("its scales or zero points are computed");

  std::optional<int64_t> rows = lifter.getSize(root, 0),
                         columns = lifter.getSize(root, 1);
  if (!rows || !columns)
    return fail("its size is not known");
  DequantizedForm form;
  int64_t axis = root.getAxis(), block = root.getBlockSize();
  bool isUniform = shapes.rank(scale) == 0 && (!zero || shapes.rank(zero) == 0);
  form.isBlocked = block != 0;
  form.transposed = form.isBlocked ? axis == 0
                    : isUniform    ? !wanted.direct
                                   : axis == 1;
  if (!(form.transposed ? wanted.transposed : wanted.direct))
    return fail("its scales are not those of outputs or of rows that are "
                "gathered");
  form.rows = form.transposed ? *columns : *rows;
  form.columns = form.transposed ? *rows : *columns;
  form.keptColumns = form.transposed ? form.columns : keptColumns;
  form.bits = integer.getWidth();
  form.isSigned = !integer.isUnsigned();
  // Whole bytes even where a row has an odd number of weights.
  form.block = form.isBlocked ? block : llvm::alignTo(form.columns, 8);
  if (llvm::Error error = form.verify())
    return fail(llvm::toString(std::move(error)));
  // A slice may leave whole blocks out, or cut what is its rows here.
  if (int64_t(llvm::divideCeil(form.keptColumns, form.block)) !=
          form.getNumBlocks() ||
      (form.transposed && keptColumns != *columns))
    return fail("only a part of it is read");
  return form;
}

/// The weight before its transpose, if `root` reads that: scales of columns are
/// then those of rows. Otherwise `root`.
static DequantizeLinearOp liftTranspose(DequantizeLinearOp root,
                                        Lifter &lifter) {
  auto transpose = root.getOperand().getDefiningOp<TransposeOp>();
  if (!transpose || transpose.getPerm() != ArrayRef<int64_t>{1, 0} ||
      !isSource(getReshapeSource(transpose.getOperand())) ||
      root.getBlockSize() != 0 ||
      llvm::any_of(root->getUsers(), [](auto *op) { return isa<SliceOp>(op); }))
    return root;
  Value weight = lifter.create<DequantizeLinearOp>(
      root, transpose.getOperand(), root.getScale(), root.getZeroPoint(),
      root.getTo(), 1 - root.getAxis(), 0);
  lifter.replace(root, lifter.createTransposed(root, weight, {1, 0}));
  return weight.getDefiningOp<DequantizeLinearOp>();
}

bool LiftDequantize::lift(DequantizeLinearOp root, Lifter &lifter) {
  root = liftTranspose(root, lifter);
  ShapeContext &shapes = lifter.shapes;
  Value data = getReshapeSource(root.getOperand());
  if (!isSource(data) || shapes.rank(root) != 2 || root->use_empty())
    return false;
  // Rows that do not fill their last block come with a slice.
  Operation *last = root;
  int64_t keptColumns = lifter.getSize(root, 1).value_or(0);
  if (root->hasOneUse() && isa<SliceOp>(*root->user_begin())) {
    Operation *user = *root->user_begin();
    std::optional<SlicedDim> kept =
        matchSliceOfLastDim(user->getResult(0), lifter);
    if (!kept || kept->start != 0)
      return false;
    last = user;
    keptColumns = kept->length;
  }
  WantedForms wanted;
  if (last->use_empty() || !collectForms(last->getResult(0), false, wanted))
    return false;
  std::string reason;
  FailureOr<DequantizedForm> found =
      getForm(root, keptColumns, wanted, lifter, reason);
  if (failed(found)) {
    ++numKept;
    root.emitRemark() << "weight '" << getSourceName(data)
                      << "' stays llmc.dequantize_linear, which no kernel "
                         "reads: "
                      << reason;
    return false;
  }

  const DequantizedForm &form = *found;
  int64_t blocks = form.getNumBlocks();
  Type byte = IntegerType::get(&getContext(), 8, IntegerType::Unsigned);
  StringRef name = getSourceName(data);
  bool isKept = !form.isSigned && !form.transposed;
  auto count = [&](Value value) {
    return cast<RankedTensorType>(value.getType()).getNumElements();
  };
  Value codes = makeWeight(
      last, data, ParamOp(), name,
      RankedTensorType::get({form.rows, blocks, form.getBlockBytes()}, byte),
      form.transposed, isKept && form.columns == blocks * form.block,
      [&] { return packData(data, form, lifter); }, lifter);

  auto beside = symbols->lookup<ParamOp>(
      cast<WeightOp>(codes.getDefiningOp()).getParam());

  Value scale = getReshapeSource(root.getScale());
  Type scaleType = root.getTo();
  Value scales = makeWeight(
      last, scale, beside, name + ".scales",
      RankedTensorType::get({form.rows, blocks}, scaleType), form.transposed,
      count(scale) == form.rows * blocks &&
          !(form.isBlocked && form.transposed),
      [&] {
        return packScales(scale, count(scale), form,
                          scaleType.getIntOrFloatBitWidth() / 8, lifter);
      },
      lifter);

  // Signed integers have the default zero point when they have none.
  Value zero =
      root.getZeroPoint() ? getReshapeSource(root.getZeroPoint()) : Value();
  SmallVector<uint8_t> points(1, form.isSigned ? form.getDefaultZero() : 0);
  if (zero)
    points = readCodes(zero, count(zero), form, lifter);
  Value zeros;
  if (!llvm::all_of(points, [&](uint8_t point) {
        return point == form.getDefaultZero();
      }))
    zeros = makeWeight(
        last, zero, beside, name + ".zeros",
        RankedTensorType::get({form.rows, form.getZerosRowBytes()}, byte),
        form.transposed,
        isKept && int64_t(points.size()) == form.rows * blocks &&
            blocks * form.bits % 8 == 0,
        [&] { return packZeros(points, form); }, lifter);
  else if (ParamOp param = zero ? lifter.getParam(zero) : ParamOp())
    (void)made[param]; // goes when nothing else reads it
  Value weight = lifter.create<DequantizeOp>(
      last, codes, scales, zeros, form.bits, form.block, form.keptColumns);
  if (form.transposed)
    weight = lifter.createTransposed(last, weight, {1, 0});
  lifter.replace(last, weight);
  return true;
}

/// A load of the numbers of `source`, which may be null, as a parameter of
/// this type. The bytes are those that the source has when `isShared`. What
/// was no parameter gets this name and goes before `beside`, if there is one.
Value LiftDequantize::makeWeight(Operation *root, Value source, ParamOp beside,
                                 const Twine &name, RankedTensorType type,
                                 bool transposed, bool isShared,
                                 function_ref<AsmResourceBlob()> pack,
                                 Lifter &lifter) {
  auto load = [&](ParamOp param) {
    return lifter.create<WeightOp>(root, param.getType(), param.getSymName());
  };
  ParamOp old = source ? lifter.getParam(source) : ParamOp();
  if (old && isShared && old.getType() == type)
    return load(old);
  if (old)
    for (Made &known : made[old])
      if (known.param.getType() == type && known.transposed == transposed)
        return load(known.param);

  auto resource = old ? dyn_cast<DenseResourceElementsAttr>(old.getValue())
                      : DenseResourceElementsAttr();
  isShared &= bool(resource);
  std::string text = old ? old.getSymName().str() : name.str();
  auto value =
      isShared ? DenseResourceElementsAttr::get(type, resource.getRawHandle())
               : makeResource(type, text, pack());
  Operation *place = old      ? old
                     : beside ? beside
                              : &getOperation().getBody()->front();
  OpBuilder builder(place);
  auto param = ParamOp::create(builder, root->getLoc(), text, value,
                               old ? old.getSymVisibilityAttr() : StringAttr());
  symbols->insert(param, Block::iterator(place));
  if (old)
    made[old].push_back({param, transposed, isShared});
  return load(param);
}

/// Parameters that nothing reads any more go, and what was made of them takes
/// their names, which recipes and reports know. Bytes keep one owner.
void LiftDequantize::settleParams() {
  llvm::DenseMap<StringAttr, SmallVector<WeightOp>> loads;
  getOperation().walk([&](WeightOp load) {
    loads[load.getParamAttr().getAttr()].push_back(load);
  });
  for (auto &[old, replacements] : made) {
    StringAttr name = old.getSymNameAttr();
    bool isRead = loads.contains(name), isTaken = isRead;
    for (Made &replacement : replacements) {
      ParamOp param = replacement.param;
      if (!replacement.isShared)
        continue;
      auto resource = cast<DenseResourceElementsAttr>(param.getValue());
      if (isTaken)
        param.setValueAttr(makeResource(
            param.getType(), param.getSymName(),
            HeapAsmResourceBlob::allocateAndCopyWithAlign(
                getBytes(resource), /*align=*/64, /*dataIsMutable=*/false)));
      isTaken = true;
    }
    if (isRead)
      continue;
    if (isTaken)
      old.erase();
    else
      eraseParam(old);
    if (replacements.size() != 1)
      continue;
    ParamOp param = replacements.front().param;
    for (WeightOp load : loads[param.getSymNameAttr()])
      load.setParamAttr(FlatSymbolRefAttr::get(name));
    param.setSymNameAttr(name);
  }
}

} // namespace
