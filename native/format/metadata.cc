#include "metadata.h"

namespace weighbridge::gguf {

namespace {

constexpr uint32_t kDeepestArray = 4;        // arrays within arrays
constexpr uint64_t kSmallArray = 1024;       // elements of a numeric array kept unasked
constexpr uint64_t kLargestArray = 1 << 21;  // elements kept when asked; larger arrays are skipped

enum ValueType : uint32_t {
  kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64, kValueTypes,
};

// Bytes of a value of fixed size; 0 for strings and arrays.
constexpr uint64_t kFixedSize[kValueTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

Value read_value(HeaderReader& in, uint32_t type, bool arrays, uint32_t depth);

uint32_t read_value_type(HeaderReader& in) {
  const uint64_t start = in.position();
  const uint32_t type = in.read<uint32_t>("a metadata type");
  if (type >= kValueTypes) in.fail("malformed", start, "unknown metadata type " + std::to_string(type));
  return type;
}

void skip_value(HeaderReader& in, uint32_t type, uint32_t depth) {
  if (type == kArray) {
    static_cast<void>(read_value(in, type, false, depth));
  } else if (type == kString) {
    in.skip_string("a string");
  } else {
    in.skip(kFixedSize[type], "a metadata value");
  }
}

Array read_array(HeaderReader& in, bool arrays, uint32_t depth) {
  const uint64_t start = in.position();
  if (depth >= kDeepestArray) {
    in.fail("malformed", start, "arrays are nested more than " + std::to_string(kDeepestArray) + " deep");
  }
  Array array{.element_type = read_value_type(in), .count = 0, .elements = {}};
  const uint64_t count_offset = in.position();
  array.count = in.read<uint64_t>("an array's length");
  const uint64_t fixed = kFixedSize[array.element_type];
  const uint64_t smallest = fixed != 0 ? fixed : array.element_type == kString ? 8 : 12;
  if (array.count > in.remaining() / smallest) {
    in.fail("truncated", count_offset,
            "an array of " + std::to_string(array.count) + " elements does not fit in the file's remaining " +
                std::to_string(in.remaining()) + " bytes",
            "the file was cut short or is damaged; download or copy it again");
  }
  // A kept element takes sizeof(Value) bytes whatever its size in the file, hence no large arrays of narrow ones.
  const bool keep = (fixed != 0 && array.count <= kSmallArray) ||
                    (arrays && array.count <= kLargestArray && smallest >= 4);
  if (!keep && fixed != 0) {
    in.skip(fixed * array.count, "an array");
    return array;
  }
  if (keep) array.elements.reserve(std::min(array.count, kSmallArray));
  for (uint64_t i = 0; i < array.count; ++i) {
    if (keep) {
      in.keep(sizeof(Value));
      array.elements.push_back(read_value(in, array.element_type, arrays, depth + 1));
    } else {
      skip_value(in, array.element_type, depth + 1);
    }
  }
  return array;
}

Value read_value(HeaderReader& in, uint32_t type, bool arrays, uint32_t depth) {
  static constexpr const char* kWhat = "a metadata value";
  const uint64_t start = in.position();
  switch (type) {
    case kU8: return in.read<uint8_t>(kWhat);
    case kI8: return in.read<int8_t>(kWhat);
    case kU16: return in.read<uint16_t>(kWhat);
    case kI16: return in.read<int16_t>(kWhat);
    case kU32: return in.read<uint32_t>(kWhat);
    case kI32: return in.read<int32_t>(kWhat);
    case kF32: return in.read<float>(kWhat);
    case kU64: return in.read<uint64_t>(kWhat);
    case kI64: return in.read<int64_t>(kWhat);
    case kF64: return in.read<double>(kWhat);
    case kString: return in.read_string("a string");
    case kArray: return read_array(in, arrays, depth);
    case kBool: {
      const uint8_t byte = in.read<uint8_t>(kWhat);
      if (byte > 1) in.fail("malformed", start, "a boolean of value " + std::to_string(byte));
      return byte == 1;
    }
    default: in.fail("malformed", start, "unknown metadata type " + std::to_string(type));
  }
}

}  // namespace

std::vector<KeyValue> read_metadata(HeaderReader& in, uint64_t count, const ParseOptions& options) {
  std::vector<KeyValue> metadata;
  std::vector<uint64_t> positions;
  for (uint64_t i = 0; i < count; ++i) {
    in.keep(sizeof(KeyValue));
    positions.push_back(in.position());
    std::string key = in.read_string("a metadata key", kLongestName);
    if (key.empty()) in.fail("malformed", positions.back(), "a metadata key is empty");
    const uint32_t type = read_value_type(in);
    Value value = read_value(in, type, options.arrays, 0);
    metadata.push_back({std::move(key), std::move(value)});
  }
  const auto key_of = [](const KeyValue& entry) -> const std::string& { return entry.key; };
  if (const auto twice = first_duplicate(metadata, key_of)) {
    in.fail("malformed", positions[*twice], "metadata key " + quoted(metadata[*twice].key) + " occurs twice");
  }
  return metadata;
}

}  // namespace weighbridge::gguf
