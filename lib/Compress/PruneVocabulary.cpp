//===- PruneVocabulary.cpp - the tokens that a task needs -----------------===//

#include "UnitGroup.h"
#include "llmc/Compress/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/OutputFile.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MemoryBuffer.h"
#include <limits>
#include <numeric>

namespace llmc {
#define GEN_PASS_DEF_PRUNEVOCABULARY
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

static void setDim(Value value, int64_t axis, int64_t size) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = size;
  value.setType(type.clone(shape));
}

namespace {
/// A linear that makes logits, and the last value before they are returned.
struct Head {
  LinearOp linear;
  SmallVector<Value> values;
};

struct PruneVocabulary : llmc::impl::PruneVocabularyBase<PruneVocabulary> {
  using PruneVocabularyBase::PruneVocabularyBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (keep >= 0 && unknown >= -1 && multiple >= 1)
      return success();
    return emitError(UnknownLoc::get(context))
           << getArgument()
           << ": keep and unknown cannot be negative, multiple is positive";
  }

  void runOnOperation() override {
    main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult complain(Operation *op, const Twine &reason) {
    (strict ? op->emitError() : op->emitRemark())
        << getArgument() << ": the vocabulary stays as it is: " << reason;
    return failure(strict);
  }
  LogicalResult run();
  /// The embedding that reads the input.
  EmbeddingOp findEmbedding();
  /// Why the uses of a weight cannot be narrowed; empty if they can.
  std::string checkUses(const UsedWeight &weight, int64_t size);
  std::string addHead(LinearOp linear);
  /// The ids that stay, ascending.
  FailureOr<std::vector<int64_t>> choose(ParamOp embedding, int64_t size);
  LogicalResult readTokens(llvm::BitVector &kept);
  void narrow(ArrayRef<UsedWeight> weights, ArrayRef<int64_t> ids);
  Value loadTable(OpBuilder &builder, Location location, ParamOp table);

  func::FuncOp main;
  SmallVector<Head> heads;
};
} // namespace

EmbeddingOp PruneVocabulary::findEmbedding() {
  EmbeddingOp found;
  if (main)
    main.walk([&](EmbeddingOp op) {
      Value ids = op.getIds();
      while (isa_and_nonnull<ReshapeOp, CastOp, SqueezeOp, UnsqueezeOp>(
          ids.getDefiningOp()))
        ids = ids.getDefiningOp()->getOperand(0);
      auto argument = dyn_cast<BlockArgument>(ids);
      if (found || !argument || argument.getOwner()->getParentOp() != main)
        return;
      auto name =
          main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), nameAttr);
      if (name && name.getValue() == input)
        found = op;
    });
  return found;
}

std::string PruneVocabulary::addHead(LinearOp linear) {
  Head head{linear, {linear}};
  if (Value bias = linear.getBias()) {
    auto load = bias.getDefiningOp<WeightOp>();
    if (!load || !load->hasOneUse())
      return "the bias of the logits is no parameter of its own";
    unsigned loads = 0;
    getOperation().walk(
        [&](WeightOp other) { loads += other.getParam() == load.getParam(); });
    if (loads > 1)
      return "the bias of the logits is read by others";
  }
  // What follows treats each logit alike, as a soft cap does.
  while (true) {
    Value value = head.values.back();
    if (!value.hasOneUse())
      break;
    Operation *user = *value.getUsers().begin();
    if (!isElementwise(user) ||
        !isa<FloatType>(getElementTypeOrSelf(user->getResult(0))))
      break;
    bool alike = llvm::all_of(user->getOperands(), [&](Value operand) {
      auto type = cast<RankedTensorType>(operand.getType());
      return operand == value || type.getRank() == 0 ||
             type.getShape().back() == 1;
    });
    if (!alike)
      break;
    head.values.push_back(user->getResult(0));
  }
  for (Operation *user : head.values.back().getUsers())
    if (!isa<func::ReturnOp>(user))
      return ("'" + user->getName().getStringRef() +
              "' op computes with the logits")
          .str();
  heads.push_back(std::move(head));
  return {};
}

std::string PruneVocabulary::checkUses(const UsedWeight &weight, int64_t size) {
  if (weight.otherUser)
    return ("'" + weight.otherUser->getName().getStringRef() +
            "' reads its weight too")
        .str();
  for (Value value : weight.values) {
    if (cast<RankedTensorType>(value.getType()).getDimSize(0) != size)
      return "its weight is read with other sizes";
    for (Operation *user : value.getUsers())
      if (auto linear = dyn_cast<LinearOp>(user))
        if (std::string reason = addHead(linear); !reason.empty())
          return reason;
  }
  return {};
}

