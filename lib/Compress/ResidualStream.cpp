//===- ResidualStream.cpp - what the layers of a model add to -------------===//

#include "ResidualStream.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Regex.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

using Norm = ResidualStream::Norm;

float Norm::getEpsilon() const {
  if (auto norm = dyn_cast<RMSNormOp>(op))
    return norm.getEpsilon().convertToFloat();
  return cast<LayerNormOp>(op).getEpsilon().convertToFloat();
}

StringRef ResidualStream::getName() const {
  for (const Source &source : sources)
    if (ParamOp param = findParam(source.op->getOperand(1)))
      return param.getSymName();
  return "?";
}

const UsedWeight *ResidualStream::findTied() const {
  const UsedWeight *tied = nullptr;
  for (const Source &source : sources)
    if (source.weight && source.weight->inLinear && source.weight->inEmbedding)
      tied = source.weight;
  if (!tied || tied->otherUser || tied->transposed)
    return nullptr;
  for (Value value : tied->values)
    for (Operation *user : value.getUsers()) {
      bool isSource = llvm::any_of(
          sources, [&](const Source &source) { return source.op == user; });
      bool isHead =
          !norms.back().obstacle.empty() &&
          llvm::is_contained(norms.back().readers, dyn_cast<LinearOp>(user));
      if (!isSource && !isHead)
        return nullptr;
    }
  // What else reads the norm is not to get other columns.
  for (LinearOp reader : norms.back().readers)
    if (!llvm::is_contained(tied->values, reader.getWeight()))
      return nullptr;
  const Norm &last = norms.back();
  bool isAlone = last.op->hasOneUse() && last.readers.size() == 1 &&
                 last.readers.front()->getOperand(0) == last.op->getResult(0);
  return isAlone ? tied : nullptr;
}

void ResidualStream::spreadBases() {
  for (size_t i = segments.size(); i-- > 0;)
    if (!segments[i].basis)
      segments[i].basis =
          segments[i + 1 < segments.size() ? i + 1 : i - 1].basis;
}

//===----------------------------------------------------------------------===//
// Finding streams
//===----------------------------------------------------------------------===//

static RankedTensorType getType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static bool isScalar(Value value) {
  RankedTensorType type = getType(value);
  return type.hasStaticShape() && type.getNumElements() == 1;
}

/// Whether rows of the result are rows of `operand`, or these times a number.
static bool movesRows(Operation *op, Value operand) {
  if (!isa_and_nonnull<MulOp, DivOp, SliceOp, GatherOp, ReshapeOp>(op))
    return false;
  RankedTensorType type = getType(operand), result = getType(op->getResult(0));
  int64_t rank = type.getRank(), last = type.getShape().back();
  if (result.getRank() == 0 || result.getShape().back() != last ||
      ShapedType::isDynamic(last))
    return false;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](MulOp op) {
        return isScalar(op.getLhs() == operand ? op.getRhs() : op.getLhs());
      })
      .Case([&](DivOp op) {
        return op.getLhs() == operand && isScalar(op.getRhs());
      })
      .Case([&](SliceOp op) {
        return op.getOperand() == operand &&
               !llvm::is_contained(op.getAxes(), rank - 1);
      })
      .Case([&](GatherOp op) {
        return op.getOperand() == operand && int64_t(op.getAxis()) != rank - 1;
      })
      .Case([&](ReshapeOp op) { return op.getOperand() == operand; })
      .Default([](Operation *) { return false; });
}

/// The floats of a vector that is a parameter.
static std::optional<std::vector<float>> readVector(Value value, int64_t size,
                                                    ParamOp &param) {
  auto load = value.getDefiningOp<WeightOp>();
  if (!load)
    return std::nullopt;
  param =
      SymbolTable::lookupNearestSymbolFrom<ParamOp>(load, load.getParamAttr());
  RankedTensorType type = param.getType();
  auto format = getFloatFormat(type.getElementType());
  if (!format || type.getRank() != 1 || type.getDimSize(0) != size)
    return std::nullopt;
  SmallVector<char> copy;
  const char *data = getParamBytes(param, copy).data();
  std::vector<float> values;
  for (int64_t i = 0; i < size; ++i)
    values.push_back(loadFloat(data, *format, i));
  return values;
}

