//===- ShareLayers.cpp - weights that neighbouring layers share -----------===//

#include "FloatWeights.h"
#include "HessianFactor.h"
#include "LowRank.h"
#include "llmc/Calibrate/Blocks.h"
#include "llmc/Weights/Blobs.h"
#include "llvm/Support/Format.h"

namespace llmc {
#define GEN_PASS_DEF_SHARELAYERS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
/// Weights at one place of neighbouring blocks that are alike.
using Group = std::vector<FloatWeight *>;

struct ShareLayers : llmc::impl::ShareLayersBase<ShareLayers> {
  using ShareLayersBase::ShareLayersBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  std::vector<Group> findGroups(func::FuncOp main,
                                std::vector<FloatWeight> &weights,
                                FloatWeights &all);
  /// Makes a group share; fails, saying why, and changes nothing.
  llvm::Error shareBasis(const Group &weights, SymbolTable &symbols);
  llvm::Error shareWeight(const Group &weights);
  llvm::Expected<Matrix<float>> fit(const Group &weights,
                                    ArrayRef<Matrix<float>> originals) const;
  void report(const FloatWeight &weight, MatrixRef<const float> before,
              MatrixRef<const float> after, int64_t bytesAfter,
              StringRef sharedWith, int64_t rankOfBasis);
};
} // namespace

LogicalResult ShareLayers::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  if (group < 2)
    return fail() << "group is " << int64_t(group) << "; it must be at least 2";
  bool hasRank = rank != 0, hasRatio = ratio != 0;
  if (method == ShareMethod::Basis && hasRank == hasRatio)
    return fail() << "a basis needs one of rank and ratio";
  if (method != ShareMethod::Basis && (hasRank || hasRatio))
    return fail() << "rank and ratio go with method=basis";
  if (rank < 0)
    return fail() << "rank is " << int64_t(rank) << "; it must be positive";
  if (hasRatio && !(ratio > 0 && ratio < 1))
    return fail() << "ratio is " << double(ratio)
                  << "; it must be above 0 and below 1";
  if (failed(Decomposer(FactorMethod::Whitened, 0, damping)
                 .verify(context, getArgument())))
    return failure();
  return verifySkip(context, getArgument(), skip);
}

std::vector<Group> ShareLayers::findGroups(func::FuncOp main,
                                           std::vector<FloatWeight> &weights,
                                           FloatWeights &all) {
  llvm::DenseMap<Value, FloatWeight *> byValue;
  for (FloatWeight &weight : weights)
    for (Value value : weight.values)
      byValue[value] = &weight;
  // The weights of the linears of each block, null where one is not taken, and
  // the blocks with linears of the same sizes.
  using Places = SmallVector<FloatWeight *>;
  std::vector<std::pair<SmallVector<Type>, std::vector<Places>>> kinds;
  llvm::DenseMap<FloatWeight *, unsigned> numBlocks;
  for (const ModelBlock &block : findBlocks(main)) {
    SmallVector<Type> types;
    Places places;
    for (Operation *op : block.ops)
      if (auto linear = dyn_cast<LinearOp>(op)) {
        types.push_back(linear.getWeight().getType());
        places.push_back(byValue.lookup(linear.getWeight()));
      }
    for (FloatWeight *weight :
         llvm::SetVector<FloatWeight *>(places.begin(), places.end()))
      ++numBlocks[weight];
    auto found =
        llvm::find_if(kinds, [&](auto &kind) { return kind.first == types; });
    if (found == kinds.end())
      found = kinds.insert(kinds.end(), {types, {}});
    found->second.push_back(std::move(places));
  }

  std::vector<Group> groups;
  llvm::DenseSet<FloatWeight *> seen;
  for (auto &[types, blocks] : kinds)
    for (size_t begin = 0; begin < blocks.size(); begin += group)
      for (size_t place = 0; place < types.size(); ++place) {
        Group members;
        size_t end = std::min<size_t>(begin + group, blocks.size());
        for (size_t block = begin; block < end; ++block)
          if (FloatWeight *weight = blocks[block][place];
              weight && numBlocks[weight] == 1 && seen.insert(weight).second)
            members.push_back(weight);
        if (members.size() > 1)
          groups.push_back(members);
        else if (members.size() == 1)
          all.keep(*members.front(), "no other layer of its group of " +
                                         Twine(int64_t(group)) +
                                         " has its like");
      }
  for (FloatWeight &weight : weights)
    if (numBlocks.lookup(&weight) != 1)
      all.keep(weight, numBlocks.lookup(&weight)
                           ? "several blocks read it"
                           : "no linear of a block of @main reads it");
  return groups;
}

