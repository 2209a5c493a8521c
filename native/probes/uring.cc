#include "uring.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <vector>

#include "process.h"

namespace weighbridge {

namespace {

// The kernel asks for the capability in the initial user namespace: one that only holds in a container's own is none.
bool may_lock_without_limit() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, data) != 0 || (data[0].effective >> CAP_IPC_LOCK & 1) == 0) return false;
  std::ifstream map("/proc/self/uid_map");
  uint64_t inside = 0;
  uint64_t outside = 0;
  uint64_t count = 0;
  return !(map >> inside >> outside >> count) || (inside == 0 && outside == 0 && count == UINT32_MAX);
}

Reason refused(int error_number) {
  // The ring itself counts against the limit before Linux 5.12, and again in later ones.
  if (const std::optional<uint64_t> limit = ring_memory_limit(); error_number == ENOMEM && limit) {
    return Reason{.code = "not-permitted",
                  .operation = "io_uring_setup",
                  .error_number = error_number,
                  .message = "RLIMIT_MEMLOCK, " + std::to_string(*limit) + " bytes, leaves no room for an io_uring",
                  .remedy = "raise RLIMIT_MEMLOCK (ulimit -l)"};
  }
  if (error_number == EPERM || error_number == EACCES) {
    return Reason{.code = "not-permitted",
                  .operation = "io_uring_setup",
                  .error_number = error_number,
                  .message = "the system does not let this process use io_uring",
                  .remedy = "set sysctl kernel.io_uring_disabled=0, or let the container's seccomp profile allow it"};
  }
  return reason_from_errno(error_number, "io_uring_setup", "", "unsupported-by-kernel");
}

// include/uapi/linux/io_uring.h (IORING_REGISTER_BUFFERS_UPDATE, struct io_uring_rsrc_update2); spelt out because
// headers before 5.13 lack them.
constexpr unsigned register_buffers_update = 16;
struct BufferUpdate {
  uint32_t offset = 0;
  uint32_t reserved = 0;
  uint64_t data = 0;
  uint64_t tags = 0;
  uint32_t count = 0;
  uint32_t reserved2 = 0;
};

// man 2 io_uring_register: ENOMEM also where RLIMIT_MEMLOCK leaves no room.
Reason registration_refused(int error_number) {
  if (error_number == EPERM || error_number == EACCES) {
    return Reason{.code = "not-permitted",
                  .operation = "io_uring_register",
                  .error_number = error_number,
                  .message = "the system does not let this process register buffers",
                  .remedy = "raise RLIMIT_MEMLOCK (ulimit -l), or let the container's seccomp profile allow it"};
  }
  if (error_number == ENOMEM) {
    return Reason{.code = "out-of-memory",
                  .operation = "io_uring_register",
                  .error_number = error_number,
                  .message = "no memory, or no room below RLIMIT_MEMLOCK, for registered buffers",
                  .remedy = "raise RLIMIT_MEMLOCK (ulimit -l), or free memory"};
  }
  return reason_from_errno(error_number, "io_uring_register", "", "registered-buffers-unsupported",
                           "use Linux 5.13 or later");
}

// How long a device may leave us without any progress.
constexpr int64_t patience_ns = 30'000'000'000;

void pause_briefly() noexcept {
  const timespec time = {0, 100'000};
  ::nanosleep(&time, nullptr);
}

uint32_t load_acquire(uint32_t* word) noexcept {
  return std::atomic_ref<uint32_t>(*word).load(std::memory_order_acquire);
}
void store_release(uint32_t* word, uint32_t value) noexcept {
  std::atomic_ref<uint32_t>(*word).store(value, std::memory_order_release);
}

uint32_t* word_at(std::byte* area, uint32_t offset) noexcept { return reinterpret_cast<uint32_t*>(area + offset); }

}  // namespace

std::optional<uint64_t> ring_memory_limit() {
  rlimit limit = {};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur == RLIM_INFINITY || may_lock_without_limit()) return std::nullopt;
  return limit.rlim_cur;
}

Uring::Uring(uint32_t entries) {
  io_uring_params parameters = {};
  const long fd = ::syscall(__NR_io_uring_setup, entries, &parameters);
  if (fd < 0) throw Error(refused(errno));
  ring_ = FileDescriptor(static_cast<int>(fd));
  // IORING_FEAT_RW_CUR_POS came with IORING_OP_READ in Linux 5.6; one mapping for both rings is older.
  const uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_RW_CUR_POS;
  if ((parameters.features & needed) != needed) throw Error(refused(ENOSYS));

  const auto map = [&](uint64_t bytes, uint64_t what) {
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_.get(),
                                static_cast<off_t>(what));
    if (mapped == MAP_FAILED) {
      const int error_number = errno;
      unmap();
      throw Error(reason_from_errno(error_number, "mmap", "", "out-of-memory"));
    }
    return Area{static_cast<std::byte*>(mapped), bytes};
  };
  const io_sqring_offsets& submission = parameters.sq_off;
  const io_cqring_offsets& completion = parameters.cq_off;
  rings_ = map(std::max<uint64_t>(submission.array + uint64_t{parameters.sq_entries} * sizeof(uint32_t),
                                  completion.cqes + uint64_t{parameters.cq_entries} * sizeof(io_uring_cqe)),
               IORING_OFF_SQ_RING);
  entries_ = map(uint64_t{parameters.sq_entries} * sizeof(io_uring_sqe), IORING_OFF_SQES);
  submission_tail_ = word_at(rings_.data, submission.tail);
  submission_mask_ = *word_at(rings_.data, submission.ring_mask);
  submission_array_ = word_at(rings_.data, submission.array);
  completion_head_ = word_at(rings_.data, completion.head);
  completion_tail_ = word_at(rings_.data, completion.tail);
  completion_mask_ = *word_at(rings_.data, completion.ring_mask);
  completions_ = reinterpret_cast<const io_uring_cqe*>(rings_.data + completion.cqes);
}

