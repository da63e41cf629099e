//===- GroupHeads.cpp - heads that share keys and values ------------------===//

#include "HeadTrace.h"
#include "MergeHeads.h"
#include "UnitPruner.h"
#include "llmc/Compress/WeightUses.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/Regex.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_GROUPHEADS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
/// An attention and the weights of its heads; `output` only if needed.
struct Site {
  AttentionOp attention;
  int64_t heads, groups;
  HeadWeight query, key, value, output;
};

/// Weights and biases while they change: several may be one parameter.
class Values {
public:
  Matrix<float> &get(const HeadWeight &weight) {
    auto [at, isNew] =
        matrices.insert({weight.matrix.param, {weight.matrix, {}}});
    if (isNew)
      at->second.second = readMatrix(weight.matrix);
    return at->second.second;
  }
  std::vector<float> &getBias(ParamOp param) {
    auto [at, isNew] = biases.insert({param, {}});
    if (isNew) {
      SmallVector<char> copy;
      const char *data = getParamBytes(param, copy).data();
      FloatFormat format = *getFloatFormat(param.getType().getElementType());
      for (int64_t i = 0; i < param.getType().getNumElements(); ++i)
        at->second.push_back(loadFloat(data, format, i));
    }
    return at->second;
  }
  void write() {
    for (auto &[param, entry] : matrices)
      writeMatrix(entry.first, entry.second);
    for (auto &[param, values] : biases) {
      FloatFormat format = *getFloatFormat(param.getType().getElementType());
      auto bytes = std::make_shared<std::vector<char>>(values.size() *
                                                       getFloatBytes(format));
      for (auto [i, value] : llvm::enumerate(values))
        storeFloat(bytes->data(), format, i, value);
      replaceValue(param,
                   makeResource(param.getType(), param.getSymName(),
                                makeBlob(*bytes, alignof(float), bytes)));
    }
  }

private:
  llvm::MapVector<ParamOp, std::pair<MatrixParam, Matrix<float>>> matrices;
  llvm::MapVector<ParamOp, std::vector<float>> biases;
};

struct GroupHeads : llmc::impl::GroupHeadsBase<GroupHeads> {
  using GroupHeadsBase::GroupHeadsBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  InFlightDiagnostic complain(Operation *op) {
    complained = true;
    return strict ? op->emitError() : op->emitRemark();
  }
  /// Says why an attention stays as it is.
  void keep(AttentionOp attention, const Twine &reason);
  int64_t chooseNumber(int64_t groups) const;
  /// Why it cannot be read, or nothing.
  std::string findSite(AttentionOp attention, Site &site);
  std::string checkSharing(Site &site, UnitGroup &group);
  void visit(AttentionOp attention);
  void merge(const Site &site, UnitGroup &group, int64_t number);

  llvm::DenseSet<Operation *> done;
  bool complained = false, hasSkipped = false;
};
} // namespace

LogicalResult GroupHeads::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  if ((heads != 0) == (ratio != 0))
    return fail() << "one of heads and ratio is needed";
  if (heads < 0)
    return fail() << "heads is " << int64_t(heads) << "; it must be positive";
  if (ratio != 0 && !(ratio > 0 && ratio < 1))
    return fail() << "ratio is " << double(ratio)
                  << "; it must be between 0 and 1";
  return verifySkip(context, getArgument(), skip);
}

void GroupHeads::keep(AttentionOp attention, const Twine &reason) {
  ++numSkipped;
  LinearOp output = findOutputLinear(attention);
  if (ParamOp param = output ? findParam(output.getWeight()) : ParamOp())
    complain(param) << "the attention in front of '" << param.getSymName()
                    << "' keeps its key-value heads: " << reason;
  else
    complain(attention) << "'llmc.attention' op keeps its key-value heads: "
                        << reason;
}

