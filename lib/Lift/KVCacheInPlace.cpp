//===- KVCacheInPlace.cpp - a cache that is updated, not copied -----------===//

#include "llmc/Lift/KVCache.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Runtime/ArtifactFormat.h"

namespace llmc {
#define GEN_PASS_DEF_KVCACHEINPLACE
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

static constexpr int64_t rowAxis = KVCache::rowAxis;

namespace {

struct KVCacheInPlace : llmc::impl::KVCacheInPlaceBase<KVCacheInPlace> {
  void runOnOperation() override;
};

} // namespace

static StringRef getOnnxName(DictionaryAttr attributes) {
  auto name =
      attributes ? attributes.getAs<StringAttr>(nameAttr) : StringAttr();
  return name ? name.getValue() : StringRef();
}

/// `attributes` for a state: the capacity is no size of the model's.
static DictionaryAttr getStateAttrs(DictionaryAttr attributes,
                                    StringRef partner, OpBuilder &builder) {
  NamedAttrList list(attributes);
  list.set(stateAttr, builder.getStringAttr(partner));
  if (auto dims = attributes.getAs<ArrayAttr>(dimsAttr);
      dims && dims.size() == 4) {
    SmallVector<Attribute> names(dims.begin(), dims.end());
    names[rowAxis] = builder.getStringAttr("capacity");
    list.set(dimsAttr, builder.getArrayAttr(names));
  }
  return list.getDictionary(builder.getContext());
}

/// Every shape of the old argument, with the number of valid rows in it.
static void replaceShapes(BlockArgument past, Value cache, Value pastLength) {
  for (Operation *user : llvm::make_early_inc_range(past.getUsers())) {
    auto shape = dyn_cast<ShapeOp>(user);
    if (!shape)
      continue;
    int64_t start = shape.getStart(), end = shape.getEnd();
    OpBuilder builder(shape);
    Location loc = shape.getLoc();
    if (start > rowAxis || end <= rowAxis) {
      shape.getOperandMutable().assign(cache);
      continue;
    }
    SmallVector<Value> parts;
    if (start < rowAxis)
      parts.push_back(ShapeOp::create(builder, loc, cache, start, rowAxis));
    parts.push_back(
        UnsqueezeOp::create(builder, loc, pastLength, ArrayRef<int64_t>{0}));
    if (end > rowAxis + 1)
      parts.push_back(ShapeOp::create(builder, loc, cache, rowAxis + 1, end));
    Value all = parts.size() == 1
                    ? parts[0]
                    : ConcatOp::create(builder, loc, parts, 0).getResult();
    shape.replaceAllUsesWith(all);
    shape.erase();
  }
}

/// Writes the new rows into `cache`; the concatenation becomes its valid rows.
/// Returns the updated cache.
static Value replaceAppend(ConcatOp append, Value cache, Value pastLength) {
  OpBuilder builder(append);
  Location loc = append.getLoc();
  Value rows = append.getInputs()[1];
  Value updated =
      TensorScatterOp::create(builder, loc, cache, rows, pastLength, rowAxis);
  Value added = SqueezeOp::create(
      builder, loc,
      ShapeOp::create(builder, loc, rows, rowAxis, rowAxis + 1).getResult(),
      ArrayRef<int64_t>{0});
  Value length = AddOp::create(builder, loc, pastLength, added);
  auto valid = PrefixOp::create(builder, loc, updated, length, rowAxis);
  // What inference knew of the concatenation still holds.
  valid.getResult().setType(append.getType());
  append.replaceAllUsesWith(valid.getResult());
  append.erase();
  return updated;
}

/// Puts results in the order of `order`.
static void permuteResults(func::FuncOp function, func::ReturnOp returnOp,
                           ArrayRef<unsigned> order,
                           ArrayRef<DictionaryAttr> attributes) {
  SmallVector<Value> operands;
  SmallVector<DictionaryAttr> permuted;
  for (unsigned index : order) {
    operands.push_back(returnOp.getOperand(index));
    permuted.push_back(attributes[index]);
  }
  returnOp->setOperands(operands);
  function.setFunctionType(FunctionType::get(function.getContext(),
                                             function.getArgumentTypes(),
                                             ValueRange(operands).getTypes()));
  function.setAllResultAttrs(permuted);
}

void KVCacheInPlace::runOnOperation() {
  auto function = getOperation().lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal())
    return;
  auto returnOp =
      dyn_cast<func::ReturnOp>(function.getBody().back().getTerminator());
  if (!returnOp)
    return;
  SmallVector<KVCache> caches = findKVCaches(function);
  if (caches.empty())
    return;

  MLIRContext *context = &getContext();
  OpBuilder builder(context);
  SmallVector<DictionaryAttr> argAttrs, resultAttrs;
  auto orEmpty = [&](DictionaryAttr attributes) {
    return attributes ? attributes : DictionaryAttr::get(context);
  };
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    argAttrs.push_back(orEmpty(function.getArgAttrDict(i)));
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    resultAttrs.push_back(orEmpty(function.getResultAttrDict(i)));
  for (DictionaryAttr attributes : argAttrs)
    if (getOnnxName(attributes) == artifact::kPastLength) {
      function.emitError("has an argument called '")
          << artifact::kPastLength
          << "' already: import the model without this pass, or rename it";
      return signalPassFailure();
    }

  // States and the length go behind the inputs that stay.
  llvm::BitVector erased(function.getNumArguments());
  SmallVector<unsigned> order;
  llvm::BitVector isState(function.getNumResults());
  for (KVCache &cache : caches)
    isState.set(cache.result);
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (!isState.test(i))
      order.push_back(i);
  for (KVCache &cache : caches) {
    unsigned number = cache.past.getArgNumber();
    erased.set(number);
    order.push_back(cache.result);
    StringRef past = getOnnxName(argAttrs[number]),
              present = getOnnxName(resultAttrs[cache.result]);
    (void)function.insertArgument(
        function.getNumArguments(), cache.past.getType(),
        getStateAttrs(argAttrs[number], present, builder), cache.past.getLoc());
    resultAttrs[cache.result] =
        getStateAttrs(resultAttrs[cache.result], past, builder);
  }
  Location lengthLoc =
      NameLoc::get(builder.getStringAttr(artifact::kPastLength));
  (void)function.insertArgument(
      function.getNumArguments(),
      RankedTensorType::get({}, builder.getI64Type()),
      builder.getDictionaryAttr(
          {builder.getNamedAttr(nameAttr,
                                builder.getStringAttr(artifact::kPastLength)),
           builder.getNamedAttr(dimsAttr, builder.getArrayAttr({})),
           builder.getNamedAttr(sizeAttr, builder.getUnitAttr())}),
      lengthLoc);
  Value pastLength = function.getArguments().back();
  unsigned first = function.getNumArguments() - 1 - caches.size();
  for (auto [index, cache] : llvm::enumerate(caches)) {
    Value state = function.getArgument(first + index);
    replaceShapes(cache.past, state, pastLength);
    Value updated = replaceAppend(cache.append, state, pastLength);
    returnOp->setOperand(cache.result, updated);
    ++numStates;
  }
  erased.resize(function.getNumArguments());
  (void)function.eraseArguments(erased);
  permuteResults(function, returnOp, order, resultAttrs);
}
