//===- Manifest.cpp - manifest.json, collected and written ----------------===//

#include "Manifest.h"
#include "CodeGen.h"
#include "llmc/Lower/Passes.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include "llmc/Weights/Json.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace llmc;
namespace json = llvm::json;
namespace fs = llvm::sys::fs;

/// The dimension of a state that grows with the sequence: [batch, head,
/// capacity, width].
static constexpr int64_t stateAxis = 2;

/// numpy's name of an element type; empty where an artifact has none.
static StringRef getDType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 1:
      return "bool";
    case 8:
      return isUnsigned ? "uint8" : "int8";
    case 16:
      return isUnsigned ? "uint16" : "int16";
    case 32:
      return isUnsigned ? "uint32" : "int32";
    case 64:
      return isUnsigned ? "uint64" : "int64";
    default:
      return "";
    }
  }
  return llvm::TypeSwitch<Type, StringRef>(type)
      .Case<Float64Type>([](auto) { return "float64"; })
      .Case<Float32Type>([](auto) { return "float32"; })
      .Case<Float16Type>([](auto) { return "float16"; })
      .Case<BFloat16Type>([](auto) { return "bfloat16"; })
      .Case<Float8E4M3FNType>([](auto) { return "float8_e4m3fn"; })
      .Case<Float8E4M3FNUZType>([](auto) { return "float8_e4m3fnuz"; })
      .Case<Float8E5M2Type>([](auto) { return "float8_e5m2"; })
      .Case<Float8E5M2FNUZType>([](auto) { return "float8_e5m2fnuz"; })
      .Default([](auto) { return ""; });
}

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

LogicalResult Manifest::setInterface(ModuleOp module) {
  if (failed(verifyEntry(module)))
    return failure();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  auto check = [&](const TensorSpec &spec) -> LogicalResult {
    if (getDType(spec.elementType).empty())
      return main.emitError("'") << spec.name << "': an artifact has no tensors"
                                 << " of " << spec.elementType;
    return success();
  };
  outputs = getOutputSpecs(module);
  for (const TensorSpec &spec : outputs)
    if (failed(check(spec)))
      return failure();

  bool hasPastLength = false;
  for (auto [index, spec] : llvm::enumerate(getInputSpecs(module))) {
    if (failed(check(spec)))
      return failure();
    auto output = main.getArgAttrOfType<StringAttr>(index, stateAttr);
    bool isPastLength =
        !output && spec.name == artifact::kPastLength && !states.empty();
    // Compiled code takes its arguments in this order.
    if (hasPastLength || (!states.empty() && !output && !isPastLength))
      return main.emitError("argument '")
             << spec.name << "' must come before the states and past_length";
    if (isPastLength) {
      hasPastLength = true;
    } else if (output) {
      if (int64_t(spec.shape.size()) <= stateAxis)
        return main.emitError("state '")
               << spec.name << "' must be [batch, head, capacity, width]";
      states.push_back({spec, output.str()});
    } else {
      inputs.push_back(spec);
    }
  }
  if (hasPastLength == states.empty())
    return main.emitError("states need the argument 'past_length' behind them");
  return states.empty() ? success() : findStep(module);
}

LogicalResult Manifest::findStep(ModuleOp module) {
  for (StringRef name : {"input_ids", "inputs_embeds"}) {
    for (const TensorSpec &spec : inputs) {
      if (spec.name == name && spec.shape.size() >= 2) {
        stepInput = spec.name;
        return success();
      }
    }
  }
  return module.lookupSymbol("main")->emitError(
      "a model with states needs an input 'input_ids' or 'inputs_embeds': its "
      "dimension 1 is the number of rows that a run appends");
}

LogicalResult Manifest::addWeight(ParamOp param, int64_t offset) {
  RankedTensorType type = param.getType();
  StringRef dtype = getDType(type.getElementType());
  if (dtype.empty())
    return param.emitError("an artifact has no weights of ")
           << type.getElementType() << ": pack them into ui8";
  weights.push_back(
      {param.getSymName().str(), dtype.str(),
       SmallVector<int64_t>(type.getShape()),
       int64_t(llvm::alignTo(uint64_t(offset), artifact::kWeightAlignment)),
       type.getNumElements() * elementByteSize(type.getElementType())});
  return success();
}

//===----------------------------------------------------------------------===//
// Configuration
//===----------------------------------------------------------------------===//

static FailureOr<json::Object> readObject(ModuleOp module, const Twine &path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return json::Object();
  llvm::Expected<json::Value> value = parseJson((*file)->getBuffer());
  if (!value)
    return module.emitError()
           << path << ": " << llvm::toString(value.takeError());
  if (json::Object *object = value->getAsObject())
    return std::move(*object);
  return module.emitError() << path << ": expected an object";
}

