//===- Statistics.cpp - what calibration knows of a model -----------------===//

#include "llmc/Calibrate/Statistics.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Weights/Json.h"
#include "llmc/Weights/Safetensors.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

namespace {
/// How a context carries its statistics: with the dialect.
struct StatisticsInterface : DialectInterface::Base<StatisticsInterface> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(StatisticsInterface)
  explicit StatisticsInterface(Dialect *dialect) : Base(dialect) {}
  Statistics statistics;
};

template <typename T> ArrayRef<char> asBytes(ArrayRef<T> values) {
  return {reinterpret_cast<const char *>(values.data()),
          values.size() * sizeof(T)};
}
} // namespace

std::shared_ptr<const InputStatistics>
llmc::makeInputStatistics(int64_t count, std::vector<float> mean,
                          std::vector<float> absMax, std::vector<float> absMean,
                          std::vector<float> gram) {
  struct Numbers {
    std::vector<float> mean, absMax, absMean, gram;
  };
  auto numbers = std::make_shared<Numbers>(Numbers{
      std::move(mean), std::move(absMax), std::move(absMean), std::move(gram)});
  auto input = std::make_shared<InputStatistics>();
  *input = {int64_t(numbers->mean.size()),
            count,
            numbers->mean,
            numbers->absMax,
            numbers->absMean,
            numbers->gram,
            numbers};
  return input;
}

std::shared_ptr<const InputStatistics>
InputStatistics::scaled(ArrayRef<float> scales) const {
  std::vector<float> newMean, newAbsMax, newAbsMean, newGram;
  for (int64_t i = 0; i < columns; ++i) {
    newMean.push_back(mean[i] * scales[i]);
    newAbsMax.push_back(absMax[i] * std::abs(scales[i]));
    newAbsMean.push_back(absMean[i] * std::abs(scales[i]));
    for (int64_t j = 0; j < columns; ++j)
      newGram.push_back(gram[i * columns + j] * scales[i] * scales[j]);
  }
  return makeInputStatistics(count, std::move(newMean), std::move(newAbsMax),
                             std::move(newAbsMean), std::move(newGram));
}

std::shared_ptr<const InputStatistics>
InputStatistics::selected(ArrayRef<int64_t> kept) const {
  std::vector<float> newMean, newAbsMax, newAbsMean, newGram;
  for (int64_t i : kept) {
    newMean.push_back(mean[i]);
    newAbsMax.push_back(absMax[i]);
    newAbsMean.push_back(absMean[i]);
    for (int64_t j : kept)
      newGram.push_back(gram[i * columns + j]);
  }
  return makeInputStatistics(count, std::move(newMean), std::move(newAbsMax),
                             std::move(newAbsMean), std::move(newGram));
}

/// E[|z|] of a normal distribution.
static double getAbsMean(double mean, double variance) {
  double deviation = std::sqrt(std::max(variance, 0.0));
  if (deviation == 0)
    return std::abs(mean);
  double ratio = mean / deviation;
  return deviation * std::sqrt(2 / M_PI) * std::exp(-ratio * ratio / 2) +
         mean * std::erf(ratio / std::sqrt(2.0));
}

std::shared_ptr<const InputStatistics>
InputStatistics::multiplied(MatrixRef<const float> v) const {
  Matrix<float> product(v.rows, columns), newGram(v.rows, v.rows);
  multiply(1, v, false, getGram(), false, 0, product);
  multiply(1, product.ref(), false, v, true, 0, newGram);
  mirrorUpper(newGram);
  std::vector<float> newMean, newAbsMax, newAbsMean;
  for (int64_t i = 0; i < v.rows; ++i) {
    double sum = 0, bound = 0;
    for (int64_t j = 0; j < columns; ++j) {
      sum += double(v(i, j)) * mean[j];
      bound += std::abs(double(v(i, j))) * absMax[j];
    }
    newMean.push_back(sum);
    newAbsMax.push_back(bound);
    newAbsMean.push_back(getAbsMean(sum, newGram(i, i) - sum * sum));
  }
  return makeInputStatistics(count, std::move(newMean), std::move(newAbsMax),
                             std::move(newAbsMean), std::move(newGram.values));
}

