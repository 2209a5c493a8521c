// Direct I/O (O_DIRECT): whether a file can be read past the page cache, and with which alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "../io.h"

namespace weighbridge {

struct DirectAlignment {
  uint64_t memory;  // of a buffer's address, bytes
  uint64_t offset;  // of file offset and length, bytes
  bool reported;    // by statx(STATX_DIOALIGN), Linux 6.1; else a page is assumed, which suits every block device known
  // Whether it reads directly only into pages that are there, and into others through the page cache: btrfs, where a
  // page fault during the read ends it (fs/btrfs/direct-io.c, btrfs_direct_read).
  bool touched = false;
};

// Why the file cannot be read directly, or nothing: memory-backed file systems (tmpfs accepts O_DIRECT since Linux 6.6
// and copies from memory all the same), a refused open, an alignment reported as zero, a file held compressed. Code
// direct-io-unsupported.
// Throws Error where the file cannot be opened at all.
std::optional<Reason> direct_io_unsupported(const std::string& path);

// Throws Error with the reason of direct_io_unsupported().
FileDescriptor open_direct(const std::string& path);

// Of an open file. Alignments are powers of two.
DirectAlignment direct_alignment(const FileDescriptor& file, const std::string& path);

// To be called on memory before it is first read into: brings its pages in where direct reads want that, else nothing.
// Where the kernel cannot (MADV_POPULATE_WRITE, Linux 5.14) the read goes through the page cache; what it leaves there
// shows that.
void touch_for_direct(const DirectAlignment& alignment, std::span<std::byte> memory) noexcept;

}  // namespace weighbridge