void ShareLayers::report(const FloatWeight &weight,
                         MatrixRef<const float> before,
                         MatrixRef<const float> after, int64_t bytesAfterIt,
                         StringRef sharedWith, int64_t rankOfBasis) {
  ParamOp param = weight.param;
  int64_t bytes = *getByteSize(param.getType());
  ++numWeights;
  bytesBefore += bytes;
  bytesAfter += bytesAfterIt;
  using mlir::remark::metric;
  auto remark =
      reportWeight(getArgument(), weight, before, after, bytes, bytesAfterIt);
  remark << metric("shared_with", sharedWith);
  if (rankOfBasis)
    remark << metric("rank", rankOfBasis);
}

llvm::Error ShareLayers::shareBasis(const Group &weights,
                                    SymbolTable &symbols) {
  int64_t columns = weights.front()->columns, rows = 0;
  Statistics::Input input;
  std::vector<float> stacked;
  for (FloatWeight *weight : weights) {
    rows += weight->rows;
    llvm::append_range(stacked, readFloats(*weight).values);
    input = input ? input->combined(*weight->input) : weight->input;
  }
  int64_t size = rows * columns, least = rows + columns,
          largest = (size - 1) / least,
          chosen =
              rank ? int64_t(rank) : std::max<int64_t>(1, ratio * size / least);
  if (chosen > largest)
    return llvm::createStringError(
        "the " + Twine(weights.size()) + " weights of its group have " +
        Twine(size) + " numbers, and a basis of rank " + Twine(chosen) +
        " with its factors " + Twine(chosen * least) +
        "; the largest rank for them is " + Twine(largest));
  MatrixRef<const float> original(stacked.data(), rows, columns);
  auto parts =
      Decomposer(FactorMethod::Whitened, 0, damping).decompose(original, input);
  if (!parts)
    return parts.takeError();
  Factors factors = parts->truncate(chosen);
  FloatFormat format = weights.front()->format;
  if (!factors.round(format))
    return llvm::createStringError("a number of its factors is infinite as " +
                                   toString(format));

  ParamOp first = weights.front()->param;
  Type element = first.getType().getElementType();
  ParamOp basis = FactorParams::createFactor(
      first, first.getSymName() + ".basis", factors.v, element, symbols);
  Matrix<float> product = factors.multiply();
  Statistics &statistics = Statistics::of(&getContext());
  int64_t top = 0;
  for (FloatWeight *weight : weights) {
    ParamOp param = weight->param;
    auto getPart = [&](MatrixRef<const float> matrix) {
      return matrix.block(top, 0, weight->rows, matrix.columns);
    };
    MatrixRef<const float> u = getPart(factors.u.ref());
    FactorParams params{FactorParams::createFactor(param,
                                                   param.getSymName() + ".u", u,
                                                   element, symbols),
                        basis};
    statistics.set(params.u.getSymName(), weight->input->multiplied(factors.v));
    params.replace(*weight);
    int64_t bytes = *getByteSize(params.u.getType());
    if (weight == weights.front())
      bytes = params.getBytes();
    report(*weight, getPart(original), getPart(product.ref()), bytes,
           basis.getSymName(), chosen);
    top += weight->rows;
    statistics.erase(param.getSymName());
    symbols.remove(param);
    eraseParam(param);
  }
  statistics.set(basis.getSymName(), input);
  return llvm::Error::success();
}

