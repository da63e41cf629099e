//===- Diagnostics.h - MLIR's diagnostics for Python ------------*- C++ -*-===//

#ifndef LLMC_PYTHON_DIAGNOSTICS_H
#define LLMC_PYTHON_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace llmc::python {

/// Becomes the Python exception llmc.Error.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Collects what a context reports while it lives.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext *context);

  /// Throws the errors that were reported, or `fallback` if there were none.
  [[noreturn]] void raise(const char *fallback) const;

  /// Warnings and remarks, a line each.
  std::vector<std::string> notices;

private:
  std::string errors;
  mlir::ScopedDiagnosticHandler handler;
};

/// One optimization remark: its pass and its arguments.
struct PassRemark {
  std::string pass;
  std::vector<std::pair<std::string, std::string>> arguments;
};

/// Makes the context's compression passes append their remarks to `remarks`,
/// which must live as long as the context.
void collectRemarks(mlir::MLIRContext &context,
                    std::vector<PassRemark> &remarks);

} // namespace llmc::python

#endif // LLMC_PYTHON_DIAGNOSTICS_H
