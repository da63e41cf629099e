//===- Statistics.cpp - what calibration knows of a model -----------------===//

#include "llmc/Calibrate/Statistics.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Weights/Safetensors.h"
#include "llvm/Support/JSON.h"
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
  return file.write(path);
}

/// Reads an object or array of the metadata.
static llvm::Expected<llvm::json::Value> readJson(const Safetensors &file,
                                                  StringRef key) {
  auto found = file.metadata.find(key.str());
  if (found == file.metadata.end())
    return llvm::createStringError("its metadata has no '" + key + "'");
  return llvm::json::parse(found->second);
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
