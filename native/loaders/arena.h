// Anonymous memory that a copying loader fills.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "loader.h"
#include "part_file.h"

namespace weighbridge {

// The pages of an arena: as the system gives them; asked for with madvise(MADV_HUGEPAGE); from the reserved pool of
// 2 MiB pages (hugetlb).
enum class ArenaPages { plain, thp, hugetlb };

constexpr uint64_t huge_page_unit = 2 << 20;

// A private anonymous mapping of whole pages, not yet touched. Throws Error codes out-of-memory and
// huge-pages-unsupported.
class AnonymousMemory {
 public:
  AnonymousMemory() = default;
  // `alignment` of the address: a power of two, at least a page; at least 2 MiB for huge pages.
  AnonymousMemory(uint64_t bytes, uint64_t alignment, ArenaPages pages = ArenaPages::plain);
  AnonymousMemory(AnonymousMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  AnonymousMemory& operator=(AnonymousMemory&& other) noexcept;
  ~AnonymousMemory();

  std::byte* data() const noexcept { return data_; }
  uint64_t bytes() const noexcept { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
};

// One mapping a part. It covers the part's file from the first to the last tensor byte, extended to whole units, so
// that every byte keeps its file offset modulo the unit: kernels see the same alignment as in a map of the file.
class Arena {
 public:
  // `unit`: a power of two, at least a page; huge pages raise it to 2 MiB. Throws Error codes malformed, out-of-memory
  // and huge-pages-unsupported.
  Arena(std::span<const Part> parts, std::span<const TensorRange> ranges, uint64_t unit = page_size(),
        ArenaPages pages = ArenaPages::plain);

  // What is to be read of a part: [begin, end), begin rounded down to the unit, end as the file has it; empty in a
  // part without tensors.
  const Extent& extent(size_t part) const { return places_[part].wanted; }
  // Where byte `offset` of the part belongs; the memory reaches to extent(part).end rounded up to the unit.
  std::byte* at(size_t part, uint64_t offset) const {
    return places_[part].memory.data() + (offset - places_[part].wanted.begin);
  }
  size_t parts() const noexcept { return places_.size(); }
  // Bytes mapped, all parts.
  uint64_t bytes() const noexcept;
  // All memory of one part; empty in a part without tensors.
  std::span<std::byte> memory(size_t part) const noexcept {
    return {places_[part].memory.data(), places_[part].memory.bytes()};
  }

 private:
  struct Place {
    Extent wanted;
    AnonymousMemory memory;
  };
  std::vector<Place> places_;
};

// Weights that lie in a filled arena.
class ArenaWeights : public Weights {
 public:
  ArenaWeights(Arena arena, Effective effective) : arena_(std::move(arena)), effective_(std::move(effective)) {}
  const std::byte* address(const TensorRange& range) const override { return arena_.at(range.part, range.offset); }
  Effective effective() const override;

 private:
  Arena arena_;
  Effective effective_;
};

}  // namespace weighbridge
