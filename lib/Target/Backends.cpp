//===- Backends.cpp - loading backends ------------------------------------===//

#include "llmc/Target/Backends.h"
#include "mlir/IR/DialectInterface.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <array>
#include <cmath>
#include <dlfcn.h>
#include <limits>

using namespace mlir;
using namespace llmc;

Backend::~Backend() = default;
bool Backend::canRunInParts() const { return false; }
void Backend::registerDialects(DialectRegistry &) const {}
void Backend::extendPipeline(StringRef, OpPassManager &) const {}
LogicalResult Backend::link(ModuleOp) { return success(); }
llvm::Error Backend::serialize(ModuleOp, StringRef) {
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

static bool isName(StringRef name) {
  return !name.empty() && llvm::all_of(name, [](char c) {
    return llvm::isLower(c) || llvm::isDigit(c) || c == '-';
  });
}

/// What keeps a library from being a backend of this llmc; empty for nothing.
static std::string findMismatch(const LlmcBackendInfo *info) {
  // In this order: a later check reads what an earlier one vouches for.
  if (!info)
    return "its llmcGetBackendInfo returns null";
  if (info->api_major != LLMC_BACKEND_API_MAJOR ||
      info->api_minor > LLMC_BACKEND_API_MINOR)
    return llvm::formatv("it was built for version {0}.{1} of the backend "
                         "interface, and this is {2}.{3}",
                         info->api_major, info->api_minor,
                         LLMC_BACKEND_API_MAJOR, LLMC_BACKEND_API_MINOR);
  if (info->struct_size < sizeof(LlmcBackendInfo))
    return llvm::formatv("its LlmcBackendInfo has {0} bytes instead of {1}",
                         info->struct_size, sizeof(LlmcBackendInfo));
  auto differs = [](const char *theirs, StringRef ours) {
    return !theirs || ours != theirs;
  };
  if (differs(info->llmc_version, LLMC_VERSION_STRING))
    return llvm::formatv("it was built with llmc {0}, and this is llmc {1}",
                         info->llmc_version ? info->llmc_version : "(none)",
                         LLMC_VERSION_STRING);
  if (differs(info->mlir_version, LLVM_VERSION_STRING))
    return llvm::formatv("it was built with MLIR {0}, and this is MLIR {1}",
                         info->mlir_version ? info->mlir_version : "(none)",
                         LLVM_VERSION_STRING);
  if (!info->name || !isName(info->name))
    return llvm::formatv("its name '{0}' is not of lower-case letters, digits "
                         "and '-'",
                         info->name ? info->name : "");
  if (!info->description || !info->create)
    return "its LlmcBackendInfo is not complete";
  return "";
}

/// The file of llmc's own backend `name`, beside llmc's library.
static std::string findOwn(StringRef name) {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&findMismatch), &info))
    return name.str();
  SmallString<128> path(info.dli_fname);
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "libllmc-backend-" + name + ".so");
  return path.str().str();
}

llvm::Error Backends::load(StringRef given) {
  std::string path = isName(given) ? findOwn(given) : given.str();
  auto refuse = [&](const Twine &reason) {
    return llvm::createStringError("cannot load the backend '" + path +
                                   "': " + reason);
  };
  std::string problem;
  llvm::sys::DynamicLibrary library =
      llvm::sys::DynamicLibrary::getPermanentLibrary(path.c_str(), &problem);
  if (!library.isValid())
    return refuse(problem);
  void *symbol = library.getAddressOfSymbol("llmcGetBackendInfo");
  if (!symbol)
    return refuse("it has no function llmcGetBackendInfo");
  const LlmcBackendInfo *info =
      reinterpret_cast<const LlmcBackendInfo *(*)()>(symbol)();
  if (std::string mismatch = findMismatch(info); !mismatch.empty())
    return refuse(mismatch);
  if (const Entry *entry = lookup(info->name))
    return refuse("a backend named '" + Twine(info->name) +
                  "' is loaded already, from '" + entry->path + "'");
  std::unique_ptr<Backend> backend(static_cast<Backend *>(info->create()));
  if (!backend)
    return refuse("it cannot be created");
  entries.push_back({path, info, std::move(backend)});
  return llvm::Error::success();
}

llvm::Error Backends::checkTarget(StringRef target) const {
  auto [name, options] = target.split(':');
  bool isKnown = target.contains(':') ? name == "cpu" || lookup(name)
                                      : name == "host" || name == "reference";
  if (isKnown)
    return llvm::Error::success();
  return llvm::createStringError("unknown target '" + target +
                                 "': use 'host', 'reference', 'cpu:NAME' or "
                                 "'BACKEND:OPTIONS' of a loaded backend");
}

