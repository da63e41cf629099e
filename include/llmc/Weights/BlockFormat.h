//===- BlockFormat.h - integers in blocks with scales -----------*- C++ -*-===//
//
// The layout of llmc.dequantize, which is that of com.microsoft.MatMulNBits.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_WEIGHTS_BLOCKFORMAT_H
#define LLMC_WEIGHTS_BLOCKFORMAT_H

#include "llmc/Weights/FloatFormat.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MathExtras.h"

namespace llmc {

/// A weight [rows, columns] stored as `bits` wide integers in blocks of
/// `block` along the columns. The last block of a row is padded.
struct BlockFormat {
  int64_t rows = 0, columns = 0, block = 0;
  int64_t bits = 0;

  /// Fails unless the sizes make sense and every size below is representable.
  llvm::Error verify() const;

  int64_t getNumBlocks() const { return llvm::divideCeil(columns, block); }
  int64_t getBlockBytes() const { return block * bits / 8; }
  /// Bytes of the zero points of one row.
  int64_t getZerosRowBytes() const {
    return llvm::divideCeil(getNumBlocks() * bits, 8);
  }
  int64_t getDataBytes() const {
    return rows * getNumBlocks() * getBlockBytes();
  }
  int64_t getScalesBytes(FloatFormat format) const {
    return rows * getNumBlocks() * getFloatBytes(format);
  }
  int64_t getZerosBytes() const { return rows * getZerosRowBytes(); }
  /// The zero point of a weight stored without zero points.
  uint8_t getDefaultZero() const { return uint8_t(1) << (bits - 1); }
};

/// Packs codes of `bits` bits, 1 to 8, little end first into
/// divideCeil(codes.size() * bits, 8) bytes; the last byte is filled with 0.
void packBits(llvm::ArrayRef<uint8_t> codes, int64_t bits, uint8_t *packed);

/// The inverse of packBits; reads as many bytes as that wrote.
void unpackBits(const uint8_t *packed, int64_t bits,
                llvm::MutableArrayRef<uint8_t> codes);

/// The bytes of a weight in a BlockFormat. `zeros` may be empty.
struct BlockData {
  llvm::ArrayRef<char> data, scales, zeros;
  FloatFormat scalesFormat = FloatFormat::F32;
  /// Whether `zeros` are floats as `scales` are, not packed integers.
  bool floatZeros = false;
};

/// Computes `(q - zero) * scale` for whole rows from `firstRow` on: as many as
/// fit `values`, whose size is a multiple of the columns. Fails, rather than
/// read outside, when the bytes are not what the format needs.
llvm::Error decodeRows(const BlockFormat &format, const BlockData &bytes,
                       int64_t firstRow, llvm::MutableArrayRef<float> values);

} // namespace llmc

#endif // LLMC_WEIGHTS_BLOCKFORMAT_H
