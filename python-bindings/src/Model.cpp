//===- Model.cpp - a model in the compiler, for Python --------------------===//

#include "Model.h"
#include "CompiledModel.h"
#include "llmc/InitAll.h"
#include "llmc/Lower/Artifact.h"
#include "llmc/Onnx/Export.h"
#include "llmc/Onnx/Import.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/DecodeWeight.h"
#include "llmc/Weights/ModuleFile.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace mlir;
using namespace llmc;
using namespace llmc::python;

static DialectRegistry makeRegistry(std::shared_ptr<Backends> backends,
                                    const std::vector<std::string> &files) {
  DialectRegistry registry;
  registerEveryDialect(registry);
  for (const std::string &file : files)
    if (llvm::Error error = backends->load(file))
      throw Error(llvm::toString(std::move(error)));
  Backends::registerWith(registry, std::move(backends));
  return registry;
}

Model::Model(const std::vector<std::string> &files)
    : backends(std::make_shared<Backends>()),
      context(makeRegistry(backends, files)) {
  collectRemarks(context, remarks);
}

class Model::Use {
public:
  explicit Use(Model &model) : lock(model.mutex), module(model.module.get()) {
    if (!module)
      throw Error("the module was compiled, which uses it up: load it again");
  }
  ModuleOp operator*() { return module; }
  ModuleOp *operator->() { return &module; }

private:
  std::lock_guard<std::mutex> lock;
  ModuleOp module;
};

static bool hasMain(ModuleOp module) {
  return bool(module.lookupSymbol<func::FuncOp>("main"));
}

std::shared_ptr<Model> Model::load(const std::string &path,
                                   const std::vector<std::string> &backends) {
  std::shared_ptr<Model> model(new Model(backends));
  DiagnosticCollector diagnostics(&model->context);
  StringRef extension = llvm::sys::path::extension(path);
  if (extension == ".onnx")
    model->module = importOnnxModel(path, &model->context);
  else if (extension == ".mlir" || extension == ".mlirbc")
    model->module = parseModuleFile(path, &model->context);
  else
    throw Error("'" + path + "' is not named .onnx, .mlir or .mlirbc");
  if (!model->module)
    diagnostics.raise("the file cannot be read");
  if (!hasMain(*model->module))
    throw Error("'" + path + "' has no function @main");
  return model;
}

std::shared_ptr<Model> Model::parse(const std::string &text,
                                    const std::vector<std::string> &backends) {
  std::shared_ptr<Model> model(new Model(backends));
  DiagnosticCollector diagnostics(&model->context);
  model->module = parseSourceString<ModuleOp>(text, &model->context);
  if (!model->module)
    diagnostics.raise("the text cannot be parsed");
  if (!hasMain(*model->module))
    throw Error("the module has no function @main");
  return model;
}

static void registerPassesOnce() {
  static bool done = [] {
    registerEveryPass();
    return true;
  }();
  (void)done;
}

static Recipe openRecipe(const std::string &file) {
  auto recipe = Recipe::read(file);
  if (!recipe)
    throw Error(llvm::toString(recipe.takeError()));
  return std::move(*recipe);
}

RecipeInfo llmc::python::readRecipe(const std::string &file) {
  Recipe recipe = openRecipe(file);
  RecipeInfo info{recipe.getDescription().str(), {}};
  for (const RecipeOption &option : recipe.getOptions())
    info.options.emplace_back(option.name, option.value);
  return info;
}

std::string llmc::python::makePipeline(
    const std::string &file,
    const std::vector<std::pair<std::string, std::string>> &settings) {
  registerPassesOnce();
  auto pipeline = openRecipe(file).makePipeline(settings);
  if (!pipeline)
    throw Error(llvm::toString(pipeline.takeError()));
  return std::move(*pipeline);
}

