//===- Manifest.cpp - manifest.json, read and checked ---------------------===//

#include "Manifest.h"
#include "Error.h"
#include "Files.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

using namespace llmc;
using namespace llmc::runtime;
using nlohmann::json;

namespace {

constexpr int64_t kMaxManifestBytes = int64_t(256) << 20;
/// Of lists and objects in each other: `dump` calls itself for each level.
constexpr int kMaxDepth = 64;
constexpr size_t kMaxRank = 32;

/// A value of the manifest and the way to it, for messages.
class Field {
public:
  Field(const json &value, std::string path)
      : value(value), path(std::move(path)) {}

  [[noreturn]] void error(const std::string &message,
                          llmc_status status = LLMC_ERROR_FORMAT) const {
    fail(status, artifact::kManifestFile, ": ", path, path.empty() ? "" : ": ",
         message);
  }
  bool has(const char *name) const {
    return object().contains(name) && !object()[name].is_null();
  }
  Field operator[](const char *name) const {
    std::string inner = path.empty() ? name : path + "." + name;
    if (!object().contains(name))
      Field(value, inner).error("is missing");
    return Field(object()[name], inner);
  }
  /// The elements of a list.
  std::vector<Field> list() const {
    if (!value.is_array())
      error("must be a list");
    std::vector<Field> fields;
    for (size_t i = 0; i < value.size(); ++i)
      fields.emplace_back(value[i], path + "[" + std::to_string(i) + "]");
    return fields;
  }
  std::string text() const {
    if (!value.is_string())
      error("must be a string");
    return value.get<std::string>();
  }
  bool flag() const {
    if (!value.is_boolean())
      error("must be true or false");
    return value.get<bool>();
  }
  int64_t integer(int64_t least) const {
    bool fits = value.is_number_integer() &&
                (!value.is_number_unsigned() ||
                 value.get<uint64_t>() <=
                     uint64_t(std::numeric_limits<int64_t>::max()));
    if (!fits || value.get<int64_t>() < least)
      error("must be an integer of at least " + std::to_string(least));
    return value.get<int64_t>();
  }
  bool isText() const { return value.is_string(); }
  bool isNull() const { return value.is_null(); }
  std::string dump() const { return object().dump(); }

private:
  const json &object() const {
    if (!value.is_object())
      error("must be an object");
    return value;
  }

  const json &value;
  std::string path;
};

} // namespace

namespace llmc::runtime {

class ManifestReader {
public:
  ManifestReader(Field root, Manifest &result) : root(root), result(result) {}
  void read();

private:
  llmc_dtype readDType(Field field);
  std::vector<TensorSpec> readTensors(Field field, std::set<std::string> &names,
                                      const char *what);
  void readStates();
  void readWeights();
  void readModel();