LogicalResult Manifest::setModel(ModuleOp module, StringRef directory) {
  if (directory.empty())
    return success();
  // What generation_config.json says of the end tokens goes before.
  FailureOr<json::Object> config =
      readObject(module, directory + "/config.json");
  if (failed(config))
    return failure();
  FailureOr<json::Object> generation =
      readObject(module, directory + "/generation_config.json");
  if (failed(generation))
    return failure();

  if (auto type = config->getString("model_type"))
    model["model_type"] = type->str();
  for (StringRef key : {"max_position_embeddings", "n_positions", "n_ctx",
                        "max_sequence_length"}) {
    auto length = config->getInteger(key);
    if (length && *length > 0 && !model.get("context_length"))
      model["context_length"] = *length;
  }
  for (json::Object *object : {&*generation, &*config}) {
    if (auto bos = object->getInteger("bos_token_id");
        bos && !model.get("bos_token_id"))
      model["bos_token_id"] = *bos;
    if (model.get("eos_token_ids"))
      continue;
    json::Array ids;
    if (auto id = object->getInteger("eos_token_id"))
      ids.push_back(*id);
    else if (json::Array *list = object->getArray("eos_token_id"))
      for (json::Value &id : *list)
        if (id.getAsInteger())
          ids.push_back(*id.getAsInteger());
    if (!ids.empty())
      model["eos_token_ids"] = std::move(ids);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

std::map<std::string, int64_t> llmc::listFiles(StringRef directory,
                                               std::error_code &error) {
  std::map<std::string, int64_t> files;
  fs::recursive_directory_iterator entry(directory, error,
                                         /*follow_symlinks=*/false),
      end;
  for (; !error && entry != end; entry.increment(error)) {
    llvm::ErrorOr<fs::basic_file_status> status = entry->status();
    if ((error = status.getError()))
      break;
    StringRef name = StringRef(entry->path()).drop_front(directory.size() + 1);
    if (status->type() != fs::file_type::directory_file)
      files[name.str()] = int64_t(status->getSize());
  }
  return files;
}

std::optional<llvm::StringSet<>> Manifest::readFiles(StringRef directory) {
  std::string path = (directory + "/" + artifact::kManifestFile).str();
  // Only a file: a pipe would be waited for.
  if (!fs::is_regular_file(path))
    return std::nullopt;
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return std::nullopt;
  llvm::Expected<json::Value> value = parseJson((*file)->getBuffer());
  if (!value) {
    llvm::consumeError(value.takeError());
    return std::nullopt;
  }
  const json::Object *root = value->getAsObject();
  const json::Object *files = root ? root->getObject("files") : nullptr;
  if (!files || root->getString("format") != artifact::kFormat)
    return std::nullopt;
  llvm::StringSet<> names = {artifact::kManifestFile};
  for (const auto &[name, bytes] : *files)
    names.insert(name);
  return names;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static void writeTensor(json::OStream &out, const TensorSpec &spec) {
  out.attribute("name", json::fixUTF8(spec.name));
  out.attribute("dtype", getDType(spec.elementType));
  out.attributeArray("shape", [&] {
    for (auto [size, dim] : llvm::zip(spec.shape, spec.dims)) {
      if (!ShapedType::isDynamic(size))
        out.value(size);
      else if (dim.empty())
        out.value(nullptr);
      else
        out.value(json::fixUTF8(dim));
    }
  });
}

LogicalResult Manifest::write(ModuleOp module, StringRef directory) const {
  std::error_code error;
  std::map<std::string, int64_t> files = listFiles(directory, error);
  if (error)
    return module.emitError("cannot read ")
           << directory << ": " << error.message();
  std::string path = (directory + "/" + artifact::kManifestFile).str();
  llvm::raw_fd_ostream file(path, error);
  if (error)
    return module.emitError("cannot write ") << path << ": " << error.message();
  json::OStream out(file, /*IndentSize=*/1);
  out.object([&] {
    out.attribute("format", artifact::kFormat);
    out.attribute("version", artifact::kVersion);
    out.attribute("llmc", LLMC_VERSION);
    out.attributeObject("target", [&] {
      out.attribute("triple", machine.getTargetTriple().str());
      out.attribute("cpu", machine.getTargetCPU());
      out.attributeArray("features", [&] {
        for (const std::string &feature : getRequiredFeatures(machine))
          out.value(feature);
      });
    });
    out.attribute("entry", invokeSymbol);
    out.attributeObject("files", [&] {
      for (const auto &[name, bytes] : files)
        out.attribute(json::fixUTF8(name), bytes);
    });
    for (auto &[name, specs] :
         {std::pair("inputs", &inputs), std::pair("outputs", &outputs)})
      out.attributeArray(name, [&, specs = specs] {
        for (const TensorSpec &spec : *specs)
          out.object([&] { writeTensor(out, spec); });
      });
    out.attributeArray("states", [&] {
      for (const State &state : states)
        out.object([&] {
          writeTensor(out, state.spec);
          out.attribute("output", json::fixUTF8(state.output));
          out.attribute("axis", stateAxis);
        });
    });
    out.attribute("past_length", !states.empty());
    if (!states.empty())
      out.attributeObject("step", [&] {
        out.attribute("input", json::fixUTF8(stepInput));
        out.attribute("axis", 1);
      });
    out.attributeArray("weights", [&] {
      for (const Weight &weight : weights)
        out.object([&] {
          out.attribute("name", json::fixUTF8(weight.name));
          out.attribute("dtype", weight.dtype);
          out.attributeArray("shape", [&] {
            for (int64_t size : weight.shape)
              out.value(size);
          });
          out.attribute("offset", weight.offset);
          out.attribute("bytes", weight.bytes);
        });
    });
    if (!model.empty())
      out.attribute("model", json::Object(model));
  });
  file << "\n";
  file.close();
  if (file.has_error()) {
    error = file.error();
    file.clear_error();
    return module.emitError("cannot write ") << path << ": " << error.message();
  }
  return success();
}
