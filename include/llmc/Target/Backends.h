//===- Backends.h - the backends that are loaded ---------------*- C++ -*-===//

#ifndef LLMC_TARGET_BACKENDS_H
#define LLMC_TARGET_BACKENDS_H

#include "llmc/Target/Backend.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace llmc {

/// The backends of a compilation, in the order in which they are asked. A
/// context carries one such set (`registerWith`), so two contexts of a process
/// may have different ones.
class Backends {
public:
  struct Entry {
    std::string path;
    const LlmcBackendInfo *info;
    std::unique_ptr<Backend> backend;
  };

  /// Loads the shared library `path`, or llmc's own backend of that name, such
  /// as "cpu". Fails with one sentence if it is no backend, was built for
  /// another llmc or MLIR, or has the name of a backend that is there.
  /// Libraries stay loaded until the process ends: types that they registered
  /// live in contexts.
  llvm::Error load(llvm::StringRef path);

  /// Fails with one sentence unless `target` is `host`, `reference`, `cpu:...`
  /// or `NAME:...` of a backend that is there.
  llvm::Error checkTarget(llvm::StringRef target) const;

  /// Tells the backends what to compile for: `NAME:OPTIONS` is for the backend
  /// of that name, other targets mean this machine. Fails as checkTarget does,
  /// or as a backend does that does not know its options.
  llvm::Error setTarget(llvm::StringRef target);

  llvm::ArrayRef<Entry> getEntries() const { return entries; }

  /// The backend of this name, or null.
  const Entry *lookup(llvm::StringRef name) const;

  /// Seconds that `op` takes for `rows` rows by the first backend, in the order
  /// in which they are asked for kernels, that has one for it; infinity if none
  /// does.
  double getCost(mlir::Operation *op, int64_t rows) const;

  /// What the ops of a model take together.
  struct ModelCost {
    double seconds = 0;
    /// Linears, embeddings and attentions that no backend has a kernel for.
    /// Other ops without a known cost are not among them: they take little.
    llvm::SmallVector<mlir::Operation *> unknown;

    void add(mlir::Operation *op, double seconds);
  };
  ModelCost getCost(mlir::ModuleOp module, int64_t rows) const;

  /// Prints a table of names, versions and capabilities.
  void print(llvm::raw_ostream &os) const;

  /// Makes contexts of `registry` carry `backends`, and registers their
  /// dialects.
  static void registerWith(mlir::DialectRegistry &registry,
                           std::shared_ptr<Backends> backends);

  /// The set that `context` carries; an empty one if none was registered.
  static const Backends &of(mlir::MLIRContext *context);

private:
  std::vector<Entry> entries;
};

} // namespace llmc

#endif // LLMC_TARGET_BACKENDS_H