  Field root;
  Manifest &result;
};

void ManifestReader::read() {
  if (root["format"].text() != artifact::kFormat)
    root["format"].error(std::string("must be \"") + artifact::kFormat +
                         "\": this is not an llmc artifact");
  int64_t version = root["version"].integer(1);
  if (version != artifact::kVersion)
    root["version"].error(
        "the artifact's format is version " + std::to_string(version) +
            ", this runtime (" + llmc_version() + ") reads version " +
            std::to_string(artifact::kVersion) + ": compile the model again",
        LLMC_ERROR_VERSION);
  Field target = root["target"];
  result.triple = target["triple"].text();
  for (Field feature : target["features"].list())
    result.features.push_back(feature.text());
  result.entry = root["entry"].text();
  Field files = root["files"];
  result.moduleBytes = files[artifact::kModuleFile].integer(1);
  result.weightsBytes = files[artifact::kWeightsFile].integer(0);

  std::set<std::string> inputNames, outputNames;
  result.inputs = readTensors(root["inputs"], inputNames, "input");
  result.outputs = readTensors(root["outputs"], outputNames, "output");
  // States are arguments too: a name means one thing.
  result.states = readTensors(root["states"], inputNames, "state");
  readStates();
  readWeights();
  if (root.has("model"))
    readModel();
}

llmc_dtype ManifestReader::readDType(Field field) {
  llmc_dtype dtype;
  if (!parseDType(field.text(), dtype))
    field.error("there is no element type \"" + field.text() + "\"");
  return dtype;
}

std::vector<TensorSpec>
ManifestReader::readTensors(Field field, std::set<std::string> &names,
                            const char *what) {
  std::vector<TensorSpec> specs;
  for (Field entry : field.list()) {
    TensorSpec spec;
    spec.name = entry["name"].text();
    if (!names.insert(spec.name).second)
      entry["name"].error("there is already an input, output or state \"" +
                          spec.name + "\"");
    if (spec.name == artifact::kPastLength)
      entry["name"].error(std::string("an ") + what +
                          " must not have this name, which is the runtime's");
    spec.dtype = readDType(entry["dtype"]);
    for (Field dim : entry["shape"].list()) {
      bool isStatic = !dim.isText() && !dim.isNull();
      spec.shape.push_back(isStatic ? dim.integer(0) : -1);
      spec.symbols.push_back(
          result.symbols.insert(dim.isText() ? dim.text() : "").first->c_str());
    }
    if (spec.shape.size() > kMaxRank)
      entry["shape"].error("has more than " + std::to_string(kMaxRank) +
                           " dimensions");
    std::vector<int64_t> least;
    for (int64_t dim : spec.shape)
      least.push_back(std::max<int64_t>(dim, 0));
    int64_t bytes;
    if (!computeBytes(spec.dtype, least.data(), least.size(), bytes))
      entry["shape"].error("is too large");
    specs.push_back(std::move(spec));
  }
  return specs;
}

void ManifestReader::readStates() {
  size_t index = 0;
  for (Field entry : root["states"].list()) {
    TensorSpec &state = result.states[index++];
    int64_t axis = entry["axis"].integer(0);
    if (axis >= int64_t(state.shape.size()))
      entry["axis"].error("the state has no such dimension");
    state.axis = int32_t(axis);
  }
  result.hasPastLength = root["past_length"].flag();
  if (result.hasPastLength == result.states.empty())
    root["past_length"].error(
        "must be true when there are states, and false otherwise");
  if (!result.hasPastLength)
    return;

  Field step = root["step"];
  std::string name = step["input"].text();
  auto input = std::find_if(result.inputs.begin(), result.inputs.end(),
                            [&](auto &spec) { return spec.name == name; });
  if (input == result.inputs.end())
    step["input"].error("there is no input \"" + name + "\"");
  result.stepInput = input - result.inputs.begin();
  int64_t axis = step["axis"].integer(0);
  if (axis >= int64_t(input->shape.size()))
    step["axis"].error("the input \"" + name + "\" has no such dimension");
  result.stepAxis = size_t(axis);
}

void ManifestReader::readWeights() {
  for (Field entry : root["weights"].list()) {
    WeightSpec weight;
    weight.name = entry["name"].text();
    weight.dtype = readDType(entry["dtype"]);
    for (Field dim : entry["shape"].list())
      weight.shape.push_back(dim.integer(0));
    weight.offset = entry["offset"].integer(0);
    weight.bytes = entry["bytes"].integer(0);
    int64_t bytes;
    if (!computeBytes(weight.dtype, weight.shape.data(), weight.shape.size(),
                      bytes) ||
        bytes != weight.bytes)
      entry["bytes"].error(
          std::to_string(weight.bytes) + " bytes do not fit " +
          llmc_dtype_name(weight.dtype) +
          formatShape(weight.shape.data(), weight.shape.size()));
    if (weight.offset % artifact::kWeightAlignment != 0)
      entry["offset"].error("must be a multiple of " +
                            std::to_string(artifact::kWeightAlignment));
    // Written so that nothing can overflow.
    if (weight.bytes > result.weightsBytes ||
        weight.offset > result.weightsBytes - weight.bytes)
      entry["offset"].error("the weight \"" + weight.name +
                            "\" ends behind the end of " +
                            artifact::kWeightsFile);
    result.weights.push_back(std::move(weight));
  }
}

void ManifestReader::readModel() {
  Field model = root["model"];
  result.metadata = model.dump();
  if (model.has("context_length"))
    result.contextLength = model["context_length"].integer(1);
  if (model.has("eos_token_ids"))
    for (Field id : model["eos_token_ids"].list())
      result.eosIds.push_back(id.integer(0));
}

} // namespace llmc::runtime

Manifest Manifest::read(const std::string &directory) {
  std::string path = directory + "/" + artifact::kManifestFile;
  OpenFile file(path);
  if (file.size() > kMaxManifestBytes)
    fail(LLMC_ERROR_FORMAT, path, ": is too large for a manifest");

  json root;
  auto checkDepth = [&](int depth, json::parse_event_t, const json &) {
    if (depth > kMaxDepth)
      fail(LLMC_ERROR_FORMAT, path, ": is nested more than ", kMaxDepth,
           " deep");
    return true;
  };
  try {
    root = json::parse(file.read(), checkDepth);
  } catch (const json::exception &error) {
    fail(LLMC_ERROR_FORMAT, path, ": ", error.what());
  }
  Manifest manifest;
  ManifestReader(Field(root, ""), manifest).read();
  return manifest;
}
