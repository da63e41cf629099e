//===- llmc-nodetest.cpp - runs ONNX node tests natively ------------------===//
//
// Reads folders of ONNX's node tests from stdin, one per line, and prints one
// JSON object per test. Import, compilation and the run happen in this
// process; run.py starts it again when a test takes it down.
//
// A test whose import needs to know an input (axes, say, which the node tests
// give at run time) is imported again with its small integer inputs as
// constants; "fixed" counts them.
//
//===----------------------------------------------------------------------===//

#include "../../tools/HostTensors.h"
#include "Import/TensorReader.h"
#include "Proto.h"
#include "llmc/Onnx/Import.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <iostream>

using namespace mlir;
using namespace llmc;

namespace {

constexpr double relativeTolerance = 1e-3, absoluteTolerance = 1e-5;

/// Why a test did not pass: a group to count by, and the details.
struct Problem {
  std::string reason, detail;
};

class NodeTest {
public:
  NodeTest(StringRef folder, MLIRContext &context)
      : folder(folder), context(context) {}

  /// Nothing when the test passes.
  std::optional<Problem> run();
  unsigned numFixed = 0;

private:
  using Tensors = SmallVector<DenseElementsAttr>;

  /// The tensors of files `prefix`0.pb, `prefix`1.pb, ...; null for one that
  /// is no tensor.
  std::optional<Problem> readTensors(StringRef set, StringRef prefix,
                                     Tensors &tensors);
  OwningOpRef<ModuleOp> import(ArrayRef<std::string> names,
                               ArrayRef<DenseElementsAttr> values);
  std::optional<Problem> runSet(Executable &executable, StringRef set);
  std::optional<Problem> compare(const HostTensor &actual,
                                 DenseElementsAttr expected);
  std::string takeDiagnostics() { return std::exchange(diagnostics, {}); }

  std::string folder;
  MLIRContext &context;
  std::string diagnostics;
  /// The inputs of the first data set by name.
  llvm::StringMap<DenseElementsAttr> fixed;
};

} // namespace

static std::string join(StringRef folder, StringRef name) {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return std::string(path);
}

static double toDouble(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToDouble();
}

static bool isClose(double actual, double expected) {
  if (std::isnan(actual) || std::isnan(expected))
    return std::isnan(actual) && std::isnan(expected);
  if (std::isinf(actual) || std::isinf(expected))
    return actual == expected;
  return std::abs(actual - expected) <=
         absoluteTolerance + relativeTolerance * std::abs(expected);
}

std::optional<Problem> NodeTest::readTensors(StringRef set, StringRef prefix,
                                             Tensors &tensors) {
  for (unsigned i = 0;; ++i) {
    // A reader knows the tensors it has read by their address: one for each.
    onnx_detail::TensorReader reader(&context, join(set, "model.onnx"));
    std::string path = join(set, (prefix + Twine(i) + ".pb").str());
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (!buffer)
      return std::nullopt;
    ::onnx::TensorProto proto;
    FailureOr<ElementsAttr> elements = failure();
    if (proto.ParseFromArray((*buffer)->getBufferStart(),
                             (*buffer)->getBufferSize()))
      elements = reader.readDense(proto, UnknownLoc::get(&context));
    auto dense = succeeded(elements) ? dyn_cast<DenseElementsAttr>(*elements)
                                     : DenseElementsAttr();
    if (!dense)
      return Problem{"type not supported",
                     path +
                         " is no tensor that llmc reads: " + takeDiagnostics()};
    tensors.push_back(dense);
  }
}

std::optional<Problem> NodeTest::compare(const HostTensor &actual,
                                         DenseElementsAttr expected) {
  auto print = [](Type element, ArrayRef<int64_t> shape) {
    std::string text;
    llvm::raw_string_ostream(text) << RankedTensorType::get(shape, element);
    return text;
  };
  ShapedType type = expected.getType();
  std::string types = print(actual.elementType, actual.shape) + ", expected " +
                      print(type.getElementType(), type.getShape());
  if (actual.elementType != type.getElementType())
    return Problem{"wrong element type", types};
  if (ArrayRef<int64_t>(actual.shape) != type.getShape())
    return Problem{"wrong shape", types};
  auto differs = [&](int64_t i, auto a, auto b) {
    std::string text;
    llvm::raw_string_ostream(text)
        << "element " << i << " of "
        << print(type.getElementType(), type.getShape()) << " is " << a
        << ", expected " << b;
    return Problem{"wrong value", text};
  };
  DenseElementsAttr got = toAttribute(actual);
  if (isa<FloatType>(type.getElementType())) {
    for (auto [i, values] : llvm::enumerate(llvm::zip(
             got.getValues<APFloat>(), expected.getValues<APFloat>()))) {
      double a = toDouble(std::get<0>(values)),
             b = toDouble(std::get<1>(values));
      if (!isClose(a, b))
        return differs(i, a, b);
    }
    return std::nullopt;
  }
  for (auto [i, values] : llvm::enumerate(
           llvm::zip(got.getValues<APInt>(), expected.getValues<APInt>())))
    if (std::get<0>(values) != std::get<1>(values))
      return differs(i, llvm::toString(std::get<0>(values), 10, true),
                     llvm::toString(std::get<1>(values), 10, true));
  return std::nullopt;
}