LogicalResult PruneVocabulary::readTokens(llvm::BitVector &kept) {
  auto buffer = llvm::MemoryBuffer::getFile(tokens, /*IsText=*/true);
  if (!buffer)
    return main.emitError(getArgument())
           << ": '" << tokens << "': " << buffer.getError().message();
  StringRef rest = (*buffer)->getBuffer();
  while (!(rest = rest.ltrim()).empty()) {
    StringRef word = rest.take_until(llvm::isSpace);
    rest = rest.drop_front(word.size());
    uint64_t id;
    if (word.getAsInteger(10, id) || id >= kept.size())
      return main.emitError(getArgument())
             << ": '" << tokens << "': '" << word << "' is no id below "
             << kept.size();
    kept.set(id);
  }
  return success();
}

FailureOr<std::vector<int64_t>> PruneVocabulary::choose(ParamOp embedding,
                                                        int64_t size) {
  llvm::BitVector kept(size);
  ArrayRef<int64_t> counts =
      Statistics::of(&getContext()).lookupCounts(embedding.getSymName());
  if (int64_t(counts.size()) != size)
    counts = {};
  // The most frequent first, of equals the lowest.
  std::vector<int64_t> order(size);
  std::iota(order.begin(), order.end(), 0);
  if (!counts.empty())
    llvm::sort(order, [&](int64_t a, int64_t b) {
      return counts[a] != counts[b] ? counts[a] > counts[b] : a < b;
    });
  auto setId = [&](int64_t id, StringRef option) -> LogicalResult {
    if (id < 0 || id >= size)
      return main.emitError(getArgument())
             << ": " << option << ": there is no token " << id << "; there are "
             << size;
    kept.set(id);
    return success();
  };
  for (int64_t id : also)
    if (failed(setId(id, "also")))
      return failure();
  if (unknown >= 0 && failed(setId(unknown, "unknown")))
    return failure();
  if (!tokens.empty()) {
    if (failed(readTokens(kept)))
      return failure();
  } else if (counts.empty()) {
    if (failed(complain(embedding,
                        "nothing says which tokens stay; run llmc-calibrate "
                        "first, or give a file of tokens")))
      return failure();
    return std::vector<int64_t>();
  } else {
    for (int64_t id : order)
      if (keep ? int64_t(kept.count()) < keep : counts[id] > 0)
        kept.set(id);
  }
  size_t wanted = llvm::alignTo(std::max(1u, kept.count()), multiple);
  for (int64_t id : order)
    if (kept.count() < std::min<size_t>(wanted, size))
      kept.set(id);
  return std::vector<int64_t>(kept.set_bits_begin(), kept.set_bits_end());
}

Value PruneVocabulary::loadTable(OpBuilder &builder, Location location,
                                 ParamOp table) {
  return WeightOp::create(builder, location, table.getType(),
                          table.getSymName());
}

