//===- Kernel.cpp - one compiled kernel -----------------------------------===//

#include "Kernel.h"
#include "llmc/InitAll.h"
#include "llmc/Target/Backends.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/FloatFormat.h"
#include "mlir/Parser/Parser.h"
#include <random>

using namespace mlir;
using namespace llmc;
using namespace llmc::benchmarks;

/// Integers of all values (of @m, see "progressive", 1 to 16), and floats that
/// f16 and bf16 have exactly, none of them small or large.
static void fill(ParamOp param) {
  RankedTensorType type = param.getType();
  auto bytes = std::make_shared<SmallVector<char, 0>>();
  bytes->resize_for_overwrite(size_t(*getByteSize(type)));
  std::minstd_rand random(7);
  std::optional<FloatFormat> format = getFloatFormat(type.getElementType());
  auto each = [&](auto make) {
    auto *elements = reinterpret_cast<decltype(make()) *>(bytes->data());
    std::generate_n(elements, type.getNumElements(), make);
  };
  auto number = [&] { return (float(random() % 255) + 1) / 256; };
  if (param.getSymName() == "m")
    each([&] { return char(1 + (random() >> 8) % 16); });
  else if (!format)
    each([&] { return char(random() >> 8); });
  else if (format == FloatFormat::F32)
    each(number);
  else if (format == FloatFormat::F16)
    each([&] { return floatToHalf(number()); });
  else
    each([&] { return uint16_t(llvm::bit_cast<uint32_t>(number()) >> 16); });
  ArrayRef<char> data(*bytes);
  replaceValue(param, makeResource(type, param.getSymName(),
                                   makeBlob(data, 64, std::move(bytes))));
}

llvm::Expected<std::unique_ptr<Kernel>>
Kernel::create(const std::string &text, ArrayRef<int64_t> counts) {
  auto backends = std::make_shared<Backends>();
  if (llvm::Error error = backends->load("cpu"))
    return error;
  DialectRegistry registry;
  registerEveryDialect(registry);
  Backends::registerWith(registry, backends);
  auto kernel = std::make_unique<Kernel>();
  kernel->context = std::make_unique<MLIRContext>(registry);
  std::string said;
  kernel->context->printOpOnDiagnostic(false);
  ScopedDiagnosticHandler handler(
      kernel->context.get(),
      [&](Diagnostic &diagnostic) { said += diagnostic.str() + "; "; });
  auto fail = [&] { return llvm::createStringError(said); };

  kernel->module = parseSourceString<ModuleOp>(text, kernel->context.get());
  if (!kernel->module)
    return fail();
  for (ParamOp param : kernel->module->getOps<ParamOp>())
    fill(param);
  const Backend &cpu = *backends->lookup("cpu")->backend;
  kernel->module->walk([&](Operation *op) {
    if (isa<LinearOp, EmbeddingOp, AttentionOp>(op))
      for (int64_t count : counts)
        kernel->costs[count] = cpu.getCost(op, count);
  });
  FailureOr<std::unique_ptr<Executable>> executable =
      Executable::create(*kernel->module, {});
  if (failed(executable) || !said.empty())
    return fail();
  kernel->executable = std::move(*executable);
  kernel->setCopies(1);
  return kernel;
}

int64_t Kernel::getParamBytes() const {
  int64_t bytes = 0;
  for (const HostTensor &weight : copies.front())
    bytes += weight.getByteSize();
  return bytes;
}

void Kernel::setCopies(size_t count) {
  if (copies.empty())
    copies.emplace_back(executable->getParams());
  copies.resize(std::min(copies.size(), count));
  while (copies.size() < count) {
    SmallVector<HostTensor> &copy = copies.emplace_back();
    for (const HostTensor &weight : copies.front()) {
      copy.push_back(HostTensor::allocate(weight.elementType, weight.shape));
      std::memcpy(copy.back().data.get(), weight.data.get(),
                  size_t(weight.getByteSize()));
    }
  }
  next = 0;
}

void Kernel::run(ArrayRef<HostTensor> arguments) {
  executable->setParams(copies[next]);
  next = next + 1 == copies.size() ? 0 : next + 1;
  auto outputs = executable->run(arguments);
  if (!outputs)
    llvm::report_fatal_error(outputs.takeError());
}