namespace llmc {
class StreamFinder {
public:
  StreamFinder(func::FuncOp main, const StreamOptions &options)
      : main(main), options(options),
        weights(std::make_shared<SmallVector<UsedWeight>>(
            collectUsedWeights(main->getParentOfType<ModuleOp>()))) {
    for (UsedWeight &weight : *weights)
      for (Value value : weight.values)
        weightOf[value] = &weight;
  }

  struct Found {
    ResidualStream stream;
    Operation *obstacle = nullptr;
    std::string reason;
  };
  std::vector<Found> find();

private:
  void visit(Operation *op);
  void visitAdd(AddOp op);
  /// Goes back from what is added to the linears that make it.
  void addWriters(Found &found, Value value, AddOp sum, Value target);
  void addNorm(Found &found, Operation *op);
  void complete(Found &found);
  void completeNorm(Found &found, Norm &norm);
  std::string findReaders(Norm &norm, Value value,
                          SmallVectorImpl<Operation *> &between);
  std::string checkWeight(const UsedWeight *weight);
  void checkWriter(Found &found, ResidualStream::Writer &writer);

  static void refuse(Found &found, Operation *op, const Twine &reason) {
    if (found.obstacle)
      return;
    found.obstacle = op;
    found.reason = reason.str();
  }
  Found *lookup(Value value) {
    auto at = streamOf.find(value);
    return at == streamOf.end() ? nullptr : streams[at->second].get();
  }
  void add(Found &found, size_t index, Value value, size_t segment) {
    streamOf[value] = index;
    found.stream.segmentOf[value] = segment;
  }
  size_t indexOf(Value value) { return streamOf.lookup(value); }
  void merge(size_t into, size_t from);

  func::FuncOp main;
  const StreamOptions &options;
  std::shared_ptr<SmallVector<UsedWeight>> weights;
  llvm::DenseMap<Value, const UsedWeight *> weightOf;
  std::vector<std::unique_ptr<Found>> streams;
  llvm::DenseMap<Value, size_t> streamOf;
};
} // namespace llmc

void StreamFinder::merge(size_t into, size_t from) {
  ResidualStream &to = streams[into]->stream, &other = streams[from]->stream;
  size_t offset = to.segments.size();
  llvm::append_range(to.segments, other.segments);
  llvm::append_range(to.sources, other.sources);
  llvm::append_range(to.norms, other.norms);
  llvm::append_range(to.writers, other.writers);
  for (auto [op, segment] : other.ops)
    to.ops[op] = segment + offset;
  for (auto [value, segment] : other.segmentOf)
    add(*streams[into], into, value, segment + offset);
  if (streams[from]->obstacle)
    refuse(*streams[into], streams[from]->obstacle, streams[from]->reason);
  streams[from].reset();
}

void StreamFinder::addWriters(Found &found, Value value, AddOp sum,
                              Value target) {
  Operation *op = value.getDefiningOp();
  if (!op ||
      !isa<LinearOp, AddOp, MulOp, DivOp, SliceOp, GatherOp, ReshapeOp>(op))
    return refuse(
        found, sum,
        "adds something to it that no linear makes" +
            (op ? ", but '" + op->getName().getStringRef() + "'" : Twine()));
  if (!value.hasOneUse())
    return refuse(found, op, "is added to it and has other uses");
  if (auto linear = dyn_cast<LinearOp>(op)) {
    found.stream.writers.push_back(
        {linear, weightOf.lookup(linear.getWeight()), target});
    return;
  }
  found.stream.ops[op] = found.stream.segmentOf.lookup(target);
  if (auto add = dyn_cast<AddOp>(op)) {
    for (Value operand : {add.getLhs(), add.getRhs()})
      addWriters(found, operand, sum, target);
    return;
  }
  for (Value operand : op->getOperands())
    if (getType(operand).getRank() > 0 && movesRows(op, operand))
      return addWriters(found, operand, sum, target);
  refuse(found, op, "is added to it, and is no linear");
}

