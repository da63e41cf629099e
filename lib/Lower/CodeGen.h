//===- CodeGen.h - the LLVM dialect to a shared library --------*- C++ -*-===//

#ifndef LLMC_LIB_LOWER_CODEGEN_H
#define LLMC_LIB_LOWER_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include <memory>

namespace llvm {
class Module;
class TargetMachine;
class Triple;
} // namespace llvm

namespace llmc {

/// The machine that `target` names; see ArtifactOptions. Reports errors at the
/// module.
mlir::FailureOr<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(mlir::ModuleOp module, llvm::StringRef target,
                    unsigned optLevel);

/// The CPU features of `machine` that an artifact must name: those that the
/// runtime can check (ArtifactFormat.h).
llvm::SmallVector<std::string>
getRequiredFeatures(const llvm::TargetMachine &machine);

/// Replaces what LLVM would do to 16-bit floats with functions of the
/// compiler's own library, since `machine` has no instructions for it.
void expandHalf(llvm::Module &code, const llvm::TargetMachine &machine);

/// Runs LLVM's passes of `optLevel`, 0 to 3, after expandHalf.
void optimizeCode(llvm::Module &code, llvm::TargetMachine &machine,
                  unsigned optLevel);

/// Compiles `module`, which is in the LLVM dialect, to the object file `path`.
mlir::LogicalResult emitObject(mlir::ModuleOp module,
                               llvm::TargetMachine &machine, unsigned optLevel,
                               llvm::StringRef path);

/// What code that runs on several threads needs: LLVM's OpenMP.
inline constexpr llvm::StringLiteral openMPLibrary = "libomp.so.5";

/// The file of that library for `triple`, of the system at `sysroot` if it is
/// not empty; empty if there is none.
std::string findOpenMP(const llvm::Triple &triple, llvm::StringRef sysroot);

/// Whether the code of `module` runs on several threads.
bool usesThreads(mlir::ModuleOp module);

/// Links the object file, which is for `triple`, into a shared library that
/// depends on the C library and libm, and on `openMPLibrary` if it uses
/// threads: those of the system at `sysroot` if that is not empty. Unresolved
/// symbols are errors.
mlir::LogicalResult linkSharedLibrary(mlir::ModuleOp module,
                                      const llvm::Triple &triple,
                                      llvm::StringRef sysroot,
                                      llvm::StringRef object,
                                      llvm::StringRef library);

} // namespace llmc

#endif // LLMC_LIB_LOWER_CODEGEN_H
