#include "arena.h"

#include <sys/mman.h>

namespace weighbridge {

namespace {

[[noreturn]] void throw_too_large(uint64_t bytes) {
  throw Error(Reason{.code = "out-of-memory",
                     .operation = "mmap",
                     .error_number = ENOMEM,
                     .message = "no address space for " + std::to_string(bytes) + " bytes of weights"});
}

}  // namespace

AnonymousMemory::AnonymousMemory(uint64_t bytes, uint64_t alignment) {
  if (bytes == 0) return;
  const uint64_t page = page_size();
  const std::optional<uint64_t> padded = checked_add(bytes, page + alignment);
  if (!padded) throw_too_large(bytes);
  const uint64_t wanted = round_up(bytes, page);
  const uint64_t reserved = wanted + (alignment > page ? alignment - page : 0);
  void* const mapped = ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw_errno("mmap", "", "out-of-memory", "free memory, or choose a smaller model");
  const uint64_t start = reinterpret_cast<uintptr_t>(mapped);
  const uint64_t aligned = round_up(start, alignment);
  if (aligned > start) ::munmap(mapped, aligned - start);
  const uint64_t behind = start + reserved - (aligned + wanted);
  if (behind > 0) ::munmap(reinterpret_cast<void*>(aligned + wanted), behind);
  data_ = reinterpret_cast<std::byte*>(aligned);
  bytes_ = wanted;
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

Arena::Arena(std::span<const Part> parts, std::span<const TensorRange> ranges, uint64_t unit) {
  for (const Extent& extent : tensor_extents(parts, ranges)) {
    const Extent wanted = {round_down(extent.begin, unit), extent.end};
    if (!checked_add(wanted.end, unit)) throw_too_large(wanted.bytes());
    places_.push_back(Place{wanted, AnonymousMemory(round_up(wanted.bytes(), unit), unit)});
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
