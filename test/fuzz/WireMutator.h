//===- WireMutator.h - mutates protobuf messages of any schema --*- C++ -*-===//

#ifndef LLMC_TEST_FUZZ_WIREMUTATOR_H
#define LLMC_TEST_FUZZ_WIREMUTATOR_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace llmc {

/// A message as the wire has it: fields in order. Bytes that happen to parse
/// as a message are taken for one, which changes nothing when written.
struct WireMessage {
  struct Field {
    uint32_t number = 0;
    /// 0: varint, 1: 8 bytes, 2: bytes or a message, 5: 4 bytes.
    unsigned type = 0;
    uint64_t scalar = 0;
    std::string bytes;
    /// Set instead of `bytes` for what is a message.
    std::optional<std::vector<Field>> fields;
  };
  std::vector<Field> fields;

  static std::optional<WireMessage> parse(const uint8_t *data, size_t size);
  std::string serialize() const;

  /// Changes one field anywhere: removes, repeats, moves or alters it.
  void mutate(std::minstd_rand &random);
  /// Puts a field of `other` in the place of one of the same number, or beside
  /// it.
  void cross(const WireMessage &other, std::minstd_rand &random);
};

} // namespace llmc

#endif // LLMC_TEST_FUZZ_WIREMUTATOR_H
