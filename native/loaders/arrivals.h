// What a loader that goes on behind the forward pass has brought so far, and the threads that bring it.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "blocks.h"

namespace weighbridge {

// Which blocks are there. Thread-safe; lives at one address.
class Arrivals {
 public:
  // `blocks` must outlive it.
  explicit Arrivals(const Blocks& blocks);
  Arrivals(const Arrivals&) = delete;
  Arrivals& operator=(const Arrivals&) = delete;

  void arrived(size_t block) noexcept;
  // Nothing more will come: whoever waits for a block that is not there gets this error. The first one counts.
  void failed(std::exception_ptr error) noexcept;
  bool has_failed() const noexcept;

  // Returns once every block of the range is there. Throws the error of failed().
  void wait(const TensorRange& range);
  void wait_for_all();

  // CLOCK_MONOTONIC nanoseconds at which the last block came; 0 while some are missing.
  int64_t completed_at() const noexcept { return completed_at_.load(); }
  // Nanoseconds that wait() spent not returning, all callers.
  uint64_t waited_ns() const noexcept { return waited_ns_.load(std::memory_order_relaxed); }

 private:
  bool there(const TensorRange& range) const noexcept;
  template <class Ready>
  void wait_until(Ready&& ready);

  const Blocks& blocks_;
  std::unique_ptr<std::atomic<bool>[]> there_;
  std::atomic<uint64_t> missing_;
  std::atomic<int64_t> completed_at_ = 0;
  std::atomic<uint64_t> waited_ns_ = 0;
  std::atomic<uint32_t> waiting_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr error_;
};

// Threads that bring blocks in order of need, each the next one that nobody has taken. The first error stops all of
// them and fails the arrivals. Destroying it stops them after the block in hand and joins.
class Crew {
 public:
  // Called on a thread of the crew; the block counts as arrived when it returns.
  using Bring = std::function<void(uint32_t thread, size_t block)>;

  // Throws Error code out-of-memory where a thread cannot be started. `arrivals` and `blocks` must outlive it.
  Crew(const Blocks& blocks, Arrivals& arrivals, uint32_t threads, Bring bring);
  ~Crew();
  // How many a crew of `threads` has: none without a block for it.
  static uint32_t size_of(const Blocks& blocks, uint32_t threads) noexcept {
    return static_cast<uint32_t>(std::min<size_t>(threads, blocks.size()));
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

 private:
  void work(uint32_t thread) noexcept;

  const Blocks& blocks_;
  Arrivals& arrivals_;
  Bring bring_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> stop_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace weighbridge