/// 0 if there is none.
int64_t GroupHeads::chooseNumber(int64_t groups) const {
  if (heads)
    return groups % heads == 0 ? int64_t(heads) : 0;
  for (int64_t number = groups - 1; number > 0; --number)
    if (groups % number == 0 && number <= (1 - ratio) * groups + 1e-9)
      return number;
  return 0;
}

/// How many elements of each head a rope rotates; negative if that is unknown.
static int64_t getRotated(RopeOp rope) {
  return rope ? 2 * rope.getCos().getType().getShape().back() : 0;
}

static constexpr StringLiteral advice =
    "group heads before weights are quantized";

std::string GroupHeads::findSite(AttentionOp attention, Site &site) {
  site.attention = attention;
  site.heads = attention.getQuery().getType().getDimSize(1);
  site.groups = attention.getKey().getType().getDimSize(1);
  for (Value operand :
       {attention.getQuery(), attention.getKey(), attention.getValue()})
    for (int64_t axis : {1, 3})
      if (cast<RankedTensorType>(operand.getType()).isDynamicDim(axis))
        return "its heads have sizes that are not known";
  std::string problem = site.key.findRows(attention.getKey(), "keys", advice);
  if (problem.empty())
    problem = site.value.findRows(attention.getValue(), "values", advice);
  if (problem.empty() && (site.value.rope || site.value.isNormalized))
    problem = "its values are rotated or normalized";
  if (!problem.empty() || method == GroupMethod::Mean)
    return problem;
  problem = site.query.findRows(attention.getQuery(), "queries", advice);
  if (problem.empty())
    problem = site.output.findColumns(attention, advice);
  if (!problem.empty())
    return problem;
  RopeOp rope = site.key.rope, other = site.query.rope;
  if (!rope != !other ||
      (rope && (rope.getInterleaved() != other.getInterleaved() ||
                getRotated(rope) != getRotated(other))))
    return "its keys and queries are not rotated alike";
  if (getRotated(rope) < 0)
    return "it is not known how many elements 'llmc.rope' rotates";
  const Statistics &statistics = Statistics::of(&getContext());
  for (HeadWeight *weight : {&site.query, &site.key, &site.value}) {
    ParamOp param = weight->matrix.param;
    Statistics::Input input = statistics.lookup(param.getSymName());
    if (!input ||
        input->columns != weight->linear.getWeight().getType().getDimSize(1))
      return ("no statistics of the input of '" + param.getSymName() +
              "'; run llmc-calibrate first")
          .str();
  }
  return {};
}

/// Whether weights that change are of nothing else than what changes.
std::string GroupHeads::checkSharing(Site &site, UnitGroup &group) {
  SmallVector<AttentionOp> attentions = group.getAttentions();
  for (AttentionOp attention : attentions) {
    Site other;
    std::string problem = findSite(attention, other);
    if (!problem.empty())
      return problem;
    if (!other.key.isLike(site.key) || !other.value.isLike(site.value) ||
        (method != GroupMethod::Mean && (!other.query.isLike(site.query) ||
                                         !other.output.isLike(site.output))))
      return "another attention shares some of its weights";
  }
  if (method == GroupMethod::Mean)
    return {};
  ModelUses uses(getOperation());
  UnitGroup whole(uses);
  UnitMap units(site.heads);
  for (int64_t i = 0; i < site.heads; ++i)
    units[i] = i / (site.heads / site.groups);
  if (failed(whole.follow(site.attention.getResult(), 1, units)))
    return whole.getObstacle().str();
  if (whole.getAttentions().size() != attentions.size() ||
      whole.getConsumers().size() != attentions.size())
    return "another op shares some of its weights";
  return {};
}

/// The rows of heads, the bias as their last column.
static Matrix<double> getRows(Values &values, const HeadWeight &weight) {
  const Matrix<float> &matrix = values.get(weight);
  Matrix<double> rows(weight.places.size(), matrix.columns + 1);
  for (auto [i, place] : llvm::enumerate(weight.places)) {
    for (int64_t j = 0; j < matrix.columns; ++j)
      rows(i, j) = matrix(place, j);
    if (weight.bias)
      rows(i, matrix.columns) = values.getBias(weight.bias)[place];
  }
  return rows;
}

