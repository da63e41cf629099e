//===- WeightSource.cpp - where the numbers of a weight are ---------------===//

#include "WeightSource.h"
#include "VectorClones.h"
#include "llmc/Weights/Blobs.h"

using namespace mlir;
using namespace llmc;

std::optional<WeightSource> llmc::getWeightSource(const UsedWeight &weight,
                                                  SmallVectorImpl<char> &copy) {
  return getWeightSource(weight.param, weight.transposed, copy);
}

std::optional<WeightSource> llmc::getWeightSource(ParamOp param,
                                                  bool transposed,
                                                  SmallVectorImpl<char> &copy) {
  RankedTensorType type = param.getType();
  std::optional<FloatFormat> format = getFloatFormat(type.getElementType());
  if (!format)
    return std::nullopt;
  WeightSource source{getParamBytes(param, copy).data(), *format,
                      type.getDimSize(0), type.getDimSize(1), transposed};
  if (transposed)
    std::swap(source.rows, source.columns);
  return source;
}

/// A square of vectors, with rows and columns exchanged. Four times rows of its
/// halves are put into each other.
static LLMC_ALWAYS_INLINE void transpose(FloatLanes (&square)[floatLanes]) {
  for (int round = 0; round < 4; ++round) {
    FloatLanes result[floatLanes];
    for (int64_t i = 0; i < floatLanes / 2; ++i) {
      FloatLanes a = square[i], b = square[i + floatLanes / 2];
      result[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19,
                                              4, 20, 5, 21, 6, 22, 7, 23);
      result[2 * i + 1] = __builtin_shufflevector(
          a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    std::copy_n(result, floatLanes, square);
  }
}

/// values(row, i) is float i * rows + row of `columns`; of whole squares.
LLMC_VECTOR_CLONES
static void readSquares(const char *columns, int64_t rows,
                        MatrixRef<float> values) {
  for (int64_t i = 0; i < values.columns; i += floatLanes)
    for (int64_t row = 0; row < values.rows; row += floatLanes) {
      FloatLanes square[floatLanes];
      for (int64_t j = 0; j < floatLanes; ++j) {
        const char *line = columns + ((i + j) * rows + row) * sizeof(float);
        std::memcpy(&square[j], line, sizeof(FloatLanes));
        // Columns are pages apart, which processors do not foresee.
        __builtin_prefetch(line + floatLanes * rows * sizeof(float));
      }
      transpose(square);
      for (int64_t j = 0; j < floatLanes; ++j)
        std::memcpy(&values(row + j, i), &square[j], sizeof(FloatLanes));
    }
}

/// `format` is a constant, so that no element asks for it.
template <FloatFormat format>
static void readValues(const WeightSource &source, int64_t firstRow,
                       int64_t firstColumn, MatrixRef<float> values) {
  if (!source.transposed) {
    for (int64_t row = 0; row < values.rows; ++row) {
      int64_t begin = (firstRow + row) * source.columns + firstColumn;
      for (int64_t i = 0; i < values.columns; ++i)
        values(row, i) = loadFloat(source.data, format, begin + i);
    }
    return;
  }
  for (int64_t i = 0; i < values.columns; ++i) {
    int64_t begin = (firstColumn + i) * source.rows + firstRow;
    for (int64_t row = 0; row < values.rows; ++row)
      values(row, i) = loadFloat(source.data, format, begin + row);
  }
}

void llmc::readWeight(const WeightSource &source, int64_t firstRow,
                      int64_t firstColumn, MatrixRef<float> values) {
  if (source.transposed && source.format == FloatFormat::F32 &&
      values.rows % floatLanes == 0 && values.columns % floatLanes == 0)
    return readSquares(source.data + (firstColumn * source.rows + firstRow) *
                                         sizeof(float),
                       source.rows, values);
  switch (source.format) {
  case FloatFormat::F32:
    return readValues<FloatFormat::F32>(source, firstRow, firstColumn, values);
  case FloatFormat::F16:
    return readValues<FloatFormat::F16>(source, firstRow, firstColumn, values);
  case FloatFormat::BF16:
    return readValues<FloatFormat::BF16>(source, firstRow, firstColumn, values);
  }
}
