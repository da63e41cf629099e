//===- HalfFloat.h - 16-bit floats to float32 ------------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_HALFFLOAT_H
#define LLMC_LIB_RUNTIME_HALFFLOAT_H

#include <cmath>
#include <cstdint>
#include <cstring>

namespace llmc::runtime {

inline float bfloatToFloat(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof(value));
  return value;
}

inline float halfToFloat(uint16_t bits) {
  int exponent = bits >> 10 & 0x1f;
  int mantissa = bits & 0x3ff;
  float magnitude;
  if (exponent == 0x1f)
    magnitude = mantissa ? NAN : INFINITY;
  else if (exponent == 0)
    magnitude = std::ldexp(float(mantissa), -24);
  else
    magnitude = std::ldexp(float(mantissa + 0x400), exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_HALFFLOAT_H
