//===- Artifact.h - ahead-of-time compilation ------------------*- C++ -*-===//

#ifndef LLMC_LOWER_ARTIFACT_H
#define LLMC_LOWER_ARTIFACT_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace llmc {

struct ArtifactOptions {
  /// "host", the processor llmc runs on, or "cpu:" and what CpuTarget parses,
  /// such as cpu:x86-64-v3 or cpu:aarch64+dotprod. "reference" is the host
  /// without the backends of the context. "NAME:OPTIONS" is the host with
  /// options for the backend of that name.
  std::string target = "host";
  /// Where a system of the target's architecture is, for its C library. Empty:
  /// this one, or where Debian's packages for cross compilers put it.
  std::string sysroot;
  /// Of LLVM, 0 to 3.
  unsigned optLevel = 2;
  /// The folder that the model came from: its tokenizer and configuration go
  /// into the artifact. Empty for none.
  std::string modelDirectory;
  /// Fails where a backend does not claim what takes time.
  bool strict = false;
  /// Says on llvm::errs() how long each step takes.
  bool verbose = false;
};

/// Compiles `module` for a CPU and writes the artifact `directory`
/// (docs/artifact.md), replacing one that is there. Errors are diagnostics,
/// and leave nothing behind. @main is consumed, and so are the params: their
/// bytes go into the artifact one by one. The context needs
/// Executable::registerDialects.
mlir::LogicalResult compileArtifact(mlir::ModuleOp module,
                                    llvm::StringRef directory,
                                    const ArtifactOptions &options);

} // namespace llmc

#endif // LLMC_LOWER_ARTIFACT_H
