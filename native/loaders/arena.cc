#include "arena.h"

#include <sys/mman.h>

#include <algorithm>

namespace weighbridge {

namespace {

// include/uapi/asm-generic/hugetlb_encode.h: the page's size as a power of two, in the flags of mmap(2).
constexpr int map_huge_2mb = 21 << 26;

[[noreturn]] void throw_too_large(uint64_t bytes) {
  throw Error(Reason{.code = "out-of-memory",
                     .operation = "mmap",
                     .error_number = ENOMEM,
                     .message = "no address space for " + std::to_string(bytes) + " bytes of weights"});
}

// The kernel reserves the pages of a hugetlb mapping when it is made, and gives it an address that is a multiple of
// them.
std::byte* map_from_pool(uint64_t bytes) {
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | map_huge_2mb, -1, 0);
  if (mapped != MAP_FAILED) return static_cast<std::byte*>(mapped);
  throw Error(Reason{.code = "huge-pages-unsupported",
                     .operation = "mmap",
                     .error_number = errno,
                     .message = "the pool of 2 MiB pages did not give " + std::to_string(bytes / huge_page_unit) +
                                " pages",
                     .remedy = "reserve more with sysctl vm.nr_hugepages"});
}

// Cuts the aligned middle out of a larger mapping.
std::byte* map_aligned(uint64_t bytes, uint64_t alignment) {
  const uint64_t reserved = bytes + alignment - page_size();
  void* const mapped = ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw_errno("mmap", "", "out-of-memory", "free memory, or choose a smaller model");
  const uint64_t start = reinterpret_cast<uintptr_t>(mapped);
  const uint64_t aligned = round_up(start, alignment);
  if (aligned > start) ::munmap(mapped, aligned - start);
  const uint64_t behind = start + reserved - (aligned + bytes);
  if (behind > 0) ::munmap(reinterpret_cast<void*>(aligned + bytes), behind);
  return reinterpret_cast<std::byte*>(aligned);
}

}  // namespace

AnonymousMemory::AnonymousMemory(uint64_t bytes, uint64_t alignment, ArenaPages pages) {
  if (bytes == 0) return;
  if (!checked_add(bytes, alignment + huge_page_unit)) throw_too_large(bytes);
  if (pages == ArenaPages::hugetlb) {
    bytes_ = round_up(bytes, huge_page_unit);
    data_ = map_from_pool(bytes_);
    return;
  }
  bytes_ = round_up(bytes, page_size());
  data_ = map_aligned(bytes_, alignment);
  if (pages == ArenaPages::thp && ::madvise(data_, bytes_, MADV_HUGEPAGE) != 0) {
    const int error_number = errno;
    ::munmap(data_, bytes_);
    throw Error(reason_from_errno(error_number, "madvise", "", "huge-pages-unsupported",
                                  "use a kernel with transparent huge pages (CONFIG_TRANSPARENT_HUGEPAGE)"));
  }
}

AnonymousMemory& AnonymousMemory::operator=(AnonymousMemory&& other) noexcept {
  if (this != &other) {
    if (data_ != nullptr) ::munmap(data_, bytes_);
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

AnonymousMemory::~AnonymousMemory() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

Arena::Arena(std::span<const Part> parts, std::span<const TensorRange> ranges, uint64_t unit, ArenaPages pages) {
  if (pages != ArenaPages::plain) unit = std::max(unit, huge_page_unit);
  for (const Extent& extent : tensor_extents(parts, ranges)) {
    const Extent wanted = {round_down(extent.begin, unit), extent.end};
    if (!checked_add(wanted.end, unit)) throw_too_large(wanted.bytes());
    places_.push_back(Place{wanted, AnonymousMemory(round_up(wanted.bytes(), unit), unit, pages)});
  }
}

uint64_t Arena::bytes() const noexcept {
  uint64_t sum = 0;
  for (const Place& place : places_) sum += place.memory.bytes();
  return sum;
}

Effective ArenaWeights::effective() const {
  Effective all = effective_;
  all.emplace("arenaBytes", static_cast<int64_t>(arena_.bytes()));
  return all;
}

}  // namespace weighbridge