/// (sum W_l H_l) (sum H_l)^-1.
llvm::Expected<Matrix<float>>
ShareLayers::fit(const Group &weights,
                 ArrayRef<Matrix<float>> originals) const {
  int64_t rows = weights.front()->rows, columns = weights.front()->columns;
  Matrix<double> products(rows, columns), sum(columns, columns);
  for (auto [weight, original] : llvm::zip_equal(weights, originals)) {
    FailureOr<DampedHessian> damped = dampHessian(*weight->input, damping);
    if (failed(damped))
      return llvm::createStringError(
          "the statistics of its input are not finite");
    auto widen = [](const Matrix<float> &matrix) {
      Matrix<double> wide(matrix.rows, matrix.columns);
      llvm::copy(matrix.values, wide.values.begin());
      return wide;
    };
    Matrix<double> hessian = widen(damped->hessian);
    multiply(1, widen(original).ref(), false, hessian.ref(), false, 1,
             products);
    for (auto [total, value] : llvm::zip_equal(sum.values, hessian.values))
      total += value;
  }
  if (failed(factorCholesky(sum)))
    return llvm::createStringError(
        "the Gram matrix of its group is not positive definite; calibrate "
        "with more tokens or raise damping");
  solveUpper(sum.ref(), /*transpose=*/false, products.ref());
  solveUpper(sum.ref(), /*transpose=*/true, products.ref());
  Matrix<float> result(rows, columns);
  llvm::copy(products.values, result.values.begin());
  return result;
}

llvm::Error ShareLayers::shareWeight(const Group &weights) {
  std::vector<Matrix<float>> originals;
  for (FloatWeight *weight : weights)
    originals.push_back(readFloats(*weight));
  Matrix<float> shared = originals.front();
  if (method == ShareMethod::Fit) {
    auto fitted = fit(weights, originals);
    if (!fitted)
      return fitted.takeError();
    shared = std::move(*fitted);
  } else {
    for (auto [place, value] : llvm::enumerate(shared.values)) {
      double sum = 0;
      for (const Matrix<float> &original : originals)
        sum += original.values[place];
      value = sum / originals.size();
    }
  }
  FloatWeight &first = *weights.front();
  if (!roundFloats(shared, first.format))
    return llvm::createStringError("a number of it is infinite as " +
                                   toString(first.format));

  ParamOp kept = first.param;
  for (auto [weight, original] : llvm::zip_equal(weights, originals)) {
    ParamOp param = weight->param;
    report(*weight, original, shared,
           param == kept ? *getByteSize(kept.getType()) : 0, kept.getSymName(),
           /*rankOfBasis=*/0);
    if (param == kept)
      continue;
    replaceWeight(*weight, [&](OpBuilder &builder, Location location) -> Value {
      Value value = WeightOp::create(builder, location, kept.getType(),
                                     kept.getSymName());
      if (!first.transposed)
        return value;
      return TransposeOp::create(builder, location, value,
                                 ArrayRef<int64_t>{1, 0});
    });
    Statistics::of(&getContext()).merge(param.getSymName(), kept.getSymName());
    eraseParam(param);
  }
  storeFloats(first, shared);
  return llvm::Error::success();
}

void ShareLayers::runOnOperation() {
  ModuleOp module = getOperation();
  auto fail = [&](const Twine &problem) {
    module.emitError(getArgument() + ": " + problem);
    signalPassFailure();
  };
  if (module->hasAttr(blockAttr))
    return fail(
        "a block alone has no neighbours; run it behind llmc-calibrate, "
        "not in `then`");
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return fail("the module has no function @main");
  FloatWeights all(module,
                   {"share", "shared", WeightKinds::Linear, skip, strict});
  std::vector<FloatWeight> weights =
      all.collect(method != ShareMethod::Mean,
                  [](const FloatWeight &) { return std::string(); });
  SymbolTable symbols(module);
  for (const Group &members : findGroups(main, weights, all)) {
    llvm::Error error = method == ShareMethod::Basis
                            ? shareBasis(members, symbols)
                            : shareWeight(members);
    if (!error) {
      ++numGroups;
      continue;
    }
    std::string reason = llvm::toString(std::move(error));
    for (FloatWeight *weight : members)
      all.keep(*weight, reason);
  }
  numSkipped += all.getNumSkipped();
  if (all.hasFailed())
    signalPassFailure();
}
