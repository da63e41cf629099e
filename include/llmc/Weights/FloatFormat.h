//===- FloatFormat.h - floats as parameters store them ----------*- C++ -*-===//

#ifndef LLMC_WEIGHTS_FLOATFORMAT_H
#define LLMC_WEIGHTS_FLOATFORMAT_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"
#include <cstring>
#include <optional>

namespace llmc {

/// The element formats that weights and scales are read and written in.
enum class FloatFormat { F32, F16, BF16 };

/// The format of an MLIR type, nothing for any other type.
inline std::optional<FloatFormat> getFloatFormat(mlir::Type type) {
  if (type.isF32())
    return FloatFormat::F32;
  if (type.isF16())
    return FloatFormat::F16;
  if (type.isBF16())
    return FloatFormat::BF16;
  return std::nullopt;
}

/// The inverse.
inline mlir::FloatType getFloatType(FloatFormat format,
                                    mlir::MLIRContext *context) {
  switch (format) {
  case FloatFormat::F32:
    return mlir::Float32Type::get(context);
  case FloatFormat::F16:
    return mlir::Float16Type::get(context);
  case FloatFormat::BF16:
    return mlir::BFloat16Type::get(context);
  }
  llvm_unreachable("no other format");
}

/// As MLIR writes the type.
inline llvm::StringRef toString(FloatFormat format) {
  constexpr llvm::StringLiteral names[] = {"f32", "f16", "bf16"};
  return names[int(format)];
}

/// The inverse: false for what is no format's name.
inline bool fromString(llvm::StringRef name, FloatFormat &format) {
  for (FloatFormat known :
       {FloatFormat::F32, FloatFormat::F16, FloatFormat::BF16})
    if (toString(known) == name) {
      format = known;
      return true;
    }
  return false;
}

inline int64_t getFloatBytes(FloatFormat format) {
  return format == FloatFormat::F32 ? 4 : 2;
}

inline float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16;
  uint32_t magnitude = half & 0x7fff;
  // Infinity and NaN keep an all-ones exponent; for all others the
  // multiplication moves the exponent's bias from 15 to 127, subnormals too.
  uint32_t bits = magnitude >= 0x7c00
                      ? 0x7f800000 | magnitude << 13
                      : llvm::bit_cast<uint32_t>(
                            llvm::bit_cast<float>(magnitude << 13) * 0x1p112f);
  return llvm::bit_cast<float>(sign | bits);
}

/// Rounds to nearest, ties to even; too large values become infinite.
inline uint16_t floatToHalf(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  uint16_t sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  if (bits > 0x7f800000)
    return sign | 0x7e00;
  if (bits >= 0x477ff000)
    return sign | 0x7c00;
  if (bits < 0x38800000) {
    // The last bit of 0.5 has the weight of the smallest subnormal.
    float aligned = llvm::bit_cast<float>(bits) + 0.5f;
    return sign | uint16_t(llvm::bit_cast<uint32_t>(aligned) - 0x3f000000);
  }
  bits += 0xfff + (bits >> 13 & 1);
  return sign | uint16_t((bits - 0x38000000) >> 13);
}

inline float bfloatToFloat(uint16_t bfloat) {
  return llvm::bit_cast<float>(uint32_t(bfloat) << 16);
}

/// Rounds to nearest, ties to even.
inline uint16_t floatToBFloat(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return bits >> 16 | 0x40;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/// Element `index` of an array at `data`, which need not be aligned.
inline float loadFloat(const char *data, FloatFormat format, int64_t index) {
  if (format == FloatFormat::F32) {
    float value;
    std::memcpy(&value, data + 4 * index, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, data + 2 * index, 2);
  return format == FloatFormat::F16 ? halfToFloat(bits) : bfloatToFloat(bits);
}

/// Stores `value` rounded to the format.
inline void storeFloat(char *data, FloatFormat format, int64_t index,
                       float value) {
  if (format == FloatFormat::F32) {
    std::memcpy(data + 4 * index, &value, 4);
    return;
  }
  uint16_t bits =
      format == FloatFormat::F16 ? floatToHalf(value) : floatToBFloat(value);
  std::memcpy(data + 2 * index, &bits, 2);
}

} // namespace llmc

#endif // LLMC_WEIGHTS_FLOATFORMAT_H