static void setRow(Values &values, const HeadWeight &weight, int64_t element,
                   llvm::function_ref<double(int64_t)> get) {
  Matrix<float> &matrix = values.get(weight);
  int64_t place = weight.places[element];
  for (int64_t j = 0; j < matrix.columns; ++j)
    matrix(place, j) = get(j);
  if (weight.bias)
    values.getBias(weight.bias)[place] = get(matrix.columns);
}

/// E[h h^T] of heads h = rows (x; 1).
static Matrix<double> getProducts(const Matrix<double> &rows,
                                  const InputStatistics &input) {
  int64_t columns = input.columns;
  Matrix<double> gram(columns + 1, columns + 1), half(rows.rows, columns + 1),
      products(rows.rows, rows.rows);
  for (int64_t i = 0; i < columns; ++i) {
    for (int64_t j = 0; j < columns; ++j)
      gram(i, j) = input.gram[i * columns + j];
    gram(i, columns) = gram(columns, i) = input.mean[i];
  }
  gram(columns, columns) = 1;
  multiply(1, rows, false, gram, false, 0, half);
  multiply(1, half, false, rows, true, 0, products);
  return products;
}

static std::vector<HeadPart> getParts(RopeOp rope, int64_t size) {
  std::vector<HeadPart> parts;
  int64_t rotated = getRotated(rope), half = rotated / 2;
  for (int64_t i = 0; i < half; ++i) {
    if (rope.getInterleaved())
      parts.push_back({{2 * i, 2 * i + 1}, true});
    else
      parts.push_back({{i, i + half}, true});
  }
  if (rotated < size) {
    parts.push_back({});
    for (int64_t i = rotated; i < size; ++i)
      parts.back().elements.push_back(i);
  }
  return parts;
}

/// Adds the blocks of `products` that belong to the query heads of each head.
static std::vector<Matrix<double>> getCosts(int64_t groups, int64_t size,
                                            const Matrix<double> &products) {
  int64_t each = products.rows / size / groups;
  std::vector<Matrix<double>> costs(groups, Matrix<double>(size, size));
  for (int64_t head = 0; head < groups * each; ++head)
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j < size; ++j)
        costs[head / each](i, j) += products(head * size + i, head * size + j);
  return costs;
}

/// Adds to `costs` what pairs of heads lose, in parts of what all have.
static LogicalResult addPairCosts(const Heads &heads, Matrix<double> &costs) {
  double whole = 0;
  Matrix<double> lost(heads.count, heads.count);
  for (int64_t i = 0; i < heads.count; ++i)
    for (int64_t j = 0; j < i; ++j) {
      int64_t pair[] = {j, i};
      auto merged = mergeHeads(heads, pair);
      if (failed(merged))
        return failure();
      auto [cost, own] = getMergeCost(heads, pair, *merged);
      lost(i, j) = lost(j, i) = cost;
      whole += own;
    }
  for (int64_t i = 0; i < heads.count; ++i)
    for (int64_t j = 0; j < heads.count; ++j)
      costs(i, j) += whole > 0 ? lost(i, j) / whole : 0;
  return success();
}

/// Whether a mask tells heads apart.
static bool hasHeadMask(AttentionOp op) {
  if (!op.getMask())
    return false;
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(op.getMask().getType()).getShape();
  return shape.size() >= 3 && shape[shape.size() - 3] != 1;
}

