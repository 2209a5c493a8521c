// A minimal io_uring (Linux 5.6) by raw system calls: reads queued, submitted and reaped by one thread at a time.
// Source: man 7 io_uring, include/uapi/linux/io_uring.h.
#pragma once

#include <linux/io_uring.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "../io.h"

namespace weighbridge {

// RLIMIT_MEMLOCK where it bounds what this process's rings and registered buffers take; nothing where none does.
std::optional<uint64_t> ring_memory_limit();

class Uring {
 public:
  struct Completion {
    uint64_t tag;
    int32_t result;  // bytes read, or -errno
  };

  // `entries`: most reads in flight, rounded up to a power of two by the kernel. Throws Error: codes not-permitted
  // (sysctl kernel.io_uring_disabled, a container's seccomp filter, RLIMIT_MEMLOCK) and unsupported-by-kernel.
  explicit Uring(uint32_t entries);
  // Waits for reads in flight, since the kernel writes into their buffers until they end.
  ~Uring();
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  // IORING_REGISTER_FILES: from now on a read may name a file by its place among these. Throws Error code
  // registered-buffers-unsupported.
  void register_files(std::span<const int> files);
  // IORING_REGISTER_BUFFERS: a table with room for `count` buffers (at most 16,384), none of them there yet (Linux
  // 5.13). Throws Error code registered-buffers-unsupported.
  void reserve_buffers(uint32_t count);
  // IORING_REGISTER_BUFFERS_UPDATE: the kernel takes hold of all pages of `memory` (at most 1 GiB), touching those that
  // are not there. Throws Error codes registered-buffers-unsupported, not-permitted (RLIMIT_MEMLOCK) and out-of-memory.
  void register_buffer(uint32_t place, std::span<std::byte> memory);

  // Queues one read. `into` stays valid until its completion was popped; the caller keeps at most `entries` in flight.
  void queue_read(int file, std::span<std::byte> into, uint64_t offset, uint64_t tag) noexcept;
  // The same with a registered file and into a registered buffer (IORING_OP_READ_FIXED), both named by their places.
  void queue_registered_read(uint32_t file, uint32_t buffer, std::span<std::byte> into, uint64_t offset,
                             uint64_t tag) noexcept;
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
  // The next submission entry, cleared and filled with what all reads have.
  io_uring_sqe& queue(uint8_t opcode, std::span<std::byte> into, uint64_t offset, uint64_t tag) noexcept;
  // What queue() returned is complete.
  void publish() noexcept;
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
  bool has_buffers_ = false;
  uint32_t queued_ = 0;
  uint32_t in_flight_ = 0;  // submitted and not popped
};

}  // namespace weighbridge
