//===- RefitWeights.h - the best values of a pruned weight ------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_REFITWEIGHTS_H
#define LLMC_LIB_COMPRESS_REFITWEIGHTS_H

#include "llmc/Calibrate/Statistics.h"

namespace llmc {

/// G + damping * mean(diag G) * I for the Gram matrix G of `input`; the
/// diagonal of columns that were always 0 is the mean first. Fails when G is
/// not finite.
mlir::FailureOr<Matrix<float>> dampGram(const InputStatistics &input,
                                        double damping);

/// Changes the weights that are not 0 so that outputs come near those of
/// `original`: conjugate gradients, `rounds` of them, for the least
/// (w - w0) H (w - w0)^T of each row, preconditioned by the diagonal of H. As
/// many rounds as a row has weights would be exact; about ten are nearly so.
void refitWeights(MatrixRef<float> weights, MatrixRef<const float> original,
                  MatrixRef<const float> hessian, int64_t rounds,
                  mlir::MLIRContext *context);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_REFITWEIGHTS_H
