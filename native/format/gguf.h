// GGUF, versions 2 and 3, little endian. A file is
//
//   magic "GGUF" | version u32 | tensor count u64 | metadata count u64
//   metadata     : key (u64 length, bytes), value type u32, value; arrays are (element type u32, count u64, elements)
//   tensor infos : name (u64 length, bytes), dimension count u32, dimensions u64…, type u32, offset u64
//   padding to `general.alignment` (a power of two, 32 where absent), then the tensor data
//
// A tensor's offset counts from the start of the data section of its own part. Dimensions come fastest-varying first:
// a matrix of `rows` output rows over `columns` inputs is stored as { columns, rows }, row after row.
// A split model carries split.no, split.count and split.tensors.count and is named NAME-00001-of-0000N.gguf; the first
// part holds the metadata. Source: ggml/include/gguf.h and docs/gguf.md of the ggml project.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "../io.h"

namespace weighbridge::gguf {

enum class TensorType : uint32_t {
  F32 = 0, F16 = 1, Q4_0 = 2, Q4_1 = 3, Q5_0 = 6, Q5_1 = 7, Q8_0 = 8, Q8_1 = 9, Q2_K = 10, Q3_K = 11, Q4_K = 12,
  Q5_K = 13, Q6_K = 14, Q8_K = 15, IQ2_XXS = 16, IQ2_XS = 17, IQ3_XXS = 18, IQ1_S = 19, IQ4_NL = 20, IQ3_S = 21,
  IQ2_S = 22, IQ4_XS = 23, I8 = 24, I16 = 25, I32 = 26, I64 = 27, F64 = 28, IQ1_M = 29, BF16 = 30, TQ1_0 = 34,
  TQ2_0 = 35, MXFP4 = 39,
};

struct TypeTraits {
  const char* name;         // as llama.cpp prints it, "Q4_0"
  uint32_t block_elements;  // elements a block
  uint32_t block_bytes;     // bytes a block
};

// nullptr for a number that is not a known tensor type.
const TypeTraits* traits(TensorType type) noexcept;

struct Tensor {
  std::string name;
  TensorType type;
  uint32_t dimensions;             // 1…4
  std::array<uint64_t, 4> shape;   // fastest-varying first; 1 beyond `dimensions`
  uint32_t part;                   // index into Model::parts
  uint64_t offset;                 // from the start of the part's file, bytes
  uint64_t bytes;                  // size in the file
};

struct Part {
  std::string path;
  uint64_t bytes;        // of the whole file
  uint64_t data_offset;  // where the data section begins = bytes of header including padding
};

struct Array;
using Value = std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool, std::string, Array,
                           uint64_t, int64_t, double>;
// Elements are kept only when ParseOptions::arrays asks for them, or for numeric arrays of at most 1024 elements.
struct Array {
  uint32_t element_type;  // GGUF value type number
  uint64_t count;
  std::vector<Value> elements;
};

struct KeyValue {
  std::string key;
  Value value;
};

struct Model {
  uint32_t version;
  uint32_t alignment;
  std::vector<Part> parts;
  std::vector<KeyValue> metadata;  // of the first part, in file order
  std::vector<Tensor> tensors;     // of all parts, in file order
  std::string header_digest;       // 16 hex digits over all header bytes; empty unless ParseOptions::digest

  const Value* find(std::string_view key) const noexcept;
  const Tensor* tensor(std::string_view name) const noexcept;
  std::optional<uint64_t> unsigned_value(std::string_view key) const;   // any integer type that is not negative
  std::optional<double> real_value(std::string_view key) const;
  std::optional<std::string_view> string_value(std::string_view key) const;
};

struct ParseOptions {
  bool arrays = false;  // keep vocabulary arrays; else their bytes are skipped, not stored
  bool digest = false;
};

// Reads the headers of a model: `path` is the file, or any part of a split model. Each part is opened on a descriptor
// of its own after POSIX_FADV_RANDOM, so that reading a header does not warm the tensor data, and is closed again.
// Every length, count, offset, type, alignment and product is checked against the file's size before it is used.
// Headers of all parts may have 256 MiB, names and values kept of them 64 MiB, or 256 MiB with `arrays`: more is
// malformed, as are gaps between tensors beyond padding. Throws Error with the offset: codes file-missing,
// file-unreadable, not-a-file, file-empty, not-gguf, unsupported-version, truncated, malformed, unsupported-type,
// missing-part, io-error.
Model parse(const std::string& path, const ParseOptions& options = {});

}  // namespace weighbridge::gguf