std::shared_ptr<const InputStatistics>
InputStatistics::combined(const InputStatistics &other) const {
  double total = double(count) + other.count;
  double part = total > 0 ? count / total : 0.5;
  auto average = [&](ArrayRef<float> mine, ArrayRef<float> others) {
    std::vector<float> result;
    for (auto [a, b] : llvm::zip_equal(mine, others))
      result.push_back(part * a + (1 - part) * b);
    return result;
  };
  std::vector<float> newAbsMax;
  for (auto [a, b] : llvm::zip_equal(absMax, other.absMax))
    newAbsMax.push_back(std::max(a, b));
  return makeInputStatistics(
      count + other.count, average(mean, other.mean), std::move(newAbsMax),
      average(absMean, other.absMean), average(gram, other.gram));
}

double AttentionStatistics::getInside(int64_t head, int64_t window,
                                      int64_t sinks) const {
  int64_t bins = getNumBins();
  double outside = 0;
  for (int64_t row = sinks; row <= numFirst; ++row)
    for (int64_t bin = window / binWidth; bin < bins; ++bin)
      outside += mass[(head * (numFirst + 1) + row) * bins + bin];
  return 1 - outside * length / (length - window - sinks);
}

void AttentionStatistics::add(const AttentionStatistics &other) {
  double part = double(count) / (count + other.count);
  for (auto [mine, others] : llvm::zip_equal(mass, other.mass))
    mine = part * mine + (1 - part) * others;
  count += other.count;
}

Statistics &Statistics::of(MLIRContext *context) {
  auto *dialect = context->getLoadedDialect<LLMCDialect>();
  auto *carried = dialect->getRegisteredInterface<StatisticsInterface>();
  if (!carried)
    carried = &dialect->addInterface<StatisticsInterface>();
  return const_cast<StatisticsInterface *>(carried)->statistics;
}

Statistics::Input Statistics::lookup(StringRef param) const {
  auto found = inputs.find(param.str());
  return found == inputs.end() ? nullptr : found->second;
}

void Statistics::set(StringRef param, Input input) {
  inputs[param.str()] = std::move(input);
  mismatches.erase(param.str());
}

void Statistics::erase(StringRef param) {
  inputs.erase(param.str());
  mismatches.erase(param.str());
}

const InputMismatch *Statistics::lookupMismatch(StringRef param) const {
  auto found = mismatches.find(param.str());
  return found == mismatches.end() ? nullptr : &found->second;
}

void Statistics::setMismatch(StringRef param, InputMismatch mismatch) {
  mismatches[param.str()] = std::move(mismatch);
}

ArrayRef<int64_t> Statistics::lookupCounts(StringRef param) const {
  auto found = counts.find(param.str());
  return found == counts.end() ? ArrayRef<int64_t>() : ArrayRef(found->second);
}

void Statistics::setCounts(StringRef param, std::vector<int64_t> values) {
  counts[param.str()] = std::move(values);
}

const AttentionStatistics *Statistics::lookupAttention(StringRef param) const {
  while (!param.empty()) {
    auto found = attentions.find(param.str());
    if (found != attentions.end())
      return &found->second;
    param = param.contains('.') ? param.rsplit('.').first : StringRef();
  }
  return nullptr;
}

void Statistics::addAttention(StringRef param, AttentionStatistics attention) {
  auto [known, isNew] = attentions.try_emplace(param.str(), attention);
  if (!isNew && known->second.heads == attention.heads &&
      known->second.length == attention.length)
    known->second.add(attention);
}

void Statistics::merge(StringRef from, StringRef to) {
  if (Input input = lookup(from)) {
    Input other = lookup(to);
    if (other && other != input && other->columns == input->columns)
      input = other->combined(*input);
    set(to, input);
    erase(from);
  }
  if (auto found = attentions.find(from.str()); found != attentions.end()) {
    addAttention(to, std::move(found->second));
    attentions.erase(found);
  }
  ArrayRef<int64_t> numbers = lookupCounts(from), others = lookupCounts(to);
  if (numbers.empty())
    return;
  std::vector<int64_t> sums(numbers);
  if (others.size() == sums.size())
    for (auto [sum, other] : llvm::zip_equal(sums, others))
      sum += other;
  setCounts(to, std::move(sums));
}

void Statistics::clear() { *this = Statistics(); }