void StreamFinder::visitAdd(AddOp op) {
  Value lhs = op.getLhs(), rhs = op.getRhs();
  Found *left = lookup(lhs), *right = lookup(rhs);
  if (!left && !right)
    return;
  if (left && right && left != right)
    merge(indexOf(lhs), indexOf(rhs));
  size_t index = indexOf(left ? lhs : rhs);
  Found &found = *streams[index];
  if (getType(op).getShape().back() != found.stream.width)
    return refuse(found, op, "broadcasts it");
  found.stream.segments.emplace_back().value = op;
  found.stream.ops[op] = found.stream.segments.size() - 1;
  add(found, index, op, found.stream.segments.size() - 1);
  if (!left || !right)
    addWriters(found, left ? rhs : lhs, op, op);
}

void StreamFinder::visit(Operation *op) {
  if (auto embedding = dyn_cast<EmbeddingOp>(op)) {
    RankedTensorType type = embedding.getType();
    size_t index = streams.size();
    Found &found = *streams.emplace_back(std::make_unique<Found>());
    found.stream.main = main;
    found.stream.weights = weights;
    found.stream.width = type.getShape().back();
    const UsedWeight *weight = weightOf.lookup(embedding.getWeight());
    bool isOwn = weight && weight->isOnly(WeightKinds::Embedding) &&
                 weight->values.size() == 1 &&
                 weight->values.front().hasOneUse() &&
                 getFloatFormat(type.getElementType());
    found.stream.sources.push_back({embedding, weight, isOwn});
    found.stream.segments.emplace_back().value = embedding;
    return add(found, index, embedding, 0);
  }
  if (auto sum = dyn_cast<AddOp>(op))
    return visitAdd(sum);
  for (OpOperand &operand : op->getOpOperands()) {
    Found *found = lookup(operand.get());
    if (!found)
      continue;
    if (movesRows(op, operand.get())) {
      size_t segment = found->stream.segmentOf.lookup(operand.get());
      found->stream.ops[op] = segment;
      add(*found, indexOf(operand.get()), op->getResult(0), segment);
    } else if (isa<RMSNormOp, LayerNormOp>(op) &&
               operand.getOperandNumber() == 0) {
      addNorm(*found, op);
    } else if (auto shape = dyn_cast<ShapeOp>(op);
               !shape ||
               !(options.keepsWidth ||
                 int64_t(shape.getEnd()) < getType(operand.get()).getRank())) {
      refuse(*found, op, "reads it");
    }
  }
}

void StreamFinder::addNorm(Found &found, Operation *op) {
  Norm norm;
  norm.op = op;
  auto layerNorm = dyn_cast<LayerNormOp>(op);
  if (found.stream.norms.empty())
    found.stream.isCentered = bool(layerNorm);
  else if (found.stream.isCentered != bool(layerNorm))
    return refuse(found, op,
                  "reads it, where the norm before it subtracts " +
                      Twine(layerNorm ? "no mean" : "the mean"));
  if (layerNorm &&
      int64_t(layerNorm.getAxis()) != layerNorm.getType().getRank() - 1)
    return refuse(found, op, "is of more than one dimension");
  auto scale =
      readVector(op->getOperand(1), found.stream.width, norm.scaleParam);
  if (!scale)
    return refuse(found, op, "has a scale that is no parameter of floats");
  norm.scale = std::move(*scale);
  norm.bias.resize(norm.scale.size());
  if (layerNorm && layerNorm.getBias()) {
    auto bias =
        readVector(layerNorm.getBias(), found.stream.width, norm.biasParam);
    if (!bias)
      return refuse(found, op, "has a bias that is no parameter of floats");
    norm.bias = std::move(*bias);
  }
  found.stream.norms.push_back(std::move(norm));
}

