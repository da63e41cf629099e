//===- Kernel.h - one compiled kernel --------------------------*- C++ -*-===//

#ifndef LLMC_BENCHMARKS_KERNELS_KERNEL_H
#define LLMC_BENCHMARKS_KERNELS_KERNEL_H

#include "llmc/Lower/Executable.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include <map>
#include <string>
#include <vector>

namespace llmc::benchmarks {

/// A module of one op that the CPU backend has a kernel for, compiled.
class Kernel {
public:
  /// Fails with what the compiler says, which is nothing for an op that has a
  /// kernel. `counts` are the numbers of rows that getCost knows.
  static llvm::Expected<std::unique_ptr<Kernel>>
  create(const std::string &module, llvm::ArrayRef<int64_t> counts);

  /// Bytes of the parameters as the kernel reads them.
  int64_t getParamBytes() const;

  /// Seconds that the backend expects for a number of rows.
  double getCost(int64_t count) const { return costs.at(count); }

  llvm::ArrayRef<TensorSpec> inputs() const { return executable->inputs(); }

  /// Makes runs read `copies` copies of the parameters in turns.
  void setCopies(size_t copies);

  /// Runs on the next copy. Ends the program when the compiled code fails.
  void run(llvm::ArrayRef<HostTensor> arguments);

private:
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<Executable> executable;
  std::map<int64_t, double> costs;
  std::vector<llvm::SmallVector<HostTensor>> copies;
  size_t next = 0;
};

} // namespace llmc::benchmarks

#endif // LLMC_BENCHMARKS_KERNELS_KERNEL_H