void GroupHeads::merge(const Site &site, UnitGroup &group, int64_t number) {
  bool fits = method == GroupMethod::Statistics;
  int64_t groups = site.groups, members = groups / number,
          each = site.heads / groups, keySize = site.key.places.size() / groups,
          valueSize = site.value.places.size() / groups;
  Statistics &statistics = Statistics::of(&getContext());
  Values values;
  Matrix<double> keys = getRows(values, site.key),
                 vals = getRows(values, site.value), queries;
  Heads keyHeads{groups, keySize, {}, {}, getParts(site.key.rope, keySize)},
      valueHeads{groups, valueSize, {}, {}, getParts({}, valueSize)};
  bool mapsKeys = fits && !site.key.isNormalized && !site.query.isNormalized;
  Matrix<float> outputs;
  Matrix<double> costs(groups, groups);
  if (fits) {
    auto lookup = [&](const HeadWeight &weight) {
      return statistics.lookup(ParamOp(weight.matrix.param).getSymName());
    };
    queries = getRows(values, site.query);
    outputs = values.get(site.output);
    Matrix<double> columns(outputs.rows, site.output.places.size()),
        products(columns.columns, columns.columns);
    for (int64_t i = 0; i < outputs.rows; ++i)
      for (int64_t j = 0; j < columns.columns; ++j)
        columns(i, j) = outputs(i, site.output.places[j]);
    multiply(1, columns, true, columns, false, 0, products);
    valueHeads.products = getProducts(vals, *lookup(site.value));
    valueHeads.costs = getCosts(groups, valueSize, products);
    keyHeads.products = getProducts(keys, *lookup(site.key));
    keyHeads.costs =
        getCosts(groups, keySize, getProducts(queries, *lookup(site.query)));
    if (failed(addPairCosts(valueHeads, costs)) ||
        (mapsKeys && failed(addPairCosts(keyHeads, costs))))
      return keep(site.attention, "its statistics are not finite");
  }
  std::vector<SmallVector<int64_t>> chosen = groupHeads(
      fits && !hasHeadMask(site.attention) ? costs
                                           : Matrix<double>(groups, groups),
      number);

  MergedHead meanKey = meanOfHeads(members, keySize),
             meanValue = meanOfHeads(members, valueSize);
  // Of keys and values, fitted and as means: what is lost, what there was.
  double lost[2][2] = {}, whole[2] = {};
  llvm::BitVector kept(groups);
  for (int64_t index = 0; index < number; ++index) {
    ArrayRef<int64_t> heads = chosen[index];
    MergedHead key = meanKey, value = meanValue;
    if (fits) {
      auto fitted = mergeHeads(valueHeads, heads);
      if (failed(fitted))
        return keep(site.attention, "its statistics are not finite");
      value = std::move(*fitted);
      if (mapsKeys) {
        auto fitted = mergeHeads(keyHeads, heads);
        if (failed(fitted))
          return keep(site.attention, "its statistics are not finite");
        key = std::move(*fitted);
      }
      auto add = [&](const Heads &all, const MergedHead &best,
                     const MergedHead &mean, int which) {
        auto [cost, own] = getMergeCost(all, heads, best);
        lost[which][0] += cost;
        lost[which][1] += getMergeCost(all, heads, mean).first;
        whole[which] += own;
      };
      add(keyHeads, key, meanKey, 0);
      add(valueHeads, value, meanValue, 1);
    }
    // The first of the places of a group stays.
    int64_t unit = index * members;
    kept.set(unit);
    auto setRows = [&](const HeadWeight &weight, const Matrix<double> &old,
                       const MergedHead &merged, int64_t size) {
      for (int64_t i = 0; i < size; ++i)
        setRow(values, weight, unit * size + i, [&](int64_t j) {
          double sum = 0;
          for (int64_t k = 0; k < members * size; ++k)
            if (double factor = merged.rows(i, k))
              sum += factor * old(heads[k / size] * size + k % size, j);
          return sum;
        });
    };
    setRows(site.key, keys, key, keySize);
    setRows(site.value, vals, value, valueSize);
    for (int64_t member = 0; fits && member < members; ++member)
      for (int64_t e = 0; e < each; ++e) {
        int64_t from = heads[member] * each + e,
                to = (unit + member) * each + e;
        for (int64_t i = 0; i < keySize; ++i)
          setRow(values, site.query, to * keySize + i, [&](int64_t j) {
            double sum = 0;
            for (int64_t k = 0; k < keySize; ++k)
              if (double factor = key.maps[member](k, i))
                sum += factor * queries(from * keySize + k, j);
            return sum;
          });
        Matrix<float> &output = values.get(site.output);
        for (int64_t row = 0; row < output.rows; ++row)
          for (int64_t i = 0; i < valueSize; ++i) {
            double sum = 0;
            for (int64_t k = 0; k < valueSize; ++k)
              sum += value.maps[member](k, i) *
                     outputs(row, site.output.places[from * valueSize + k]);
            output(row, site.output.places[to * valueSize + i]) = sum;
          }
      }
  }
  values.write();
  for (AttentionOp attention : group.getAttentions())
    if (LinearOp output = findOutputLinear(attention))
      if (ParamOp param = findParam(output.getWeight()))
        statistics.erase(param.getSymName());
  group.apply(kept, statistics);
  ++numPlaces;
  numRemoved += groups - number;

  using mlir::remark::metric;
  ParamOp param = site.key.matrix.param;
  auto remark = mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks));
  remark << metric("param", param.getSymName())
         << metric("values", ParamOp(site.value.matrix.param).getSymName())
         << metric("heads_before", groups) << metric("heads_after", number);
  auto relative = [&](int which, int how) {
    return whole[which] > 0 ? std::sqrt(lost[which][how] / whole[which]) : 0.0;
  };
  if (mapsKeys)
    remark << metric("key_error", relative(0, 0))
           << metric("key_error_mean", relative(0, 1));
  if (fits)
    remark << metric("value_error", relative(1, 0))
           << metric("value_error_mean", relative(1, 1));
}

