// An io_uring that brings blocks into an arena, in order of need, driven by one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <vector>

#include "../probes/uring.h"
#include "arena.h"
#include "arrivals.h"
#include "part_reader.h"
#include "prefault.h"

namespace weighbridge {

struct RingOptions {
  uint32_t depth = 8;       // reads in flight
  bool registered = false;  // files and buffers
};

constexpr uint64_t most_ring_depth = 4096;

// Why this process cannot have such a ring, `bytes` being what it would register. Codes not-permitted,
// unsupported-by-kernel and registered-buffers-unsupported.
std::optional<Reason> ring_unsupported(const RingOptions& options, uint64_t bytes);

class RingFill {
 public:
  // What it works on; all of it outlives the ring.
  struct Work {
    std::span<const Part> parts;
    std::span<const TensorRange> ranges;  // in order of need, used by the constructor alone
    uint64_t block_bytes;
    const PartReader& reader;
    const Arena& arena;
    const Blocks& blocks;
    Arrivals& arrivals;
    Prefault* prefault;  // nullptr where nobody touches the memory ahead
  };

  // Throws Error with the reason of ring_unsupported().
  RingFill(const Work& work, const RingOptions& options);

  // Brings every block; returns when all are there, or none is in flight any more after stop(). Throws the first error,
  // when none is in flight any more.
  void run();
  void stop() noexcept { stop_ = true; }

 private:
  // A read in flight: what of the block is still to come.
  struct Flight {
    size_t block;
    Block rest;
  };

  bool may_queue() const noexcept;
  void prepare(const Block& block);
  void queue(uint32_t slot);
  void reap();
  size_t buffer_of(const Block& block) const;

  Work work_;
  RingOptions options_;
  std::optional<Blocks> buffers_;  // what is registered as one buffer each, where buffers are
  std::vector<bool> registered_;
  std::vector<Flight> flights_;
  std::vector<uint32_t> idle_;  // places in flights_
  size_t next_ = 0;
  uint32_t in_vain_ = 0;
  std::exception_ptr failure_;
  std::atomic<bool> stop_ = false;
  Uring ring_;
};

}  // namespace weighbridge
