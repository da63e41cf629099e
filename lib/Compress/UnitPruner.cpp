//===- UnitPruner.cpp - which units go, and what makes up for them
//------------===//

#include "UnitPruner.h"
#include "llmc/Calibrate/Blocks.h"
#include "llmc/Compress/WeightUses.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Regex.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace llmc;

static std::string toText(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", number);
  return text;
}

LogicalResult UnitPruneOptions::verify(MLIRContext *context,
                                       StringRef pass) const {
  auto fail = [&](const Twine &problem) {
    return emitError(UnknownLoc::get(context)) << pass << ": " << problem;
  };
  if (!(ratio > 0 && ratio < 1))
    return fail("ratio is " + toText(ratio) + "; it must be between 0 and 1");
  if (multiple < 1)
    return fail("multiple is " + Twine(multiple) + "; it must be positive");
  if (!(damping >= 0 && std::isfinite(damping)))
    return fail("damping must not be negative");
  return verifySkip(context, pass, skip);
}

void UnitPruner::keep(const Place &place, const Twine &reason) {
  ++numSkipped;
  complained = true;
  auto linear = dyn_cast<LinearOp>(place.anchor);
  if (ParamOp param = linear ? findParam(linear.getWeight()) : ParamOp())
    complain(param) << "'" << param.getSymName() << "' keeps all its "
                    << unitName << ": " << reason;
  else
    complain(place.anchor) << "'" << place.anchor->getName()
                           << "' op keeps all its " << unitName << ": "
                           << reason;
}

/// Columns' scores for consumers of a weight.
static std::vector<double> scoreColumns(const Matrix<float> &weight,
                                        const InputStatistics *input,
                                        PruneMethod method) {
  std::vector<double> scores(weight.columns);
  for (int64_t i = 0; i < weight.rows; ++i)
    for (int64_t j = 0; j < weight.columns; ++j)
      scores[j] += double(weight(i, j)) * weight(i, j);
  for (int64_t j = 0; j < weight.columns; ++j) {
    if (method == PruneMethod::Flap)
      scores[j] *= std::max(0.0f, input->getVariance(j));
    else
      scores[j] = std::sqrt(
          scores[j] * (method == PruneMethod::Activation
                           ? double(std::max(0.0f, input->getMeanSquare(j)))
                           : 1.0));
  }
  return scores;
}

void UnitPruner::add(Value value, int64_t axis, UnitMap units,
                     Operation *anchor) {
  ModelUses uses(module);
  UnitGroup group(uses);
  Place place{value, axis, units, anchor, {}};
  bool followed = succeeded(group.follow(value, axis, units));
  // Places that share parameters are one.
  for (const UnitGroup::Consumer &consumer : group.getConsumers())
    if (!covered.insert(consumer.op).second)
      return;
  if (!options.skip.empty()) {
    llvm::Regex skipped(options.skip);
    for (ParamOp param : group.getParams())
      if (skipped.match(param.getSymName())) {
        hasSkipped = true;
        return;
      }
  }
  if (!followed)
    return keep(place, group.getObstacle());
  if (score(group, place))
    places.push_back(std::move(place));
}

/// How many of `count` stay when `removed` are to go.
static int64_t roundKept(int64_t count, double removed, int64_t multiple) {
  int64_t kept = std::llround((count - removed) / multiple) * multiple;
  return std::min(count, std::max(kept, multiple));
}