llvm::Error Statistics::write(StringRef path) const {
  Safetensors file;
  llvm::json::Object shared, rows;
  llvm::DenseMap<const InputStatistics *, StringRef> firsts;
  auto addInput = [&](const std::string &param, const InputStatistics &input) {
    auto add = [&](StringRef what, ArrayRef<int64_t> shape,
                   ArrayRef<float> values) {
      file.tensors[param + what.str()] = {"F32", SmallVector<int64_t>(shape),
                                          asBytes(values)};
    };
    add(".mean", input.columns, input.mean);
    add(".abs_max", input.columns, input.absMax);
    add(".abs_mean", input.columns, input.absMean);
    add(".gram", {input.columns, input.columns}, input.gram);
  };
  for (const auto &[param, input] : inputs) {
    auto [first, isNew] = firsts.try_emplace(input.get(), param);
    if (!isNew) {
      shared[param] = first->second;
      continue;
    }
    rows[param] = input->count;
    addInput(param, *input);
  }
  for (const auto &[param, values] : counts)
    file.tensors[param + ".counts"] = {
        "I64", {int64_t(values.size())}, asBytes(ArrayRef(values))};
  llvm::json::Object attended;
  for (const auto &[param, attention] : attentions) {
    attended[param] = llvm::json::Object{{"count", attention.count},
                                         {"length", attention.length}};
    file.tensors[param + ".attention"] = {"F32",
                                          {attention.heads,
                                           AttentionStatistics::numFirst + 1,
                                           attention.getNumBins()},
                                          asBytes(ArrayRef(attention.mass))};
  }
  llvm::json::Array list;
  for (const BlockStatistics &block : blocks)
    list.push_back(
        llvm::json::Object{{"params", llvm::json::Array(block.params)},
                           {"count", block.count},
                           {"influence", block.influence},
                           {"pair_influence", block.pairInfluence}});
  llvm::json::Array probed;
  for (const WeightProbe &probe : probes)
    probed.push_back(llvm::json::Object{{"param", probe.param},
                                        {"in_embedding", probe.inEmbedding},
                                        {"divergence", probe.divergence},
                                        {"squared_error", probe.squaredError}});
  auto toText = [](llvm::json::Value value) {
    std::string text;
    llvm::raw_string_ostream(text) << value;
    return text;
  };
  file.metadata["format"] = "llmc-statistics-1";
  file.metadata["shared"] = toText(std::move(shared));
  file.metadata["rows"] = toText(std::move(rows));
  file.metadata["blocks"] = toText(std::move(list));
  if (!probes.empty())
    file.metadata["probes"] = toText(std::move(probed));
  if (!attentions.empty())
    file.metadata["attentions"] = toText(std::move(attended));
  return file.write(path);
}

/// Reads an object or array of the metadata.
static llvm::Expected<llvm::json::Value> readJson(const Safetensors &file,
                                                  StringRef key) {
  auto found = file.metadata.find(key.str());
  if (found == file.metadata.end())
    return llvm::createStringError("its metadata has no '" + key + "'");
  return parseJson(found->second);
}

/// Reads the statistics named after `param`.
static llvm::Expected<Statistics::Input>
readInput(const Safetensors &file, StringRef param, int64_t count) {
  auto gram = file.get((param + ".gram").str(), "F32", 2);
  if (!gram)
    return gram.takeError();
  int64_t columns = gram->shape[0];
  auto input = std::make_shared<InputStatistics>();
  input->columns = columns;
  input->count = count;
  input->gram = gram->getValues<float>();
  input->owner = file.file;
  for (auto [suffix, values] :
       {std::pair(".mean", &input->mean), std::pair(".abs_max", &input->absMax),
        std::pair(".abs_mean", &input->absMean)}) {
    auto tensor = file.get((param + suffix).str(), "F32", 1);
    if (!tensor)
      return tensor.takeError();
    if (tensor->shape[0] != columns || gram->shape[1] != columns)
      return llvm::createStringError("the sizes of '" + param +
                                     "' do not fit each other");
    *values = tensor->getValues<float>();
  }
  return input;
}

