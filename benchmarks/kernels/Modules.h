//===- Modules.h - modules with one op -------------------------*- C++ -*-===//

#ifndef LLMC_BENCHMARKS_KERNELS_MODULES_H
#define LLMC_BENCHMARKS_KERNELS_MODULES_H

#include <cstdint>
#include <string>
#include <vector>

namespace llmc::benchmarks {

/// How a weight is stored, and what its activations are.
struct Format {
  std::string name;
  /// Of an element: "f32", "f16", "bf16" for floats, "int" for integers with a
  /// scale for each block, around the middle of their range, "sparse" for those
  /// that were pruned 2:4, and "progressive" for those whose scales are
  /// integers times a number of the row; "nf4".
  std::string kind;
  int64_t bits = 0;     ///< of an element
  int64_t block = 0;    ///< columns that share a scale; 0 for all
  bool rounded = false; ///< activations are integers of 8 bits, too
};

/// The formats of linears, from those of most bits on.
std::vector<Format> getFormats();

/// Of a matrix product, y = x w^T.
struct Shape {
  int64_t columns, rows; ///< of the weight [rows, columns]
  std::string getName() const;
};

/// A module whose parameters still have no values.
///
///     func.func @main(%x: tensor<?xKxf32>) -> tensor<?xNxf32>
std::string getLinear(const Shape &shape, const Format &format);

///     func.func @main(%ids: tensor<?xi64>) -> tensor<?xKxf32>
std::string getEmbedding(const Shape &shape, const Format &format);

struct Attention {
  std::string name;
  int64_t heads, keyHeads, headSize;
  bool isBF16 = false; ///< by casts of f32
};

/// The last queries of a sequence of `keys` tokens.
///
///     func.func @main(%q: tensor<1xHx?xDxf32>, %k: tensor<1xGxKEYSxDxf32>,
///                     %v: tensor<1xGxKEYSxDxf32>) -> tensor<1x?xHxDxf32>
std::string getAttention(const Attention &attention, int64_t keys);

} // namespace llmc::benchmarks

#endif // LLMC_BENCHMARKS_KERNELS_MODULES_H
