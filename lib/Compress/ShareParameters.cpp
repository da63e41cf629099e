//===- ShareParameters.cpp - equal parameters become one ------------------===//

#include "llmc/Calibrate/Statistics.h"
#include "llmc/Compress/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/xxhash.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_SHAREPARAMETERS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// A parameter that may become one with another.
struct Candidate {
  ParamOp param;
  SmallVector<WeightOp> loads;
  ArrayRef<char> bytes;
  /// Owns the bytes where no blob does.
  std::unique_ptr<SmallVector<char>> copy;
  /// Equal for equal matrices and for their transposes.
  uint64_t hash = 0;
  /// Of floats, when there is a tolerance.
  double norm = 0;
  bool inEmbedding = false;

  RankedTensorType getType() { return param.getType(); }
};

/// How a parameter is what another one is.
struct Match {
  bool transposed = false;
  double error = 0;
};

/// Bits of the elements that can be compared one by one; 0 if they cannot.
int64_t getElementBytes(RankedTensorType type) {
  unsigned width = type.getElementTypeBitWidth();
  return width == 1 ? 1 : width % 8 == 0 ? width / 8 : 0;
}

template <typename Word> uint64_t sumHashes(ArrayRef<char> bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i + sizeof(Word) <= bytes.size(); i += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes.data() + i, sizeof(Word));
    uint64_t mixed = (word + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
    sum += (mixed ^ mixed >> 29) * 0x94d049bb133111eb;
  }
  return sum;
}

