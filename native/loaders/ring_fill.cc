#include "ring_fill.h"

#include <algorithm>

namespace weighbridge {

namespace {

constexpr uint64_t most_buffers = 1 << 14;  // IORING_MAX_REG_BUFFERS, io_uring/rsrc.c
constexpr const char* operation = "io_uring read";

TensorRange range_of(const Block& block) { return {block.part, block.offset, block.bytes}; }

// A buffer holds whole blocks. Small ones are registered as the reads get to them, so that the kernel takes hold of the
// arena, and touches it, bit by bit and not before the first read.
uint64_t buffer_bytes(std::span<const Part> parts, uint64_t block_bytes) {
  uint64_t bytes = block_bytes >= huge_page_unit ? block_bytes : round_down(huge_page_unit, block_bytes);
  const auto count = [&] {
    uint64_t sum = 0;
    for (const Part& part : parts) sum += part.bytes / bytes + 2;
    return sum;
  };
  while (count() > most_buffers && bytes <= (uint64_t{1} << 29)) bytes *= 2;
  return bytes;
}

std::optional<Reason> lock_limit(uint64_t bytes) {
  const std::optional<uint64_t> limit = ring_memory_limit();
  if (!limit || bytes <= *limit) return std::nullopt;
  return Reason{.code = "not-permitted",
                .operation = "io_uring_register",
                .error_number = ENOMEM,
                .message = "RLIMIT_MEMLOCK lets this process register " + std::to_string(*limit) + " of " +
                           std::to_string(bytes) + " bytes",
                .remedy = "raise RLIMIT_MEMLOCK (ulimit -l)"};
}

}  // namespace

std::optional<Reason> ring_unsupported(const RingOptions& options, uint64_t bytes) {
  try {
    Uring ring(options.depth);
    if (!options.registered) return std::nullopt;
    // Asked first: the kernel says ENOMEM for a page above the limit as for one that is not to be had.
    if (std::optional<Reason> reason = lock_limit(std::max(bytes, page_size()))) return reason;
    const AnonymousMemory page(page_size(), page_size());
    ring.reserve_buffers(1);
    ring.register_buffer(0, {page.data(), page.bytes()});
  } catch (const Error& error) {
    if (error.reason().code == "out-of-memory") throw;
    return error.reason();
  }
  return std::nullopt;
}

RingFill::RingFill(const Work& work, const RingOptions& options)
    : work_(work), options_(options), flights_(options.depth), ring_(options.depth) {
  for (uint32_t slot = options.depth; slot > 0; --slot) idle_.push_back(slot - 1);
  if (!options.registered) return;
  if (std::optional<Reason> reason = lock_limit(work.arena.bytes())) throw Error(std::move(*reason));
  buffers_.emplace(work.parts, work.ranges, buffer_bytes(work.parts, work.block_bytes), work.reader.unit());
  registered_.assign(buffers_->size(), false);
  std::vector<int> files;
  for (size_t part = 0; part < work.parts.size(); ++part) files.push_back(work.reader.file(part));
  ring_.register_files(files);
  if (buffers_->size() > 0) ring_.reserve_buffers(static_cast<uint32_t>(buffers_->size()));
}

bool RingFill::may_queue() const noexcept {
  return failure_ == nullptr && !stop_.load(std::memory_order_relaxed) && !idle_.empty() &&
         next_ < work_.blocks.size();
}

// Reads that find their pages in the page cache are copied by this thread while it submits them. IOSQE_ASYNC would hand
// each to a worker of the kernel instead, for a switch a read; one that must wait for the device does not hold this
// thread up as it is.
void RingFill::run() {
  while (true) {
    while (may_queue()) {
      try {
        prepare(work_.blocks.in_order()[next_]);
      } catch (...) {
        failure_ = std::current_exception();
        break;
      }
      const uint32_t slot = idle_.back();
      idle_.pop_back();
      flights_[slot] = {next_, work_.blocks.in_order()[next_]};
      ++next_;
      queue(slot);
    }
    if (idle_.size() == flights_.size()) break;
    ring_.submit(1);
    reap();
  }
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

// Memory that is not there yet takes a while: what is queued goes to the device before.
void RingFill::prepare(const Block& block) {
  if (work_.prefault != nullptr && !work_.prefault->there(range_of(block))) {
    ring_.submit(0);
    reap();
    work_.prefault->obtain(range_of(block));
  }
  if (!options_.registered) {
    work_.reader.touch(block, work_.arena.at(block.part, block.offset), block.bytes);
    return;
  }
  const size_t place = buffer_of(block);
  if (registered_[place]) return;
  ring_.submit(0);
  reap();
  const Block& buffer = buffers_->in_order()[place];
  ring_.register_buffer(static_cast<uint32_t>(place), {work_.arena.at(buffer.part, buffer.offset),
                                                       round_up(buffer.bytes, work_.reader.unit())});
  registered_[place] = true;
}

size_t RingFill::buffer_of(const Block& block) const {
  size_t place = 0;
  buffers_->visit(range_of(block), [&](size_t buffer) { place = buffer; });
  return place;
}

void RingFill::queue(uint32_t slot) {
  const Block& rest = flights_[slot].rest;
  const std::span<std::byte> into = {work_.arena.at(rest.part, rest.offset), work_.reader.request_bytes(rest)};
  if (options_.registered) {
    ring_.queue_registered_read(rest.part, static_cast<uint32_t>(buffer_of(rest)), into, rest.offset, slot);
  } else {
    ring_.queue_read(work_.reader.file(rest.part), into, rest.offset, slot);
  }
}

void RingFill::reap() {
  while (const std::optional<Uring::Completion> done = ring_.pop()) {
    const auto slot = static_cast<uint32_t>(done->tag);
    Flight& flight = flights_[slot];
    std::optional<Block> rest;
    try {
      rest = work_.reader.rest_after(flight.rest, done->result, operation, in_vain_);
      if (!rest) work_.arrivals.arrived(flight.block);
    } catch (...) {
      if (failure_ == nullptr) failure_ = std::current_exception();
    }
    if (rest && failure_ == nullptr && !stop_.load(std::memory_order_relaxed)) {
      flight.rest = *rest;
      queue(slot);
    } else {
      idle_.push_back(slot);
    }
  }
}

}  // namespace weighbridge
