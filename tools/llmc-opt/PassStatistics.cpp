//===- PassStatistics.cpp - printing what passes count --------------------===//

#include "PassStatistics.h"
#include "llmc/IR/PassStatistics.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"
#include <mutex>

using namespace mlir;

#if LLMC_OWN_STATISTICS

namespace {

class Printer : public PassInstrumentation {
public:
  ~Printer() override;
  void runBeforePass(Pass *pass, Operation *op) override;
  void runAfterPass(Pass *pass, Operation *op) override;
  void runAfterPassFailed(Pass *pass, Operation *op) override {
    runAfterPass(pass, op);
  }

private:
  struct Count {
    std::string name, description;
    uint64_t value = 0;
  };

  std::mutex mutex;
  llvm::MapVector<StringRef, SmallVector<Count>> counts;
  /// Values before the run of a pass, which may not be its first.
  llvm::DenseMap<Pass *, SmallVector<uint64_t>> before;
};

} // namespace

/// Whether llmc's constructor made the statistics of a pass.
static bool isOwn(Pass *pass) {
  return pass->getArgument().starts_with("llmc-");
}

void Printer::runBeforePass(Pass *pass, Operation *) {
  if (!isOwn(pass) || pass->getStatistics().empty())
    return;
  std::lock_guard<std::mutex> lock(mutex);
  SmallVector<Count> &all = counts[pass->getArgument()];
  SmallVector<uint64_t> &values = before[pass];
  values.clear();
  for (Pass::Statistic *statistic : pass->getStatistics()) {
    values.push_back(statistic->getValue());
    if (all.size() < values.size())
      all.push_back({statistic->getName(), statistic->getDesc()});
  }
}

void Printer::runAfterPass(Pass *pass, Operation *) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = before.find(pass);
  if (found == before.end())
    return;
  for (auto [count, statistic, value] : llvm::zip_equal(
           counts[pass->getArgument()], pass->getStatistics(), found->second))
    count.value += statistic->getValue() - value;
  before.erase(found);
}

Printer::~Printer() {
  for (auto &[pass, all] : counts) {
    llvm::errs() << "  " << pass << "\n";
    int widestValue = 0, widestName = 0;
    for (const Count &count : all) {
      widestValue =
          std::max<int>(widestValue, std::to_string(count.value).size());
      widestName = std::max<int>(widestName, count.name.size());
    }
    for (const Count &count : all)
      llvm::errs() << llvm::format("    (S) %*llu %-*s - %s\n", widestValue,
                                   (unsigned long long)count.value, widestName,
                                   count.name.c_str(),
                                   count.description.c_str());
  }
}

#endif // LLMC_OWN_STATISTICS

void llmc::printPassStatistics(PassManager &manager) {
#if LLMC_OWN_STATISTICS
  manager.addInstrumentation(std::make_unique<Printer>());
#endif
}
