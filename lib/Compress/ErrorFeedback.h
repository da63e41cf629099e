//===- ErrorFeedback.h - columns that make good for others ------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_ERRORFEEDBACK_H
#define LLMC_LIB_COMPRESS_ERRORFEEDBACK_H

#include "HessianFactor.h"

namespace llmc {

/// Calls `work` for each row, some successive ones in one of the context's
/// threads.
void forEachRow(mlir::MLIRContext *context, int64_t rows,
                llvm::function_ref<void(int64_t)> work);

/// At most so many columns are rounded together.
constexpr int64_t maxFeedbackWidth = 4;

/// Rounds some successive columns of a row, of which the first is at `position`
/// in the order of the factor. Called in several threads, for different rows.
using ColumnRounder = llvm::function_ref<void(
    int64_t row, int64_t position, const float *weights, float *rounded)>;

/// The loop of GPTQ (arXiv 2210.17323): rounds `width` columns after the other,
/// which is a divisor of their number and of 128, and adds what their errors do
/// to the output to the weights of the columns behind them. `weights` are in
/// the order of the factor, and hold what was rounded afterwards.
void roundWithFeedback(MatrixRef<float> weights, const HessianFactor &factor,
                       int64_t width, ColumnRounder round,
                       mlir::MLIRContext *context);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_ERRORFEEDBACK_H
