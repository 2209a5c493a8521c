// The one error type, file descriptors and exact reads: what every native part stands on.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace weighbridge {

// Why something could not be done. It reaches the ledger as it stands here: `code` is a stable word that programs may
// test, `operation` the system call or step, `message` and `remedy` are for people.
struct Reason {
  std::string code = {};
  std::string operation = {};
  std::string path = {};
  int error_number = 0;                  // errno, 0 where no system call failed
  std::string message = {};
  std::string remedy = {};               // empty where nothing can be done
  std::optional<uint64_t> offset = {};   // byte offset within `path`, where a file's content is at fault
};

class Error : public std::exception {
 public:
  explicit Error(Reason reason) : reason_(std::move(reason)) {}
  const Reason& reason() const noexcept { return reason_; }
  const char* what() const noexcept override { return reason_.message.c_str(); }

 private:
  Reason reason_;
};

// Throws an Error made of the current errno. The code is chosen from errno: out-of-memory (ENOMEM),
// unsupported-by-kernel (ENOSYS); where a path is given, file-missing, file-unreadable, not-a-file, disk-full; else
// `fallback`.
[[noreturn]] void throw_errno(const char* operation, const std::string& path, const char* fallback = "io-error",
                              std::string remedy = {});
Reason reason_from_errno(int error_number, const char* operation, const std::string& path,
                         const char* fallback = "io-error", std::string remedy = {});

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~FileDescriptor() { reset(); }
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC, EINTR retried, a FIFO not waited for; throws Error (operation "open").
FileDescriptor open_file(const std::string& path, int flags, mode_t mode = 0);

// Size in bytes of an open regular file; throws Error code not-a-file for anything else.
uint64_t regular_file_size(const FileDescriptor& file, const std::string& path);

// pread(2) until `bytes` is full; EINTR and short reads are continued. End of file before that throws Error code
// short-read with the offset at which the file ended.
void read_exact(const FileDescriptor& file, std::span<std::byte> bytes, uint64_t offset, const std::string& path);

uint64_t page_size() noexcept;

// a + b and a * b in 64 bits; std::nullopt on overflow.
constexpr std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}
constexpr std::optional<uint64_t> checked_multiply(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}
constexpr uint64_t round_down(uint64_t value, uint64_t unit) { return value - value % unit; }
// The caller ensures that value + unit does not overflow.
constexpr uint64_t round_up(uint64_t value, uint64_t unit) { return round_down(value + unit - 1, unit); }

}  // namespace weighbridge