/// Does not depend on the order of elements, so that a transpose has the same.
uint64_t hashElements(RankedTensorType type, ArrayRef<char> bytes) {
  switch (getElementBytes(type)) {
  case 1:
    return sumHashes<uint8_t>(bytes);
  case 2:
    return sumHashes<uint16_t>(bytes);
  case 4:
    return sumHashes<uint32_t>(bytes);
  case 8:
    return sumHashes<uint64_t>(bytes);
  default:
    return llvm::xxh3_64bits(ArrayRef(
        reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
  }
}

/// Calls `visit(i, j)`, elements of a and b that belong together, a tile after
/// the other; stops where `isDone` is true behind a tile.
template <typename Visit, typename IsDone>
void visitPairs(RankedTensorType type, bool transposed, Visit visit,
                IsDone isDone) {
  constexpr int64_t tile = 32;
  if (!transposed) {
    int64_t count = type.getNumElements();
    for (int64_t begin = 0; begin < count && !isDone(); begin += tile * tile)
      for (int64_t i = begin; i < std::min(begin + tile * tile, count); ++i)
        visit(i, i);
    return;
  }
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  for (int64_t top = 0; top < rows; top += tile)
    for (int64_t left = 0; left < columns && !isDone(); left += tile)
      for (int64_t row = top; row < std::min(top + tile, rows); ++row)
        for (int64_t column = left; column < std::min(left + tile, columns);
             ++column)
          visit(row * columns + column, column * rows + row);
}

bool areEqual(Candidate &a, Candidate &b, bool transposed) {
  if (!transposed)
    return a.bytes == b.bytes;
  int64_t size = getElementBytes(a.getType());
  bool equal = true;
  visitPairs(
      a.getType(), true,
      [&](int64_t i, int64_t j) {
        equal &= std::memcmp(a.bytes.data() + i * size,
                             b.bytes.data() + j * size, size) == 0;
      },
      [&] { return !equal; });
  return equal;
}

/// |a - b|, or infinity once that is more than `most`.
double getDistance(Candidate &a, Candidate &b, bool transposed, double most) {
  FloatFormat format = *getFloatFormat(a.getType().getElementType());
  double sum = 0, limit = most * most;
  visitPairs(
      a.getType(), transposed,
      [&](int64_t i, int64_t j) {
        double difference = double(loadFloat(a.bytes.data(), format, i)) -
                            loadFloat(b.bytes.data(), format, j);
        sum += difference * difference;
      },
      [&] { return !(sum <= limit); });
  return sum <= limit ? std::sqrt(sum) : HUGE_VAL;
}

class ParameterSharer {
public:
  ParameterSharer(ModuleOp module, StringRef pass, double tolerance)
      : module(module), pass(pass), tolerance(tolerance) {}

  std::vector<Candidate> collect(bool vectors, StringRef skip);
  void share(std::vector<Candidate> candidates);

  int64_t numShared = 0, bytesSaved = 0;

private:
  std::optional<Match> match(Candidate &kept, Candidate &other, bool exact);
  void replace(Candidate &kept, Candidate &other, Match match);

  ModuleOp module;
  StringRef pass;
  double tolerance;
};

std::vector<Candidate> ParameterSharer::collect(bool vectors, StringRef skip) {
  llvm::MapVector<StringAttr, Candidate> byName;
  llvm::Regex skipped(skip);
  for (ParamOp param : module.getOps<ParamOp>())
    if ((vectors || param.getType().getRank() != 1) &&
        (skip.empty() || !skipped.match(param.getSymName())))
      byName[param.getSymNameAttr()].param = param;
  // What another op names is not ours to take away.
  llvm::StringSet<> foreign;
  if (auto uses = SymbolTable::getSymbolUses(module))
    for (SymbolTable::SymbolUse use : *uses)
      if (!isa<WeightOp>(use.getUser()))
        foreign.insert(use.getSymbolRef().getRootReference());
  module.walk([&](WeightOp load) {
    auto *found = byName.find(load.getParamAttr().getAttr());
    if (found == byName.end())
      return;
    found->second.loads.push_back(load);
    for (OpOperand &use : load->getUses())
      if (auto embedding = dyn_cast<EmbeddingOp>(use.getOwner()))
        found->second.inEmbedding |= &use == &embedding.getWeightMutable();
  });
  std::vector<Candidate> candidates;
  auto add = [&](Candidate &candidate) {
    if (foreign.contains(candidate.param.getSymName()))
      return;
    candidate.copy = std::make_unique<SmallVector<char>>();
    candidate.bytes = getParamBytes(candidate.param, *candidate.copy);
    candidate.hash = hashElements(candidate.getType(), candidate.bytes);
    auto format = getFloatFormat(candidate.getType().getElementType());
    for (int64_t i = 0;
         tolerance > 0 && format && i < candidate.getType().getNumElements();
         ++i) {
      double value = loadFloat(candidate.bytes.data(), *format, i);
      candidate.norm += value * value;
    }
    candidate.norm = std::sqrt(candidate.norm);
    candidates.push_back(std::move(candidate));
  };
  // The [V, D] that an embedding reads stays rather than a [D, V].
  for (bool inEmbedding : {true, false})
    for (auto &[name, candidate] : byName)
      if (candidate.inEmbedding == inEmbedding)
        add(candidate);
  return candidates;
}

std::optional<Match> ParameterSharer::match(Candidate &kept, Candidate &other,
                                            bool exact) {
  RankedTensorType a = kept.getType(), b = other.getType();
  if (a.getElementType() != b.getElementType())
    return std::nullopt;
  for (bool transposed : {false, true}) {
    if (transposed
            ? a.getRank() != 2 || b.getRank() != 2 || !getElementBytes(a) ||
                  a.getDimSize(0) != b.getDimSize(1) ||
                  a.getDimSize(1) != b.getDimSize(0)
            : a != b)
      continue;
    if (exact) {
      if (kept.hash == other.hash && areEqual(kept, other, transposed))
        return Match{transposed, 0};
      continue;
    }
    // Norms differ by no more than that.
    double most = tolerance * other.norm;
    if (!getFloatFormat(a.getElementType()) || !std::isfinite(most) ||
        !(std::fabs(kept.norm - other.norm) <= most * (1 + 1e-9)))
      continue;
    double distance = getDistance(kept, other, transposed, most);
    if (std::isfinite(distance))
      return Match{transposed, other.norm > 0 ? distance / other.norm : 0};
  }
  return std::nullopt;
}

void ParameterSharer::share(std::vector<Candidate> candidates) {
  // Those that stay, by what equal ones have in common.
  using Key = std::tuple<Type, int64_t, uint64_t>;
  llvm::DenseMap<Key, SmallVector<Candidate *>> keptBy;
  for (Candidate &candidate : candidates) {
    RankedTensorType type = candidate.getType();
    auto find = [&](bool exact) {
      SmallVector<Candidate *> &kept =
          keptBy[{type.getElementType(), type.getNumElements(),
                  exact ? candidate.hash : 0}];
      for (Candidate *each : kept)
        if (std::optional<Match> found = match(*each, candidate, exact)) {
          replace(*each, candidate, *found);
          return true;
        }
      return false;
    };
    if (find(/*exact=*/true) || (tolerance > 0 && find(/*exact=*/false)))
      continue;
    for (uint64_t hash : {candidate.hash, uint64_t(0)})
      keptBy[{type.getElementType(), type.getNumElements(), hash}].push_back(
          &candidate);
  }
}

void ParameterSharer::replace(Candidate &kept, Candidate &other, Match match) {
  for (WeightOp load : other.loads) {
    OpBuilder builder(load);
    auto value = WeightOp::create(builder, load.getLoc(), kept.getType(),
                                  kept.param.getSymName());
    kept.loads.push_back(value);
    if (!match.transposed) {
      load->replaceAllUsesWith(value);
      load->erase();
      continue;
    }
    for (Operation *user : llvm::make_early_inc_range(load->getUsers())) {
      auto transpose = dyn_cast<TransposeOp>(user);
      if (!transpose || transpose.getPerm() != ArrayRef<int64_t>{1, 0})
        continue;
      transpose.replaceAllUsesWith(value.getResult());
      transpose->erase();
    }
    if (!load->use_empty())
      load->replaceAllUsesWith(
          TransposeOp::create(builder, load.getLoc(), load.getType(), value,
                              builder.getDenseI64ArrayAttr({1, 0})));
    load->erase();
  }
  Statistics::of(module.getContext())
      .merge(other.param.getSymName(), kept.param.getSymName());
  int64_t bytes = other.bytes.size();
  ++numShared;
  bytesSaved += bytes;
  using mlir::remark::metric;
  mlir::remark::passed(
      other.param.getLoc(),
      mlir::remark::RemarkOpts::name(pass).category(compressRemarks))
      << metric("param", other.param.getSymName())
      << metric("shared_with", kept.param.getSymName())
      << metric("transposed", match.transposed ? "true" : "false")
      << metric("weights", other.getType().getNumElements())
      << metric("bytes_before", bytes) << metric("bytes_after", int64_t(0))
      << metric("relative_error", match.error);
  eraseParam(other.param);
}

struct ShareParameters : llmc::impl::ShareParametersBase<ShareParameters> {
  using ShareParametersBase::ShareParametersBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (!(tolerance >= 0 && tolerance < 1))
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": tolerance is " << double(tolerance)
             << "; it must be at least 0 and below 1";
    return verifySkip(context, getArgument(), skip);
  }

  void runOnOperation() override {
    ParameterSharer sharer(getOperation(), getArgument(), tolerance);
    sharer.share(sharer.collect(vectors, skip));
    numShared += sharer.numShared;
    bytesSaved += sharer.bytesSaved;
  }
};
} // namespace