bool UnitPruner::score(const UnitGroup &group, Place &place) {
  auto reject = [&](const Twine &reason) {
    keep(place, reason);
    return false;
  };
  int32_t numUnits = *llvm::max_element(place.units) + 1;
  std::vector<double> scores(numUnits);
  SmallVector<UnitGroup::Consumer> consumers = group.getConsumers();
  if (consumers.empty())
    return reject("no linear sums over them");
  // In an order of their own where one weight decides; otherwise each as if it
  // went alone. Of all layers together twice as many may go from one.
  int64_t numOrdered = 0;
  if (group.getEqualCounts().empty() &&
      llvm::all_of(consumers, [&](UnitGroup::Consumer &consumer) {
        auto matrix = getMatrixParam(consumer.op.getWeight()),
             first = getMatrixParam(consumers.front().op.getWeight());
        return matrix && first && matrix->param == first->param;
      })) {
    double share = options.ratio * (options.scope == UnitScope::Global ? 2 : 1);
    numOrdered =
        numUnits - roundKept(numUnits, share * numUnits, options.multiple);
  }
  llvm::DenseSet<ParamOp> done;
  for (UnitGroup::Consumer &consumer : consumers) {
    auto matrix = getMatrixParam(consumer.op.getWeight());
    if (!matrix)
      return reject("the weight of 'llmc.linear' is not a parameter of floats");
    if (!done.insert(matrix->param).second)
      continue;
    StringRef name = matrix->param.getSymName();
    Statistics::Input input = Statistics::of(module.getContext()).lookup(name);
    if (input && input->columns != int64_t(consumer.units.size()))
      input = nullptr;
    if (!input && (options.method != PruneMethod::Magnitude ||
                   options.compensate != Compensation::None))
      return reject("no statistics of its input; run llmc-calibrate first");
    if (options.method == PruneMethod::OBS) {
      auto costs = scoreOBS(readMatrix(*matrix), *input, consumer.units,
                            numUnits, numOrdered,
                            options.compensate == Compensation::Bias ||
                                options.compensate == Compensation::RefitBias,
                            options.damping);
      if (failed(costs))
        return reject("the statistics of its input are singular; give a "
                      "larger damping");
      for (auto [score, cost] : llvm::zip(scores, *costs))
        score += cost;
      continue;
    }
    std::vector<double> columns =
        scoreColumns(readMatrix(*matrix), input.get(), options.method);
    for (auto [column, unit] : llvm::enumerate(consumer.units))
      if (unit != keptPosition)
        scores[unit] += columns[column];
  }
  if (!llvm::all_of(scores, [](double score) { return std::isfinite(score); }))
    return reject("its scores are not finite");

  // One of each set goes with one of every other, the lowest first.
  auto sets = group.getEqualCounts();
  if (sets.size() > 1)
    return reject("attentions that share parameters have their heads in other "
                  "groups");
  std::vector<SmallVector<int32_t>> members;
  if (sets.empty()) {
    members.emplace_back(numUnits);
    std::iota(members[0].begin(), members[0].end(), 0);
  } else {
    members = sets.front();
  }
  for (SmallVector<int32_t> &set : members)
    llvm::sort(set, [&](int32_t a, int32_t b) {
      return std::pair(scores[a], a) < std::pair(scores[b], b);
    });
  place.choices.resize(members.front().size());
  for (const SmallVector<int32_t> &set : members)
    for (auto [i, unit] : llvm::enumerate(set)) {
      place.choices[i].units.push_back(unit);
      place.choices[i].score += scores[unit];
    }
  return true;
}

void UnitPruner::chooseOfEach() {
  for (Place &place : places) {
    int64_t count = place.choices.size();
    place.numRemoved =
        count - roundKept(count, options.ratio * count, options.multiple);
  }
}

void UnitPruner::chooseOfAll() {
  // Scores of a layer say little about those of another; how far they are from
  // their mean does.
  std::vector<std::pair<double, Place *>> all;
  double total = 0;
  for (Place &place : places) {
    double count = place.choices.size(), mean = 0, square = 0;
    for (const Choice &choice : place.choices)
      mean += choice.score / count;
    for (const Choice &choice : place.choices)
      square += (choice.score - mean) * (choice.score - mean) / count;
    double deviation = square > 0 ? std::sqrt(square) : 1;
    for (const Choice &choice : place.choices)
      all.push_back({(choice.score - mean) / deviation, &place});
    total += count;
  }
  llvm::sort(all);
  all.resize(std::llround(options.ratio * total));
  for (auto &[score, place] : all)
    ++place->numRemoved;
  for (Place &place : places) {
    int64_t count = place.choices.size();
    place.numRemoved =
        count - roundKept(count, place.numRemoved, options.multiple);
  }
}

