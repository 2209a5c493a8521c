#include "arrivals.h"

#include <system_error>

#include "../probes/process.h"

namespace weighbridge {

Arrivals::Arrivals(const Blocks& blocks)
    : blocks_(blocks), there_(std::make_unique<std::atomic<bool>[]>(blocks.size())), missing_(blocks.size()) {
  if (blocks.size() == 0) completed_at_ = now_ns();
}

// The waiter counts itself before it looks, and the bringer looks for waiters after it has written: with both in one
// total order, one of the two sees the other.
void Arrivals::arrived(size_t block) noexcept {
  if (there_[block].exchange(true)) return;
  if (missing_.fetch_sub(1) == 1) completed_at_.store(now_ns());
  if (waiting_.load() == 0) return;
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Arrivals::failed(std::exception_ptr error) noexcept {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  changed_.notify_all();
}

bool Arrivals::has_failed() const noexcept {
  const std::lock_guard lock(mutex_);
  return error_ != nullptr;
}

bool Arrivals::there(const TensorRange& range) const noexcept {
  bool all = true;
  blocks_.visit(range, [&](size_t block) { all = all && there_[block].load(); });
  return all;
}

template <class Ready>
void Arrivals::wait_until(Ready&& ready) {
  if (ready()) return;
  const int64_t from = now_ns();
  {
    std::unique_lock lock(mutex_);
    waiting_.fetch_add(1);
    changed_.wait(lock, [&] { return error_ != nullptr || ready(); });
    waiting_.fetch_sub(1);
    if (!ready()) std::rethrow_exception(error_);
  }
  waited_ns_.fetch_add(static_cast<uint64_t>(now_ns() - from), std::memory_order_relaxed);
}

void Arrivals::wait(const TensorRange& range) {
  wait_until([&] { return there(range); });
}

void Arrivals::wait_for_all() {
  wait_until([&] { return completed_at() != 0; });
}

Crew::Crew(const Blocks& blocks, Arrivals& arrivals, uint32_t threads, Bring bring)
    : blocks_(blocks), arrivals_(arrivals), bring_(std::move(bring)) {
  const uint32_t wanted = size_of(blocks, threads);
  threads_.reserve(wanted);
  try {
    for (uint32_t thread = 0; thread < wanted; ++thread) threads_.emplace_back([this, thread] { work(thread); });
  } catch (const std::system_error& error) {
    stop_ = true;
    threads_.clear();
    throw Error(reason_from_errno(error.code().value(), "pthread_create", "", "out-of-memory", "use fewer threads"));
  }
}

Crew::~Crew() { stop_ = true; }

void Crew::work(uint32_t thread) noexcept {
  while (!stop_.load(std::memory_order_relaxed)) {
    const size_t block = next_.fetch_add(1);
    if (block >= blocks_.size()) return;
    try {
      bring_(thread, block);
    } catch (...) {
      stop_ = true;
      arrivals_.failed(std::current_exception());
      return;
    }
    arrivals_.arrived(block);
  }
}

}  // namespace weighbridge