Uring::~Uring() {
  const int64_t give_up = now_ns() + patience_ns;
  while (in_flight_ > 0 && now_ns() < give_up) {
    if (pop()) continue;
    if (::syscall(__NR_io_uring_enter, ring_.get(), 0u, 1u, IORING_ENTER_GETEVENTS, nullptr, size_t{0}) < 0) {
      pause_briefly();
    }
  }
  // Closing a ring gives its pages back some time later, and they count against RLIMIT_MEMLOCK until then.
  if (has_buffers_) ::syscall(__NR_io_uring_register, ring_.get(), IORING_UNREGISTER_BUFFERS, nullptr, 0u);
  unmap();
}

void Uring::unmap() noexcept {
  if (entries_.data != nullptr) ::munmap(entries_.data, entries_.bytes);
  if (rings_.data != nullptr) ::munmap(rings_.data, rings_.bytes);
}

void Uring::register_files(std::span<const int> files) {
  if (::syscall(__NR_io_uring_register, ring_.get(), IORING_REGISTER_FILES, files.data(), files.size()) != 0) {
    throw Error(registration_refused(errno));
  }
}

void Uring::reserve_buffers(uint32_t count) {
  // Before Linux 5.13 an entry without an address is refused: EFAULT.
  const std::vector<iovec> empty(count, iovec{nullptr, 0});
  if (::syscall(__NR_io_uring_register, ring_.get(), IORING_REGISTER_BUFFERS, empty.data(), count) != 0) {
    throw Error(registration_refused(errno));
  }
  has_buffers_ = true;
}

void Uring::register_buffer(uint32_t place, std::span<std::byte> memory) {
  const iovec buffer = {memory.data(), memory.size()};
  const BufferUpdate update = {.offset = place,
                               .data = reinterpret_cast<uintptr_t>(&buffer),
                               .count = 1};
  long done = 0;
  do {
    done = ::syscall(__NR_io_uring_register, ring_.get(), register_buffers_update, &update, sizeof update);
  } while (done < 0 && errno == EINTR);
  if (done != 1) throw Error(registration_refused(done < 0 ? errno : ENOMEM));
}

io_uring_sqe& Uring::queue(uint8_t opcode, std::span<std::byte> into, uint64_t offset, uint64_t tag) noexcept {
  const uint32_t index = *submission_tail_ & submission_mask_;
  io_uring_sqe& entry = reinterpret_cast<io_uring_sqe*>(entries_.data)[index];
  std::memset(&entry, 0, sizeof entry);
  entry.opcode = opcode;
  entry.addr = reinterpret_cast<uintptr_t>(into.data());
  entry.len = static_cast<uint32_t>(into.size());
  entry.off = offset;
  entry.user_data = tag;
  submission_array_[index] = index;
  return entry;
}

void Uring::publish() noexcept {
  store_release(submission_tail_, *submission_tail_ + 1);
  ++queued_;
}

void Uring::queue_read(int file, std::span<std::byte> into, uint64_t offset, uint64_t tag) noexcept {
  queue(IORING_OP_READ, into, offset, tag).fd = file;
  publish();
}

void Uring::queue_registered_read(uint32_t file, uint32_t buffer, std::span<std::byte> into, uint64_t offset,
                                  uint64_t tag) noexcept {
  io_uring_sqe& entry = queue(IORING_OP_READ_FIXED, into, offset, tag);
  entry.fd = static_cast<int>(file);
  entry.flags = IOSQE_FIXED_FILE;
  entry.buf_index = static_cast<uint16_t>(buffer);
  publish();
}

void Uring::submit(uint32_t least) {
  const int64_t give_up = now_ns() + patience_ns;
  bool waited = least == 0;
  while (queued_ > 0 || !waited) {
    const long taken = ::syscall(__NR_io_uring_enter, ring_.get(), queued_, least,
                                 least > 0 ? IORING_ENTER_GETEVENTS : 0u, nullptr, size_t{0});
    if (taken >= 0) {
      queued_ -= static_cast<uint32_t>(taken);
      in_flight_ += static_cast<uint32_t>(taken);
      waited = true;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EBUSY) throw_errno("io_uring_enter", "");
    // Popping what is there is what gives the kernel room again.
    if (has_completion()) return;
    if (now_ns() > give_up) throw_errno("io_uring_enter", "");
    pause_briefly();
  }
}

bool Uring::has_completion() const noexcept { return *completion_head_ != load_acquire(completion_tail_); }

std::optional<Uring::Completion> Uring::pop() noexcept {
  if (!has_completion()) return std::nullopt;
  const uint32_t head = *completion_head_;
  const io_uring_cqe& entry = completions_[head & completion_mask_];
  const Completion completion = {entry.user_data, entry.res};
  store_release(completion_head_, head + 1);
  --in_flight_;
  return completion;
}

}  // namespace weighbridge