OwningOpRef<ModuleOp> NodeTest::import(ArrayRef<std::string> names,
                                       ArrayRef<DenseElementsAttr> values) {
  ImportOptions options;
  for (auto [name, value] : llvm::zip(names, values))
    if (value.getElementType().isInteger() && value.getType().getRank() <= 1)
      options.constants[name] = value;
  fixed = options.constants;
  numFixed = fixed.size();
  return importOnnxModel(join(folder, "model.onnx"), &context, options);
}

/// Names of the graph's inputs that are no initializers.
static SmallVector<std::string> readInputNames(StringRef path) {
  SmallVector<std::string> names;
  auto buffer = llvm::MemoryBuffer::getFile(path);
  ::onnx::ModelProto model;
  if (buffer && model.ParseFromArray((*buffer)->getBufferStart(),
                                     (*buffer)->getBufferSize()))
    for (const auto &input : model.graph().input())
      names.push_back(input.name());
  return names;
}

/// Ops of the model that no builder knew.
static SmallVector<std::string> findUnknownOps(ModuleOp module) {
  SmallVector<std::string> ops;
  module.walk([&](OnnxOp op) {
    std::string name = op.getOpType().str();
    if (!op.getDomain().empty())
      name = (op.getDomain() + "." + name).str();
    if (!llvm::is_contained(ops, name))
      ops.push_back(name);
  });
  return ops;
}

std::optional<Problem> NodeTest::runSet(Executable &executable, StringRef set) {
  Tensors inputs, outputs;
  for (auto [prefix, tensors] :
       {std::pair("input_", &inputs), std::pair("output_", &outputs)})
    if (auto problem = readTensors(set, prefix, *tensors))
      return problem;
  SmallVector<std::string> names = readInputNames(join(folder, "model.onnx"));
  SmallVector<HostTensor> arguments;
  for (auto [name, value] : llvm::zip(names, inputs)) {
    auto constant = fixed.find(name);
    if (constant == fixed.end())
      arguments.push_back(toHostTensor(value));
    else if (constant->second != value)
      return Problem{"import", "input '" + name +
                                   "' must be known at import, but differs "
                                   "between data sets"};
  }
  auto results = executable.run(arguments);
  if (!results)
    return Problem{"run", llvm::toString(results.takeError())};
  if (results->size() != outputs.size())
    return Problem{"wrong number of outputs", ""};
  for (auto [actual, expected] : llvm::zip(*results, outputs))
    if (auto problem = compare(actual, expected))
      return problem;
  return std::nullopt;
}

std::optional<Problem> NodeTest::run() {
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      diagnostics += (diagnostics.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  SmallVector<std::string> sets;
  for (unsigned i = 0;; ++i) {
    std::string set = join(folder, "test_data_set_" + std::to_string(i));
    if (!llvm::sys::fs::is_directory(set))
      break;
    sets.push_back(set);
  }
  if (sets.empty())
    return Problem{"broken test", "has no test_data_set_0"};
  Tensors inputs;
  if (auto problem = readTensors(sets[0], "input_", inputs))
    return problem;

  OwningOpRef<ModuleOp> module = import({}, {});
  if (!module) {
    std::string first = takeDiagnostics();
    module = import(readInputNames(join(folder, "model.onnx")), inputs);
    if (!module) {
      takeDiagnostics();
      return Problem{"import", first};
    }
  }
  SmallVector<std::string> unknown = findUnknownOps(*module);
  if (!unknown.empty())
    return Problem{"no op " + llvm::join(unknown, ", "), ""};
  Executable::Options options;
  options.optLevel = 0;
  auto executable = Executable::create(*module, options);
  if (failed(executable))
    return Problem{"lowering", takeDiagnostics()};
  for (StringRef set : sets)
    if (auto problem = runSet(**executable, set))
      return problem;
  return std::nullopt;
}

int main() {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerOnnxImportDialects(registry);
  Executable::registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);

  std::string folder;
  while (std::getline(std::cin, folder)) {
    NodeTest test(folder, context);
    std::optional<Problem> problem = test.run();
    llvm::json::Object line{{"passed", !problem}};
    if (problem) {
      line["reason"] = llvm::json::fixUTF8(problem->reason);
      line["detail"] = llvm::json::fixUTF8(problem->detail);
    } else {
      line["fixed"] = test.numFixed;
    }
    // One line of text, whatever a test printed before it.
    std::string text;
    llvm::raw_string_ostream(text) << llvm::json::Value(std::move(line));
    std::cout << "\nnodetest " << text << std::endl;
  }
  return 0;
}
