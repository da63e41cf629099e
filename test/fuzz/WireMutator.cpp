//===- WireMutator.cpp - mutates protobuf messages of any schema ----------===//
//
// Mutations of bytes almost always break a message, whose lengths are part of
// it: these keep it well-formed, so that the fuzzer gets past the parser.
//
//===----------------------------------------------------------------------===//

#include "WireMutator.h"
#include <algorithm>
#include <cstring>

using namespace llmc;
using Field = WireMessage::Field;
using Fields = std::vector<Field>;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

//===----------------------------------------------------------------------===//
// Reading and writing
//===----------------------------------------------------------------------===//

static bool readVarint(const uint8_t *&at, const uint8_t *end,
                       uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && at != end; shift += 7) {
    value |= uint64_t(*at & 0x7f) << shift;
    if ((*at++ & 0x80) == 0)
      return true;
  }
  return false;
}

static std::optional<Fields> parseFields(const uint8_t *at, const uint8_t *end,
                                         unsigned depth) {
  Fields fields;
  while (at != end) {
    uint64_t tag, size = 0;
    Field field;
    if (!readVarint(at, end, tag) || tag >> 3 == 0 || tag >> 3 > 1000)
      return std::nullopt;
    field.number = tag >> 3;
    field.type = tag & 7;
    if (field.type == 0) {
      if (!readVarint(at, end, field.scalar))
        return std::nullopt;
    } else if (field.type == 1 || field.type == 5) {
      size = field.type == 1 ? 8 : 4;
      if (uint64_t(end - at) < size)
        return std::nullopt;
      std::memcpy(&field.scalar, at, size);
    } else if (field.type == 2) {
      if (!readVarint(at, end, size) || uint64_t(end - at) < size)
        return std::nullopt;
      if (size != 0 && depth < 40)
        field.fields = parseFields(at, at + size, depth + 1);
      if (!field.fields)
        field.bytes.assign(at, at + size);
    } else {
      return std::nullopt;
    }
    at += size;
    fields.push_back(std::move(field));
  }
  return fields;
}

static void writeVarint(uint64_t value, std::string &out) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(char(value | 0x80));
  out.push_back(char(value));
}

static void writeFields(const Fields &fields, std::string &out) {
  for (const Field &field : fields) {
    writeVarint(uint64_t(field.number) << 3 | field.type, out);
    if (field.type == 0) {
      writeVarint(field.scalar, out);
    } else if (field.type != 2) {
      out.append(reinterpret_cast<const char *>(&field.scalar),
                 field.type == 1 ? 8 : 4);
    } else {
      std::string inner = field.bytes;
      if (field.fields)
        writeFields(*field.fields, inner);
      writeVarint(inner.size(), out);
      out += inner;
    }
  }
}

std::optional<WireMessage> WireMessage::parse(const uint8_t *data,
                                              size_t size) {
  std::optional<Fields> fields = parseFields(data, data + size, 0);
  if (!fields)
    return std::nullopt;
  return WireMessage{std::move(*fields)};
}

std::string WireMessage::serialize() const {
  std::string out;
  writeFields(fields, out);
  return out;
}

//===----------------------------------------------------------------------===//
// Changing
//===----------------------------------------------------------------------===//

namespace {
/// A place in a message, and the field numbers that lead there: what kind of
/// thing it is.
struct Place {
  Fields *fields;
  size_t index;
  std::string path;

  Field &get() const { return (*fields)[index]; }
};
} // namespace

static void collect(Fields &fields, const std::string &path,
                    std::vector<Place> &places) {
  for (size_t i = 0; i < fields.size(); ++i) {
    std::string inner = path + char(fields[i].number);
    places.push_back({&fields, i, inner});
    if (fields[i].fields)
      collect(*fields[i].fields, inner, places);
  }
}

static size_t pick(std::minstd_rand &random, size_t count) {
  return std::uniform_int_distribution<size_t>(0, count - 1)(random);
}

/// Sizes, axes, types and counts that are easy to get wrong.
static uint64_t pickNumber(uint64_t old, std::minstd_rand &random) {
  static constexpr uint64_t special[] = {
      0,          1,          2,          3,           4,         7,
      8,          16,         64,         1024,        1025,      1u << 20,
      1u << 31,   1ull << 32, 1ull << 40, ~0ull,       ~1ull,     ~2ull,
      ~0ull >> 1, 1ull << 63, 1ull << 62, ~0ull << 31, 0x7fffffff};
  switch (pick(random, 3)) {
  case 0:
    return old + pick(random, 5) - 2;
  case 1:
    return pick(random, 30);
  default:
    return special[pick(random, std::size(special))];
  }
}

static void mutateBytes(std::string &bytes) {
  size_t limit = std::max<size_t>(2 * bytes.size(), 16), size = bytes.size();
  bytes.resize(limit);
  bytes.resize(
      LLVMFuzzerMutate(reinterpret_cast<uint8_t *>(bytes.data()), size, limit));
}

static void alter(Field &field, std::minstd_rand &random) {
  if (field.type == 0) {
    field.scalar = pickNumber(field.scalar, random);
  } else if (field.type != 2) {
    field.scalar ^= uint64_t(1) << pick(random, 64);
  } else if (field.fields) {
    std::shuffle(field.fields->begin(), field.fields->end(), random);
  } else {
    mutateBytes(field.bytes);
  }
}

void WireMessage::mutate(std::minstd_rand &random) {
  std::vector<Place> places;
  collect(fields, "", places);
  if (places.empty())
    return;
  Place place = places[pick(random, places.size())];
  Fields &around = *place.fields;
  auto at = around.begin() + place.index;
  switch (pick(random, 8)) {
  case 0:
    around.erase(at);
    return;
  case 1: {
    Field copy = *at;
    around.insert(around.begin() + pick(random, around.size() + 1), copy);
    return;
  }
  case 2:
    std::swap(*at, around[pick(random, around.size())]);
    return;
  case 3:
  case 4: {
    // A name in the place of another, a node's attribute in another node, ...
    std::vector<const Place *> alike;
    for (const Place &other : places)
      if (other.path.back() == place.path.back() &&
          other.get().type == at->type)
        alike.push_back(&other);
    Field copy = alike[pick(random, alike.size())]->get();
    if (pick(random, 4) == 0)
      around.insert(at, std::move(copy));
    else
      *at = std::move(copy);
    return;
  }
  default:
    alter(*at, random);
  }
}

void WireMessage::cross(const WireMessage &other, std::minstd_rand &random) {
  WireMessage source = other;
  std::vector<Place> places, offered;
  collect(fields, "", places);
  collect(source.fields, "", offered);
  if (places.empty() || offered.empty())
    return;
  const Place &from = offered[pick(random, offered.size())];
  std::vector<const Place *> fitting;
  for (const Place &place : places)
    if (place.path == from.path)
      fitting.push_back(&place);
  if (fitting.empty())
    return;
  const Place &to = *fitting[pick(random, fitting.size())];
  if (pick(random, 2))
    to.get() = from.get();
  else
    to.fields->insert(to.fields->begin() + to.index, from.get());
}