void PruneVocabulary::narrow(ArrayRef<UsedWeight> weights,
                             ArrayRef<int64_t> ids) {
  ParamOp first = weights.front().param;
  int64_t size = first.getType().getDimSize(weights.front().transposed),
          count = ids.size();
  SymbolTable symbols(getOperation());
  auto addTable = [&](StringRef suffix, ArrayRef<int64_t> rows) {
    auto bytes = std::make_shared<std::vector<int64_t>>(rows);
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(first);
    auto type = RankedTensorType::get({size}, builder.getI64Type());
    std::string name = (first.getSymName() + suffix).str();
    ArrayRef<char> data(reinterpret_cast<const char *>(bytes->data()),
                        bytes->size() * sizeof(int64_t));
    auto table = ParamOp::create(
        builder, first.getLoc(), name,
        makeResource(type, name, makeBlob(data, alignof(int64_t), bytes)),
        first.getSymVisibilityAttr());
    symbols.insert(table);
    return table;
  };
  // Of a token that is gone: the row of another, or one that does not exist.
  std::vector<int64_t> rows(size, count), logits(size, count);
  for (auto [row, id] : llvm::enumerate(ids))
    rows[id] = logits[id] = row;
  if (unknown >= 0)
    std::replace(rows.begin(), rows.end(), count, rows[unknown]);
  ParamOp rowTable = addTable(".rows", rows), logitTable;
  if (!heads.empty())
    logitTable = unknown >= 0 ? addTable(".logits", logits) : rowTable;

  for (const UsedWeight &weight : weights)
    for (Value value : weight.values)
      for (Operation *user : value.getUsers())
        if (auto embedding = dyn_cast<EmbeddingOp>(user)) {
          OpBuilder b(embedding);
          embedding.getIdsMutable().assign(GatherOp::create(
              b, embedding.getLoc(), loadTable(b, embedding.getLoc(), rowTable),
              embedding.getIds(), 0));
        }
  for (Head &head : heads) {
    if (Value bias = head.linear.getBias()) {
      auto load = bias.getDefiningOp<WeightOp>();
      selectParam(symbols.lookup<ParamOp>(load.getParam()), 0, ids);
      setDim(bias, 0, count);
    }
    int64_t last = head.linear.getType().getRank() - 1;
    Value value = head.values.back();
    OpBuilder b(&getContext());
    b.setInsertionPointAfterValue(value);
    Location loc = value.getLoc();
    SmallVector<Operation *> users(value.getUsers());
    Type whole = value.getType();
    for (Value narrow : head.values)
      setDim(narrow, last, count);
    SmallVector<int64_t> pads(2 * (last + 1));
    pads.back() = 1;
    Type element = head.linear.getType().getElementType();
    Value padded = PadOp::create(
        b, loc, PadMode::Constant, value, createI64Constant(b, loc, pads),
        createScalarConstant(b, loc, element,
                             -std::numeric_limits<double>::infinity()));
    Value spread =
        GatherOp::create(b, loc, padded, loadTable(b, loc, logitTable), last);
    spread.setType(whole);
    for (Operation *user : users)
      user->replaceUsesOfWith(value, spread);
  }
  for (const UsedWeight &weight : weights) {
    ParamOp param = weight.param;
    int64_t before = *getByteSize(param.getType());
    selectParam(param, weight.transposed, ids);
    int64_t after = *getByteSize(param.getType());
    bytesBefore += before;
    bytesAfter += after;
    for (Value value : weight.values) {
      setDim(value, 0, count);
      if (weight.transposed)
        setDim(value.getDefiningOp()->getOperand(0), 1, count);
    }
    using mlir::remark::metric;
    mlir::remark::passed(
        param.getLoc(),
        mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
        << metric("param", param.getSymName()) << metric("removed", "tokens")
        << metric("units_before", size) << metric("units_after", count)
        << metric("bytes_before", before) << metric("bytes_after", after);
  }
  numTokens += size - count;
}

LogicalResult PruneVocabulary::run() {
  heads.clear();
  EmbeddingOp embedding = findEmbedding();
  if (!embedding)
    return complain(getOperation(), "no embedding reads an input '" +
                                        Twine(input) +
                                        "'; run llmc-lift first");
  int64_t size = embedding.getWeight().getType().getDimSize(0);
  SmallVector<UsedWeight> weights;
  for (UsedWeight &weight : collectUsedWeights(getOperation())) {
    bool isOwn = llvm::is_contained(weight.values, embedding.getWeight());
    // A head of its own is a linear of as many rows.
    bool isHead =
        !weight.inEmbedding && !weight.otherUser &&
        cast<RankedTensorType>(weight.values.front().getType()).getDimSize(0) ==
            size;
    if (isHead) {
      size_t numHeads = heads.size();
      isHead = checkUses(weight, size).empty();
      if (!isHead)
        heads.resize(numHeads);
    }
    if (isOwn) {
      if (std::string reason = checkUses(weight, size); !reason.empty())
        return complain(weight.param, reason);
      weights.insert(weights.begin(), weight);
    } else if (isHead) {
      weights.push_back(weight);
    }
  }
  if (weights.empty() ||
      !llvm::is_contained(weights.front().values, embedding.getWeight()))
    return complain(embedding, "its weight is not a parameter; prune before "
                               "weights are quantized");
  if (!getFloatFormat(weights.front().param.getType().getElementType()))
    return complain(embedding, "its weight is not f32, f16 or bf16");
  ParamOp param = weights.front().param;
  auto ids = choose(param, size);
  if (failed(ids))
    return failure();
  if (ids->empty())
    return success();
  if (int64_t(ids->size()) == size)
    return complain(param, "all of its " + Twine(size) + " tokens are to stay");

  if (!map.empty()) {
    auto file = OutputFile::create(map);
    if (!file)
      return main.emitError(getArgument())
             << ": " << llvm::toString(file.takeError());
    for (int64_t id : *ids)
      (*file)->os() << id << '\n';
    if (llvm::Error error = (*file)->keep())
      return main.emitError(getArgument())
             << ": " << llvm::toString(std::move(error));
  }
  Statistics &statistics = Statistics::of(&getContext());
  if (ArrayRef<int64_t> counts = statistics.lookupCounts(param.getSymName());
      int64_t(counts.size()) == size) {
    std::vector<int64_t> stayed;
    for (int64_t id : *ids)
      stayed.push_back(counts[id]);
    statistics.setCounts(param.getSymName(), stayed);
  }
  narrow(weights, *ids);
  return success();
}
