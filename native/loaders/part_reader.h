// The open parts of a model and the ways to ask the kernel for their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../probes/direct_io.h"
#include "blocks.h"

namespace weighbridge {

enum class ReadCall {
  read,        // read(2), after lseek(2) where the last one ended elsewhere: by one thread alone
  pread,       // pread(2), through the page cache
  dont_cache,  // preadv2(2) with RWF_DONTCACHE (Linux 6.14): the page cache drops the pages once they are copied
  direct,      // pread(2) with O_DIRECT
};

// Why the parts cannot be read in that way. Codes direct-io-unsupported and dontcache-unsupported. Leaves no page of
// them in the page cache.
std::optional<Reason> read_call_unsupported(std::span<const Part> parts, ReadCall call);

class PartReader {
 public:
  // Opens all parts. Throws Error: file-changed, the codes of read_call_unsupported(), and those of open_file().
  PartReader(std::span<const Part> parts, ReadCall call);

  // Nothing is asked for any more.
  void close() noexcept { opened_.clear(); }

  int file(size_t part) const noexcept { return opened_[part].file.get(); }
  // A power of two, at least a page. Requests that begin at multiples of it in file and memory are aligned.
  uint64_t unit() const noexcept { return unit_; }
  // How much to ask for so that the rest of a block comes: direct I/O takes whole units, past the end of the file too.
  uint64_t request_bytes(const Block& rest) const noexcept;

  // Brings in the memory that a request for the rest, of at most `most` bytes, will fill, where direct I/O wants it there
  // (touch_for_direct); else does nothing. ask() does it by itself.
  void touch(const Block& rest, std::byte* to, uint64_t most) const noexcept;
  // One call for at most `most` bytes of the rest; the count of bytes, or -errno.
  int64_t ask(const Block& rest, std::byte* to, uint64_t most) noexcept;
  // The system call that ask() makes.
  const char* operation() const noexcept;

  // What is to be asked for after a request for `rest` gave `result` (bytes, or -errno); std::nullopt when all is
  // there. A read may be short anywhere (read(2)): what direct I/O brought of its last unit is asked for again.
  // `in_vain` counts the interruptions in a row. Throws Error: short-read where the file has ended,
  // direct-io-unsupported, dontcache-unsupported, else io-error.
  std::optional<Block> rest_after(const Block& rest, int64_t result, const char* operation, uint32_t& in_vain) const;

  // The alignment that direct I/O was given, and who said so; nothing for the other calls.
  Effective effective() const;

 private:
  struct OpenPart {
    Part part;
    FileDescriptor file;
    uint64_t step;          // whole ones of it are kept of a short read
    uint64_t position = 0;  // of the descriptor, for read(2)
  };
  ssize_t read_on(OpenPart& part, std::byte* to, uint64_t bytes, uint64_t offset) const noexcept;
  [[noreturn]] void throw_failed(const Block& rest, const char* operation, int error_number) const;

  ReadCall call_;
  DirectAlignment strictest_ = {1, 1, true};
  uint64_t unit_ = page_size();
  std::vector<OpenPart> opened_;
};

}  // namespace weighbridge
