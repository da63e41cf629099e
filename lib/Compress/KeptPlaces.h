//===- KeptPlaces.h - where values of pruned weights lie --------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_KEPTPLACES_H
#define LLMC_LIB_COMPRESS_KEPTPLACES_H

#include "llmc/IR/Dialect.h"
#include "llvm/Support/Error.h"

namespace llmc {

/// Which weights llmc.densify or llmc.densify_bitmap stores, and where among
/// the values, of which as many as are in a `block` share a grid.
class KeptPlaces {
public:
  /// Reads those of an op all of whose operands are loads of parameters. Fails
  /// where bytes are missing, or where a value is read in several places.
  static llvm::Expected<KeptPlaces> read(mlir::Operation *densify,
                                         int64_t block);

  int64_t getRows() const { return rows; }
  int64_t getColumns() const { return columns; }

  /// The first value of the block in which the values of a row begin.
  int64_t getBase(int64_t row) const;
  /// How far from there the value of each column of the row is, -1 where none
  /// is stored and the weight is 0.
  void get(int64_t row, llvm::MutableArrayRef<int32_t> places) const;

private:
  /// Where the values begin that a row of places or bits is of.
  int64_t getFirst(int64_t row) const;

  int64_t rows = 0, columns = 0, block = 1;
  /// Values that are stored.
  int64_t count = 0;
  /// Of n:m; 0 for a bitmap of tiles.
  int64_t n = 0, m = 0;
  int64_t tileRows = 1, tileColumns = 1;
  /// The meta of llmc.densify or the mask of llmc.densify_bitmap; bytes of a
  /// row of it.
  std::vector<uint8_t> bytes;
  int64_t rowBytes = 0;
  /// Of a bitmap: how many tiles lie before each row of them.
  std::vector<int32_t> starts;
};

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_KEPTPLACES_H
