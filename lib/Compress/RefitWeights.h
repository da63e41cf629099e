//===- RefitWeights.h - the best values of a pruned weight ------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_REFITWEIGHTS_H
#define LLMC_LIB_COMPRESS_REFITWEIGHTS_H

#include "llmc/Calibrate/Matrix.h"
#include "mlir/IR/MLIRContext.h"

namespace llmc {

/// Changes the weights that are not 0 so that outputs come near those of
/// `original`: conjugate gradients, `rounds` of them, for the least
/// (w - w0) H (w - w0)^T of each row, preconditioned by the diagonal of H. As
/// many rounds as a row has weights would be exact; about ten are nearly so.
void refitWeights(MatrixRef<float> weights, MatrixRef<const float> original,
                  MatrixRef<const float> hessian, int64_t rounds,
                  mlir::MLIRContext *context);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_REFITWEIGHTS_H
