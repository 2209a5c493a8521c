#include "prefault.h"

#include <sys/mman.h>

#include <system_error>

namespace weighbridge {

namespace {

// include/uapi/asm-generic/mman-common.h; spelt out because headers before 5.14 lack it.
constexpr int populate_write = 23;

constexpr uint64_t piece_bytes = huge_page_unit;

void touch(std::byte* from, uint64_t bytes) {
  while (::madvise(from, bytes, populate_write) != 0) {
    if (errno == EINTR) continue;
    // EFAULT: the pool or the node has no page left. EHWPOISON and others: broken memory.
    throw_errno("madvise", "", "out-of-memory", "free memory, or choose a smaller model");
  }
}

}  // namespace

std::optional<Reason> populate_unsupported() {
  const AnonymousMemory page(page_size(), page_size());
  if (::madvise(page.data(), page.bytes(), populate_write) == 0) return std::nullopt;
  return Reason{.code = "populate-unsupported",
                .operation = "madvise",
                .error_number = errno,
                .message = "the kernel does not touch memory on request (MADV_POPULATE_WRITE)",
                .remedy = "use Linux 5.14 or later"};
}

Prefault::Prefault(const Arena& arena, std::span<const Part> parts, std::span<const TensorRange> ranges)
    : arena_(arena),
      pieces_(parts, ranges, piece_bytes),
      states_(std::make_unique<std::atomic<State>[]>(pieces_.size())) {
  try {
    thread_ = std::jthread([this] { run(); });
  } catch (const std::system_error& error) {
    throw Error(reason_from_errno(error.code().value(), "pthread_create", "", "out-of-memory", "use fewer threads"));
  }
}

Prefault::~Prefault() { stop_ = true; }

void Prefault::run() noexcept {
  for (size_t piece = 0; piece < pieces_.size() && !stop_.load(std::memory_order_relaxed); ++piece) {
    take(piece);
    if (states_[piece].load() == State::failed) return;
  }
}

bool Prefault::take(size_t piece) noexcept {
  std::atomic<State>& state = states_[piece];
  State expected = State::untouched;
  if (!state.compare_exchange_strong(expected, State::in_hand)) return false;
  State reached = State::there;
  try {
    const Block& block = pieces_.in_order()[piece];
    touch(arena_.at(block.part, block.offset), round_up(block.bytes, page_size()));
  } catch (...) {
    reached = State::failed;
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
  }
  state.store(reached);
  state.notify_all();
  return true;
}

bool Prefault::there(const TensorRange& range) const noexcept {
  bool all = true;
  pieces_.visit(range, [&](size_t piece) {
    all = all && (piece >= pieces_.size() || states_[piece].load() == State::there);
  });
  return all;
}

void Prefault::obtain(const TensorRange& range) {
  pieces_.visit(range, [&](size_t piece) {
    // Memory between tensors that are far apart is no piece: the read itself touches it.
    if (piece >= pieces_.size() || states_[piece].load() == State::there) return;
    if (!take(piece)) states_[piece].wait(State::in_hand);
    if (states_[piece].load() == State::there) return;
    const std::lock_guard lock(mutex_);
    std::rethrow_exception(error_);
  });
}

}  // namespace weighbridge