std::string StreamFinder::checkWeight(const UsedWeight *weight) {
  if (!weight)
    return "the weight of 'llmc.linear' is computed, or compressed";
  ParamOp param = weight->param;
  std::string name = ("'" + param.getSymName() + "'").str();
  if (weight->otherUser)
    return (name + " is read by '" +
            weight->otherUser->getName().getStringRef() + "' too")
        .str();
  if (weight->inEmbedding)
    return name + " is tied to an embedding";
  auto format = getFloatFormat(param.getType().getElementType());
  if (!format)
    return name + " is no weight of floats";
  SmallVector<char> copy;
  const char *data = getParamBytes(param, copy).data();
  for (int64_t i = 0, n = param.getType().getNumElements(); i < n; ++i)
    if (!std::isfinite(loadFloat(data, *format, i)))
      return name + " holds values that are not finite";
  return {};
}

/// Why its readers cannot take what the norm does, or nothing.
std::string StreamFinder::findReaders(Norm &norm, Value value,
                                      SmallVectorImpl<Operation *> &between) {
  std::string problem;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    std::string reason;
    if (auto linear = dyn_cast<LinearOp>(user);
        linear && use.getOperandNumber() == 0) {
      norm.readers.push_back(linear);
      const UsedWeight *weight = weightOf.lookup(linear.getWeight());
      if (!weight || norm.weights.insert(weight))
        reason = checkWeight(weight);
    } else if (movesRows(user, value)) {
      between.push_back(user);
      reason = findReaders(norm, user->getResult(0), between);
    } else if (auto shape = dyn_cast<ShapeOp>(user);
               !shape ||
               !(options.keepsWidth ||
                 int64_t(shape.getEnd()) < getType(value).getRank())) {
      reason =
          ("'" + user->getName().getStringRef() + "' reads the norm").str();
    }
    if (problem.empty())
      problem = reason;
  }
  return problem;
}

/// The statistics of (y - bias) / scale for those of y.
static Statistics::Input undoNorm(const InputStatistics &input,
                                  const Norm &norm) {
  int64_t n = input.columns;
  std::vector<float> mean(n), absMax(n), inverse(n);
  std::vector<float> gram(n * n);
  for (int64_t i = 0; i < n; ++i) {
    mean[i] = input.mean[i] - norm.bias[i];
    absMax[i] = input.absMax[i] + std::abs(norm.bias[i]);
    inverse[i] = 1 / norm.scale[i];
    for (int64_t j = 0; j < n; ++j)
      gram[i * n + j] = input.gram[i * n + j] -
                        double(norm.bias[i]) * input.mean[j] -
                        double(input.mean[i]) * norm.bias[j] +
                        double(norm.bias[i]) * norm.bias[j];
  }
  return makeInputStatistics(input.count, std::move(mean), std::move(absMax),
                             {input.absMean.begin(), input.absMean.end()},
                             std::move(gram))
      ->scaled(inverse);
}

void StreamFinder::completeNorm(Found &found, Norm &norm) {
  SmallVector<Operation *> between;
  norm.obstacle = findReaders(norm, norm.op->getResult(0), between);
  for (const UsedWeight *weight : norm.weights)
    for (Value value : weight->values)
      for (Operation *user : value.getUsers())
        if (norm.obstacle.empty() &&
            !llvm::is_contained(norm.readers, dyn_cast<LinearOp>(user))) {
          ParamOp param = weight->param;
          norm.obstacle = ("'" + param.getSymName() +
                           "' is the weight of linears that "
                           "read something else, too")
                              .str();
        }
  if (!norm.obstacle.empty() && &norm != &found.stream.norms.back())
    return refuse(found, norm.op, "reads it: " + norm.obstacle);
  if (norm.obstacle.empty())
    for (Operation *op : between)
      found.stream.ops[op] = found.stream.segmentOf.lookup(norm.getInput());

  Statistics &statistics = Statistics::of(main.getContext());
  if (llvm::is_contained(norm.scale, 0.0f))
    return;
  for (LinearOp reader : norm.readers) {
    ParamOp param = findParam(reader.getWeight());
    Statistics::Input input =
        param ? statistics.lookup(param.getSymName()) : nullptr;
    if (!input || input->columns != found.stream.width)
      continue;
    norm.normalized = undoNorm(*input, norm);
    break;
  }
}

