// A cursor over the header of one GGUF file: small exact reads, nothing read past what was asked by more than a chunk.
#pragma once

#include <bit>
#include <cstring>
#include <memory>
#include <string>

#include "../io.h"

namespace weighbridge::gguf {

// FNV-1a with 64 bits (Fowler, Noll, Vo; offset basis 14695981039346656037, prime 1099511628211), byte by byte.
class HeaderDigest {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte byte : bytes) state_ = (state_ ^ static_cast<uint64_t>(byte)) * 1099511628211u;
  }
  std::string hexadecimal() const;

 private:
  uint64_t state_ = 14695981039346656037u;
};

// What reading the headers of one model may still take. A sparse file of any size costs nothing to make, so its size
// bounds neither time nor memory. Headers of large vocabularies have some ten MiB, an embedded tokenizer.json 30.
struct HeaderAllowance {
  uint64_t header_bytes = 256 << 20;  // read or skipped
  uint64_t kept_bytes;                // of names and values in memory
};

class HeaderReader {
 public:
  // Opens `path` and tells the kernel not to read ahead. `digest` may be null; else every header byte goes through it,
  // those of skipped values too. `allowance` is drawn down and must outlive the reader; more than it has is `malformed`.
  // Throws Error: file-missing, file-unreadable, not-a-file, file-empty.
  HeaderReader(std::string path, HeaderDigest* digest, HeaderAllowance& allowance);

  const std::string& path() const noexcept { return path_; }
  uint64_t size() const noexcept { return size_; }
  uint64_t position() const noexcept { return position_; }
  uint64_t remaining() const noexcept { return size_ - position_; }

  // The next value, little endian. `what` names it in the error `truncated`.
  template <class T>
  T read(const char* what) {
    static_assert(std::endian::native == std::endian::little, "GGUF values are read as they lie in the file");
    T value;
    read_bytes(std::as_writable_bytes(std::span(&value, 1)), what);
    return value;
  }
  // u64 length, then the bytes. More than `longest` is `malformed`.
  std::string read_string(const char* what, uint64_t longest = UINT64_MAX);
  void skip_string(const char* what);
  void skip(uint64_t bytes, const char* what);
  // To be called before memory is taken for what was read; strings are counted by read_string().
  void keep(uint64_t bytes);

  [[noreturn]] void fail(const char* code, uint64_t offset, std::string message, std::string remedy = {}) const;
  [[noreturn]] void fail_truncated(uint64_t offset, const char* what, uint64_t needed) const;

 private:
  static constexpr uint64_t kChunk = 64 * 1024;

  void read_bytes(std::span<std::byte> target, const char* what);
  // Throws where the file or the allowance has fewer bytes left.
  void require(uint64_t bytes, const char* what);
  // Fills the chunk from position_; position_ < size_.
  void refill();

  std::string path_;
  FileDescriptor file_;
  HeaderDigest* digest_;
  HeaderAllowance& allowance_;
  uint64_t size_ = 0;
  uint64_t position_ = 0;
  std::unique_ptr<std::byte[]> chunk_;
  uint64_t chunk_offset_ = 0;  // where in the file the chunk begins
  uint64_t chunk_bytes_ = 0;
};

}  // namespace weighbridge::gguf