void GroupHeads::visit(AttentionOp attention) {
  if (done.contains(attention))
    return;
  int64_t groups = attention.getKey().getType().getDimSize(1);
  if (ShapedType::isDynamic(groups))
    return keep(attention, "their number is not known");
  ModelUses uses(getOperation());
  UnitGroup group(uses);
  UnitMap units(groups);
  for (int64_t i = 0; i < groups; ++i)
    units[i] = i;
  bool followed = succeeded(group.followKeys(attention, units));
  for (AttentionOp other : group.getAttentions())
    done.insert(other);
  done.insert(attention);
  Site site;
  std::string problem = findSite(attention, site);
  if (!skip.empty()) {
    llvm::Regex skipped(skip);
    SmallVector<ParamOp> params = group.getParams();
    for (const HeadWeight *weight : {&site.query, &site.output})
      if (weight->matrix.param)
        params.push_back(weight->matrix.param);
    for (ParamOp param : params)
      if (skipped.match(param.getSymName())) {
        hasSkipped = true;
        return;
      }
  }
  int64_t number = chooseNumber(groups);
  if (number == 0 && heads)
    return keep(attention,
                "their number, " + Twine(groups) +
                    ", is not a multiple of heads=" + Twine(int64_t(heads)));
  if (number == 0)
    return keep(attention, "no number of groups of " + Twine(groups) +
                               " heads is as small as the ratio asks");
  if (number == groups)
    return keep(attention, "there are " + Twine(groups) + " already");
  if (!followed)
    return keep(attention, group.getObstacle());
  if (problem.empty())
    problem = checkSharing(site, group);
  if (!problem.empty())
    return keep(attention, problem);
  merge(site, group, number);
}

void GroupHeads::runOnOperation() {
  done.clear();
  complained = hasSkipped = false;
  SmallVector<AttentionOp> attentions;
  getOperation().walk([&](AttentionOp op) { attentions.push_back(op); });
  if (attentions.empty())
    complain(getOperation())
        << getArgument() << ": found no attention; run llmc-lift first";
  for (AttentionOp attention : attentions)
    visit(attention);
  if (complained && strict)
    signalPassFailure();
}