// llvm::json finds them by their arguments' namespace.
namespace llmc {
static bool fromJSON(const llvm::json::Value &value, BlockStatistics &block,
                     llvm::json::Path path) {
  llvm::json::ObjectMapper mapper(value, path);
  return mapper && mapper.map("params", block.params) &&
         mapper.map("count", block.count) &&
         mapper.map("influence", block.influence) &&
         mapper.map("pair_influence", block.pairInfluence);
}

static bool fromJSON(const llvm::json::Value &value, WeightProbe &probe,
                     llvm::json::Path path) {
  llvm::json::ObjectMapper mapper(value, path);
  return mapper && mapper.map("param", probe.param) &&
         mapper.map("in_embedding", probe.inEmbedding) &&
         mapper.map("divergence", probe.divergence) &&
         mapper.map("squared_error", probe.squaredError);
}

} // namespace llmc

/// Reads an array of the metadata.
template <typename T>
static llvm::Error readList(const Safetensors &file, StringRef key,
                            std::vector<T> &list) {
  auto json = readJson(file, key);
  if (!json)
    return json.takeError();
  llvm::json::Path::Root root(key);
  return fromJSON(*json, list, root) ? llvm::Error::success() : root.getError();
}

static llvm::Error readAttentions(const Safetensors &file, Statistics &result) {
  auto json = readJson(file, "attentions");
  if (!json)
    return json.takeError();
  if (!json->getAsObject())
    return llvm::createStringError("its attentions are no object");
  for (const auto &[param, value] : *json->getAsObject()) {
    std::string name = StringRef(param).str() + ".attention";
    AttentionStatistics attention;
    llvm::json::Path::Root root(name);
    llvm::json::ObjectMapper mapper(value, root);
    if (!mapper || !mapper.map("count", attention.count) ||
        !mapper.map("length", attention.length))
      return root.getError();
    auto mass = file.get(name, "F32", 3);
    if (!mass)
      return mass.takeError();
    if (attention.count < 1 ||
        ArrayRef(mass->shape).drop_front() !=
            ArrayRef<int64_t>{AttentionStatistics::numFirst + 1,
                              attention.getNumBins()})
      return llvm::createStringError("'" + name + "' is not of " +
                                     Twine(attention.length) + " positions");
    attention.heads = mass->shape.front();
    attention.mass = mass->getValues<float>().vec();
    result.addAttention(param, std::move(attention));
  }
  return llvm::Error::success();
}

static llvm::Error readStatistics(const Safetensors &file, Statistics &result) {
  auto rows = readJson(file, "rows");
  if (!rows)
    return rows.takeError();
  auto shared = readJson(file, "shared");
  if (!shared)
    return shared.takeError();
  if (!rows->getAsObject() || !shared->getAsObject())
    return llvm::createStringError("its metadata are not objects");
  for (const auto &[param, count] : *rows->getAsObject()) {
    auto input = readInput(file, param, count.getAsInteger().value_or(0));
    if (!input)
      return input.takeError();
    result.set(param, std::move(*input));
  }
  for (const auto &[param, first] : *shared->getAsObject()) {
    auto input = result.lookup(first.getAsString().value_or(""));
    if (!input)
      return llvm::createStringError("nothing is known of what '" +
                                     StringRef(param) + "' shares");
    result.set(param, std::move(input));
  }
  for (const auto &[name, tensor] : file.tensors) {
    StringRef param(name);
    if (!param.consume_back(".counts"))
      continue;
    auto counts = file.get(name, "I64", 1);
    if (!counts)
      return counts.takeError();
    result.setCounts(param, counts->getValues<int64_t>().vec());
  }
  if (file.metadata.count("probes"))
    if (llvm::Error error = readList(file, "probes", result.probes))
      return error;
  if (file.metadata.count("attentions"))
    if (llvm::Error error = readAttentions(file, result))
      return error;
  return readList(file, "blocks", result.blocks);
}

llvm::Error Statistics::read(StringRef path) {
  auto file = Safetensors::read(path);
  if (!file)
    return file.takeError();
  auto format = file->metadata.find("format");
  if (format == file->metadata.end() || format->second != "llmc-statistics-1")
    return llvm::createStringError("'" + path +
                                   "' holds no statistics of llmc");
  Statistics result;
  if (llvm::Error error = readStatistics(*file, result))
    return llvm::createStringError("'" + path +
                                   "': " + llvm::toString(std::move(error)));
  *this = std::move(result);
  return llvm::Error::success();
}
