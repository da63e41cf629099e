//===- Executable.cpp - models compiled in memory -------------------------===//

#include "llmc/Lower/Executable.h"
#include "CodeGen.h"
#include "llmc/Lower/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace llmc;

/// Checks the type and attributes of one argument or result of @main.
static LogicalResult verifySpec(func::FuncOp main, const Twine &what, Type type,
                                DictionaryAttr attributes) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isIntOrFloat() ||
      tensor.getElementTypeBitWidth() > 64)
    return main.emitError(what)
           << " of @main has type " << type
           << "; compiled code takes ranked tensors of integers and floats of "
              "at most 64 bits";
  if (!attributes)
    return success();
  Attribute name = attributes.get(nameAttr), dims = attributes.get(dimsAttr);
  if (name && !isa<StringAttr>(name))
    return main.emitError(what)
           << " of @main: " << nameAttr << " must be a string";
  auto names = dyn_cast_or_null<ArrayAttr>(dims);
  if (dims && (!names || int64_t(names.size()) != tensor.getRank() ||
               !llvm::all_of(names, llvm::IsaPred<StringAttr>)))
    return main.emitError(what) << " of @main: " << dimsAttr
                                << " must have a string for each dimension";
  return success();
}

LogicalResult llmc::verifyEntry(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return module.emitError("the module has no function @main");
  for (auto [index, type] : llvm::enumerate(main.getArgumentTypes()))
    if (failed(verifySpec(main, "argument " + Twine(index), type,
                          main.getArgAttrDict(index))))
      return failure();
  for (auto [index, type] : llvm::enumerate(main.getResultTypes()))
    if (failed(verifySpec(main, "result " + Twine(index), type,
                          main.getResultAttrDict(index))))
      return failure();
  return success();
}

static TensorSpec getSpec(Type type, DictionaryAttr attributes,
                          std::string fallback) {
  auto tensor = cast<RankedTensorType>(type);
  TensorSpec spec{std::move(fallback),
                  tensor.getElementType(),
                  SmallVector<int64_t>(tensor.getShape()),
                  {}};
  spec.dims.resize(tensor.getRank());
  if (!attributes)
    return spec;
  if (auto name = attributes.getAs<StringAttr>(nameAttr))
    spec.name = name.str();
  if (auto dims = attributes.getAs<ArrayAttr>(dimsAttr))
    for (auto [dim, attribute] : llvm::zip(spec.dims, dims))
      dim = cast<StringAttr>(attribute).str();
  return spec;
}

SmallVector<TensorSpec> llmc::getInputSpecs(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  SmallVector<TensorSpec> specs;
  for (auto [index, type] : llvm::enumerate(main.getArgumentTypes()))
    if (!main.getArgAttr(index, paramAttr))
      specs.push_back(getSpec(type, main.getArgAttrDict(index),
                              "input" + std::to_string(index)));
  return specs;
}

SmallVector<TensorSpec> llmc::getOutputSpecs(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  SmallVector<TensorSpec> specs;
  for (auto [index, type] : llvm::enumerate(main.getResultTypes()))
    if (!main.getResultAttr(index, stateAttr))
      specs.push_back(getSpec(type, main.getResultAttrDict(index),
                              "output" + std::to_string(index)));
  return specs;
}

/// The parameters behind @main's trailing arguments, as bytes in memory.
static SmallVector<HostTensor> collectParams(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  SmallVector<HostTensor> params;
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    auto symbol = main.getArgAttrOfType<FlatSymbolRefAttr>(i, paramAttr);
    if (!symbol)
      continue;
    auto param = module.lookupSymbol<ParamOp>(symbol.getAttr());
    auto copy = std::make_shared<SmallVector<char, 0>>();
    ArrayRef<char> bytes = getParamBytes(param, *copy);
    Type element = param.getType().getElementType();
    SmallVector<int64_t> shape(param.getType().getShape());
    unsigned width = element.getIntOrFloatBitWidth();
    // Elements smaller than a byte are packed, and come as bytes.
    if (width > 1 && width < 8) {
      element = IntegerType::get(module.getContext(), 8);
      shape = {int64_t(bytes.size())};
    }
    params.push_back(
        {element, shape,
         std::shared_ptr<void>(copy, const_cast<char *>(bytes.data()))});
  }
  return params;
}

