// A minimal io_uring (Linux 5.6) by raw system calls: reads queued, submitted and reaped by one thread.
// Source: man 7 io_uring, include/uapi/linux/io_uring.h.
#pragma once

#include <linux/io_uring.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "../io.h"

namespace weighbridge {

class Uring {
 public:
  struct Completion {
    uint64_t tag;
    int32_t result;  // bytes read, or -errno
  };

  // `entries`: most reads in flight, rounded up to a power of two by the kernel. Throws Error: codes not-permitted
  // (sysctl kernel.io_uring_disabled, or a container's seccomp filter) and unsupported-by-kernel.
  explicit Uring(uint32_t entries);
  // Waits for reads in flight, since the kernel writes into their buffers until they end.
  ~Uring();
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  // Queues one read. `into` stays valid until its completion was popped; the caller keeps at most `entries` in flight.
  void queue_read(int file, std::span<std::byte> into, uint64_t offset, uint64_t tag) noexcept;
  // Submits what is queued and waits until at least `least` completions can be popped. Where the kernel has no room for
  // more reads (EAGAIN, EBUSY) some may stay queued for the next call. Throws Error io-error, also where the kernel
  // takes no read for seconds; the destructor then waits for those in flight.
  void submit(uint32_t least);
  // The next completion, if there is one.
  std::optional<Completion> pop() noexcept;

 private:
  struct Area {
    std::byte* data = nullptr;
    uint64_t bytes = 0;
  };
  void unmap() noexcept;
  bool has_completion() const noexcept;

  FileDescriptor ring_;
  Area rings_;    // both rings' heads, tails and the completions
  Area entries_;  // submission entries
  uint32_t* submission_tail_ = nullptr;
  uint32_t submission_mask_ = 0;
  uint32_t* submission_array_ = nullptr;
  uint32_t* completion_head_ = nullptr;
  uint32_t* completion_tail_ = nullptr;
  uint32_t completion_mask_ = 0;
  const io_uring_cqe* completions_ = nullptr;
  uint32_t queued_ = 0;
  uint32_t in_flight_ = 0;  // submitted and not popped
};

}  // namespace weighbridge