PassReport Model::run(const std::string &pipeline, const std::string &target) {
  registerPassesOnce();
  Use module(*this);
  setTarget(target);
  PassManager manager(&context, ModuleOp::getOperationName());
  std::string problems;
  llvm::raw_string_ostream os(problems);
  if (failed(parsePassPipeline(pipeline, manager, os)))
    throw Error(problems.empty()
                    ? "the pipeline '" + pipeline + "' cannot be parsed"
                    : problems);
  // At the end: behind each pass of llmc-lift it takes as long as these.
  manager.enableVerifier(false);
  DiagnosticCollector diagnostics(&context);
  remarks.clear();
  if (failed(manager.run(*module)) || failed(verify(*module)))
    diagnostics.raise("a pass failed without saying why");
  return {std::move(remarks), std::move(diagnostics.notices)};
}

std::string Model::text() {
  Use module(*this);
  std::string result;
  llvm::raw_string_ostream os(result);
  // Without local scope every resource is turned into text and then dropped.
  module->print(os, OpPrintingFlags()
                        .useLocalScope()
                        .elideLargeElementsAttrs(16)
                        .elideLargeResourceString(64));
  return result;
}

std::vector<std::string> Model::save(const std::string &path,
                                     bool freeWritten) {
  Use module(*this);
  StringRef extension = llvm::sys::path::extension(path);
  if (extension == ".onnx") {
    DiagnosticCollector diagnostics(&context);
    ExportOptions options;
    options.freeWritten = freeWritten;
    if (failed(exportOnnxModel(*module, path, options)))
      diagnostics.raise("the model cannot be exported");
    return std::move(diagnostics.notices);
  }
  if (extension != ".mlir" && extension != ".mlirbc")
    throw Error("'" + path + "' is not named .onnx, .mlir or .mlirbc");
  // Writes beside the file and renames: it is complete or not there.
  llvm::Error error =
      llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
        if (extension == ".mlir") {
          module->print(os);
          return llvm::Error::success();
        }
        if (failed(writeBytecodeToFile(*module, os)))
          return llvm::createStringError("the bytecode cannot be written");
        return llvm::Error::success();
      });
  if (error)
    throw Error("'" + path + "': " + llvm::toString(std::move(error)));
  return {};
}

std::vector<TensorInfo> Model::inputs() {
  Use module(*this);
  return describe(getInputSpecs(*module));
}

std::vector<TensorInfo> Model::outputs() {
  Use module(*this);
  return describe(getOutputSpecs(*module));
}

std::vector<ParamInfo> Model::params() {
  Use module(*this);
  std::vector<ParamInfo> result;
  for (ParamOp param : module->getOps<ParamOp>()) {
    RankedTensorType type = param.getType();
    TensorInfo tensor{param.getSymName().str(),
                      getNumpyName(type.getElementType()),
                      {type.getShape().begin(), type.getShape().end()}};
    result.push_back({std::move(tensor), getByteSize(type).value_or(0)});
  }
  return result;
}

/// What computes the weight, seen from the op that reads it.
static std::string describeFormat(Value weight) {
  Operation *op = weight.getDefiningOp();
  if (auto transpose = dyn_cast_or_null<TransposeOp>(op))
    return describeFormat(transpose.getOperand());
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto dequantize = dyn_cast_or_null<DequantizeOp>(op))
    os << dequantize.getBits() << " bit, block " << dequantize.getBlock()
       << (hasFloatZeros(dequantize) ? ", float zeros"
           : dequantize.getZeros()   ? ""
                                     : ", symmetric");
  else if (auto densify = dyn_cast_or_null<DensifyOp>(op))
    os << describeFormat(densify.getValues()) << ", " << densify.getPattern();
  else if (auto bitmap = dyn_cast_or_null<DensifyBitmapOp>(op))
    os << describeFormat(bitmap.getValues()) << ", a bit for each "
       << (bitmap.getTile() ? "tile" : "weight");
  else if (isa_and_nonnull<WeightOp>(op))
    os << getNumpyName(cast<ShapedType>(weight.getType()).getElementType());
  else if (op)
    os << op->getName();
  else
    os << "argument";
  return text;
}

