#include "bring.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>

// Linux 5.14; older headers do not have it.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

namespace weighbridge {

namespace {

struct Named {
  const char* name;
  BringWay way;
};

constexpr std::array<Named, 5> ways = {{{"willneed", BringWay::willneed},
                                        {"populate-read", BringWay::populate_read},
                                        {"readahead", BringWay::readahead},
                                        {"touch", BringWay::touch},
                                        {"read", BringWay::read}}};

// Larger than any part: Blocks then makes one block of each.
constexpr uint64_t whole_part = uint64_t{1} << 62;

constexpr const char* no_populate = "the kernel has no MADV_POPULATE_READ (Linux 5.14)";

// EFAULT stands for the signal that a touch would have met: beyond the end of a file that was cut, or a page that the
// device could not read (madvise(2)).
[[noreturn]] void throw_populate(int error_number, const MappedPart& mapped) {
  if (error_number == EINVAL || error_number == ENOSYS) {
    throw Error(Reason{.code = "populate-unsupported",
                       .operation = "madvise",
                       .path = mapped.part.path,
                       .error_number = error_number,
                       .message = no_populate});
  }
  if (error_number == EFAULT) check_unchanged(mapped.part, regular_file_size(mapped.file, mapped.part.path));
  throw Error(reason_from_errno(error_number, "madvise", mapped.part.path));
}

void advise(int advice, const MappedPart& mapped, const Extent& wanted) {
  int result = 0;
  do {
    result = ::madvise(mapped.mapping.at(wanted.begin), wanted.bytes(), advice);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return;
  if (advice == MADV_POPULATE_READ) throw_populate(errno, mapped);
  throw_errno("madvise", mapped.part.path);
}

void touch(const MappedPart& mapped, const Extent& wanted) {
  for (uint64_t at = wanted.begin; at < wanted.end; at += page_size()) {
    static_cast<void>(*static_cast<const volatile std::byte*>(mapped.mapping.at(at)));
  }
}

uint64_t read_away(const MappedPart& mapped, const Extent& wanted, std::span<std::byte> scratch) {
  uint64_t calls = 0;
  uint64_t at = wanted.begin;
  while (at < wanted.end) {
    const uint64_t size = std::min<uint64_t>(scratch.size(), wanted.end - at);
    const ssize_t got = ::pread(mapped.file.get(), scratch.data(), size, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("pread", mapped.part.path);
    if (got == 0) throw_short_read("pread", mapped.part, at);
    at += static_cast<uint64_t>(got);
    ++calls;
  }
  return calls;
}

void read_ahead(const MappedPart& mapped, const Extent& wanted) {
  if (::readahead(mapped.file.get(), static_cast<off64_t>(wanted.begin), wanted.bytes()) == 0) return;
  throw_errno("readahead", mapped.part.path, errno == EINVAL ? "readahead-unsupported" : "io-error");
}

}  // namespace

BringWay bring_way(const std::string& name) {
  for (const Named& row : ways) {
    if (name == row.name) return row.way;
  }
  throw Error(Reason{.code = "bad-option",
                     .operation = "options",
                     .message = "option bring must be willneed, populate-read, readahead, touch or read"});
}

const char* name_of(BringWay way) noexcept {
  for (const Named& row : ways) {
    if (way == row.way) return row.name;
  }
  return "";
}

std::optional<Reason> bring_unsupported(BringWay way, const Part& part) {
  if (way == BringWay::populate_read) {
    return advice_unsupported(MADV_POPULATE_READ, "populate-unsupported", no_populate);
  }
  if (way != BringWay::readahead || part.bytes == 0) return std::nullopt;
  // Behind the file's end there is nothing to read, and the file system answers all the same.
  const FileDescriptor file = open_file(part.path, O_RDONLY);
  if (::readahead(file.get(), static_cast<off64_t>(round_up(part.bytes, page_size())), 1) == 0) return std::nullopt;
  return reason_from_errno(errno, "readahead", part.path, errno == EINVAL ? "readahead-unsupported" : "io-error");
}

uint64_t bring(BringWay way, const MappedPart& mapped, const Extent& wanted, std::span<std::byte> scratch) {
  switch (way) {
    case BringWay::willneed:
      advise(MADV_WILLNEED, mapped, wanted);
      return 1;
    case BringWay::populate_read:
      advise(MADV_POPULATE_READ, mapped, wanted);
      return 1;
    case BringWay::readahead:
      read_ahead(mapped, wanted);
      return 1;
    case BringWay::touch:
      touch(mapped, wanted);
      return 1;
    case BringWay::read:
      return read_away(mapped, wanted, scratch);
  }
  return 0;
}

Bringer::Bringer(std::vector<MappedPart> parts, std::span<const Part> all_parts,
                 std::span<const TensorRange> in_forward_order, const BringPlan& plan)
    : parts_(std::move(parts)),
      plan_(plan),
      blocks_(all_parts, in_forward_order, plan.chunk_bytes == 0 ? whole_part : plan.chunk_bytes),
      threads_(static_cast<uint32_t>(std::min<size_t>(plan.threads, blocks_.size()))),
      arrivals_(blocks_) {
  for (const Block& block : blocks_.in_order()) longest_call_ = std::max(longest_call_, extent_of(block).bytes());
  if (plan.way != BringWay::read) return;
  // Before any thread starts, so that none can fail for want of it.
  scratch_bytes_ = longest_call_;
  for (uint32_t thread = 0; thread < threads_; ++thread) {
    scratch_.push_back(std::make_unique_for_overwrite<std::byte[]>(scratch_bytes_));
  }
}

Extent Bringer::extent_of(const Block& block) const {
  if (plan_.chunk_bytes == 0) return {0, parts_[block.part].part.bytes};
  return {block.offset, block.offset + block.bytes};
}

void Bringer::bring_block(uint32_t thread, size_t index) {
  const Block& block = blocks_.in_order()[index];
  const std::span<std::byte> scratch =
      scratch_.empty() ? std::span<std::byte>() : std::span(scratch_[thread].get(), scratch_bytes_);
  calls_ += bring(plan_.way, parts_[block.part], extent_of(block), scratch);
}

void Bringer::bring_all() {
  if (threads_ > 1) {
    start();
    arrivals_.wait_for_all();
    crew_.reset();
    return;
  }
  for (size_t block = 0; block < blocks_.size(); ++block) bring_block(0, block);
}

void Bringer::start() {
  crew_ = std::make_unique<Crew>(blocks_, arrivals_, threads_,
                                 [this](uint32_t thread, size_t block) { bring_block(thread, block); });
}

// A block whose thread failed never arrives, so that waiting ends at once with the error.
void Bringer::check() {
  if (arrivals_.has_failed()) arrivals_.wait_for_all();
}

int64_t Bringer::completed_at() {
  arrivals_.wait_for_all();
  return arrivals_.completed_at();
}

}  // namespace weighbridge