/// Compiles `module`, in the LLVM dialect.
static FailureOr<std::unique_ptr<ExecutionEngine>>
generateCode(ModuleOp module, unsigned optLevel) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto fail = [&](llvm::Error error) {
    module.emitError("code generation: ") << llvm::toString(std::move(error));
    return failure();
  };
  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return fail(builder.takeError());
  auto machine = builder->createTargetMachine();
  if (!machine)
    return fail(machine.takeError());
  auto transform = [&](llvm::Module *code) {
    optimizeCode(*code, **machine, optLevel);
    return llvm::Error::success();
  };
  ExecutionEngineOptions engineOptions;
  engineOptions.transformer = transform;
  engineOptions.jitCodeGenOptLevel = llvm::CodeGenOptLevel::Default;
  // Where compiled code looks for the functions that it calls: the process.
  std::string problem;
  if (usesThreads(module) && llvm::sys::DynamicLibrary::LoadLibraryPermanently(
                                 openMPLibrary.data(), &problem))
    return module.emitError("models with several threads need ")
           << openMPLibrary << " (install libomp-22-dev): " << problem;
  auto engine = ExecutionEngine::create(module, engineOptions);
  if (!engine)
    return fail(engine.takeError());
  for (StringRef symbol : {invokeSymbol, errorSymbol})
    if (auto found = (*engine)->lookup(symbol); !found)
      return fail(found.takeError());
  // Runs constructors, as the loader does with an artifact's.
  (*engine)->initialize();
  return std::move(*engine);
}

/// What the code of `module`, in linalg, follows from. Parameters are arguments
/// and told by their place, and so are inputs and outputs.
static std::string getCodeKey(ModuleOp module, unsigned optLevel) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    if (main.getArgAttr(i, paramAttr))
      main.setArgAttr(
          i, paramAttr,
          FlatSymbolRefAttr::get(module.getContext(), "p" + std::to_string(i)));
    else if (!main.getArgAttr(i, stateAttr))
      main.removeArgAttr(i, nameAttr);
  }
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    if (!main.getResultAttr(i, stateAttr))
      main.removeResultAttr(i, StringAttr::get(module.getContext(), nameAttr));
  std::string key = std::to_string(optLevel);
  llvm::raw_string_ostream os(key);
  module.print(os, OpPrintingFlags().elideLargeElementsAttrs(INT64_MAX));
  return key;
}

Executable::~Executable() {
  for (DenseResourceElementsAttr value : ownedParams)
    freeBytes(value);
}

FailureOr<std::unique_ptr<Executable>>
Executable::create(ModuleOp module, const Options &options) {
  if (failed(verifyEntry(module)))
    return failure();
  if (options.optLevel > 3)
    return module.emitError("there is no optimization level ")
           << options.optLevel;
  std::unique_ptr<Executable> result(new Executable());
  result->inputSpecs = getInputSpecs(module);
  result->outputSpecs = getOutputSpecs(module);

  PassManager toLinalg(module.getContext()), toLLVM(module.getContext());
  buildLowerToLinalgPipeline(toLinalg, options.useBackends);
  if (failed(toLinalg.run(module)))
    return failure();
  result->params = collectParams(module);
  // The code generator needs no bytes.
  for (ParamOp param : llvm::make_early_inc_range(module.getOps<ParamOp>())) {
    auto value = dyn_cast<DenseResourceElementsAttr>(param.getValue());
    if (value && options.ownsParams)
      result->ownedParams.push_back(value);
    param.erase();
  }
  std::shared_ptr<ExecutionEngine> uncached;
  std::shared_ptr<ExecutionEngine> &engine =
      options.cache ? (*options.cache)[getCodeKey(module, options.optLevel)]
                    : uncached;
  if (!engine) {
    buildLowerToLLVMPipeline(toLLVM, options.useBackends);
    if (failed(toLLVM.run(module)))
      return failure();
    auto generated = generateCode(module, options.optLevel);
    if (failed(generated))
      return failure();
    engine = std::move(*generated);
  }
  result->engine = engine;
  result->invoke = reinterpret_cast<void (*)(void **)>(
      llvm::cantFail(engine->lookup(invokeSymbol)));
  result->errorFlag =
      static_cast<int64_t *>(llvm::cantFail(engine->lookup(errorSymbol)));
  return result;
}

namespace {
/// Bytes of parameters from which on LLVM's optimizations are worth their time.
/// Parts of models as small as the tests' took longer to optimize than to run
/// over samples; a small convolution over large images may not.
constexpr int64_t worthOptimizing = 2 << 20;

/// The factory of a context: compiles for this machine, with the context's
/// backends, and keeps the code.
class ExecutableFactory : public ExecutorFactory {
public:
  FailureOr<std::unique_ptr<Executor>> compile(ModuleOp module) override {
    Executable::Options options;
    options.ownsParams = true;
    options.cache = &cache;
    int64_t bits = 0;
    for (ParamOp param : module.getOps<ParamOp>())
      bits += param.getType().getNumElements() *
              param.getType().getElementTypeBitWidth();
    if (bits / 8 < worthOptimizing)
      options.optLevel = 0;
    auto executable = Executable::create(module, options);
    if (failed(executable))
      return failure();
    // Between runs the caller computes too, with threads of its own: OpenMP's
    // are not to spin for 200 ms after each.
    if (void *set = llvm::sys::DynamicLibrary::SearchForAddressOfSymbol(
            "kmp_set_blocktime"))
      reinterpret_cast<void (*)(int)>(set)(0);
    return std::unique_ptr<Executor>(std::move(*executable));
  }

private:
  CodeCache cache;
};
} // namespace