static int64_t countBytes(ParamOp param) {
  return getByteSize(param.getType()).value_or(0);
}

void UnitPruner::remove(Place &place) {
  // What was removed elsewhere may have changed what there is to follow.
  ModelUses uses(module);
  UnitGroup group(uses);
  bool followed = succeeded(group.follow(place.value, place.axis, place.units));
  (void)followed;
  assert(followed && "could be followed before");
  llvm::BitVector kept(*llvm::max_element(place.units) + 1, true);
  for (const Choice &choice :
       ArrayRef(place.choices).take_front(place.numRemoved))
    for (int32_t unit : choice.units)
      kept.reset(unit);

  Statistics &statistics = Statistics::of(module.getContext());
  llvm::MapVector<ParamOp, SmallVector<UnitGroup::Consumer>> weights;
  for (UnitGroup::Consumer &consumer : group.getConsumers())
    weights[getMatrixParam(consumer.op.getWeight())->param].push_back(consumer);
  std::vector<CompensatedWeight> made;
  if (options.compensate != Compensation::None)
    for (auto &[param, consumers] : weights) {
      llvm::BitVector removed(consumers.front().units.size());
      for (auto [column, unit] : llvm::enumerate(consumers.front().units))
        removed[column] = unit != keptPosition && !kept[unit];
      auto result = compensate(
          readMatrix(*getMatrixParam(consumers.front().op.getWeight())),
          *statistics.lookup(param.getSymName()), removed, options.compensate,
          options.damping);
      if (failed(result))
        return keep(place, "the statistics of its input are singular; give a "
                           "larger damping");
      made.push_back(std::move(*result));
    }
  for (auto [weight, result] : llvm::zip(weights, made)) {
    auto &[param, consumers] = weight;
    writeMatrix(*getMatrixParam(consumers.front().op.getWeight()),
                result.weight);
    SmallVector<LinearOp> linears;
    for (UnitGroup::Consumer &consumer : consumers)
      linears.push_back(consumer.op);
    if (!result.bias.empty())
      addBias(linears, param, result.bias);
  }

  SmallVector<ParamOp> params = group.getParams();
  SmallVector<int64_t> before = llvm::map_to_vector(params, countBytes);
  group.apply(kept, statistics);
  ++numPlaces;
  numRemoved += kept.size() - kept.count();
  for (auto [param, oldBytes] : llvm::zip(params, before)) {
    int64_t bytes = countBytes(param);
    bytesBefore += oldBytes;
    bytesAfter += bytes;
    using mlir::remark::metric;
    mlir::remark::passed(
        param.getLoc(),
        mlir::remark::RemarkOpts::name(pass).category(compressRemarks))
        << metric("param", param.getSymName())
        << metric("group", weights.front().first.getSymName())
        << metric("removed", weights.contains(param) ? "columns" : "rows")
        << metric("units_before", int64_t(kept.size()))
        << metric("units_after", int64_t(kept.count()))
        << metric("bytes_before", oldBytes) << metric("bytes_after", bytes);
  }
}

LogicalResult UnitPruner::run() {
  if (places.empty() && !complained && !hasSkipped &&
      !module->hasAttr(blockAttr)) {
    complain(module) << pass << ": found no " << unitName
                     << " to remove; run llmc-lift first";
    return failure(options.strict);
  }
  if (options.scope == UnitScope::Layer)
    chooseOfEach();
  else
    chooseOfAll();
  for (Place &place : places) {
    if (place.numRemoved) {
      remove(place);
      continue;
    }
    if (options.scope == UnitScope::Global)
      continue;
    keep(place, "a ratio of " + toText(options.ratio) + " of " +
                    Twine(place.choices.size()) + " in multiples of " +
                    Twine(options.multiple) + " is none");
  }
  return failure(complained && options.strict);
}