llvm::Error Backends::setTarget(StringRef target) {
  if (llvm::Error error = checkTarget(target))
    return error;
  for (Entry &entry : entries) {
    StringRef options = target;
    if (!options.consume_front((StringRef(entry.info->name) + ":").str()))
      options = "";
    if (llvm::Error error = entry.backend->setTarget(options))
      return llvm::createStringError("target '" + target +
                                     "': " + llvm::toString(std::move(error)));
  }
  return llvm::Error::success();
}

const Backends::Entry *Backends::lookup(StringRef name) const {
  for (const Entry &entry : entries)
    if (name == entry.info->name)
      return &entry;
  return nullptr;
}

double Backends::getCost(Operation *op, int64_t rows) const {
  for (const Entry &entry : entries)
    if (double seconds = entry.backend->getCost(op, rows);
        std::isfinite(seconds))
      return seconds;
  return std::numeric_limits<double>::infinity();
}

void Backends::ModelCost::add(Operation *op, double more) {
  if (std::isfinite(more))
    seconds += more;
  else if (isa<LinearOp, EmbeddingOp, AttentionOp>(op))
    unknown.push_back(op);
}

Backends::ModelCost Backends::getCost(ModuleOp module, int64_t rows) const {
  ModelCost cost;
  for (auto function : module.getOps<func::FuncOp>())
    function.walk([&](Operation *op) { cost.add(op, getCost(op, rows)); });
  return cost;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

void Backends::print(llvm::raw_ostream &os) const {
  if (entries.empty())
    os << "no backends: load one with --load-backend=FILE\n";
  for (const Entry &entry : entries) {
    os << llvm::formatv("{0}: {1}\n  from {2}\n", entry.info->name,
                        entry.info->description, entry.path);
    SmallVector<std::array<std::string, 5>> table{
        {"op", "weights", "blocks", "sparsity", "activations"}};
    auto list = [](const auto &values) {
      std::string text;
      llvm::raw_string_ostream stream(text);
      llvm::interleaveComma(values, stream);
      return text.empty() ? std::string("-") : text;
    };
    for (const Capability &row : entry.backend->getCapabilities())
      table.push_back({row.op, list(row.formats), list(row.blocks),
                       list(row.sparsities), list(row.activations)});
    std::array<size_t, 5> widths{};
    for (const auto &line : table)
      for (auto [cell, width] : llvm::zip_equal(line, widths))
        width = std::max(width, cell.size());
    widths.back() = 0; // Nothing stands behind it.
    for (const auto &line : table) {
      for (auto [cell, width] : llvm::zip_equal(line, widths))
        os << "  " << llvm::left_justify(cell, unsigned(width));
      os << "\n";
    }
  }
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

namespace {
/// How a context carries its backends: with the dialect.
struct BackendsInterface : DialectInterface::Base<BackendsInterface> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(BackendsInterface)
  BackendsInterface(Dialect *dialect, std::shared_ptr<Backends> backends)
      : Base(dialect), backends(std::move(backends)) {}

  std::shared_ptr<Backends> backends;
};

struct BackendsExtension : DialectExtension<BackendsExtension, LLMCDialect> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(BackendsExtension)
  explicit BackendsExtension(std::shared_ptr<Backends> backends)
      : backends(std::move(backends)) {}

  void apply(MLIRContext *context, LLMCDialect *dialect) const final {
    dialect->addInterface<BackendsInterface>(backends);
    // Their passes are added while others run, when it is too late to load.
    DialectRegistry registry;
    for (const Backends::Entry &entry : backends->getEntries())
      entry.backend->registerDialects(registry);
    context->appendDialectRegistry(registry);
    for (StringRef name : registry.getDialectNames())
      context->getOrLoadDialect(name);
  }

  std::shared_ptr<Backends> backends;
};
} // namespace

void Backends::registerWith(DialectRegistry &registry,
                            std::shared_ptr<Backends> backends) {
  // IR may begin with an op of theirs, before one of llmc's loads its dialect.
  for (const Entry &entry : backends->entries)
    entry.backend->registerDialects(registry);
  registry.addExtension(
      TypeID::get<BackendsExtension>(),
      std::make_unique<BackendsExtension>(std::move(backends)));
}

const Backends &Backends::of(MLIRContext *context) {
  static const Backends none;
  auto *dialect = context->getLoadedDialect<LLMCDialect>();
  auto *carried =
      dialect ? dialect->getRegisteredInterface<BackendsInterface>() : nullptr;
  return carried ? *carried->backends : none;
}
