//===- Diagnostics.h - how the tools print errors --------------*- C++ -*-===//

#ifndef LLMC_TOOLS_DIAGNOSTICS_H
#define LLMC_TOOLS_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

namespace llmc {

/// Errors in the form of compilers, without MLIR's `loc(...)` around paths.
inline void installDiagnosticHandler(mlir::MLIRContext &context) {
  // The operation, with its whole region, says no more than its location.
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) {
    mlir::Location location = diagnostic.getLocation();
    if (auto file = mlir::dyn_cast<mlir::FileLineColLoc>(location)) {
      llvm::errs() << file.getFilename().getValue();
      if (file.getLine() != 0)
        llvm::errs() << ":" << file.getLine() << ":" << file.getColumn();
      llvm::errs() << ": ";
    } else if (!mlir::isa<mlir::UnknownLoc>(location)) {
      llvm::errs() << location << ": ";
    }
    llvm::StringRef severity;
    switch (diagnostic.getSeverity()) {
    case mlir::DiagnosticSeverity::Error:
      severity = "error";
      break;
    case mlir::DiagnosticSeverity::Warning:
      severity = "warning";
      break;
    case mlir::DiagnosticSeverity::Note:
    case mlir::DiagnosticSeverity::Remark:
      severity = "remark";
      break;
    }
    llvm::errs() << severity << ": " << diagnostic << "\n";
    for (mlir::Diagnostic &note : diagnostic.getNotes())
      llvm::errs() << "  note: " << note << "\n";
  });
}

} // namespace llmc

#endif // LLMC_TOOLS_DIAGNOSTICS_H
