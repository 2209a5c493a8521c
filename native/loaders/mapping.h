// A part of a model mapped into memory, and what the kernel says about it afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "loader.h"
#include "part_file.h"

namespace weighbridge {

// mmap(2) of a whole part from its first byte on. Whole pages at both ends can be given back. Move-only; empty for a
// part without bytes.
class Mapping {
 public:
  Mapping() = default;
  // `protection` and `flags` as mmap(2) has them. Throws Error: unsupported-by-file-system where the file system does
  // not map, out-of-memory, else io-error. Touches no page unless MAP_POPULATE is among the flags.
  Mapping(const FileDescriptor& file, const Part& part, int protection, int flags);
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), mapped_(std::exchange(other.mapped_, Extent{0, 0})) {}
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping();

  // Where byte `offset` of the part lies; within mapped() only.
  std::byte* at(uint64_t offset) const noexcept { return base_ + offset; }
  // Whole pages, as offsets in the part.
  const Extent& mapped() const noexcept { return mapped_; }
  std::span<std::byte> memory() const noexcept { return {base_ + mapped_.begin, mapped_.bytes()}; }

  // munmap(2) of every page that holds no byte of `wanted`. Returns the bytes given back.
  uint64_t keep_only(const Extent& wanted, const Part& part);

 private:
  void unmap(uint64_t begin, uint64_t end, const Part& part);

  std::byte* base_ = nullptr;
  Extent mapped_ = {0, 0};
};

// Why this part cannot be mapped; std::nullopt if it can. Maps one page and touches none.
std::optional<Reason> mapping_unsupported(const Part& part, int flags);

// Why the kernel does not know a madvise(2) value, asked with an anonymous page; std::nullopt if it does.
std::optional<Reason> advice_unsupported(int advice, const char* code, const char* message);

// Of /proc/self/smaps, in bytes, over all mappings that overlap what was asked for.
struct MappingFacts {
  uint64_t huge_file;  // FilePmdMapped and ShmemPmdMapped: file pages under one page-table entry of 2 MiB
  uint64_t anonymous;  // private copies
  uint64_t locked;     // as VmLck counts: the size of what mlock(2) marked, present or not
};

// std::nullopt where smaps cannot be read. Takes milliseconds: never inside a measurement.
std::optional<MappingFacts> mapping_facts(std::span<const Mapping> mappings);

// Most bytes that one call of MADV_WILLNEED or readahead(2) reads of this file: the larger of the read-ahead window and
// the device's largest request (mm/readahead.c, force_page_cache_ra). std::nullopt where sysfs does not tell both.
// `sequential`: POSIX_FADV_SEQUENTIAL was given for the open file, which doubles its window.
std::optional<uint64_t> read_ahead_cap(const std::string& path, bool sequential);

}  // namespace weighbridge