void StreamFinder::checkWriter(Found &found, ResidualStream::Writer &writer) {
  std::string problem = checkWeight(writer.weight);
  if (problem.empty() && (writer.weight->values.size() != 1 ||
                          !writer.weight->values.front().hasOneUse()))
    problem = ("'" + ParamOp(writer.weight->param).getSymName() +
               "' is the weight of another linear, too")
                  .str();
  ParamOp bias;
  if (problem.empty() && writer.op.getBias() &&
      !readVector(writer.op.getBias(), found.stream.width, bias))
    problem = "its bias is no parameter of floats";
  if (!problem.empty())
    refuse(found, writer.op, "is added to it: " + problem);
}

void StreamFinder::complete(Found &found) {
  ResidualStream &stream = found.stream;
  llvm::sort(stream.norms, [](const Norm &a, const Norm &b) {
    return a.op->isBeforeInBlock(b.op);
  });
  for (Norm &norm : stream.norms)
    completeNorm(found, norm);
  for (ResidualStream::Writer &writer : stream.writers)
    checkWriter(found, writer);
  for (Norm &norm : stream.norms)
    stream.segments[stream.segmentOf.lookup(norm.getInput())].norms.push_back(
        &norm);
}

std::vector<StreamFinder::Found> StreamFinder::find() {
  for (Operation &op : main.getBody().front())
    visit(&op);
  std::vector<Found> result;
  for (std::unique_ptr<Found> &found : streams)
    if (found && !found->stream.norms.empty() &&
        (found->obstacle || !found->stream.writers.empty())) {
      result.push_back(std::move(*found));
      complete(result.back());
    }
  return result;
}

/// Whether `skip` finds something in the name of one of its parameters.
static bool isSkipped(const ResidualStream &stream, StringRef skip) {
  llvm::Regex skipped(skip);
  auto matches = [&](ParamOp param) {
    return param && skipped.match(param.getSymName());
  };
  bool any = false;
  for (const ResidualStream::Source &source : stream.sources)
    any |= matches(findParam(source.op->getOperand(1)));
  for (const ResidualStream::Writer &writer : stream.writers)
    any |= matches(findParam(writer.op->getOperand(1)));
  for (const Norm &norm : stream.norms) {
    any |= matches(norm.scaleParam) || matches(norm.biasParam);
    for (LinearOp reader : norm.readers)
      any |= matches(findParam(reader->getOperand(1)));
  }
  return any;
}

std::vector<ResidualStream>
llmc::findResidualStreams(ModuleOp module, const StreamOptions &options,
                          int64_t &numSkipped, bool &failed) {
  auto complain = [&](Operation *op) {
    ++numSkipped;
    failed |= options.strict;
    return options.strict ? op->emitError() : op->emitRemark();
  };
  std::vector<ResidualStream> streams;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  std::vector<StreamFinder::Found> all;
  if (main && !main.isExternal() && llvm::hasSingleElement(main.getBody()))
    all = StreamFinder(main, options).find();
  for (StreamFinder::Found &found : all) {
    if (!options.skip.empty() && isSkipped(found.stream, options.skip))
      continue;
    if (found.obstacle)
      complain(found.obstacle)
          << "the residual stream of '" << found.stream.getName() << "' is not "
          << options.participle << ": '" << found.obstacle->getName() << "' op "
          << found.reason;
    else
      streams.push_back(std::move(found.stream));
  }
  if (all.empty())
    complain(module) << "found no residual stream, to which linears add and "
                        "which norms read; run llmc-lift first";
  return streams;
}