void Executable::registerDialects(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerOpenMPDialectTranslation(registry);
  ExecutorFactory::registerWith(
      registry, [] { return std::make_unique<ExecutableFactory>(); });
}

llvm::Error Executable::check(ArrayRef<HostTensor> arguments) const {
  auto fail = [](const Twine &message) {
    return llvm::createStringError(message);
  };
  if (arguments.size() != inputSpecs.size())
    return fail("expected " + Twine(inputSpecs.size()) + " inputs, got " +
                Twine(arguments.size()));
  llvm::StringMap<int64_t> sizes;
  for (auto [argument, spec] : llvm::zip(arguments, inputSpecs)) {
    std::string name = "input '" + spec.name + "'";
    if (argument.elementType != spec.elementType) {
      std::string message;
      llvm::raw_string_ostream(message)
          << name << " has element type " << argument.elementType
          << ", expected " << spec.elementType;
      return fail(message);
    }
    if (argument.shape.size() != spec.shape.size())
      return fail(name + " has rank " + Twine(argument.shape.size()) +
                  ", expected " + Twine(spec.shape.size()));
    for (auto [index, size] : llvm::enumerate(argument.shape)) {
      int64_t expected = spec.shape[index];
      if (ShapedType::isDynamic(expected)) {
        if (spec.dims[index].empty())
          continue;
        expected = sizes.try_emplace(spec.dims[index], size).first->second;
      }
      if (size != expected)
        return fail(name + ": dimension " + Twine(index) + " is " +
                    Twine(size) + ", expected " + Twine(expected) +
                    (spec.dims[index].empty()
                         ? Twine()
                         : " (" + Twine(spec.dims[index]) + ")"));
    }
  }
  return llvm::Error::success();
}

/// Words of a memref descriptor: two pointers, offset, sizes, strides.
static size_t descriptorWords(size_t rank) { return 3 + 2 * rank; }

static void appendDescriptor(const HostTensor &tensor,
                             SmallVectorImpl<int64_t> &words) {
  auto address = int64_t(reinterpret_cast<intptr_t>(tensor.data.get()));
  words.append({address, address, 0});
  words.append(tensor.shape.begin(), tensor.shape.end());
  llvm::append_range(words, computeSuffixProduct(tensor.shape));
}

llvm::Expected<SmallVector<HostTensor>>
Executable::run(ArrayRef<HostTensor> arguments) {
  if (llvm::Error error = check(arguments))
    return error;
  SmallVector<int64_t> words;
  SmallVector<size_t> starts;
  for (ArrayRef<HostTensor> group : {arguments, ArrayRef(params)})
    for (const HostTensor &tensor : group) {
      starts.push_back(words.size());
      appendDescriptor(tensor, words);
    }
  size_t resultWords = 0;
  for (const TensorSpec &spec : outputSpecs)
    resultWords += descriptorWords(spec.shape.size());
  SmallVector<int64_t> results(std::max<size_t>(resultWords, 1));
  SmallVector<void *> slots{results.data()};
  for (size_t start : starts)
    slots.push_back(words.data() + start);

  *errorFlag = 0;
  invoke(slots.data());

  SmallVector<HostTensor> outputs;
  const int64_t *word = results.data();
  for (const TensorSpec &spec : outputSpecs) {
    size_t rank = spec.shape.size();
    HostTensor output{spec.elementType,
                      SmallVector<int64_t>(word + 3, word + 3 + rank), nullptr};
    auto *allocated = reinterpret_cast<void *>(word[0]);
    auto *data = reinterpret_cast<char *>(word[1]) +
                 word[2] * elementByteSize(spec.elementType);
    output.data = std::shared_ptr<void>(
        data, [allocated](void *) { std::free(allocated); });
    outputs.push_back(std::move(output));
    word += descriptorWords(rank);
  }
  switch (RuntimeError(*errorFlag)) {
  case RuntimeError::None:
    return outputs;
  case RuntimeError::IndexOutOfRange:
    return llvm::createStringError("an index is outside the tensor it reads");
  case RuntimeError::ShapeMismatch:
    return llvm::createStringError(
        "the sizes of the inputs do not fit the model's operations");
  case RuntimeError::OutOfMemory:
    return llvm::createStringError("there is no memory for what the model "
                                   "computes on the way: pass smaller inputs");
  }
  return llvm::createStringError("unknown run-time error " + Twine(*errorFlag));
}