/// The first parameter of a weight expression, without what compression
/// appended to the name.
static std::string nameOf(Value weight) {
  StringRef suffix;
  while (Operation *op = weight.getDefiningOp()) {
    if (auto load = dyn_cast<WeightOp>(op)) {
      StringRef name = load.getParam();
      name.consume_back(suffix);
      return name.str();
    }
    if (isa<DequantizeOp>(op))
      suffix = ".q";
    else if (isa<DensifyOp, DensifyBitmapOp>(op) && suffix.empty())
      suffix = ".values";
    if (op->getNumOperands() == 0)
      break;
    weight = op->getOperand(0);
  }
  return "";
}

std::vector<WeightInfo> Model::weights() {
  Use module(*this);
  std::vector<WeightInfo> result;
  module->walk([&](Operation *op) {
    Value weight;
    if (auto linear = dyn_cast<LinearOp>(op))
      weight = linear.getWeight();
    else if (auto embedding = dyn_cast<EmbeddingOp>(op))
      weight = embedding.getWeight();
    else
      return;
    ArrayRef<int64_t> shape = cast<ShapedType>(weight.getType()).getShape();
    result.push_back({nameOf(weight),
                      op->getName().stripDialect().str(),
                      describeFormat(weight),
                      {shape.begin(), shape.end()},
                      storageBytes(weight)});
  });
  return result;
}

std::vector<std::pair<std::string, int64_t>> Model::ops() {
  Use module(*this);
  std::map<std::string, int64_t> counts;
  for (auto function : module->getOps<func::FuncOp>())
    function.walk([&](Operation *op) {
      auto name = op->getName().getStringRef();
      if (auto node = dyn_cast<OnnxOp>(op))
        name = node.getOpType();
      if (!isa<func::FuncOp, func::ReturnOp, WeightOp, ConstantOp>(op))
        ++counts[name.str()];
    });
  return {counts.begin(), counts.end()};
}

void Model::setTarget(const std::string &target) {
  if (llvm::Error error = backends->setTarget(target))
    throw Error(llvm::toString(std::move(error)));
}

std::pair<double, size_t> Model::cost(int64_t rows, const std::string &target) {
  Use module(*this);
  setTarget(target);
  DiagnosticCollector diagnostics(&context);
  Backends::ModelCost cost = backends->getCost(*module, rows);
  return {cost.seconds, cost.unknown.size()};
}

std::unique_ptr<CompiledModel> Model::compile(const std::string &target,
                                              unsigned optLevel) {
  Use use(*this);
  if (target != "host" && target != "reference")
    throw Error("there is no target '" + target +
                "' in memory; use 'host' or 'reference'");
  setTarget(target);
  DiagnosticCollector diagnostics(&context);
  Executable::Options options;
  options.optLevel = optLevel;
  options.useBackends = target != "reference";
  auto executable = Executable::create(*use, options);
  module = nullptr;
  if (failed(executable))
    diagnostics.raise("the model cannot be compiled");
  return std::make_unique<CompiledModel>(shared_from_this(),
                                         std::move(*executable));
}

std::vector<std::string>
Model::compileArtifact(const std::string &directory, const std::string &target,
                       unsigned optLevel, const std::string &modelDirectory,
                       bool strict) {
  Use use(*this);
  setTarget(target);
  DiagnosticCollector diagnostics(&context);
  ArtifactOptions options;
  options.target = target;
  options.optLevel = optLevel;
  options.modelDirectory = modelDirectory;
  options.strict = strict;
  LogicalResult result = llmc::compileArtifact(*use, directory, options);
  module = nullptr;
  if (failed(result))
    diagnostics.raise("the model cannot be compiled");
  return std::move(diagnostics.notices);
}
