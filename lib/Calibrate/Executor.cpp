//===- Executor.cpp - running models on the host --------------------------===//

#include "llmc/Calibrate/Executor.h"
#include "llmc/IR/Dialect.h"
#include <cstdlib>

using namespace mlir;
using namespace llmc;

Executor::~Executor() = default;
ExecutorFactory::~ExecutorFactory() = default;

int64_t llmc::elementByteSize(Type elementType) {
  return (elementType.getIntOrFloatBitWidth() + 7) / 8;
}

int64_t HostTensor::getNumElements() const {
  return ShapedType::getNumElements(shape);
}

int64_t HostTensor::getByteSize() const {
  return getNumElements() * elementByteSize(elementType);
}

HostTensor HostTensor::allocate(Type elementType, ArrayRef<int64_t> shape) {
  HostTensor tensor{elementType, SmallVector<int64_t>(shape), nullptr};
  size_t bytes = std::max<int64_t>(tensor.getByteSize(), 1);
  tensor.data = std::shared_ptr<void>(std::calloc(bytes, 1), std::free);
  return tensor;
}

namespace {
using Create = std::function<std::unique_ptr<ExecutorFactory>()>;

/// How a context carries its factory: with the dialect.
struct ExecutorInterface : DialectInterface::Base<ExecutorInterface> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExecutorInterface)
  ExecutorInterface(Dialect *dialect, std::unique_ptr<ExecutorFactory> factory)
      : Base(dialect), factory(std::move(factory)) {}

  std::unique_ptr<ExecutorFactory> factory;
};

struct ExecutorExtension : DialectExtension<ExecutorExtension, LLMCDialect> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExecutorExtension)
  explicit ExecutorExtension(Create create) : create(std::move(create)) {}

  void apply(MLIRContext *context, LLMCDialect *dialect) const final {
    dialect->addInterface<ExecutorInterface>(create());
  }

  Create create;
};
} // namespace

void ExecutorFactory::registerWith(DialectRegistry &registry, Create create) {
  registry.addExtension(TypeID::get<ExecutorExtension>(),
                        std::make_unique<ExecutorExtension>(std::move(create)));
}

ExecutorFactory *ExecutorFactory::of(MLIRContext *context) {
  auto *dialect = context->getLoadedDialect<LLMCDialect>();
  auto *carried =
      dialect ? dialect->getRegisteredInterface<ExecutorInterface>() : nullptr;
  return carried ? carried->factory.get() : nullptr;
}
