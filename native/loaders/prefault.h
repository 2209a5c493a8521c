// A thread that touches an arena ahead of the reads.
//
// Device and kernel wait for nothing but bytes when the pages are there already; else each read first takes and clears
// the pages that it writes into. The thread goes through the arena in the order of the reads, 2 MiB at a time
// (MADV_POPULATE_WRITE). A read does not run ahead of it blindly: two that fault in the same huge page would both clear
// one, and one of the two is thrown away. A piece of memory belongs to whoever takes it first. A read that comes to one
// that the thread has not begun touches it itself, so that slow memory is touched from two sides and nobody idles; it
// waits only for a piece that the thread has in hand.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include "arena.h"
#include "blocks.h"

namespace weighbridge {

// Why the kernel does not touch memory on request (MADV_POPULATE_WRITE, Linux 5.14). Code populate-unsupported.
std::optional<Reason> populate_unsupported();

class Prefault {
 public:
  // Starts at once, in the order of `ranges`. `arena` must outlive it. Throws Error code out-of-memory.
  Prefault(const Arena& arena, std::span<const Part> parts, std::span<const TensorRange> ranges);
  // Stops after the piece in hand and joins.
  ~Prefault();
  Prefault(const Prefault&) = delete;
  Prefault& operator=(const Prefault&) = delete;

  // Whether the memory of these bytes is there. The range lies within a block of the ranges given above.
  bool there(const TensorRange& range) const noexcept;
  // Returns once it is. Throws Error code out-of-memory where the system has none to give.
  void obtain(const TensorRange& range);

 private:
  enum class State : uint8_t { untouched, in_hand, there, failed };

  void run() noexcept;
  // Touches the piece unless another has it; false if another has.
  bool take(size_t piece) noexcept;

  const Arena& arena_;
  Blocks pieces_;
  std::unique_ptr<std::atomic<State>[]> states_;
  std::mutex mutex_;
  std::exception_ptr error_;
  std::atomic<bool> stop_ = false;
  std::jthread thread_;
};

}  // namespace weighbridge
