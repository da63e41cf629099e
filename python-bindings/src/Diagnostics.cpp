//===- Diagnostics.cpp - MLIR's diagnostics for Python --------------------===//

#include "Diagnostics.h"
#include "llmc/Compress/Passes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::python;

/// "file:line:column: ", "'name': ", or nothing.
static std::string describe(Location location) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto name = dyn_cast<NameLoc>(location)) {
    os << "'" << name.getName().getValue() << "': ";
  } else if (auto file = location->findInstanceOf<FileLineColLoc>()) {
    os << file.getFilename().getValue();
    if (file.getLine() != 0)
      os << ":" << file.getLine() << ":" << file.getColumn();
    os << ": ";
  }
  return text;
}

DiagnosticCollector::DiagnosticCollector(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) {
        std::string text =
            describe(diagnostic.getLocation()) + diagnostic.str();
        for (Diagnostic &note : diagnostic.getNotes()) {
          std::string line = note.str();
          // The op in full, which upstream appends for its own developers.
          if (!StringRef(line).starts_with("see current operation"))
            text += "\n  " + line;
        }
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
          notices.push_back(std::move(text));
        else
          errors += (errors.empty() ? "" : "\n") + text;
        return success();
      }) {}

void DiagnosticCollector::raise(const char *fallback) const {
  throw Error(errors.empty() ? fallback : errors);
}

namespace {
class Collector : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Collector(std::vector<PassRemark> &remarks) : remarks(remarks) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    PassRemark result{remark.getRemarkName().str(), {}};
    for (const auto &argument : remark.getArgs())
      result.arguments.emplace_back(argument.key, argument.val);
    remarks.push_back(std::move(result));
  }

private:
  std::vector<PassRemark> &remarks;
};
} // namespace

void llmc::python::collectRemarks(MLIRContext &context,
                                  std::vector<PassRemark> &remarks) {
  remark::RemarkCategories categories;
  categories.passed = compressRemarks.str();
  // Fails only when the context has an engine already.
  (void)remark::enableOptimizationRemarks(
      context, std::make_unique<Collector>(remarks),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}
