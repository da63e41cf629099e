//===- MergeLoRA.cpp - adapters as PEFT stores them -----------------------===//

#include "FloatWeights.h"
#include "LowRank.h"
#include "llmc/Weights/Json.h"
#include "llmc/Weights/Safetensors.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Regex.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_MERGELORA
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

using Path = SmallVector<std::string>;

/// The parts of a name, "model.layers.0" or "/model/layers.0/MatMul".
static Path splitName(StringRef name) {
  Path path;
  while (!name.empty()) {
    auto [part, rest] =
        std::pair(name.take_until([](char c) { return c == '.' || c == '/'; }),
                  StringRef());
    rest = name.drop_front(std::min(part.size() + 1, name.size()));
    if (!part.empty())
      path.push_back(part.str());
    name = rest;
  }
  return path;
}

/// How many of its last parts `module` has in common with `name`, which may end
/// in up to three more, as in ".MatMul.weight.q"; 0 where they say nothing: the
/// number of the layer must be among them or, where there is none, all of one
/// of the names.
static size_t countCommon(const Path &module, const Path &name) {
  auto isNumber = [](const std::string &part) {
    return llvm::all_of(part, llvm::isDigit);
  };
  size_t needed = 0;
  for (size_t i = 0; i < module.size(); ++i)
    if (isNumber(module[i]))
      needed = module.size() - i;
  size_t best = 0;
  for (size_t more = 0; more <= 3 && more < name.size(); ++more) {
    size_t length = name.size() - more, count = 0;
    while (count < std::min(length, module.size()) &&
           module[module.size() - 1 - count] == name[length - 1 - count])
      ++count;
    bool isEnough =
        needed ? count >= needed : count == std::min(length, module.size());
    if (isEnough)
      best = std::max(best, count);
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

namespace {

/// What an adapter adds to the weight of a module.
struct Adapter {
  std::string module;
  bool isEmbedding = false;
  std::optional<NamedTensor> a, b;

  /// scale times B A, as a product [out, r] [r, in] of the weight's own order.
  Factors getFactors(double scale) const {
    auto read = [](const NamedTensor &tensor, bool transpose, double scale) {
      int64_t rows = tensor.shape[0], columns = tensor.shape[1];
      FloatFormat format;
      fromString(StringRef(tensor.dtype).lower(), format);
      Matrix<float> matrix(transpose ? columns : rows,
                           transpose ? rows : columns);
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
          float value = loadFloat(tensor.data.data(), format, i * columns + j);
          (transpose ? matrix(j, i) : matrix(i, j)) = value * scale;
        }
      return matrix;
    };
    if (isEmbedding)
      return {read(*a, true, scale), read(*b, true, 1)};
    return {read(*b, false, scale), read(*a, false, 1)};
  }
};

/// What adapter_config.json says.
struct AdapterConfig {
  double alpha = 0;
  bool isStabilized = false;
  std::vector<std::pair<std::string, double>> alphas; ///< By a name's end.

  static llvm::Expected<AdapterConfig> read(StringRef path);
  double getScale(const Adapter &adapter) const;
};

llvm::Expected<AdapterConfig> AdapterConfig::read(StringRef path) {
  auto fail = [&](const Twine &reason) {
    return llvm::createStringError("'" + path + "': " + reason);
  };
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return fail(buffer.getError().message());
  auto json = parseJson((*buffer)->getBuffer());
  if (!json)
    return fail(llvm::toString(json.takeError()));
  const llvm::json::Object *object = json->getAsObject();
  if (!object)
    return fail("is no JSON object");
  AdapterConfig config;
  config.alpha = object->getNumber("lora_alpha").value_or(0);
  config.isStabilized = object->getBoolean("use_rslora").value_or(false);
  if (object->getBoolean("use_dora").value_or(false))
    return fail("use_dora: DoRA is not supported");
  if (const auto *pattern = object->getObject("alpha_pattern"))
    for (const auto &[name, value] : *pattern)
      config.alphas.push_back({name.str(), value.getAsNumber().value_or(0)});
  return config;
}

double AdapterConfig::getScale(const Adapter &adapter) const {
  double used = alpha;
  for (const auto &[name, value] : alphas)
    // PEFT's own: the pattern is the module's name or a part behind a dot.
    if (llvm::Regex("^(.*\\.)?(" + name + ")$").match(adapter.module))
      used = value;
  double rank = adapter.a->shape[0];
  return used / (isStabilized ? std::sqrt(rank) : rank);
}

/// Whether the adapter is of the size of the weight that `reader` has.
bool fits(const Adapter &adapter, Operation *reader) {
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(getReadWeight(reader).getType()).getShape();
  int64_t in = adapter.a->shape[1], out = adapter.b->shape[0];
  if (adapter.isEmbedding)
    std::swap(in, out);
  return shape[0] == out && shape[1] == in;
}

/// A weight of the model and what reads it.
struct Target {
  SmallVector<Operation *> readers;
  std::vector<Path> names;
};

struct MergeLoRA : llmc::impl::MergeLoRABase<MergeLoRA> {
  using MergeLoRABase::MergeLoRABase;

  void runOnOperation() override {
    if (llvm::failed(merge()))
      signalPassFailure();
  }

private:
  InFlightDiagnostic fail() {
    return emitError(UnknownLoc::get(&getContext())) << getArgument() << ": ";
  }
  LogicalResult merge();
  FailureOr<AdapterConfig> readConfig();
  FailureOr<std::vector<Adapter>> getAdapters(const Safetensors &tensors);
  llvm::MapVector<ParamOp, Target> findTargets();
  LogicalResult apply(const Adapter &adapter, double scale, ParamOp param,
                      const Target &target, SymbolTable &symbols);
};

FailureOr<AdapterConfig> MergeLoRA::readConfig() {
  SmallString<128> path(file);
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "adapter_config.json");
  AdapterConfig config;
  bool isThere = llvm::sys::fs::exists(path);
  if (isThere) {
    auto read = AdapterConfig::read(path);
    if (!read)
      return fail() << llvm::toString(read.takeError());
    config = std::move(*read);
  }
  if (alpha != 0) {
    config.alpha = alpha;
    config.alphas.clear();
  }
  if (config.alpha == 0)
    return fail() << "'" << path << "' "
                  << (isThere ? "has no lora_alpha" : "is not there")
                  << ": give alpha";
  return config;
}

FailureOr<std::vector<Adapter>>
MergeLoRA::getAdapters(const Safetensors &tensors) {
  constexpr std::pair<StringRef, bool> ends[] = {{".lora_A.weight", false},
                                                 {".lora_B.weight", false},
                                                 {".lora_embedding_A", true},
                                                 {".lora_embedding_B", true}};
  std::map<std::string, Adapter> byModule;
  for (const auto &[name, tensor] : tensors.tensors) {
    StringRef module = name;
    module.consume_front("base_model.model.");
    bool isKnown = false;
    for (auto [number, end] : llvm::enumerate(ends)) {
      if (!module.consume_back(end.first))
        continue;
      isKnown = true;
      FloatFormat format;
      if (tensor.shape.size() != 2 ||
          !fromString(StringRef(tensor.dtype).lower(), format))
        return fail() << "'" << name << "' is no matrix of F32, F16 or BF16";
      Adapter &adapter = byModule[module.str()];
      adapter.module = module.str();
      adapter.isEmbedding = end.second;
      (number % 2 ? adapter.b : adapter.a) = tensor;
      break;
    }
    if (!isKnown)
      return fail() << "'" << name << "' is nothing that can be added to a "
                    << "weight: names end in .lora_A.weight and .lora_B.weight";
  }
  std::vector<Adapter> adapters;
  for (auto &[module, adapter] : byModule) {
    if (!adapter.a || !adapter.b || adapter.a->shape[0] != adapter.b->shape[1])
      return fail() << "'" << module
                    << "' has no lora_A and lora_B of one rank";
    adapters.push_back(std::move(adapter));
  }
  if (adapters.empty())
    return fail() << "'" << file << "' has no adapters";
  return adapters;
}

llvm::MapVector<ParamOp, Target> MergeLoRA::findTargets() {
  llvm::MapVector<ParamOp, Target> targets;
  getOperation().walk([&](Operation *op) {
    if (!isa<LinearOp, EmbeddingOp>(op))
      return;
    ParamOp param = findParam(getReadWeight(op));
    if (!param)
      return;
    Target &target = targets[param];
    if (target.readers.empty())
      target.names.push_back(splitName(param.getSymName()));
    target.readers.push_back(op);
    op->getLoc()->walk([&](Location location) {
      if (auto name = dyn_cast<NameLoc>(location))
        target.names.push_back(splitName(name.getName()));
      return WalkResult::advance();
    });
  });
  return targets;
}

LogicalResult MergeLoRA::merge() {
  if (file.empty())
    return fail() << "file names no adapter";
  auto tensors = Safetensors::read(file);
  if (!tensors)
    return fail() << llvm::toString(tensors.takeError());
  FailureOr<AdapterConfig> config = readConfig();
  if (failed(config))
    return failure();
  FailureOr<std::vector<Adapter>> adapters = getAdapters(*tensors);
  if (failed(adapters))
    return failure();
  llvm::MapVector<ParamOp, Target> targets = findTargets();
  llvm::MapVector<ParamOp, const Adapter *> chosen;
  std::string missing;
  for (const Adapter &adapter : *adapters) {
    Path path = splitName(adapter.module);
    SmallVector<ParamOp> found;
    size_t best = 1;
    for (auto &[param, target] : targets) {
      size_t common = 0;
      for (const Path &name : target.names)
        common = std::max(common, countCommon(path, name));
      if (common > best)
        found.clear();
      if (common >= best) {
        best = common;
        found.push_back(param);
      }
    }
    if (found.empty()) {
      missing += (missing.empty() ? "'" : ", '") + adapter.module + "'";
      continue;
    }
    if (found.size() > 1) {
      // Linears of factors have the name of what they are factors of.
      SmallVector<ParamOp> fitting;
      llvm::copy_if(found, std::back_inserter(fitting), [&](ParamOp param) {
        return fits(adapter, targets[param].readers.front());
      });
      if (fitting.size() == 1)
        found = fitting;
    }
    if (found.size() > 1)
      return fail() << "'" << adapter.module << "' may be of '"
                    << found[0].getSymName() << "' and of '"
                    << found[1].getSymName() << "'";
    auto [place, isNew] = chosen.try_emplace(found.front(), &adapter);
    if (!isNew)
      return fail() << "'" << adapter.module << "' and '"
                    << place->second->module << "' are both of '"
                    << found.front().getSymName() << "'";
  }
  if (!missing.empty())
    return fail() << "no weight of the model is that of " << missing;
  SymbolTable symbols(getOperation());
  for (auto &[param, adapter] : chosen)
    if (failed(apply(*adapter, config->getScale(*adapter), param,
                     targets[param], symbols)))
      return failure();
  return success();
}

LogicalResult MergeLoRA::apply(const Adapter &adapter, double scale,
                               ParamOp param, const Target &target,
                               SymbolTable &symbols) {
  Factors factors = adapter.getFactors(scale);
  // Those that the adapter changes; the weight may be tied to others.
  SmallVector<Operation *> readers, others;
  for (Operation *reader : target.readers)
    (isa<EmbeddingOp>(reader) == adapter.isEmbedding ? readers : others)
        .push_back(reader);
  auto refuse = [&](const Twine &reason) {
    return param->emitError()
           << getArgument() << ": the adapter of '" << adapter.module
           << "' cannot be added to '" << param.getSymName() << "': " << reason;
  };
  if (readers.empty())
    return refuse(adapter.isEmbedding ? "no embedding reads it"
                                      : "no linear reads it");
  Operation *reader = readers.front();
  auto type = cast<RankedTensorType>(getReadWeight(reader).getType());
  if (type.getShape() != ArrayRef<int64_t>{factors.u.rows, factors.v.columns})
    return refuse("it is " + Twine(type.getDimSize(0)) + "x" +
                  Twine(type.getDimSize(1)) + ", the adapter " +
                  Twine(factors.u.rows) + "x" + Twine(factors.v.columns));
  std::optional<FloatFormat> format = getFloatFormat(type.getElementType());
  if (!format)
    return refuse("it is not of f32, f16 or bf16");
  if (!factors.round(keep ? *format : FloatFormat::F32))
    return refuse("the adapter holds numbers that are not finite");
  if (!keep && !others.empty())
    return refuse("it is tied to '" + others.front()->getName().getStringRef() +
                  "', which the adapter does not change; keep leaves the "
                  "adapter beside it");
  auto report = [&] {
    ++numAdapters;
    using mlir::remark::metric;
    mlir::remark::passed(
        param.getLoc(),
        mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
        << metric("param", param.getSymName())
        << metric("module", adapter.module) << metric("rank", factors.getRank())
        << metric("scale", scale);
    return success();
  };
  if (keep) {
    auto params = FactorParams::create(param, param.getSymName(), factors,
                                       type.getElementType(), symbols);
    for (Operation *op : readers)
      params.addTo(op);
    return report();
  }
  for (const UsedWeight &used : collectUsedWeights(getOperation())) {
    if (used.param != param)
      continue;
    if (Operation *other = used.otherUser)
      return refuse("'" + other->getName().getStringRef() + "' reads it too");
    FloatWeight weight{used, *format, type.getDimSize(0), type.getDimSize(1),
                       nullptr};
    Matrix<float> sum = readFloats(weight);
    multiply(1, factors.u, false, factors.v, false, 1, sum);
    if (!llvm::all_of(sum.values, [](float w) { return std::isfinite(w); }))
      return refuse("the sum holds numbers that are not finite");
    storeFloats(weight, sum);
    return report();
  }
  return refuse("it is not of floats any more; merge before it is compressed, "
                "or leave the adapter beside it with keep");
}
} // namespace
