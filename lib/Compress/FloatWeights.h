//===- FloatWeights.h - weights whose floats passes change ------*- C++ -*-===//
//
// What passes that work on the floats of weights share: which weights they
// take, what they say about the others, and how far the results are off.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_FLOATWEIGHTS_H
#define LLMC_LIB_COMPRESS_FLOATWEIGHTS_H

#include "llmc/Calibrate/Statistics.h"
#include "llmc/Compress/WeightUses.h"
#include "llmc/Weights/FloatFormat.h"
#include "mlir/IR/Remarks.h"

namespace llmc {

/// A weight of finite floats that nothing but linears and embeddings reads.
struct FloatWeight : UsedWeight {
  FloatFormat format;
  int64_t rows, columns;
  /// What is known of its input; null if nothing.
  Statistics::Input input;
};

/// [out, in].
Matrix<float> readFloats(const FloatWeight &weight);
/// Gives the parameter these values, [out, in]; `values` of the weight get
/// their sizes.
void storeFloats(const FloatWeight &weight, MatrixRef<const float> values);

/// Rounds values as they are stored. False if one becomes infinite.
bool roundFloats(Matrix<float> &values, FloatFormat format);

struct FloatWeightOptions {
  /// What a pass does, for messages: "prune", "pruned".
  llvm::StringRef verb, participle;
  WeightKinds what;
  /// Was verified.
  llvm::StringRef skip;
  bool strict;
  /// Whether a pass has an option `what`, for messages that name it.
  bool hasWhat = true;
};

class FloatWeights {
public:
  FloatWeights(mlir::ModuleOp module, const FloatWeightOptions &options)
      : module(module), options(options) {}

  /// The weights that were asked for, in the order of the module. Says why
  /// others of them cannot be taken; `getObstacle` may add a reason, empty for
  /// none. Those of whose input nothing is known are taken only if
  /// `needsStatistics` is false.
  std::vector<FloatWeight>
  collect(bool needsStatistics,
          llvm::function_ref<std::string(const FloatWeight &)> getObstacle);

  /// Says why a weight stays as it is.
  void keep(const FloatWeight &weight, const llvm::Twine &reason);
  /// The same of a weight whose parameter is no more.
  void keep(mlir::Operation *place, llvm::StringRef name,
            const llvm::Twine &reason);

  int64_t getNumSkipped() const { return numSkipped; }
  /// Whether something stayed that must not.
  bool hasFailed() const { return failed; }

private:
  mlir::InFlightDiagnostic complain(mlir::Operation *op);
  std::string
  describe(FloatWeight &weight, bool needsStatistics,
           llvm::function_ref<std::string(const FloatWeight &)> getObstacle);

  mlir::ModuleOp module;
  FloatWeightOptions options;
  int64_t numSkipped = 0;
  bool failed = false;
};

/// How far weights are from what they were.
struct WeightErrors {
  double largest = 0, squared = 0, norm = 0;

  WeightErrors(MatrixRef<const float> before, MatrixRef<const float> after);
  /// |w - w'| / |w|.
  double getRelative() const;
};

/// |x w^T - x w'^T| over |x w^T|, over the rows x that calibration saw.
double getOutputError(MatrixRef<const float> before,
                      MatrixRef<const float> after,
                      const InputStatistics &input);

/// The remark of a pass about a weight for which others stand now, with its
/// bytes and errors.
mlir::remark::detail::InFlightRemark
reportWeight(llvm::StringRef pass, const FloatWeight &weight,
             MatrixRef<const float> before, MatrixRef<const float> after,
             int64_t bytesBefore, int64_t bytesAfter);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_FLOATWEIGHTS_H
